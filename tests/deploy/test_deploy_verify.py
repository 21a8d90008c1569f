"""Exported files beside their networks."""

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from tinydet.deploy.trace import trace
from tinydet.deploy.verify import Agreement, random_image, verify

SIDE = 8


class Fixed(nn.Module):
    """Gives the same for each image, plus a trace of it."""

    def __init__(self, **outputs):
        super().__init__()
        self.outputs = {name: torch.tensor([value]) for name, value in outputs.items()}

    def forward(self, images):
        nothing = images.sum() * 0
        return tuple(value + nothing.to(value.dtype) for value in self.outputs.values())


def compare(one, other):
    """An agreement of the file of one with the network of the other."""
    example = torch.zeros(1, SIDE, SIDE, 3, dtype=torch.uint8)
    model = trace(one, example, 'images', list(one.outputs))
    return verify(model.SerializeToString(), other, random_image(SIDE))


def detections(*rows):
    """Outputs with suppression: (x, score, label) of 4 x 4 boxes, filled up to 3."""
    filled = [*rows, *[(0.0, 0.0, -1)] * (3 - len(rows))]
    return Fixed(
        boxes=[
            [x, 0.0, x + 4 * bool(score), 4.0 * bool(score)] for x, score, _ in filled
        ],
        scores=[score for _, score, _ in filled],
        labels=[label for *_, label in filled],
        count=len(rows),
    )


def test_raw_outputs():
    found = Fixed(boxes=[[0.0, 1, 2, 3]], scores=[[0.5, 0.25]])
    expected = Fixed(boxes=[[0.0, 1, 2, 3.5]], scores=[[0.25, 0.25]])
    assert compare(found, expected) == Agreement(scores=0.25, boxes=0.5)
    assert compare(found, found) == Agreement(scores=0.0, boxes=0.0)


def test_detections_are_matched_whatever_their_order():
    found = detections((2.0, 0.5, 1), (2.0, 0.375, 0))
    expected = detections((2.5, 0.5, 0), (2.0, 0.375, 1))
    assert compare(found, expected) == Agreement(0.125, 0.5, 2, 2, 2)


def test_detections_of_one_side_are_counted():
    # Of another class, and elsewhere.
    found = detections((2.0, 0.5, 1), (0.0, 0.375, 2), (1.0, 0.25, 0))
    expected = detections((2.0, 0.5, 1), (4.0, 0.375, 2))
    assert compare(found, expected) == Agreement(0.0, 0.0, 3, 2, 1)


def test_two_detections_are_not_matched_with_one():
    found = detections((2.0, 0.5, 1))
    expected = detections((2.0, 0.5, 1), (2.5, 0.375, 1))
    assert compare(found, expected) == Agreement(0.0, 0.0, 1, 2, 1)


@pytest.mark.parametrize('found, expected', [(0, 1), (1, 0), (0, 0)])
def test_no_detections(found, expected):
    row = (2.0, 0.5, 1)
    agreement = compare(detections(*[row] * found), detections(*[row] * expected))
    assert agreement == Agreement(0.0, 0.0, found, expected, 0)


def test_a_broken_graph_does_not_pass():
    fixed = Fixed(scores=[0.5])
    example = torch.zeros(1, SIDE, SIDE, 3, dtype=torch.uint8)
    model = trace(fixed, example, 'images', ['scores'])
    model.graph.node[0].input[0] = 'nowhere'
    with pytest.raises(onnx.checker.ValidationError):
        verify(model.SerializeToString(), fixed, random_image(SIDE))


def test_the_random_image_is_always_the_same():
    image = random_image(40)
    assert image.shape == (40, 40, 3) and image.dtype == np.uint8
    assert image.std() > 20
    assert np.array_equal(image, random_image(40))


@pytest.mark.parametrize(
    'agreement, rounding',
    [
        (Agreement(scores=1e-5), True),
        (Agreement(scores=1e-5, boxes=1e-3), True),
        (Agreement(scores=1e-2), False),
        (Agreement(scores=1e-5, boxes=0.1), False),
    ],
)
def test_what_rounding_explains(agreement, rounding):
    assert agreement.is_rounding == rounding
