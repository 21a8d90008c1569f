"""Metrics; importing this package registers them."""

from tinydet.evaluation.classification import ClassificationMetric
from tinydet.evaluation.coco import CocoBoxMetric, HotCocoMetric

__all__ = ['ClassificationMetric', 'CocoBoxMetric', 'HotCocoMetric']
