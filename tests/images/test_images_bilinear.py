"""NumPy's bilinear resizing against OpenCV's, which mmcv's Resize is."""

import cv2
import numpy as np
import pytest

from tinydet.images.bilinear import resize


def assert_same(image, width, height):
    expected = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    found = resize(image, width, height)
    assert found.dtype == np.uint8
    assert np.array_equal(found, expected)


def noise(rng, height, width):
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_random_sizes():
    rng = np.random.default_rng(0)
    for _ in range(100):
        height, width, new_height, new_width = rng.integers(1, 300, 4).tolist()
        assert_same(noise(rng, height, width), new_width, new_height)


@pytest.mark.parametrize('side', [320, 512])
@pytest.mark.parametrize('size', [(480, 640), (640, 640), (1080, 1920), (3024, 4032)])
def test_sizes_of_photographs(size, side):
    rng = np.random.default_rng(0)
    assert_same(noise(rng, *size), side, side)


@pytest.mark.parametrize(
    ('size', 'target'),
    [
        ((1, 1), (7, 5)),
        ((1, 9), (3, 3)),
        ((2, 2), (1, 1)),
        ((64, 96), (32, 48)),
        ((64, 96), (48, 48)),
        ((33, 65), (33, 65)),
    ],
)
def test_special_sizes(size, target):
    rng = np.random.default_rng(0)
    assert_same(noise(rng, *size), target[1], target[0])
