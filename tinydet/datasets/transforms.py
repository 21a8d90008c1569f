"""Reading images."""

import io

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS
from PIL import Image

from tinydet.data.images import looks_cut_off

_FLAGS = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


class ImageReadError(OSError):
    """An image file cannot be read or does not have the size that is annotated."""


def read_image(
    path: str, height: int | None = None, width: int | None = None
) -> np.ndarray:
    """Read an image of any colour type.

    Grey, palette, CMYK and 16-bit images become 8-bit BGR; an alpha channel is dropped.
    The image is turned as its EXIF orientation says, as viewers do, unless only the
    stored pixels have the annotated size: then the annotations were made without EXIF.

    Args:
        path: The file.
        height: Height that the annotations give, in pixels; None to take any.
        width: Width likewise.

    Returns:
        The image, (H, W, 3), uint8, BGR.

    Raises:
        ImageReadError: The file is missing, damaged, cut off or of another size.
    """
    data = read_bytes(path)
    image = decode(data, path)
    if height is None or image.shape[:2] == (height, width):
        return image
    stored = _decode(data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if stored.shape[:2] != (height, width):
        raise ImageReadError(
            f'{path}: {stored.shape[1]} x {stored.shape[0]} pixels, but '
            f'{width} x {height} in the annotation file'
        )
    return stored


def read_bytes(path: str) -> bytes:
    """Read an image file, and see that it is whole.

    Raises:
        ImageReadError: The file is missing or cut off.
    """
    try:
        with open(path, 'rb') as file:
            data = file.read()
        # OpenCV fills up the missing part of a cut-off image, Pillow refuses it.
        if looks_cut_off(data[:16], data[-16:]):
            Image.open(io.BytesIO(data)).load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ImageReadError(f'{path}: {error}') from None
    return data


def decode(data: bytes, path: str, reduction: int = 1) -> np.ndarray:
    """Decode an image of any colour type, turned as its EXIF orientation says.

    Args:
        data: Content of the file.
        path: Its name, for messages.
        reduction: 1, or 2, 4 or 8 for a side of that fraction; JPEG is then decoded at
            this size, which is faster.

    Returns:
        The image, (H, W, 3), uint8, BGR.

    Raises:
        ImageReadError: It cannot be decoded.
    """
    image = _decode(data, _FLAGS[reduction])
    if image is None:
        raise ImageReadError(f'{path}: cannot be decoded')
    return image


def _decode(data: bytes, flags: int) -> np.ndarray | None:
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        return None


@TRANSFORMS.register_module()
class LoadImage(BaseTransform):
    """Load an image and agree with its annotations about which way is up.

    An array that is already under ``img`` is taken as the image. See
    :func:`read_image` for colour types and orientation.

    Required keys: ``img_path``, or ``img`` (H, W, 3), uint8, BGR; and, where the
    annotations give them, ``height`` and ``width`` in pixels.

    Added keys: ``img`` (H, W, 3), uint8, BGR; ``img_shape`` and ``ori_shape`` (H, W).
    """

    def transform(self, results: dict) -> dict:
        """Load the image.

        Args:
            results: The sample.

        Returns:
            The sample with the image.

        Raises:
            ImageReadError: The image cannot be used; the data set replaces it.
        """
        if 'img' not in results:
            results['img'] = read_image(
                results['img_path'], results.get('height'), results.get('width')
            )
        results['img_shape'] = results['ori_shape'] = results['img'].shape[:2]
        return results
