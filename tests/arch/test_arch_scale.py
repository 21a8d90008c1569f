import math

import pytest
from timm.layers import make_divisible

from tinydet.arch import (
    ARCHS,
    EFFICIENTNET_B0,
    DepthUnderflow,
    Scaling,
    classifier_cost,
    round_channels,
    scale,
)
from tinydet.errors import InputError

TINY = EFFICIENTNET_B0.tiny
GIANT = EFFICIENTNET_B0.scaling


@pytest.mark.parametrize('divisor', [4, 8])
def test_round_channels_is_that_of_the_published_networks(divisor):
    # Steps of 1/16 hit every tie and every 90% border exactly.
    for sixteenths in range(1, 16 * 400):
        channels = sixteenths / 16
        expected = make_divisible(channels, divisor)
        assert round_channels(channels, divisor) == expected, channels


@pytest.mark.parametrize(
    ('channels', 'rounded'),
    [
        (1, 8),  # never below 8
        (12, 16),  # ties go up
        (19.9, 24),  # 16 would be below 90%
        (17.7, 16),  # 16 is above 90%
        (43.2, 40),
    ],
)
def test_round_channels_by_hand(channels, rounded):
    assert round_channels(channels) == rounded


def test_scaling_by_hand():
    arch = scale(EFFICIENTNET_B0, 0.5, 0.5, TINY)
    assert [s.channels for s in arch.stages] == [8, 16, 24, 40, 56, 96, 160]
    # Python rounds halves to even: 1.5 -> 2, 0.5 -> 0 and at least one block.
    assert [s.repeats for s in arch.stages] == [1, 1, 1, 2, 2, 2, 1]
    assert arch.stem == 32
    assert arch.head == 1280


def test_the_giant_rule_scales_the_ends_as_well():
    arch = scale(EFFICIENTNET_B0, 0.5, 0.5, GIANT)
    assert (arch.stem, arch.head) == (16, 640)
    tiny = scale(EFFICIENTNET_B0, 0.5, 0.5, TINY)
    assert arch.stages == tiny.stages


@pytest.mark.parametrize(
    ('rule', 'w', 'hidden'),
    [
        ('scales', 0.5, 640),
        ('scales', 2.0, 2560),
        ('stays', 0.5, 1280),
        ('stays', 2.0, 1280),
        ('grows', 0.5, 1280),
        ('grows', 2.0, 2560),
    ],
)
def test_what_an_end_does_with_the_width(rule, w, hidden):
    scaling = Scaling(stem='stays', head='stays', hidden=rule)
    assert scale(ARCHS['ghostnet_100'], w, 1, scaling).hidden == hidden


def test_what_a_network_lacks_stays_away():
    arch = scale(ARCHS['resnet50'], 2.0, 1.0, ARCHS['resnet50'].scaling)
    assert (arch.head, arch.hidden) == (0, 0)


def test_channels_are_multiples_of_the_divisor():
    for name, divisor in (('ghostnet_a', 4), ('resnet50', 32)):
        arch = scale(ARCHS[name], 0.77, 1.0, ARCHS[name].tiny)
        assert {stage.channels % divisor for stage in arch.stages} == {0}, name


def test_head_grows_with_width():
    assert scale(EFFICIENTNET_B0, 1.1, 1.0, TINY).head == 1408


def test_no_stage_loses_all_blocks():
    arch = scale(EFFICIENTNET_B0, 0.1, 0.25, TINY)
    assert {stage.repeats for stage in arch.stages} == {1}
    assert min(stage.channels for stage in arch.stages) == 8


@pytest.mark.parametrize('d', [0.249, 0.1, 1e-6])
def test_depth_underflow_names_the_least(d):
    # One block a stage is d = 0.25, and 173M FLOPs (Table 1, footnote).
    with pytest.raises(DepthUnderflow, match=rf'depth underflow: d={d} .* 0.25.* 173M'):
        scale(EFFICIENTNET_B0, 1.0, d, TINY)
    least = scale(EFFICIENTNET_B0, 1.0, 0.25, TINY)
    assert classifier_cost(least).macs / 1e6 == pytest.approx(173, abs=0.5)
    assert sum(stage.repeats for stage in least.stages) == 7


@pytest.mark.parametrize('name', ['w', 'd'])
@pytest.mark.parametrize(
    'value', [0, -1.0, math.nan, math.inf, '1', None, True, 8.1, 1e9]
)
def test_bad_multiplier_is_named(name, value):
    multipliers = {'w': 1.0, 'd': 1.0, name: value}
    with pytest.raises(
        InputError, match=f'^{name}={value!r} .* above 0 and at most 8$'
    ):
        scale(EFFICIENTNET_B0, **multipliers, scaling=TINY)


@pytest.mark.parametrize('w', [0.0249, 1e-9])
def test_a_width_that_changes_nothing_is_refused(w):
    message = f'^w={w} makes every stage of efficientnet_b0 narrower than .* 0.025$'
    with pytest.raises(InputError, match=message):
        scale(EFFICIENTNET_B0, w, 1.0, scaling=TINY)
    least = scale(EFFICIENTNET_B0, 0.025, 1.0, scaling=TINY)
    assert {stage.channels for stage in least.stages} == {8}
