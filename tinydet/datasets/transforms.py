"""Reading images."""

from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS

from tinydet.images import read_image


@TRANSFORMS.register_module()
class LoadImage(BaseTransform):
    """Load an image and agree with its annotations about which way is up.

    An array that is already under ``img`` is taken as the image. See
    :func:`tinydet.images.read_image` for colour types and orientation.

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
