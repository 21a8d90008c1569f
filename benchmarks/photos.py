"""JPEG files in class folders that cost a loader about what photographs do."""

from pathlib import Path

import cv2
import numpy as np

from tinydet.data.demo.background import draw_background
from tinydet.progress import track

CLASSES = 10
SIZE = (500, 375)  # width and height of the average image of ImageNet
_QUALITY = 90
_GRAIN = 12  # standard deviation of a sensor's noise, of 255


def make_photos(root: Path, number: int, size: tuple[int, int]) -> float:
    """Draw textured scenes with grain, the same every time.

    Args:
        root: The folder that gets the class folders.
        number: Of files.
        size: Their width and height, in pixels.

    Returns:
        Mean size of a file, in kB.
    """
    total = 0
    for index in track(range(number), desc='images'):
        rng = np.random.default_rng(index)
        image = draw_background(rng, size)
        image += rng.normal(0, _GRAIN, (*image.shape[:2], 1))
        _, data = cv2.imencode(
            '.jpg',
            np.clip(image, 0, 255).astype(np.uint8),
            [cv2.IMWRITE_JPEG_QUALITY, _QUALITY],
        )
        path = root / f'class_{index % CLASSES}' / f'{index}.jpg'
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        total += len(data)
    return total / number / 1e3
