"""Which default box an object gets where IoU does not tell."""

import pytest
import torch
from mmdet.structures.bbox import bbox_overlaps
from torchvision.ops import box_iou

from tinydet.models import SSDLiteAnchorGenerator, TieBreakingOverlaps

MAPS = [(size, size) for size in (32, 16, 8, 4, 2, 1)]


@pytest.fixture(scope='module')
def anchors():
    return torch.cat(SSDLiteAnchorGenerator(512).grid_priors(MAPS, device='cpu'))


def random_boxes(number: int, low: float, high: float) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    side = low + (high - low) * torch.rand(number, 2, generator=generator)
    corner = torch.rand(number, 2, generator=generator) * (512 - side)
    return torch.cat([corner, corner + side], 1)


def small_objects(width: float, height: float) -> torch.Tensor:
    """Boxes of one size all over the image, but for its rim."""
    generator = torch.Generator().manual_seed(0)
    centre = 70 + 372 * torch.rand(200, 2, generator=generator)
    half = torch.tensor([width, height]) / 2
    return torch.cat([centre - half, centre + half], 1)


@pytest.mark.parametrize(
    ('width', 'height', 'ratio'), [(20, 20, 1.0), (12, 40, 2.0), (40, 12, 0.5)]
)
def test_a_small_object_gets_the_box_around_it(anchors, width, height, ratio):
    objects = small_objects(width, height)
    tied = box_iou(objects, anchors)
    assert ((tied > tied.max(1, keepdim=True).values - 1e-6).sum(1) > 10).all()

    best = anchors[TieBreakingOverlaps()(objects, anchors).argmax(1)]
    shape = best[:, 2:] - best[:, :2]
    # Of the smallest size, which is 15% of the input, and as upright as the object.
    torch.testing.assert_close(
        shape.prod(1).sqrt(), torch.full((len(best),), 0.15 * 512)
    )
    torch.testing.assert_close(shape[:, 1] / shape[:, 0], torch.full((200,), ratio))
    offset = (best[:, :2] + best[:, 2:] - objects[:, :2] - objects[:, 2:]).abs() / 2
    # Half the stride of the first map: none of that shape is nearer.
    assert offset.max() <= 8 + 1e-3


def test_overlaps_that_differ_keep_their_order_and_almost_their_value(anchors):
    objects = random_boxes(100, 20, 400)
    expected = box_iou(objects, anchors)
    found = TieBreakingOverlaps()(objects, anchors)
    assert (found <= expected + 1e-6).all()
    assert (found >= expected * 0.999 - 1e-6).all()
    assert ((found == 0) == (expected == 0)).all()


def test_shares_of_objects_are_left_alone(anchors):
    objects = random_boxes(10, 20, 400)
    torch.testing.assert_close(
        TieBreakingOverlaps()(objects, anchors, mode='iof'),
        bbox_overlaps(objects, anchors, 'iof'),
        rtol=0,
        atol=0,
    )


def test_an_image_without_objects(anchors):
    assert TieBreakingOverlaps()(torch.zeros(0, 4), anchors).shape == (0, len(anchors))
