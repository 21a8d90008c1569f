"""Loading images for classifiers: the crop is chosen first, then what it needs read."""

import io
import math

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS
from PIL import ExifTags, Image
from torchvision.transforms import InterpolationMode, RandomResizedCrop
from torchvision.transforms import functional as F

from tinydet.datasets.transforms import (
    ImageReadError,
    decode,
    read_bytes,
    read_image,
)

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
        side = results['input_size']
        if 'img' in results:
            image, path, data = results['img'], None, None
            height, width = image.shape[:2]
        else:
            path = results['img_path']
            data = read_bytes(path)
            height, width = _size(data, path)
        blank = Image.new('1', (width, height))
        y, x, h, w = RandomResizedCrop.get_params(blank, self.area, self.ratio)
        if data is not None:
            fits = (k for k in _REDUCTIONS if min(h, w) >= k * side)
            image = decode(data, path, next(fits, 1))
        # A reduced image is rounded up to whole pixels.
        down, right = image.shape[0] / height, image.shape[1] / width
        box = (x * right, y * down, (x + w) * right, (y + h) * down)
        crop = Image.fromarray(image).resize(
            (side, side), Image.Resampling.BICUBIC, box=box
        )
        results['img'] = np.array(crop)
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


def _size(data: bytes, path: str) -> tuple[int, int]:
    """Height and width of an image as it is shown, from its header."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            turned = image.getexif().get(ExifTags.Base.Orientation, 1) >= 5
            return image.size if turned else image.size[::-1]
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ImageReadError(f'{path}: {error}') from None
