"""Hooks and checkpoints; importing this package registers them."""

from tinydet.engine.bad_images import BadImageHook
from tinydet.engine.checkpoint import AtomicCheckpointHook
from tinydet.engine.mosaic import MosaicHook
from tinydet.engine.progress import ProgressHook
from tinydet.engine.results import ResultsHook

__all__ = [
    'AtomicCheckpointHook',
    'BadImageHook',
    'MosaicHook',
    'ProgressHook',
    'ResultsHook',
]
