"""Budgets of latency, on machines that are made up."""

import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from tinydet.errors import InputError
from tinydet.formula.budget import Budget
from tinydet.formula.by_latency import solve_latency
from tinydet.formula.cube import classifier_cube, detector_cube
from tinydet.formula.formula import read_formula

FORMULA = read_formula()


def filled(channels, lanes=16):
    return -(-channels // lanes) * lanes


class Machine:
    """Kernels of 16 lanes, some time for each block, and noise.

    Args:
        cube: Of what it runs.
        noise: Standard deviation of a measurement, over its mean.
        pace: How much slower than alone it is, by the number of the measurement.
    """

    def __init__(self, cube, noise=0.01, pace=lambda call: 1):
        self.cube = cube
        self.noise = noise
        self.pace = pace
        self.random = np.random.default_rng(0)
        self.calls = []

    def takes(self, net):
        """Milliseconds of a network, when nothing else runs."""
        stages = tuple(
            replace(stage, channels=filled(stage.channels)) for stage in net.arch.stages
        )
        arch = replace(net.arch, stem=filled(net.arch.stem), stages=stages)
        share = self.cube.count(arch, net.input).macs / self.cube.baseline.macs
        return 8 * share**0.85 + 0.03 * sum(stage.repeats for stage in stages)

    def __call__(self, nets):
        pace = self.pace(len(self.calls))
        self.calls.append(nets)
        noise = self.random.normal(1, self.noise, len(nets))
        return [
            self.takes(net) * pace * one for net, one in zip(nets, noise, strict=True)
        ]

    def solve(self, share):
        """Solve for a share of what the baseline takes."""
        budget = Budget('latency', share * self.takes(self.cube.baseline))
        return solve_latency(self.cube, FORMULA, budget, self)


CUBES = {
    'classifier': classifier_cube('efficientnet_b0'),
    'resnet': classifier_cube('resnet50'),
    'detector': detector_cube('ghostnet_a', classes=20, side=320),
}


@pytest.mark.parametrize('share', [0.3, 0.45, 0.6, 0.9])
@pytest.mark.parametrize('cube', CUBES.values(), ids=CUBES)
def test_network_takes_the_budget(cube, share):
    machine = Machine(cube)
    solution = machine.solve(share)
    assert machine.takes(solution.net) == pytest.approx(solution.budget.value, rel=0.05)
    assert solution.latency == pytest.approx(machine.takes(solution.net), rel=0.05)
    assert solution.whole == pytest.approx(machine.takes(cube.baseline), rel=0.05)


@pytest.mark.parametrize('share', [0.3, 0.6])
def test_resolution_and_depth_are_those_of_the_formula(share):
    solution = Machine(CUBES['classifier']).solve(share)
    expected = FORMULA.predict(share)
    assert solution.prediction.r == pytest.approx(expected.r, abs=0.02)
    assert solution.net.input == pytest.approx(expected.r * 224, abs=12)
    assert solution.net.d == pytest.approx(expected.d, abs=0.05)


@pytest.mark.parametrize('share', [0.25, 0.35, 0.5, 0.7, 0.85])
def test_few_networks_are_measured(share):
    machine = Machine(CUBES['classifier'])
    solution = machine.solve(share)
    exported = {net for nets in machine.calls for net in nets}
    assert len(exported) <= solution.measured <= 12


@pytest.mark.parametrize('share', [0.4, 0.7])
def test_a_machine_that_slows_down_and_recovers(share):
    """Paces of 0.8 to 1.6, and 1.2 half of the time: the budget is met at that."""
    paces = [1.2, 1.2, 0.8, 1.2, 1.6]
    cube = CUBES['classifier']
    machine = Machine(cube, pace=lambda call: paces[call % len(paces)])
    solution = machine.solve(share)
    takes = 1.2 * machine.takes(solution.net)
    assert takes == pytest.approx(solution.budget.value, rel=0.05)
    assert solution.whole == pytest.approx(1.2 * machine.takes(cube.baseline), rel=0.05)


def test_steps_in_latency_are_met_by_the_input():
    """Where each width costs a third more than the one before, sides lie between."""

    class Coarse(Machine):
        def takes(self, net):
            filled_up = 1.33 ** np.ceil(np.log(net.w) / np.log(1.33))
            return 8 * filled_up * net.r**2

    machine = Coarse(CUBES['classifier'], noise=0)
    target = 8 * 1.33**-2 * (184 / 224) ** 2
    solution = machine.solve(target / 8)
    assert machine.takes(solution.net) == pytest.approx(target, rel=0.05)


@pytest.mark.parametrize('share', [1, 1.5])
def test_budget_above_the_baseline_is_refused_with_the_range(share):
    machine = Machine(CUBES['classifier'], noise=0)
    with pytest.raises(InputError, match='not below what the baseline takes') as error:
        machine.solve(share)
    assert_range(machine, str(error.value))


@pytest.mark.parametrize('share', [0.002, 0.05])
def test_budget_below_the_least_is_refused_with_the_range(share):
    machine = Machine(CUBES['classifier'], noise=0)
    with pytest.raises(InputError, match='is below the least') as error:
        machine.solve(share)
    assert_range(machine, str(error.value))


def assert_range(machine, message):
    """The range in a refusal has networks inside, and none outside."""
    least, most = map(
        float, re.search(r'about (.*) ms to .* (.*) ms', message).groups()
    )
    whole = machine.takes(machine.cube.baseline)
    assert most == pytest.approx(whole, rel=1e-3)
    for share in (1.06 * least / whole, 0.98):
        solution = machine.solve(share)
        taken = machine.takes(solution.net)
        assert taken == pytest.approx(solution.budget.value, rel=0.05)
    with pytest.raises(InputError, match='is below the least'):
        machine.solve(0.85 * least / whole)


def test_baseline_that_turns_out_to_be_faster_than_the_budget():
    """It is slow at first, which makes the budget look like one below it."""
    machine = Machine(CUBES['classifier'], pace=lambda call: 1 if call else 1.5)
    with pytest.raises(InputError, match='not below what the baseline takes'):
        machine.solve(1.2)


def test_no_framework_is_imported():
    code = (
        'import sys, tinydet.formula.by_latency; '
        'print([name for name in ("torch", "onnxruntime") if name in sys.modules])'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.stdout.strip() == '[]', done.stderr
