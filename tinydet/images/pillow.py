"""Images by Pillow, with the pixels that OpenCV gives."""

import io

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from tinydet.images.files import ImageReadError, other_pixels

# Nothing says which of their values are black and white.
_OTHER_PIXELS = {'F': 'float32', 'I': 'int32'}


def decode(data: bytes, path: str, turn: bool = True) -> np.ndarray:
    """Decode an image of any colour type.

    Args:
        data: Content of the file.
        path: Its name, for messages.
        turn: As its EXIF orientation says.

    Returns:
        The image, (H, W, 3), uint8, BGR.

    Raises:
        ImageReadError: It cannot be decoded, or is too large.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            pixels = to_array(ImageOps.exif_transpose(image) if turn else image)
    # Its message names the bytes in memory.
    except UnidentifiedImageError:
        raise ImageReadError(f'{path}: cannot be decoded') from None
    except Image.DecompressionBombError:
        most = 2 * Image.MAX_IMAGE_PIXELS
        raise ImageReadError(
            f'{path}: too large: Pillow takes at most {most} pixels'
        ) from None
    # Pillow's decoders raise SyntaxError and ValueError for broken files, too.
    except (OSError, SyntaxError, ValueError) as error:
        raise ImageReadError(f'{path}: cannot be decoded: {error}') from None
    return pixels[..., ::-1]


def to_array(image: Image.Image) -> np.ndarray:
    """The pixels of an image, as they lie.

    Returns:
        (H, W, 3), uint8, RGB. The upper bytes of 16-bit grey; an alpha channel is
        dropped.

    Raises:
        ValueError: The mode has no way to RGB, as that of floats.
    """
    if image.mode in _OTHER_PIXELS:
        raise ValueError(other_pixels(_OTHER_PIXELS[image.mode]))
    if image.mode.startswith('I'):
        grey = (np.asarray(image) >> 8).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if image.mode == 'CMYK':
        inks = 255 - np.asarray(image).astype(np.int32)
        # OpenCV's rounding: up but for whole numbers.
        key = inks[..., 3:]
        return (key - ((255 - inks[..., :3]) * key >> 8)).astype(np.uint8)
    return np.asarray(image.convert('RGB'))


def to_rgb(image: np.ndarray) -> np.ndarray:
    """Turn BGR into RGB."""
    return np.ascontiguousarray(image[..., ::-1])
