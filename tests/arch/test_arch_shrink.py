import pytest

from tinydet.arch import (
    ARCHS,
    EFFICIENTNET_B0,
    DepthUnderflow,
    classifier_cost,
    scale,
    shrink,
)
from tinydet.errors import InputError


def shrunk(place):
    return scale(EFFICIENTNET_B0, place.w, place.d, EFFICIENTNET_B0.tiny)


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
    place = shrink(EFFICIENTNET_B0, macs * 1e6, by)
    found = {'resolution': place.input / 224, 'width': place.w}[by]
    assert found == pytest.approx(multiplier, abs=0.011)
    cost = classifier_cost(shrunk(place), place.input)
    assert cost.macs / 1e6 == pytest.approx(macs, rel=0.01)
    others = {'resolution': (place.w, place.d), 'width': (place.input / 224, place.d)}
    assert others[by] == (1, 1)


def test_shrinking_depth_finds_the_paper_s_network():
    # Many depths round to the same blocks; the paper names 0.45.
    place = shrink(EFFICIENTNET_B0, 196e6, 'depth')
    assert (place.w, place.input) == (1, 224)
    paper = scale(EFFICIENTNET_B0, 1, 0.45, EFFICIENTNET_B0.tiny)
    assert shrunk(place).stages == paper.stages
    assert classifier_cost(paper).macs / 1e6 == pytest.approx(196, rel=0.01)


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


def test_depth_cannot_reach_100m():
    # The dagger of Table 1, and Figure 6.
    message = 'depth underflow: efficientnet_b0 .* 100M FLOPs.* 7 stages has 173.2M'
    with pytest.raises(DepthUnderflow, match=message):
        shrink(EFFICIENTNET_B0, 100e6, 'depth')


@pytest.mark.parametrize('by', ['resolution', 'depth', 'width'])
def test_other_baselines(by):
    baseline = ARCHS['ghostnet_a']
    half = classifier_cost(baseline).macs / 2
    place = shrink(baseline, half, by)
    arch = scale(baseline, place.w, place.d, baseline.tiny)
    assert classifier_cost(arch, place.input).macs == pytest.approx(half, rel=0.07)


@pytest.mark.parametrize(
    ('macs', 'by', 'message'),
    [
        (400e6, 'width', '400M FLOPs is outside .* by width: .*M to 385.8M'),
        (1e6, 'resolution', '1M FLOPs is outside .* by resolution: 9.*M to 385.8M'),
        (100e6, 'height', "'height': choose one of resolution, depth, width"),
    ],
)
def test_what_is_out_of_reach(macs, by, message):
    with pytest.raises(InputError, match=message):
        shrink(EFFICIENTNET_B0, macs, by)
