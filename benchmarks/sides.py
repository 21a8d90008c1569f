"""Two sides of a comparison, ours and the stock one, each in a process of its own.

They take turns. While one works the other is stopped, together with the processes that
it started: nothing that it does in the background, such as loading images ahead, slows
the one that works or is left out of its own time.
"""

import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from tinydet.files import write_json
from tinydet.progress import track

KINDS = ('stock', 'ours')
MAX_LOSS_DIFFERENCE = 1e-4


class Work(NamedTuple):
    """What a side did in a turn.

    Attributes:
        seconds: How long it took.
        page_faults: Minor page faults of the side's own process.
        result: What came out.
    """

    seconds: float
    page_faults: int
    result: object


class Side:
    """The process of a side, as its parent sees it.

    Args:
        serve: Called as ``serve(*args, pipe)`` in the process.
        *args: What it is given.
    """

    def __init__(self, serve: Callable, *args) -> None:
        context = multiprocessing.get_context('spawn')
        self._pipe, pipe = context.Pipe()
        self._process = context.Process(target=_lead_group, args=(serve, *args, pipe))
        self._process.start()
        pipe.close()  # held open, it would hide that the process has ended

    def ask(self, request: object) -> object:
        """Let the side answer a request.

        Raises:
            EOFError, ConnectionError: The side failed, and has printed why.
        """
        self._signal(signal.SIGCONT)
        self._pipe.send(request)
        return self.hear()

    def hear(self) -> object:
        """Wait for what the side has to say, and stop it."""
        message = self._pipe.recv()
        self._signal(signal.SIGSTOP)
        return message

    def end(self) -> None:
        """End the process and those that it started."""
        with suppress(ProcessLookupError):  # it may not lead a group yet
            self._signal(signal.SIGKILL)
        self._process.kill()
        self._process.join()

    def _signal(self, number: signal.Signals) -> None:
        os.killpg(self._process.pid, number)


def _lead_group(serve: Callable, *args) -> None:
    """Serve as the leader of a process group, so that all of it can be stopped."""
    os.setpgrp()
    from mmengine.logging import MMLogger

    MMLogger.get_current_instance().setLevel('WARNING')
    serve(*args)


@contextmanager
def start_sides(serve: Callable, *args) -> Iterator[dict[str, Side]]:
    """Start both sides, with the same initial weights.

    Args:
        serve: Called as ``serve(kind, *args, pipe)`` in the process of each kind. It
            calls :func:`share_weights`, then :func:`take_requests`.
        *args: What else it is given.

    Yields:
        The sides, by kind. They end with the block.
    """
    sides = {}
    try:
        for kind in KINDS:
            sides[kind] = Side(serve, kind, *args)
        weights = {kind: side.hear() for kind, side in sides.items()}
        for side in sides.values():
            side.ask(weights['stock'])
        yield sides
    finally:
        for side in sides.values():
            side.end()


def share_weights(model, pipe: Connection) -> None:
    """In a side's process: take the initial weights of the stock side."""
    import torch

    state = model.state_dict()
    # By the names of ours, which lack the one level of TIMMBackbone.
    names = {name: name.replace('timm_model.', '') for name in state}
    pipe.send({names[name]: state[name].contiguous().numpy() for name in state})
    weights = pipe.recv()
    model.load_state_dict(
        {name: torch.from_numpy(weights[names[name]]) for name in state}
    )
    pipe.send('ready')


def take_requests(work: Callable, pipe: Connection) -> None:
    """In a side's process: time ``work(*request)`` for every request."""
    while True:
        request = pipe.recv()
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        start = time.perf_counter()
        result = work(*request)
        seconds = time.perf_counter() - start
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
        pipe.send(Work(seconds, faults, result))


def take_turns(
    sides: dict[str, Side], request: tuple, turns: int, desc: str
) -> dict[str, list[Work]]:
    """Ask each side the same in turns, so that a machine that drifts slows both.

    Args:
        sides: From :func:`start_sides`.
        request: Arguments of what the sides do.
        turns: How often each is asked.
        desc: What is being measured, for the progress.

    Returns:
        The work of each kind, in order.
    """
    done = {kind: [] for kind in sides}
    for _ in track(range(turns), desc=desc):
        for kind, side in sides.items():
            done[kind].append(side.ask(request))
    return done


def loss_difference(stock: dict[str, float], ours: dict[str, float]) -> float:
    """The largest relative difference of a loss."""
    return max(abs(stock[name] - ours[name]) / abs(stock[name]) for name in stock)


def report(result: dict, json_file: Path | None) -> None:
    """Print and write what a benchmark found.

    Raises:
        SystemExit: Its ``loss_difference`` shows that the sides trained different
            networks.
    """
    width = max(map(len, result))
    for name, value in result.items():
        print(f'{name:>{width}}  {value:.4g}')
    if json_file:
        write_json(json_file, result)
    if result['loss_difference'] > MAX_LOSS_DIFFERENCE:
        raise SystemExit('the two sides do not train the same network')
