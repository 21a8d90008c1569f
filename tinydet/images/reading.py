"""Reading images, with whichever library is there."""

import os

import numpy as np

from tinydet.images.files import ImageReadError, read_bytes

try:
    from tinydet.images.opencv import decode, resize, to_rgb
except ImportError:
    from tinydet.images.bilinear import resize
    from tinydet.images.pillow import decode, to_rgb

__all__ = ['read_image', 'read_rgb', 'resize']


def read_image(
    path: str | os.PathLike, height: int | None = None, width: int | None = None
) -> np.ndarray:
    """Read an image of any colour type.

    Grey, palette, CMYK and 16-bit images become 8-bit BGR; an alpha channel is dropped.
    Of a file with several, such as a TIFF of many pages, the first is read.
    The image is turned as its EXIF orientation says, as viewers do, unless only the
    stored pixels have the annotated size: then the annotations were made without EXIF.

    Args:
        path: The file.
        height: Height that the annotations give, in pixels; None to take any.
        width: Width likewise.

    Returns:
        The image, (H, W, 3), uint8, BGR.

    Raises:
        ImageReadError: The file is missing, damaged, cut off, too large, of float or
            32-bit pixels, or of another size.
    """
    data = read_bytes(path)
    image = decode(data, path)
    if height is None or image.shape[:2] == (height, width):
        return image
    stored = decode(data, path, turn=False)
    if stored.shape[:2] != (height, width):
        raise ImageReadError(
            f'{path}: {stored.shape[1]} x {stored.shape[0]} pixels, but '
            f'{width} x {height} in the annotation file'
        )
    return stored


def read_rgb(path: str | os.PathLike) -> np.ndarray:
    """Read an image as :func:`read_image` does, but RGB.

    Args:
        path: The file.

    Returns:
        The image, (H, W, 3), uint8, RGB, turned as its EXIF orientation says.

    Raises:
        ImageReadError: The file is missing, damaged, cut off, too large, or of float or
            32-bit pixels.
    """
    return to_rgb(read_image(path))
