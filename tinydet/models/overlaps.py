"""Overlaps that settle which default box a small object gets."""

import torch
from mmdet.structures.bbox import bbox_overlaps
from mmengine.registry import TASK_UTILS
from torch import Tensor

# SSD matches every default box that overlaps an object by this much (section 2.2).
MATCHED = 0.5
# Far above the rounding of float32 overlaps, far below a difference that matters.
_WEIGHT = 1e-3


@TASK_UTILS.register_module()
class TieBreakingOverlaps:
    """IoU, a trace smaller for default boxes whose corners lie farther away.

    SSD gives each object the default box that overlaps it most. An object smaller than
    the smallest default boxes lies inside dozens of them, all of one area, so all have
    the same IoU: rounding would pick one at random, anywhere around the object and of
    any aspect ratio, and training would contradict itself. Here the one wins whose
    corners lie nearest for its size, and IoUs that differ keep their order.
    """

    def __call__(
        self, bboxes1: Tensor, bboxes2: Tensor, mode: str = 'iou', is_aligned=False
    ) -> Tensor:
        """Overlaps of all pairs.

        Args:
            bboxes1: (G, 4) objects, xyxy in pixels.
            bboxes2: (A, 4) default boxes, xyxy in pixels.
            mode: ``'iou'``, or ``'iof'``, in which nothing is settled.
            is_aligned: Compare rows instead of all pairs; not settled either.

        Returns:
            (G, A) overlaps; below 0.5 up to 0.1% less than the IoU.
        """
        overlaps = bbox_overlaps(bboxes1, bboxes2, mode, is_aligned)
        if mode != 'iou' or is_aligned or overlaps.numel() == 0:
            return overlaps
        size = bboxes2[:, 2:] - bboxes2[:, :2]
        # Of the order of the squared diagonal at most, where boxes overlap.
        corners = (bboxes1[:, None] - bboxes2[None]).square().sum(-1)
        distance = corners / (2 * size.square().sum(-1))
        settled = overlaps * (1 - _WEIGHT * distance.clamp(max=1))
        # All boxes above the threshold are matched, so nothing is to settle there.
        return torch.where(overlaps < MATCHED, settled, overlaps)
