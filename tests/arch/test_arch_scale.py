import math

import pytest
from timm.layers import make_divisible

from tinydet.arch import EFFICIENTNET_B0, round_channels, scale_tiny
from tinydet.errors import InputError


def test_round_channels_is_that_of_the_published_networks():
    # Steps of 1/16 hit every tie and every 90% border exactly.
    for sixteenths in range(1, 16 * 400):
        channels = sixteenths / 16
        assert round_channels(channels) == make_divisible(channels, 8), channels


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
    arch = scale_tiny(EFFICIENTNET_B0, w=0.5, d=0.5)
    assert [s.channels for s in arch.stages] == [8, 16, 24, 40, 56, 96, 160]
    # Python rounds halves to even: 1.5 -> 2, 0.5 -> 0 and at least one block.
    assert [s.repeats for s in arch.stages] == [1, 1, 1, 2, 2, 2, 1]
    assert arch.stem == 32
    assert arch.head == 1280


def test_head_grows_with_width():
    assert scale_tiny(EFFICIENTNET_B0, w=1.1, d=1.0).head == 1408


def test_no_stage_loses_all_blocks():
    arch = scale_tiny(EFFICIENTNET_B0, w=0.1, d=0.01)
    assert {stage.repeats for stage in arch.stages} == {1}
    assert min(stage.channels for stage in arch.stages) == 8


@pytest.mark.parametrize('name', ['w', 'd'])
@pytest.mark.parametrize('value', [0, -1.0, math.nan])
def test_bad_multiplier_is_named(name, value):
    multipliers = {'w': 1.0, 'd': 1.0, name: value}
    with pytest.raises(InputError, match=f'^{name}={value} .* above 0'):
        scale_tiny(EFFICIENTNET_B0, **multipliers)
