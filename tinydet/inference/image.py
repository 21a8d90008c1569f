"""The images that a detector takes."""

import os
import sys
from typing import TYPE_CHECKING, TypeAlias, Union

import numpy as np

from tinydet.errors import InputError
from tinydet.images import read_rgb

if TYPE_CHECKING:
    from PIL import Image

ImageLike: TypeAlias = Union[str, os.PathLike, 'Image.Image', np.ndarray]


def as_rgb(image: ImageLike) -> np.ndarray:
    """The pixels of an image.

    Args:
        image: A path, whose image is turned as its EXIF orientation says; an image of
            Pillow, whose pixels are taken as they lie; or (H, W, 3) uint8, RGB.

    Returns:
        (H, W, 3), uint8, RGB.

    Raises:
        ImageReadError: A file cannot be read, as in :func:`tinydet.images.read_rgb`.
        InputError: It is none of these, or of a mode of Pillow that has no way to RGB.
    """
    if isinstance(image, str | os.PathLike):
        return read_rgb(image)
    # Pillow need not be installed, and who has an image of it has loaded it.
    pillow = sys.modules.get('PIL.Image')
    if pillow and isinstance(image, pillow.Image):
        from tinydet.images.pillow import to_array

        try:
            image = to_array(image)
        except ValueError as error:
            raise InputError(
                f'the image of Pillow has the mode {image.mode!r}: {error}: give one '
                'of RGB'
            ) from None
    if not isinstance(image, np.ndarray):
        found = f'a {type(image).__name__}'
    elif image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        found = f'an array of {image.dtype} and shape {image.shape}'
    elif image.size == 0:
        found = f'an array without pixels, of shape {image.shape}'
    else:
        return image
    raise InputError(
        f'the image is {found}: give a path, an image of Pillow, or an array of uint8 '
        'and shape (H, W, 3), RGB'
    )
