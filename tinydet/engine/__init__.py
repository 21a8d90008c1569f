"""What a run needs beside model and data; importing this package registers it."""

from tinydet.engine.averaging import AveragedWeightsHook
from tinydet.engine.bad_images import BadImageHook
from tinydet.engine.checkpoint import AtomicCheckpointHook
from tinydet.engine.mosaic import MosaicHook
from tinydet.engine.optimisation import RMSpropTF, StaircaseLR
from tinydet.engine.progress import ProgressHook
from tinydet.engine.results import ResultsHook

__all__ = [
    'AtomicCheckpointHook',
    'AveragedWeightsHook',
    'BadImageHook',
    'MosaicHook',
    'ProgressHook',
    'RMSpropTF',
    'ResultsHook',
    'StaircaseLR',
]
