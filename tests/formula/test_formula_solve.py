"""From budgets to networks, against the networks that the authors published."""

import numpy as np
import pytest

from tinydet.arch import (
    ARCHS,
    GHOSTNET_TWISTS,
    RESNET_50_TWISTS,
    TINYNETS,
    classifier_cost,
    narrowest,
    scale,
    tinynet,
)
from tinydet.errors import InputError
from tinydet.formula.budget import Budget
from tinydet.formula.cube import classifier_cube, detector_cube
from tinydet.formula.formula import Formula, Point, read_formula
from tinydet.formula.solve import closed_form_width, solve_budget, solve_width

SHARES = dict(zip('abcde', (0.9, 0.5, 0.25, 0.13, 0.06), strict=True))
BASELINES = ('efficientnet_b0', 'resnet50', 'ghostnet_a')
TWISTS = {
    **{name: ('ghostnet_a', place) for name, place in GHOSTNET_TWISTS.items()},
    **{name: ('resnet50', place) for name, place in RESNET_50_TWISTS.items()},
}


@pytest.fixture(scope='module')
def published() -> Formula:
    return read_formula()


def blocks(arch) -> list[int]:
    return [stage.repeats for stage in arch.stages]


@pytest.mark.parametrize('variant', SHARES)
def test_the_published_formula_gives_the_tinynets(published, variant):
    cube, place = classifier_cube('efficientnet_b0'), TINYNETS[variant]
    budget = Budget('macs', SHARES[variant] * cube.baseline.macs)
    solution = solve_budget(cube, published, budget)
    net = solution.net
    assert net.input == pytest.approx(place.input, abs=2)
    assert blocks(net.arch) == blocks(tinynet(variant))
    assert net.w == pytest.approx(place.w, abs=0.05)
    assert net.macs == pytest.approx(budget.value, rel=0.03)
    assert solution.whole == cube.baseline.macs
    assert solution.prediction.c == pytest.approx(SHARES[variant])


@pytest.mark.parametrize('name', TWISTS)
def test_it_serves_ghostnet_and_resnet_alike(published, name):
    baseline, place = TWISTS[name]
    macs = classifier_cost(ARCHS[name]).macs
    net = solve_budget(classifier_cube(baseline), published, Budget('macs', macs)).net
    assert net.input == pytest.approx(place.input, abs=2)
    assert blocks(net.arch) == blocks(ARCHS[name])
    assert net.d == pytest.approx(place.d, abs=0.02)
    assert net.w == pytest.approx(place.w, abs=0.01)


def test_the_closed_form_of_the_width_is_off(published):
    # The start of the paper, equation 5, for TinyNet-C, which has 0.54.
    c, net = SHARES['c'], TINYNETS['c']
    assert closed_form_width(c, net.input / 224, net.d) == pytest.approx(0.66, abs=5e-3)
    cube = classifier_cube('efficientnet_b0')
    # It takes the whole network to shrink with the width: the stem and head do not.
    assert cube.net(net.input / 224, net.d, 0.66).macs > 1.3 * c * cube.baseline.macs
    solved = solve_width(
        cube, net.input / 224, net.d, Budget('macs', c * cube.baseline.macs)
    )
    assert solved.w == pytest.approx(net.w, abs=0.01)


def test_the_closed_form_solves_r2_d_w2():
    for c, r, d in [(0.5, 0.8, 1.1), (0.06, 0.47, 0.6)]:
        assert r**2 * d * closed_form_width(c, r, d) ** 2 == pytest.approx(c)


# Shares that all reach: a third of the parameters of a detector on EfficientNet-B0 are
# those of its head.
@pytest.mark.parametrize(
    ('kind', 'shares'),
    [('macs', np.geomspace(0.06, 0.95, 15)), ('params', np.geomspace(0.36, 0.95, 9))],
)
@pytest.mark.parametrize('name', BASELINES)
@pytest.mark.parametrize('make', [classifier_cube, detector_cube])
def test_budgets_are_met(published, make, name, kind, shares):
    cube = make(name)
    whole = Budget(kind, 1).of(cube.baseline)
    for share in shares:
        budget = Budget(kind, share * whole)
        solution = solve_budget(cube, published, budget)
        net = solution.net
        assert budget.of(net) == pytest.approx(budget.value, rel=0.03)
        # The cost is that of the network which the multipliers make.
        table = scale(cube.arch, net.w, net.d, cube.arch.tiny)
        assert net.arch == table
        cost = cube.count(table, net.input)
        assert (net.params, net.macs) == (cost.params, cost.macs)
        assert net.input % 2 == 0
        assert net.r == net.input / cube.side
        predicted = solution.prediction
        assert net.input == pytest.approx(predicted.r * cube.side, abs=8)
        assert net.d == pytest.approx(predicted.d, abs=5e-4)


@pytest.mark.parametrize('name', BASELINES)
@pytest.mark.parametrize('make', [classifier_cube, detector_cube])
def test_cost_grows_with_the_width(make, name):
    cube = make(name)
    widths = np.linspace(max(0.05, narrowest(cube.arch)), 2.8, 150)
    nets = [cube.net(0.8, 0.9, w) for w in widths]
    for cost in ('macs', 'params'):
        costs = [getattr(net, cost) for net in nets]
        assert costs == sorted(costs)
        assert len(set(costs)) > 60


@pytest.mark.parametrize(('kind', 'share'), [('macs', 0.4), ('params', 0.7)])
def test_no_other_width_is_closer(kind, share):
    cube = classifier_cube('efficientnet_b0')
    budget = Budget(kind, share * Budget(kind, 1).of(cube.baseline))
    net = solve_width(cube, 0.84, 0.9, budget)
    costs = [budget.of(cube.net(net.r, net.d, step / 1000)) for step in range(25, 1200)]
    assert abs(budget.of(net) - budget.value) == min(
        abs(cost - budget.value) for cost in costs
    )


def test_at_a_given_input_the_width_alone_moves():
    cube = classifier_cube('efficientnet_b0')
    for r in (0.7, 0.9):
        net = solve_width(cube, r, 1, Budget('macs', 150e6), near=(0,))
        assert net.input == 2 * round(r * 224 / 2)


def test_networks_wider_than_the_baseline():
    # Shallow and small: section 3.1 draws those as well.
    cube = classifier_cube('efficientnet_b0')
    net = solve_width(cube, 0.5, 0.5, Budget('macs', 0.5 * cube.baseline.macs))
    assert net.w > 1.5
    assert net.macs == pytest.approx(0.5 * cube.baseline.macs, rel=0.03)
    assert net.arch.head == pytest.approx(1280 * net.w, abs=8)


def test_the_share_is_of_the_cost_that_the_budget_is_of(published):
    cube = classifier_cube('efficientnet_b0')
    solution = solve_budget(cube, published, Budget('params', 2e6))
    assert solution.whole == 5_288_548
    assert solution.prediction == published.predict(2e6 / 5_288_548)


def test_another_formula_gives_another_network():
    shallow = Formula((Point(0.1, 0.9, 0.4), Point(0.9, 1.0, 0.5)), 'resnet50', '')
    cube = classifier_cube('resnet50')
    net = solve_budget(cube, shallow, Budget('macs', 1e9)).net
    assert blocks(net.arch) == [1, 2, 3, 1]
    assert net.input > 200
    assert net.macs == pytest.approx(1e9, rel=0.03)


@pytest.mark.parametrize('share', [0.02, 0.05, 0.95])
def test_extrapolation_is_flagged(published, share):
    cube = classifier_cube('resnet50')
    budget = Budget('macs', share * cube.baseline.macs)
    assert solve_budget(cube, published, budget).prediction.extrapolated


@pytest.mark.parametrize('variant', SHARES)
def test_the_points_of_the_formula_are_no_extrapolation(published, variant):
    cube = classifier_cube('efficientnet_b0')
    budget = Budget('macs', SHARES[variant] * cube.baseline.macs)
    assert not solve_budget(cube, published, budget).prediction.extrapolated


@pytest.mark.parametrize(
    ('kind', 'value', 'reason'),
    [
        ('macs', 400e6, '400M MACs is not below what the baseline costs'),
        ('params', 5_288_548, '5.289M parameters is not below what the baseline costs'),
        ('macs', 1e6, '1M MACs is below the least that this formula reaches'),
        ('params', 1e6, '1M parameters is below the least that this formula reaches'),
    ],
)
def test_a_budget_out_of_reach_is_refused_with_the_range(
    published, kind, value, reason
):
    cube = classifier_cube('efficientnet_b0')
    with pytest.raises(InputError) as error:
        solve_budget(cube, published, Budget(kind, value))
    unit = 'MACs' if kind == 'macs' else 'parameters'
    whole = {'macs': '385.8M', 'params': '5.289M'}[kind]
    found = error.match(
        rf'^a budget of {reason}: give one for efficientnet_b0 from \S+M {unit} to '
        rf'less than {whole} {unit}$'
    )
    assert found
    least = 1e6 * float(str(error.value).split(' from ')[1].split('M ')[0])
    # The range is true: what it begins with is solved, and less than that is not.
    net = solve_budget(cube, published, Budget(kind, 1.02 * least)).net
    assert Budget(kind, 0).of(net) == pytest.approx(1.02 * least, rel=0.05)
    with pytest.raises(InputError, match='below the least'):
        solve_budget(cube, published, Budget(kind, 0.95 * least))


def test_a_baseline_whose_cost_hardly_shrinks(published):
    # Nearly all parameters are those of the classifier.
    cube = classifier_cube('efficientnet_b0', classes=300_000)
    with pytest.raises(
        InputError, match='^a budget of 100M parameters .*efficientnet_b0'
    ):
        solve_budget(cube, published, Budget('params', 100e6))
