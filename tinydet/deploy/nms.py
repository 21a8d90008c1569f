"""Suppression of boxes as part of a graph."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.ops import nms


class Suppression(nn.Module):
    """From the boxes and scores of all default boxes to the detections of each image.

    What ``SSDLiteHead.predict`` does: of each level the best pairs of box and class
    with a score above a threshold, then suppression within each class, then the best of
    what remains. In ONNX it is NonMaxSuppression with TopK before and behind it, for
    any batch.

    Args:
        level_sizes: Number of default boxes of each level.
        classes: Number of classes.
        score_thr: Pairs of at most this score are left out; at least 0.
        iou_thr: So is a box that overlaps a better one of its class by more than this.
        nms_pre: Pairs of a level that stay, beside those that tie with the last.
        max_per_img: Detections of an image.
    """

    def __init__(
        self,
        level_sizes: Sequence[int],
        classes: int,
        score_thr: float,
        iou_thr: float,
        nms_pre: int,
        max_per_img: int,
    ) -> None:
        super().__init__()
        self.level_sizes = list(level_sizes)
        self.classes = classes
        self.score_thr = score_thr
        self.iou_thr = iou_thr
        self.nms_pre = nms_pre
        self.max_per_img = max_per_img

    def forward(
        self, boxes: Tensor, scores: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Suppress.

        Args:
            boxes: (N, A, 4), xyxy.
            scores: (N, A, classes), without background.

        Returns:
            With K = ``max_per_img``: boxes (N, K, 4), scores (N, K), labels (N, K) and
            counts (N,) of the detections, best first; behind them 0, 0 and -1.
        """
        levels = zip(
            self.level_sizes,
            boxes.split(self.level_sizes, dim=1),
            scores.split(self.level_sizes, dim=1),
            strict=True,
        )
        best = [self._best_of_level(*level) for level in levels]
        boxes, scores = (torch.cat(part, dim=1) for part in zip(*best, strict=True))
        found = _Suppress.apply(
            boxes,
            scores.transpose(1, 2),
            self.max_per_img,
            self.iou_thr,
            self.score_thr,
        )
        return self._best_of_images(boxes, scores, found)

    def _best_of_level(
        self, size: int, boxes: Tensor, scores: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Keep the best pairs; the scores of others, if their box stays, become 0."""
        if size > self.nms_pre:
            # Those pairs are of the boxes whose best class is best: a smaller search.
            rows = scores.amax(2).topk(self.nms_pre).indices + size * _images(scores)
            boxes = boxes.reshape(-1, 4)[rows]
            scores = scores.reshape(-1, self.classes)[rows]
            size = self.nms_pre
        pairs = size * self.classes
        if pairs > self.nms_pre:
            best = scores.reshape(-1, pairs).topk(self.nms_pre).values
            scores = torch.where(scores >= best[:, -1:, None], scores, 0)
        return boxes, scores

    def _best_of_images(
        self, boxes: Tensor, scores: Tensor, found: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Give each image its own of the detections that the whole batch has.

        Args:
            boxes: (N, M, 4) candidates.
            scores: (N, M, classes).
            found: (D, 3), image, class and candidate of each detection.
        """
        candidates = sum(min(size, self.nms_pre) for size in self.level_sizes)
        # Detections of no image, to fill up with, which point to the very first.
        nobody = torch.tensor([[-1, 0, candidates]]).repeat(self.max_per_img, 1)
        images, labels, at = torch.cat([found, nobody]).unbind(1)
        rows = images * candidates + at
        values = scores.reshape(-1)[rows * self.classes + labels]
        own = torch.where(images == _images(scores), values, 0)
        kept, picked = own.topk(self.max_per_img)
        valid = kept > 0
        return (
            boxes.reshape(-1, 4)[rows][picked] * valid[..., None],
            kept,
            torch.where(valid, labels[picked], -1),
            valid.sum(1),
        )


def _images(batch: Tensor) -> Tensor:
    """(N, 1) number of each image."""
    return torch.arange(batch.shape[0], device=batch.device)[:, None]


class _Suppress(torch.autograd.Function):
    """ONNX's NonMaxSuppression: image, class and box of each detection, (D, 3)."""

    @staticmethod
    def forward(
        ctx, boxes: Tensor, scores: Tensor, most: int, iou_thr: float, score_thr: float
    ) -> Tensor:
        found = []
        for image, (corners, classes) in enumerate(zip(boxes, scores, strict=True)):
            for label, row in enumerate(classes):
                (above,) = torch.where(row > score_thr)
                kept = above[nms(corners[above], row[above], iou_thr)[:most]]
                place = torch.tensor(image), torch.tensor(label), kept
                found.append(torch.stack(torch.broadcast_tensors(*place), dim=1))
        return torch.cat(found)

    @staticmethod
    def symbolic(g, boxes, scores, most: int, iou_thr: float, score_thr: float):
        settings = map(torch.tensor, ([most], [iou_thr], [score_thr]))
        constants = [g.op('Constant', value_t=value) for value in settings]
        return g.op('NonMaxSuppression', boxes, scores, *constants)
