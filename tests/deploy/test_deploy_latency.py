"""Measurements of networks: real ones, and of a runtime whose times are known."""

from types import SimpleNamespace

import numpy as np
import pytest

from tinydet.arch import ARCHS, scale
from tinydet.deploy import latency, runtimes
from tinydet.deploy.latency import measure, measure_runs, stopwatch
from tinydet.deploy.untrained import classifier_onnx


class Runtime:
    """Stands in for ONNX Runtime and for the clocks.

    A model is its name. A run behind one of another model takes five times as long, as
    its weights have left the caches.

    Args:
        takes: Milliseconds of a run, by the number of the run and the model's name.
    """

    CLOCK = 1e-3

    def __init__(self, takes):
        self.takes = takes
        self.seconds = 0.0
        self.runs = []
        self.options = []

    def install(self, monkeypatch):
        def clock():
            return self.seconds

        clocks = SimpleNamespace(process_time=clock, perf_counter=clock)
        monkeypatch.setattr(latency, 'time', clocks)
        monkeypatch.setattr(runtimes.onnxruntime, 'InferenceSession', self.session)
        return self

    def session(self, model, options, providers, disabled_optimizers):
        assert providers == ['CPUExecutionProvider']
        assert not disabled_optimizers
        self.options.append(options)

        def run(outputs, inputs):
            (image,) = inputs.values()
            assert image.shape == (1, 3, 8, 8)
            assert image.dtype == np.float32
            cold = not self.runs or self.runs[-1] != model
            takes = self.takes(len(self.runs), model.decode())
            self.seconds += takes * self.CLOCK * (5 if cold else 1)
            self.runs.append(model)

        image = SimpleNamespace(name='image', shape=[1, 3, 8, 8], type='tensor(float)')
        return SimpleNamespace(get_inputs=lambda: [image], run=run)


def test_medians_are_of_warm_runs(monkeypatch):
    takes = {'fast': 2.0, 'slow': 7.0}
    runtime = Runtime(lambda run, name: takes[name]).install(monkeypatch)
    found = measure({'fast': b'fast', 'slow': b'slow'}, seconds=1)
    for name, expected in takes.items():
        result = found[name]
        figures = result.median_ms, result.p10_ms, result.p90_ms
        np.testing.assert_allclose(figures, expected)
    assert found['fast'].runs == found['slow'].runs
    assert runtime.seconds == pytest.approx(2, rel=0.1)


def test_networks_take_turns(monkeypatch):
    runtime = Runtime(lambda run, name: 1.0).install(monkeypatch)
    models = {name: name.encode() for name in 'abc'}
    measure(models, seconds=1)
    turns = [
        now
        for before, now in zip(runtime.runs[2:], runtime.runs[3:], strict=False)
        if now != before
    ]
    # Each order begins some rounds: what comes before a network changes.
    assert set(turns) == set(models.values())
    follows = set(zip(turns, turns[1:], strict=False))
    assert len(follows) == 6


def test_one_thread(monkeypatch):
    runtime = Runtime(lambda run, name: 1.0).install(monkeypatch)
    measure({'a': b'a'}, seconds=0.1)
    (options,) = runtime.options
    assert options.intra_op_num_threads == options.inter_op_num_threads == 1


def test_a_slow_network_has_enough_runs(monkeypatch):
    Runtime(lambda run, name: 5000.0).install(monkeypatch)
    assert measure({'a': b'a'}, seconds=1)['a'].runs >= 40


def test_an_unsteady_machine_is_measured_for_longer(monkeypatch):
    steady = Runtime(lambda run, name: 1.0).install(monkeypatch)
    measure({'a': b'a'}, seconds=1)
    unsteady = Runtime(lambda run, name: 1 + run / 1000).install(monkeypatch)
    measure({'a': b'a'}, seconds=1)
    assert steady.seconds == pytest.approx(1, rel=0.05)
    assert unsteady.seconds == pytest.approx(2, rel=0.05)


def test_anything_that_runs_is_measured(monkeypatch):
    clock = SimpleNamespace(process=0.0, wall=0.0)
    clocks = SimpleNamespace(
        process_time=lambda: clock.process, perf_counter=lambda: clock.wall
    )
    monkeypatch.setattr(latency, 'time', clocks)
    calls = []

    def run(name, milliseconds):
        # Other processes have the core for twice as long.
        calls.append(name)
        clock.process += milliseconds / 1e3
        clock.wall += 3 * milliseconds / 1e3

    runs = {
        ('a', 'slow'): lambda: run('a', 6.0),
        ('b', 'fast'): lambda: run('b', 2.0 if len(calls) % 2 else 4.0),
    }
    found = measure_runs(runs, seconds=1)
    assert list(found) == list(runs)
    assert found['a', 'slow'].median_ms == pytest.approx(6)
    spread = found['b', 'fast']
    assert (spread.p10_ms, spread.p90_ms) == pytest.approx((2, 4))
    # Seconds of the wall clock, for both.
    assert clock.wall == pytest.approx(2, rel=0.1)
    # Once to allocate, then turns of five, of which four are counted.
    assert calls[:2] == ['a', 'b']
    assert calls.count('a') == calls.count('b') == 1 + spread.runs * 5 / 4
    turns = np.reshape(calls[2:], (-1, 5))
    assert (turns == turns[:, :1]).all()


def test_the_runtime_is_chosen(monkeypatch):
    loaded = []

    def load(model):
        loaded.append(model)
        return lambda: None

    monkeypatch.setitem(runtimes.RUNTIMES, 'openvino', load)
    Runtime(lambda run, name: 1.0).install(monkeypatch)
    ticks = iter(range(10**6))
    latency.time.process_time = lambda: next(ticks) / 1e3
    latency.time.perf_counter = lambda: next(ticks) / 1e3
    found = measure({'a': b'1', 'b': b'2'}, 0.1, 'openvino')
    assert loaded == [b'1', b'2']
    assert found['a'].median_ms == pytest.approx(1)


def test_a_real_network():
    baseline = ARCHS['mobilenet_v3_small']
    arch = scale(baseline, 0.35, 0.5, baseline.tiny)
    models = {'a': classifier_onnx(arch, side=64, classes=2)}
    found = measure({**models, 'b': models['a']}, seconds=0.05)
    assert list(found) == ['a', 'b']
    for result in found.values():
        assert 0 < result.p10_ms <= result.median_ms <= result.p90_ms
        assert result.runs >= 40


def test_stopwatch_exports_each_network_once(monkeypatch):
    takes = {'a': 1.0, 'b': 2.0, 'c': 3.0}
    Runtime(lambda run, name: takes[name]).install(monkeypatch)
    exported = []

    def export(net):
        exported.append(net)
        return net.encode()

    medians = stopwatch(export)
    assert medians(['b', 'a']) == pytest.approx([2, 1])
    assert medians(['a', 'c', 'b']) == pytest.approx([1, 3, 2])
    assert sorted(exported) == ['a', 'b', 'c']
