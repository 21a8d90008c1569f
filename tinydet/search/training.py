"""The training of one network in a process of its own.

A worker outlives what may happen to a training: an error, memory that runs out, a crash
of a library. The processes are forked from a server that has imported everything and
holds no data, so none waits for the imports.
"""

import math
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from multiprocessing.connection import Connection
from pathlib import Path

from tinydet.errors import InputError

LOG, RESULTS = 'train.log', 'results.csv'
# What the server imports.
_PRELOADED = ('tinydet.engine.jobs', 'tinydet.datasets', 'tinydet.evaluation')
# Exit codes of a process that someone ended.
_INTERRUPTS = (-signal.SIGTERM, -signal.SIGHUP)


class TrainingError(Exception):
    """A training failed; the message says why."""


def work_dir_of(config: Path) -> Path:
    """Where a training leaves its files: beside its config, without the ``.py``."""
    return config.with_name(config.stem)


def train(config: Path, figure: str) -> tuple[float, float]:
    """Train a config to its end, going on from a checkpoint in its folder.

    Args:
        config: Of the training, which leaves its files in :func:`work_dir_of` it, and
            what it prints there as ``train.log``.
        figure: A column of ``results.csv``.

    Returns:
        The figure after the last epoch, and the seconds of this training.

    Raises:
        InputError: If the config or its data set is unusable.
        TrainingError: If it failed otherwise, or left no figure.
    """
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(list(_PRELOADED))
    # The process sees the end of this one, and this one its report or its end.
    alive, ours = context.Pipe(duplex=False)
    theirs, report = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(config, alive, report))
    process.start()
    alive.close()
    report.close()
    try:
        outcome, message, seconds = _received(theirs)
        process.join()
    finally:
        # Of an interrupt: no training may go on without its worker.
        process.kill()
        process.join()
        ours.close()
        theirs.close()
    if outcome is InputError:
        raise InputError(message)
    if outcome is not None:
        raise TrainingError(message)
    if process.exitcode in _INTERRUPTS:
        # Sent to this process as well, or meant for it.
        raise KeyboardInterrupt
    if process.exitcode:
        raise TrainingError(_ending(process.exitcode))
    return _score(work_dir_of(config) / RESULTS, figure), seconds


def _run(config: Path, alive: Connection, report: Connection) -> None:
    """Train in this process; report what kind of error ended it, if any, and when."""
    # Of a terminal, which sends it to all: the worker decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    work_dir = work_dir_of(config)
    work_dir.mkdir(exist_ok=True)
    with open(work_dir / LOG, 'a') as log:
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())
    threading.Thread(target=_die_with, args=(alive,), daemon=True).start()
    # The server has it; the worker itself needs it not.
    from tinydet.engine import jobs

    start = time.monotonic()
    outcome, message = None, ''
    try:
        jobs.train(jobs.load_config(config, work_dir), resume=True)
    except Exception as error:
        traceback.print_exc()
        outcome = InputError if isinstance(error, InputError) else TrainingError
        message = str(error)
        if outcome is TrainingError:
            message = f'{type(error).__name__}: {message}'.splitlines()[0]
    report.send((outcome, message, time.monotonic() - start))


def _die_with(worker: Connection) -> None:
    """End this process when the worker's end of the pipe is closed."""
    try:
        worker.recv()
    except EOFError:
        os._exit(1)


def _received(report: Connection) -> tuple[type | None, str, float]:
    try:
        return report.recv()
    except EOFError:  # it ended without a word; its exit code says how
        return None, '', 0.0


def _ending(code: int) -> str:
    """What an exit code tells."""
    if code > 0:
        return f'its process ended with exit code {code}'
    name = signal.Signals(-code).name
    hint = ', as when memory runs out' if -code == signal.SIGKILL else ''
    return f'its process was ended by {name}{hint}'


def _score(table: Path, figure: str) -> float:
    """The figure of the last epoch."""
    from tinydet.engine.results import read_rows

    last = read_rows(table)[-1]
    score, loss = last.get(figure), last.get('loss', 0)
    if not math.isfinite(loss):
        raise TrainingError(f'the training diverged: its last loss is {loss}')
    if score is None or not score >= 0:
        raise TrainingError(f'it left no {figure} after its last epoch')
    return score
