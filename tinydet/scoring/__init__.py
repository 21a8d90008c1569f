"""COCO figures of boxes, by either of two engines.

Needs neither torch nor the mm packages; :mod:`tinydet.evaluation` makes metrics of it.
"""
