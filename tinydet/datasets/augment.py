"""RandAugment by timm's names of policies."""

import re

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS
from PIL import Image
from timm.data.auto_augment import rand_augment_transform

from tinydet.errors import InputError

# What moved parts of an image leave behind: the mean colour of ImageNet, RGB.
_FILL = (124, 116, 104)
# timm passes over parts that it does not know, as it would a standard deviation that is
# misspelt.
_POLICY = re.compile(
    r'rand(-(m|n|mmax|inc)\d+|-(mstd|p)\d+(\.\d+)?|-t(weights|3aw?))*', re.ASCII
)


@TRANSFORMS.register_module()
class TimmRandAugment(BaseTransform):
    """RandAugment (Cubuk et al., CVPR workshops 2020) as timm has it.

    Required keys: ``img`` (H, W, 3), uint8, BGR. Modified keys: ``img``.

    Args:
        policy: timm's description, such as ``'rand-m9-mstd0.5'``: magnitude 9 of 10
            with a standard deviation of 0.5, two operations an image.

    Raises:
        InputError: If the policy is none of timm.
    """

    def __init__(self, policy: str) -> None:
        if not _POLICY.fullmatch(policy):
            raise InputError(
                f'policy={policy!r} is not one of timm: give one such as '
                "'rand-m9-mstd0.5'"
            )
        self.augment = rand_augment_transform(policy, {'img_mean': _FILL})

    def transform(self, results: dict) -> dict:
        """Augment the image.

        Args:
            results: The sample.

        Returns:
            The sample with the new image.
        """
        rgb = Image.fromarray(results['img'][..., ::-1])
        image = np.asarray(self.augment(rgb))
        results['img'] = np.ascontiguousarray(image[..., ::-1])
        return results
