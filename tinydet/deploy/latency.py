"""How long networks take on this machine: one thread, one image."""

import random
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import numpy as np

from tinydet.deploy.runtimes import RUNTIMES, Run

# Timed runs of a turn.
_TURN = 4
# The least number of turns of a network.
_ROUNDS = 10
# The halves of a measurement agree if their medians differ by no more than this share;
# until they do, it goes on for up to so many times as long.
_STEADY = 0.01
_PATIENCE = 2

Net = TypeVar('Net', bound=Hashable)


@dataclass(frozen=True)
class Latency:
    """What one image takes.

    Attributes:
        median_ms: Median of the runs, in milliseconds.
        p10_ms: Their 10th percentile.
        p90_ms: Their 90th percentile.
        runs: How many.
    """

    median_ms: float
    p10_ms: float
    p90_ms: float
    runs: int


def measure(
    models: Mapping[str, bytes], seconds: float = 1.5, runtime: str = 'onnxruntime'
) -> dict[str, Latency]:
    """Measure networks beside each other, as :func:`measure_runs` does.

    Args:
        models: ONNX models of one input, by name.
        seconds: For each; up to twice as long until the medians are steady.
        runtime: A key of :data:`tinydet.deploy.runtimes.RUNTIMES`.

    Returns:
        The latency of each.

    Raises:
        InputError: If the runtime is not installed.
    """
    load = RUNTIMES[runtime]
    return measure_runs({name: load(model) for name, model in models.items()}, seconds)


def measure_runs(runs: Mapping[Net, Run], seconds: float) -> dict[Net, Latency]:
    """Measure what runs networks.

    They take turns in changing order, so a machine that slows down does so to all. The
    first run of a turn finds the caches full of another network and is not counted:
    what a network takes does not depend on those measured beside it.

    A run is timed by the clock of its process, which stands still while other processes
    have the core. Alone, it says what a wall clock says; beside other work it says some
    tenths more, as caches and memory are shared, where a wall clock says a multiple.
    Other threads of this process must be idle.

    Args:
        runs: Run a network once, by any name.
        seconds: For each; up to twice as long until the medians are steady.

    Returns:
        The latency of each.
    """
    for run in runs.values():
        run()  # allocates
    times: dict[Net, list[float]] = {name: [] for name in runs}
    order = random.Random(0)
    started = time.perf_counter()
    rounds = 0
    while True:
        for name in order.sample(list(runs), len(runs)):
            times[name] += _turn(runs[name])
        rounds += 1
        spent = (time.perf_counter() - started) / (seconds * len(runs))
        long_enough = rounds >= _ROUNDS and spent >= 1
        if long_enough and (spent >= _PATIENCE or all(map(_steady, times.values()))):
            return {name: _latency(found) for name, found in times.items()}


def stopwatch(export: Callable[[Net], bytes]) -> Callable[[Sequence[Net]], list[float]]:
    """What measures networks that are yet to be exported.

    Args:
        export: Makes the ONNX model of a network; called once for each.

    Returns:
        A function from networks to what they take, measured beside each other: medians
        in milliseconds.
    """
    exported = cache(export)

    def medians(nets: Sequence[Net]) -> list[float]:
        models = {str(index): exported(net) for index, net in enumerate(nets)}
        return [latency.median_ms for latency in measure(models).values()]

    return medians


def _turn(run: Run) -> list[float]:
    """Milliseconds of the timed runs of a turn."""
    return [_milliseconds(run) for _ in range(1 + _TURN)][1:]


def _milliseconds(run: Run) -> float:
    start = time.process_time()
    run()
    return (time.process_time() - start) * 1e3


def _steady(runs: Sequence[float]) -> bool:
    half = len(runs) // 2
    return abs(np.median(runs[:half]) / np.median(runs[half:]) - 1) <= _STEADY


def _latency(runs: Sequence[float]) -> Latency:
    p10, median, p90 = np.percentile(runs, (10, 50, 90))
    return Latency(float(median), float(p10), float(p90), len(runs))
