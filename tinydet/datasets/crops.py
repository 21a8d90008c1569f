"""Loading images for classifiers: the crop is chosen first, then what it needs read."""

import io
import math
import struct

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS
from PIL import ExifTags, Image
from torchvision.transforms import InterpolationMode, RandomResizedCrop
from torchvision.transforms import functional as F

from tinydet.images import ImageReadError, read_image
from tinydet.images.files import JPEG_START, read_bytes
from tinydet.images.opencv import decode

_REDUCTIONS = (8, 4, 2)


@TRANSFORMS.register_module()
class LoadRandomCrop(BaseTransform):
    """Load a random part of an image, scaled to the network's input.

    The crop is torchvision's ``RandomResizedCrop`` (Szegedy et al., "Going Deeper with
    Convolutions", section 6), scaled with antialiasing. A JPEG is decoded at the
    smallest of 1/1, 1/2, 1/4 and 1/8 that still has the pixels that the crop needs.

    Required keys: ``img_path``, or ``img`` (H, W, 3), uint8, BGR; and ``input_size``.

    Added keys: ``img`` (``input_size``, ``input_size``, 3), uint8, BGR; ``img_shape``
    and, the size of the file's image, ``ori_shape``, both (H, W).

    Args:
        area: Range of the part's area, as a share of the image.
        ratio: Range of its width over its height.
    """

    def __init__(
        self,
        area: tuple[float, float] = (0.08, 1.0),
        ratio: tuple[float, float] = (3 / 4, 4 / 3),
    ) -> None:
        self.area = tuple(area)
        self.ratio = tuple(ratio)

    def transform(self, results: dict) -> dict:
        """Load the crop.

        Args:
            results: The sample.

        Returns:
            The sample with the image.

        Raises:
            ImageReadError: The image cannot be used; the data set replaces it.
        """
        side, path = results['input_size'], results.get('img_path')
        image, size, reduction = results.get('img'), None, 1
        if image is None:
            data = read_bytes(path)
            size = _jpeg_size(data)
            if size is None:
                image = decode(data, path)
        height, width = size or image.shape[:2]
        # of the image's size, without memory for its pixels
        blank = torch.empty(1, 1, 1).expand(1, height, width)
        y, x, h, w = RandomResizedCrop.get_params(blank, self.area, self.ratio)
        if size is not None:
            fits = (k for k in _REDUCTIONS if min(h, w) >= k * side)
            reduction = next(fits, 1)
            image = _decode_jpeg(data, path, size, reduction)
        box = [round(edge / reduction) for edge in (x, y, x + w, y + h)]
        results['img'] = _scale_part(image, box, side)
        results['img_shape'] = (side, side)
        results['ori_shape'] = (height, width)
        return results


@TRANSFORMS.register_module()
class LoadCenterCrop(BaseTransform):
    """Load the middle of an image, scaled to the network's input.

    The shorter side is scaled to ``input_size / share`` with bicubic interpolation and
    antialiasing, and a square cut from the middle, as timm evaluates its models.

    Required keys: ``img_path``, or ``img`` (H, W, 3), uint8, BGR; and ``input_size``.

    Added keys: ``img`` (``input_size``, ``input_size``, 3), uint8, BGR; ``img_shape``
    and, the size of the file's image, ``ori_shape``, both (H, W).

    Args:
        share: Side of the square over the shorter side of the image.
    """

    def __init__(self, share: float = 0.875) -> None:
        self.share = share

    def transform(self, results: dict) -> dict:
        """Load the crop.

        Args:
            results: The sample.

        Returns:
            The sample with the image.

        Raises:
            ImageReadError: The image cannot be used; the data set replaces it.
        """
        side = results['input_size']
        image = results['img'] if 'img' in results else read_image(results['img_path'])
        scaled = F.resize(
            Image.fromarray(image),
            [math.floor(side / self.share)],
            InterpolationMode.BICUBIC,
        )
        results['img'] = np.array(F.center_crop(scaled, [side]))
        results['img_shape'] = (side, side)
        results['ori_shape'] = image.shape[:2]
        return results


def _scale_part(image: np.ndarray, box: list[int], side: int) -> np.ndarray:
    """Cut a box (xyxy) out and scale it to a square; pixels around it play no part.

    By torch, which is three times as fast as Pillow, whose pixels it gives but for
    rounding and clipping in between.
    """
    left, top, right, bottom = box
    part = np.ascontiguousarray(image[top:bottom, left:right])
    scaled = torch.nn.functional.interpolate(
        # in channels_last, which is four times as fast again
        torch.from_numpy(part).permute(2, 0, 1)[None],
        (side, side),
        mode='bicubic',
        antialias=True,
    )
    return scaled[0].permute(1, 2, 0).numpy()


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Height and width of a JPEG as it is shown, from its header.

    None for other formats, and for a damaged header: OpenCV decides what it means.
    """
    if not data.startswith(JPEG_START):
        return None
    try:
        with Image.open(io.BytesIO(data)) as image:
            # Not getexif(), which believes XMP as well; OpenCV does not.
            exif = Image.Exif()
            exif.load(image.info.get('exif', b''))
            orientation = exif.get(ExifTags.Base.Orientation, 1)
    # Pillow's readers raise all of these for damaged files.
    except (
        OSError,
        SyntaxError,
        ValueError,
        struct.error,
        Image.DecompressionBombError,
    ):
        return None
    if orientation in (1, 2, 3, 4):
        return image.size[::-1]
    # These swap the sides.
    return image.size if orientation in (5, 6, 7, 8) else None


def _decode_jpeg(
    data: bytes, path: str, size: tuple[int, int], reduction: int
) -> np.ndarray:
    """Decode a JPEG at a fraction of its size (H, W), and see that it has that."""
    image = decode(data, path, reduction)
    height, width = (-(-side // reduction) for side in size)  # libjpeg rounds up
    if image.shape[:2] != (height, width):
        raise ImageReadError(
            f'{path}: decoded to {image.shape[1]} x {image.shape[0]} pixels, but '
            f'{width} x {height} by its header'
        )
    return image
