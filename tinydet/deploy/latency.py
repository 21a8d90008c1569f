"""How long networks take on this machine: ONNX Runtime, one thread, one image."""

import random
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import numpy as np
import onnxruntime

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


def measure(models: Mapping[str, bytes], seconds: float = 1.5) -> dict[str, Latency]:
    """Measure networks beside each other.

    They take turns in changing order, so a machine that slows down does so to all. The
    first run of a turn finds the caches full of another network and is not counted:
    what a network takes does not depend on those measured beside it.

    A run is timed by the clock of its thread, which stands still while other processes
    have the core. Alone, it says what a wall clock says; beside other work it says some
    tenths more, as caches and memory are shared, where a wall clock says a multiple.

    Args:
        models: ONNX models of one input of fixed size, by name.
        seconds: For each; up to twice as long until the medians are steady.

    Returns:
        The latency of each.
    """
    runners = {name: _Runner(model) for name, model in models.items()}
    times: dict[str, list[float]] = {name: [] for name in models}
    order = random.Random(0)
    started = time.perf_counter()
    rounds = 0
    while True:
        for name in order.sample(list(runners), len(runners)):
            times[name] += runners[name].turn()
        rounds += 1
        spent = (time.perf_counter() - started) / (seconds * len(models))
        long_enough = rounds >= _ROUNDS and spent >= 1
        if long_enough and (spent >= _PATIENCE or all(map(_steady, times.values()))):
            return {name: _latency(runs) for name, runs in times.items()}


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


class _Runner:
    """A model and an image for it."""

    def __init__(self, model: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            model, options, providers=['CPUExecutionProvider']
        )
        (image,) = self.session.get_inputs()
        pixels = np.random.default_rng(0).standard_normal(image.shape)
        self.inputs = {image.name: pixels.astype(np.float32)}
        self.session.run(None, self.inputs)  # allocates

    def turn(self) -> list[float]:
        """Milliseconds of the timed runs of a turn."""
        return [self._run() for _ in range(1 + _TURN)][1:]

    def _run(self) -> float:
        start = time.thread_time()
        self.session.run(None, self.inputs)
        return (time.thread_time() - start) * 1e3


def _steady(runs: Sequence[float]) -> bool:
    half = len(runs) // 2
    return abs(np.median(runs[:half]) / np.median(runs[half:]) - 1) <= _STEADY


def _latency(runs: Sequence[float]) -> Latency:
    p10, median, p90 = np.percentile(runs, (10, 50, 90))
    return Latency(float(median), float(p10), float(p90), len(runs))
