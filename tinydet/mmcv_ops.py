"""A stand-in for mmcv's compiled extension ``mmcv._ext``.

``pip install`` builds mmcv without its compiled operators, and then neither
``mmcv.ops`` nor ``mmdet.models`` can be imported. SSDLite needs one operator only,
non-maximum suppression, which torchvision has for every device. The stand-in maps it
and refuses all others, at the call and with the mend. A real ``mmcv._ext`` is found by
Python's own finders first, so it is never replaced.
"""

import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

EXTENSION = 'mmcv._ext'


def nms(bboxes: 'Tensor', scores: 'Tensor', iou_threshold: float, offset: int):
    """Non-maximum suppression with mmcv's signature, computed by torchvision.

    Args:
        bboxes: (N, 4) boxes as xyxy pixels.
        scores: (N,) scores.
        iou_threshold: Boxes that overlap a better one by more than this are dropped.
        offset: 0, or 1 where sides are counted as ``x2 - x1 + 1``.

    Returns:
        (K,) int64 indices of the kept boxes, best score first.
    """
    from torchvision.ops import nms as torchvision_nms

    # Moving x2 and y2 by the offset gives mmcv's sides, areas and intersections.
    shift = bboxes.new_tensor([0, 0, offset, offset])
    return torchvision_nms(bboxes + shift, scores, iou_threshold)


class _RefusedOp:
    """An operator that only the real extension has."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, *args, **kwargs):
        raise NotImplementedError(
            f"mmcv operator '{self.name}' needs mmcv's compiled extension, which this "
            'installation lacks (TinyDet itself only uses nms); build it with '
            '`pip install --no-build-isolation --no-binary onedl-mmcv '
            '--force-reinstall --no-deps onedl-mmcv` (needs a C++ compiler)'
        )


class _StandIn(ModuleType):
    """The module: ``nms`` works, every other public name is a refused operator."""

    nms = staticmethod(nms)

    def __getattr__(self, name: str) -> _RefusedOp:
        if name.startswith('_'):
            raise AttributeError(name)
        return _RefusedOp(name)


class _Finder(MetaPathFinder, Loader):
    """Answers for ``mmcv._ext`` when all finders before it found nothing."""

    def find_spec(self, fullname, path=None, target=None):
        return ModuleSpec(EXTENSION, self) if fullname == EXTENSION else None

    def create_module(self, spec):
        return _StandIn(spec.name)

    def exec_module(self, module):
        """Nothing to run: the class above is the whole module."""


def install() -> None:
    """Put the stand-in behind Python's own finders; calling it again does nothing."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())
