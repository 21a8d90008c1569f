"""What is drawn from the cube."""

import numpy as np
import pytest

from tinydet.errors import InputError
from tinydet.formula.cube import classifier_cube, detector_cube
from tinydet.search.space import draw


@pytest.mark.parametrize(
    'cube',
    [
        classifier_cube('efficientnet_b0'),
        classifier_cube('resnet50', classes=10, side=96),
        detector_cube('ghostnet_a', classes=3, side=320),
    ],
    ids=lambda cube: cube.arch.name,
)
def test_networks_are_within_the_range_and_the_costs(cube):
    whole = cube.baseline.macs
    nets = [draw(cube, np.random.default_rng(seed)) for seed in range(60)]
    assert all(0.03 * whole <= net.macs <= 1.05 * whole for net in nets)
    for name in ('r', 'd', 'w'):
        values = [getattr(net, name) for net in nets]
        # r is that of the even side next to the drawn one
        assert 0.35 - 1 / cube.side <= min(values)
        assert max(values) <= 2.8 + 1 / cube.side
        assert max(values) > 2 * min(values)
    assert all(net.input >= cube.arch.stride for net in nets)


def test_at_a_fixed_cost_the_width_makes_the_cost():
    share = 0.5
    cube = classifier_cube('efficientnet_b0')
    nets = [draw(cube, np.random.default_rng(seed), share) for seed in range(60)]
    costs = np.array([net.macs for net in nets]) / cube.baseline.macs
    np.testing.assert_allclose(costs, share, rtol=0.03)
    for name in ('r', 'd'):
        values = [getattr(net, name) for net in nets]
        assert min(values) < 0.8
        assert max(values) > 1.4
    # narrower where resolution and depth cost more
    rank = np.argsort([net.r**2 * net.d for net in nets])
    widths = np.array([net.w for net in nets])[rank]
    assert widths[:20].mean() > 1.5 * widths[-20:].mean()


def test_a_seed_draws_the_same_network_again():
    cube = classifier_cube('efficientnet_b0')
    first, again, other = (draw(cube, np.random.default_rng([0, k])) for k in (1, 1, 2))
    assert first == again != other


def test_a_cost_that_no_draw_has_is_refused():
    cube = classifier_cube('efficientnet_b0', side=64)
    with pytest.raises(
        InputError,
        match=r'none of 1000 draws from efficientnet_b0 at 64 px costs 1e-05',
    ):
        draw(cube, np.random.default_rng(0), 1e-5)
