"""Other ways to shrink, against the paper's networks."""

import math

import pytest

from tinydet.arch import (
    ARCHS,
    EFFICIENTNET_B0,
    EFFICIENTNET_MINUS,
    DepthUnderflow,
    classifier_cost,
    scale,
)
from tinydet.errors import InputError
from tinydet.formula.budget import Budget
from tinydet.formula.cube import classifier_cube, detector_cube
from tinydet.formula.rules import RULES, shrink

B0 = classifier_cube('efficientnet_b0')


# "Model Rubik's Cube", Table 1: multiplier, FLOPs in millions.
@pytest.mark.parametrize(
    ('by', 'multiplier', 'macs'),
    [
        ('resolution', 0.70, 196),
        ('resolution', 0.46, 103),
        ('width', 0.65, 205),
        ('width', 0.38, 99),
    ],
)
def test_shrinking_finds_the_paper_s_multipliers(by, multiplier, macs):
    net = shrink(B0, Budget('macs', macs * 1e6), by)
    found = {'resolution': net.r, 'width': net.w}[by]
    assert found == pytest.approx(multiplier, abs=0.011)
    assert net.macs / 1e6 == pytest.approx(macs, rel=0.01)
    others = {'resolution': (net.w, net.d), 'width': (net.r, net.d)}
    assert others[by] == (1, 1)


def test_shrinking_depth_finds_the_paper_s_network():
    # Many depths round to the same blocks; the paper names 0.45.
    net = shrink(B0, Budget('macs', 196e6), 'depth')
    assert (net.w, net.r, net.input) == (1, 1, 224)
    paper = scale(EFFICIENTNET_B0, 1, 0.45, EFFICIENTNET_B0.tiny)
    assert net.arch.stages == paper.stages
    assert net.macs / 1e6 == pytest.approx(196, rel=0.01)


@pytest.mark.parametrize(
    ('multipliers', 'side', 'macs'),
    # Table 1 with the multipliers as printed; 0.70 and 0.46 of 224, rounded down.
    [
        ((1.0, 1.0), 156, 196),
        ((1.0, 1.0), 103, 103),
        ((1.0, 0.45), 224, 196),
        ((0.65, 1.0), 224, 205),
        ((0.38, 1.0), 224, 99),
    ],
)
def test_table_1(multipliers, side, macs):
    arch = scale(EFFICIENTNET_B0, *multipliers, EFFICIENTNET_B0.tiny)
    assert classifier_cost(arch, side).macs / 1e6 == pytest.approx(macs, rel=0.01)


# Table 3: EfficientNet-B^-1 and B^-2. The paper rounds their inputs, 192.6 and 165.7
# pixels, to 192 and 160, and parameters are of no input.
@pytest.mark.parametrize(
    ('phi', 'budget'), [(1, Budget('macs', 199.7e6)), (2, Budget('params', 2.98e6))]
)
def test_the_giant_rule_finds_the_paper_s_networks(phi, budget):
    net = shrink(B0, budget, 'giant')
    paper = EFFICIENTNET_MINUS[phi]
    assert (net.w, net.d) == pytest.approx((paper.w, paper.d), abs=0.01)
    assert net.input == pytest.approx(224 * 0.86**phi, abs=2)
    assert budget.of(net) == pytest.approx(budget.value, rel=0.005)


@pytest.mark.parametrize('name', ['efficientnet_b0', 'resnet50', 'ghostnet_a'])
def test_the_giant_rule_shrinks_all_in_step(name):
    cube = classifier_cube(name)
    net = shrink(cube, Budget('macs', cube.baseline.macs / 3), 'giant')
    # Section 3.1: 0.86, 0.8 and 0.89 a step.
    phi = math.log(net.d) / math.log(0.8)
    assert phi > 0
    assert math.log(net.w) / math.log(0.89) == pytest.approx(phi, abs=1e-9)
    assert phi == pytest.approx(round(phi, 2), abs=1e-9)
    assert net.input == pytest.approx(cube.side * 0.86**phi, abs=1)
    arch = scale(cube.arch, net.w, net.d, cube.arch.scaling)
    assert (net.arch.stem, net.arch.stages) == (arch.stem, arch.stages)
    assert (net.arch.head, net.arch.hidden) == (arch.head, arch.hidden)


def test_depth_cannot_reach_100m():
    # The dagger of Table 1, and Figure 6.
    message = 'depth underflow: efficientnet_b0 .* 100M MACs; .* 7 stages has 173.2M'
    with pytest.raises(DepthUnderflow, match=message):
        shrink(B0, Budget('macs', 100e6), 'depth')


@pytest.mark.parametrize('by', RULES)
@pytest.mark.parametrize('make', [classifier_cube, detector_cube])
def test_other_baselines(make, by):
    cube = make('ghostnet_a')
    budget = Budget('macs', 0.75 * cube.baseline.macs)
    net = shrink(cube, budget, by)
    assert net.macs == pytest.approx(budget.value, rel=0.07)
    assert net.macs == cube.count(net.arch, net.input).macs
    moved = {'r': net.r < 1, 'd': net.d < 1, 'w': net.w < 1}
    alone = {'resolution': 'r', 'depth': 'd', 'width': 'w'}.get(by, 'rdw')
    assert {name for name in moved if moved[name]} == set(alone)


def test_the_nearest_of_all_widths_is_taken_also_by_parameters():
    net = shrink(B0, Budget('params', 2.2e6), 'width')
    costs = {
        step: classifier_cost(
            scale(EFFICIENTNET_B0, step / 100, 1, EFFICIENTNET_B0.tiny)
        )
        for step in range(5, 101)
    }
    nearest = min(abs(cost.params - 2.2e6) for cost in costs.values())
    assert abs(net.params - 2.2e6) == nearest
    assert net.params == costs[round(100 * net.w)].params


def test_the_baseline_itself_is_within_reach():
    for by in RULES:
        assert shrink(B0, Budget('macs', B0.baseline.macs), by).macs == 385_814_752


def test_an_odd_side():
    cube = classifier_cube('efficientnet_b0', side=225)
    assert shrink(cube, Budget('macs', cube.baseline.macs), 'resolution').input == 225
    net = shrink(cube, Budget('macs', cube.baseline.macs / 2), 'resolution')
    assert net.input % 2 == 0
    assert net.macs == classifier_cost(ARCHS['efficientnet_b0'], net.input).macs


@pytest.mark.parametrize(
    ('budget', 'by', 'message'),
    [
        (
            Budget('macs', 400e6),
            'width',
            '400M MACs is outside .* by width: .*M MACs to 385.8M MACs',
        ),
        (
            Budget('macs', 400e6),
            'depth',
            '400M MACs is outside .* by depth: 173.2M MACs to 385.8M MACs',
        ),
        (
            Budget('macs', 1e6),
            'resolution',
            '1M MACs is outside .* by resolution: 9.*M MACs to 385.8M MACs',
        ),
        (Budget('macs', 1e6), 'giant', '1M MACs is outside .* by giant: .*M MACs to'),
        (
            Budget('params', 2e6),
            'resolution',
            '2M parameters is outside .* by resolution: 5.289M parameters to',
        ),
        (
            Budget('macs', 100e6),
            'height',
            "'height': choose one of giant, resolution, depth, width",
        ),
    ],
)
def test_what_is_out_of_reach(budget, by, message):
    with pytest.raises(InputError, match=message):
        shrink(B0, budget, by)
    assert ARCHS['efficientnet_b0'] is B0.arch
