"""Suppression in a graph against mmdet's selection and torchvision's suppression."""

import numpy as np
import onnxruntime
import pytest
import torch
from mmdet.models.utils import filter_scores_and_topk
from torch import nn
from torchvision.ops import nms

from tinydet.deploy.nms import Suppression
from tinydet.deploy.trace import trace

LEVELS = (60, 24, 6)
OUTPUTS = 'boxes', 'scores', 'labels', 'count'


class Joined(nn.Module):
    """Takes boxes and scores as one tensor."""

    def __init__(self, suppression):
        super().__init__()
        self.suppression = suppression

    def forward(self, both):
        return self.suppression(both[..., :4], both[..., 4:])


def case(images, classes):
    """Overlapping boxes in three clumps; the second image has no sure class."""
    generator = torch.Generator().manual_seed(classes)
    count = sum(LEVELS)
    centres = torch.randint(3, (images, count, 1), generator=generator) * 30.0 + 20
    centres = centres + torch.randn(images, count, 2, generator=generator) * 5
    halves = torch.rand(images, count, 2, generator=generator) * 10 + 5
    boxes = torch.cat([centres - halves, centres + halves], dim=2)
    logits = torch.randn(images, count, classes + 1, generator=generator) * 2
    scores = logits.softmax(2)[..., :-1]
    scores[1:2] *= 0.1
    return boxes, scores


def expected(boxes, scores, settings):
    """The detections of an image, step by step as mmdet does it."""
    found = []
    for corners, level in zip(boxes.split(LEVELS), scores.split(LEVELS), strict=True):
        values, labels, _, kept = filter_scores_and_topk(
            level, settings['score_thr'], settings['nms_pre'], dict(boxes=corners)
        )
        found += zip(kept['boxes'], values, labels, strict=True)
    left = []
    for label in range(scores.shape[1]):
        own = [one for one in found if one[2] == label]
        if own:
            corners, values, _ = map(torch.stack, zip(*own, strict=True))
            left += [own[i] for i in nms(corners, values, settings['iou_thr'])]
    left.sort(key=lambda one: -one[1])
    return left[: settings['max_per_img']]


def assert_found(outputs, boxes, scores, settings):
    """Compare the outputs for a batch."""
    for found_boxes, found_scores, labels, count, *image in zip(
        *outputs, boxes, scores, strict=True
    ):
        wanted = expected(*image, settings)
        assert count == len(wanted)
        assert len(labels) == settings['max_per_img']
        assert labels.tolist() == [int(one[2]) for one in wanted] + [-1] * (
            len(labels) - count
        )
        assert not found_boxes[count:].any() and not found_scores[count:].any()
        for index, (corners, value, _) in enumerate(wanted):
            assert found_scores[index] == value
            assert found_boxes[index].tolist() == corners.tolist()


SETTINGS = {
    'all take part': dict(score_thr=0.1, iou_thr=0.45, nms_pre=1000, max_per_img=300),
    'few of a level': dict(score_thr=0.02, iou_thr=0.3, nms_pre=20, max_per_img=40),
    'few come out': dict(score_thr=0.0, iou_thr=0.6, nms_pre=100, max_per_img=5),
    'none is sure': dict(score_thr=0.99, iou_thr=0.45, nms_pre=50, max_per_img=10),
}


@pytest.mark.parametrize('classes', [1, 4])
@pytest.mark.parametrize('settings', SETTINGS.values(), ids=list(SETTINGS))
def test_in_pytorch_and_in_onnx(settings, classes):
    suppression = Suppression(LEVELS, classes, **settings)
    boxes, scores = case(3, classes)
    assert_found(suppression(boxes, scores), boxes, scores, settings)
    # Traced on an image that has no detections: their number must not stick.
    both = torch.cat([boxes, scores], dim=2)
    model = trace(
        Joined(suppression), torch.zeros_like(both[:1]), 'both', OUTPUTS, True
    )
    session = onnxruntime.InferenceSession(model.SerializeToString())
    for images in (1, 3):
        outputs = session.run(OUTPUTS, {'both': both[:images].numpy()})
        assert_found(outputs, boxes[:images], scores[:images], settings)


def test_images_differ_in_their_number():
    settings = SETTINGS['all take part']
    *_, counts = Suppression(LEVELS, 4, **settings)(*case(3, 4))
    assert counts[1] < counts[0] < settings['max_per_img']


def test_a_traced_image_with_detections_fixes_nothing():
    settings = SETTINGS['all take part']
    boxes, scores = case(3, 4)
    both = torch.cat([boxes, scores], dim=2)
    model = trace(Joined(Suppression(LEVELS, 4, **settings)), both[:1], 'both', OUTPUTS)
    assert not {'Shape', 'Range'} & {node.op_type for node in model.graph.node}
    session = onnxruntime.InferenceSession(model.SerializeToString())
    for image in range(3):
        one = slice(image, image + 1)
        outputs = session.run(OUTPUTS, {'both': both[one].numpy()})
        assert_found(outputs, boxes[one], scores[one], settings)
    shapes = [output.shape for output in session.get_outputs()]
    assert shapes == [[1, 300, 4], [1, 300], [1, 300], [1]]


def test_classes_do_not_suppress_each_other():
    boxes = torch.tensor([[[0.0, 0, 10, 10]] * 3])
    scores = torch.tensor([[[0.5, 0.4], [0.3, 0.2], [0.1, 0.6]]])
    found, values, labels, count = Suppression([3], 2, 0.02, 0.45, 1000, 4)(
        boxes, scores
    )
    assert count.tolist() == [2]
    assert labels.tolist() == [[1, 0, -1, -1]]
    np.testing.assert_allclose(values, [[0.6, 0.5, 0, 0]], rtol=1e-6)
    assert found[0, 2:].tolist() == [[0.0] * 4] * 2
