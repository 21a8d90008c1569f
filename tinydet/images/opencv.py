"""Images by OpenCV."""

from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np

from tinydet.images.files import ImageReadError, other_pixels

_FLAGS = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


@contextmanager
def quiet() -> Iterator[None]:
    """Keep back what OpenCV would print on standard error."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)


def decode(data: bytes, path: str, reduction: int = 1, turn: bool = True) -> np.ndarray:
    """Decode an image of any colour type.

    Args:
        data: Content of the file.
        path: Its name, for messages.
        reduction: 1, or 2, 4 or 8 for a side of that fraction; JPEG is then decoded at
            this size, which is faster.
        turn: As its EXIF orientation says.

    Returns:
        The image, (H, W, 3), uint8, BGR.

    Raises:
        ImageReadError: It cannot be decoded, or is too large.
    """
    flags = _FLAGS[reduction] | (0 if turn else cv2.IMREAD_IGNORE_ORIENTATION)
    content = np.frombuffer(data, np.uint8)
    try:
        with quiet():
            image = cv2.imdecode(content, flags)
            if image is None:
                # It has no way from floats and 32-bit integers to colours.
                stored = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        if 'CV_IO_MAX_IMAGE' in str(error):
            reason = 'too large: OpenCV takes at most 2^30 pixels, and 2^20 a side'
        else:
            reason = 'cannot be decoded'
        raise ImageReadError(f'{path}: {reason}') from None
    if image is None:
        deep = stored is not None and stored.itemsize > 2
        kind = f': {other_pixels(stored.dtype)}' if deep else ''
        raise ImageReadError(f'{path}: cannot be decoded{kind}')
    return image


def to_rgb(image: np.ndarray) -> np.ndarray:
    """Turn BGR into RGB."""
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def resize(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Resize an image bilinearly, without antialiasing."""
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
