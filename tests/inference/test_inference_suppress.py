"""Suppression in NumPy against torchvision's and mmdet's."""

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import MODELS, DefaultScope
from torchvision.ops import batched_nms

import tinydet.models  # noqa: F401  (registers)
from tinydet.inference.suppress import nms, suppress

SIDE, MAPS = 96, (6, 3, 2, 1, 1, 1)


def random_boxes(rng, count, spread=60.0):
    centres = rng.uniform(0, 300, (count, 2))
    sides = rng.uniform(10, spread, (count, 2))
    boxes = np.concatenate([centres - sides / 2, centres + sides / 2], axis=1)
    return boxes.clip(0, 300).astype(np.float32)


@pytest.mark.parametrize(
    ('count', 'classes'), [(2000, 1), (1500, 80), (150, 3), (1, 2)]
)
def test_nms_is_torchvision_s(count, classes):
    rng = np.random.default_rng(count)
    boxes = random_boxes(rng, count)
    # Of few values, so that equal scores are common.
    scores = (rng.integers(1, 200, count) / 200).astype(np.float32)
    labels = rng.integers(0, classes, count)
    # In float64, as float32 rounds the boxes of late classes.
    expected = batched_nms(
        torch.from_numpy(boxes).double(),
        torch.from_numpy(scores).double(),
        torch.from_numpy(labels),
        0.45,
    ).numpy()
    assert len(expected) < count or count == 1
    # Torchvision's order of equal scores is another one beyond a number of boxes.
    everything = nms(boxes, scores, labels, 0.45, count)
    assert np.array_equal(scores[everything], scores[expected])
    assert set(everything) == set(expected)
    best = nms(boxes, scores, labels, 0.45, 30)
    assert np.array_equal(best, everything[:30])


def test_equal_scores_keep_their_order():
    boxes = np.array([[0, 0, 9, 9], [50, 0, 59, 9], [1, 0, 10, 9]], np.float32)
    kept = nms(boxes, np.full(3, 0.5, np.float32), np.zeros(3, int), 0.45, 10)
    assert kept.tolist() == [0, 1]


def test_a_box_at_the_threshold_stays():
    boxes = np.array([[0, 0, 30, 10], [10, 0, 40, 10]], np.float32)  # IoU 1/2
    scores, labels = np.array([0.9, 0.8], np.float32), np.zeros(2, int)
    assert nms(boxes, scores, labels, 0.5, 10).tolist() == [0, 1]
    assert nms(boxes, scores, labels, 0.4999, 10).tolist() == [0]


def test_boxes_without_area_stay():
    boxes = np.zeros((3, 4), np.float32)
    scores = np.array([0.5, 0.9, 0.7], np.float32)
    assert nms(boxes, scores, np.zeros(3, int), 0.45, 10).tolist() == [1, 2, 0]


def test_nothing():
    kept = nms(np.zeros((0, 4)), np.zeros(0), np.zeros(0, int), 0.45, 10)
    assert kept.shape == (0,)


@pytest.mark.parametrize(
    'settings',
    [
        dict(score_thr=0.02, nms_pre=1000, max_per_img=200),
        dict(score_thr=0.3, nms_pre=20, max_per_img=15),
        dict(score_thr=1.0, nms_pre=20, max_per_img=15),
    ],
)
def test_detections_are_those_of_the_head(settings):
    """From the head's raw outputs, by mmdet's path and by ours."""
    classes, iou_thr = 5, 0.45
    cfg = ConfigDict(
        type='SSDLiteHead',
        num_classes=classes,
        in_channels=[8] * 6,
        anchor_generator=dict(type='SSDLiteAnchorGenerator', input_size=SIDE),
        test_cfg=dict(nms=dict(type='nms', iou_threshold=iou_thr), **settings),
    )
    with DefaultScope.overwrite_default_scope('mmdet'):
        head = MODELS.build(cfg)
    generator = torch.Generator().manual_seed(0)
    maps = [
        [2 * torch.randn(1, 6 * width, n, n, generator=generator) for n in MAPS]
        for width in (classes + 1, 4)
    ]
    meta = dict(img_shape=(SIDE, SIDE), scale_factor=(1.0, 1.0))
    (expected,) = head.predict_by_feat(*maps, batch_img_metas=[meta], rescale=True)

    scores, offsets = (
        torch.cat([m[0].permute(1, 2, 0).reshape(-1, m.shape[1] // 6) for m in level])
        for level in maps
    )
    priors = head.prior_generator.grid_priors([(n, n) for n in MAPS], device='cpu')
    boxes = head.bbox_coder.decode(torch.cat(priors), offsets, max_shape=(SIDE, SIDE))
    found = suppress(
        boxes.numpy(),
        scores.softmax(-1)[:, :-1].numpy(),
        [len(level) for level in priors],
        iou_thr=iou_thr,
        **settings,
    )
    assert len(found.boxes) == len(expected)
    assert np.array_equal(found.labels, expected.labels)
    np.testing.assert_allclose(found.scores, expected.scores, rtol=1e-6)
    np.testing.assert_allclose(found.boxes, expected.bboxes, atol=1e-4)
    assert [part.dtype for part in found] == [np.float32, np.float32, np.int64]
