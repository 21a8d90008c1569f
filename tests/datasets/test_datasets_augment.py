import random

import numpy as np
import pytest
from mmengine.registry import TRANSFORMS
from PIL import Image
from timm.data import IMAGENET_DEFAULT_MEAN, create_transform
from timm.data.auto_augment import RandAugment, rand_augment_transform

from tinydet.datasets import TimmRandAugment
from tinydet.errors import InputError

POLICY = 'rand-m9-mstd0.5'
FILL = tuple(round(255 * share) for share in IMAGENET_DEFAULT_MEAN)


@pytest.fixture(scope='module')
def picture():
    """Colours that no order of channels but one has."""
    y, x = np.mgrid[:40, :56]
    pixels = np.stack([x * 4, 255 - y * 6, (x * y) % 97], axis=-1)
    return Image.fromarray(pixels.astype(np.uint8))


@pytest.fixture(scope='module')
def of_timm():
    """The policy as timm puts it into its own training transform."""
    reference = create_transform(
        224, is_training=True, auto_augment=POLICY, interpolation='random'
    )
    [policy] = (t for t in reference.transforms if isinstance(t, RandAugment))
    return policy


def build(policy=POLICY):
    transform = TRANSFORMS.build({'type': 'TimmRandAugment', 'policy': policy})
    assert isinstance(transform, TimmRandAugment)
    return transform


def seeded(seed, transform, image):
    random.seed(seed)
    np.random.seed(seed)
    return transform(image)


def settings(policy):
    return [
        (op.name, op.prob, op.magnitude, op.magnitude_std, op.magnitude_max, op.kwargs)
        for op in policy.ops
    ]


def test_the_policy_is_timms(of_timm):
    ours = build().augment
    assert settings(ours) == settings(of_timm)
    assert (ours.num_layers, ours.choice_weights) == (2, None)
    assert len({op.name for op in ours.ops}) == len(ours.ops) == 15
    assert {(op.magnitude, op.magnitude_std) for op in ours.ops} == {(9, 0.5)}


@pytest.mark.parametrize(
    'policy',
    ['rand', 'rand-m7-n3-mstd1-inc1-p0.9', 'rand-mmax20-m15-mstd101-inc1']
    + ['rand-m5-tweights', 'rand-t3a', 'rand-t3aw-n1'],
)
def test_other_policies(policy):
    ours = build(policy).augment
    reference = rand_augment_transform(policy, {'img_mean': FILL})
    assert settings(ours) == settings(reference)
    assert ours.num_layers == reference.num_layers
    assert np.array_equal(ours.choice_weights, reference.choice_weights)


def test_the_pixels_are_timms(picture, of_timm):
    transform = build()
    before = np.asarray(picture)[..., ::-1].copy()
    changed = 0
    for seed in range(40):
        sample = {'img': before.copy(), 'gt_label': 3}
        sample = seeded(seed, transform, sample)
        expected = np.asarray(seeded(seed, of_timm, picture))
        assert np.array_equal(sample['img'], expected[..., ::-1]), seed
        assert sample['img'].dtype == np.uint8
        assert sample['img'].flags.c_contiguous
        assert sample['gt_label'] == 3
        changed += not np.array_equal(sample['img'], before)
    # Each of two operations is left out half the time, and some change nothing here.
    assert 20 <= changed < 40


@pytest.mark.parametrize(
    'policy',
    ['', 'm9-mstd0.5', 'augmix-m5', 'rand-m9.5', 'rand-m9-std0.5', 'rand-m9-tbest']
    + ['rand-m9-mstd0,5', 'rand-m9-mstd', 'rand-mild'],
)
def test_a_wrong_policy_is_refused(policy):
    with pytest.raises(InputError, match=f"policy='{policy}' is not one of timm: give"):
        build(policy)
