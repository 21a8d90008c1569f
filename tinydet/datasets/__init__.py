"""Data sets and transforms, registered in MMEngine's root registries."""

from tinydet.datasets.augment import TimmRandAugment
from tinydet.datasets.coco import CocoDetection
from tinydet.datasets.crops import LoadCenterCrop, LoadRandomCrop
from tinydet.datasets.folder import ImageFolder
from tinydet.datasets.transforms import LoadImage

__all__ = [
    'CocoDetection',
    'ImageFolder',
    'LoadCenterCrop',
    'LoadImage',
    'LoadRandomCrop',
    'TimmRandAugment',
]
