"""Metrics; importing this package registers them."""

from tinydet.evaluation.coco import CocoBoxMetric

__all__ = ['CocoBoxMetric']
