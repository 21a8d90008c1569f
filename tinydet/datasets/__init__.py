"""Data sets and transforms, registered in MMEngine's root registries."""

from tinydet.datasets.coco import CocoDetection
from tinydet.datasets.transforms import ImageReadError, LoadImage

__all__ = ['CocoDetection', 'ImageReadError', 'LoadImage']
