"""From a network's raw boxes to detections, as mmdet's SSDHead goes."""

from collections.abc import Sequence

import numpy as np

from tinydet.inference.detections import Detections


def suppress(
    boxes: np.ndarray,
    scores: np.ndarray,
    level_sizes: Sequence[int],
    score_thr: float,
    iou_thr: float,
    nms_pre: int,
    max_per_img: int,
) -> Detections:
    """Choose among the default boxes of an image.

    Args:
        boxes: (A, 4) xyxy.
        scores: (A, classes), 0 to 1.
        level_sizes: How many of the A boxes belong to each level, in order.
        score_thr: A box and class of at most this score is left out.
        iou_thr: So is a box that overlaps a better one of its class by more than this.
        nms_pre: Pairs of box and class of a level that take part, the best.
        max_per_img: Detections that are given, the best.

    Returns:
        In the pixels of ``boxes``.
    """
    classes = scores.shape[1]
    start, best = 0, []
    for size in level_sizes:
        level = scores[start : start + size].ravel()
        pairs = np.flatnonzero(level > score_thr)
        order = np.argsort(-level[pairs], kind='stable')[:nms_pre]
        best.append(pairs[order] + start * classes)
        start += size
    pairs = np.concatenate(best)
    found, labels = boxes[pairs // classes], pairs % classes
    sure = scores.ravel()[pairs]
    keep = nms(found, sure, labels, iou_thr, max_per_img)
    return Detections(found[keep], sure[keep], labels[keep])


def nms(
    boxes: np.ndarray,
    scores: np.ndarray,
    labels: np.ndarray,
    iou_thr: float,
    most: int,
) -> np.ndarray:
    """Non-maximum suppression class by class.

    Args:
        boxes: (N, 4) xyxy.
        scores: (N,).
        labels: (N,) whole numbers.
        iou_thr: A box that overlaps a better one of its class by more is dropped.
        most: Stop at so many.

    Returns:
        (K,) indices of the kept boxes, best score first; of equal scores the earlier.
    """
    order = np.argsort(-scores, kind='stable')
    # Boxes of two classes never overlap when each class has a plane of its own. In
    # float64 the shift does not round.
    corners = boxes[order].astype(np.float64)
    span = np.ptp(corners) + 1 if len(order) else 0
    left, top, right, bottom = corners.T + labels[order] * span
    areas = (right - left) * (bottom - top)
    keep = []
    while len(order) and len(keep) < most:
        keep.append(order[0])
        width = np.minimum(right, right[0]) - np.maximum(left, left[0])
        height = np.minimum(bottom, bottom[0]) - np.maximum(top, top[0])
        shared = np.maximum(width, 0) * np.maximum(height, 0)
        with np.errstate(invalid='ignore'):  # 0 / 0 of boxes without area
            stay = ~(shared / (areas + areas[0] - shared) > iou_thr)
        stay[0] = False
        order, areas = order[stay], areas[stay]
        left, top, right, bottom = left[stay], top[stay], right[stay], bottom[stay]
    return np.array(keep, np.int64)
