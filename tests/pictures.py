"""Small pictures for tests of what reads them."""

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 48, 32


def smooth_picture() -> Image.Image:
    """Smooth colours that differ in every corner, so that JPEG keeps them."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    pixels = np.stack([x * 5, y * 7, 255 - x * 2 - y * 2], axis=-1).astype(np.uint8)
    return Image.fromarray(pixels)


def bgr(image: Image.Image) -> np.ndarray:
    """What Pillow makes of an image, as OpenCV lays it out."""
    return np.asarray(image.convert('RGB'))[..., ::-1]


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags
