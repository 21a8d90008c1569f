"""What a COCO evaluation of boxes takes and what it finds, whatever the engine."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

# Kind, IoU, area and detections an image of each figure, in the order of
# COCOeval.stats: https://cocodataset.org/#detection-eval
_PRECISION, _RECALL = 'Average Precision  (AP)', 'Average Recall     (AR)'
_ALL_IOUS = '0.50:0.95'
_SETTINGS = {
    'bbox_mAP': (_PRECISION, _ALL_IOUS, 'all', 100),
    'bbox_mAP_50': (_PRECISION, '0.50', 'all', 100),
    'bbox_mAP_75': (_PRECISION, '0.75', 'all', 100),
    'bbox_mAP_s': (_PRECISION, _ALL_IOUS, 'small', 100),
    'bbox_mAP_m': (_PRECISION, _ALL_IOUS, 'medium', 100),
    'bbox_mAP_l': (_PRECISION, _ALL_IOUS, 'large', 100),
    'bbox_AR_1': (_RECALL, _ALL_IOUS, 'all', 1),
    'bbox_AR_10': (_RECALL, _ALL_IOUS, 'all', 10),
    'bbox_AR_100': (_RECALL, _ALL_IOUS, 'all', 100),
    'bbox_AR_s': (_RECALL, _ALL_IOUS, 'small', 100),
    'bbox_AR_m': (_RECALL, _ALL_IOUS, 'medium', 100),
    'bbox_AR_l': (_RECALL, _ALL_IOUS, 'large', 100),
}
FIGURES = tuple(_SETTINGS)


@dataclass(frozen=True)
class BoxResults:
    """COCO results by columns; as an iterable, one result dict a detection.

    Attributes:
        image_ids: The image of each detection, shape (N,); all integers or all strings,
            and so are ``category_ids``.
        category_ids: (N,).
        boxes: (N, 4) float64, xywh in pixels of the original image.
        scores: (N,) float64.
    """

    image_ids: np.ndarray
    category_ids: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray

    @classmethod
    def from_dicts(cls, results: Sequence[dict]) -> 'BoxResults':
        """Columns of ``image_id``, ``category_id``, ``bbox`` (xywh) and ``score``."""
        return cls(
            np.array([result['image_id'] for result in results]),
            np.array([result['category_id'] for result in results]),
            stack_boxes(results),
            np.array([result['score'] for result in results], float),
        )

    def __len__(self) -> int:
        return len(self.scores)

    def __iter__(self) -> Iterator[dict]:
        for image_id, category_id, box, score in zip(
            self.image_ids.tolist(),
            self.category_ids.tolist(),
            self.boxes.tolist(),
            self.scores.tolist(),
            strict=True,
        ):
            yield {
                'image_id': image_id,
                'category_id': category_id,
                'bbox': box,
                'score': score,
            }

    def __getitem__(self, which: np.ndarray) -> 'BoxResults':
        """The detections at a mask or at indices."""
        return BoxResults(
            self.image_ids[which],
            self.category_ids[which],
            self.boxes[which],
            self.scores[which],
        )


@dataclass(frozen=True)
class BoxEvaluation:
    """What an evaluation found; -1 stands for a figure without ground truth.

    Attributes:
        figures: The 12 COCO figures by the names of :data:`FIGURES`.
        per_class: ``AP`` (IoU 0.50:0.95) and ``AP50`` by category id, at most 100
            detections an image, all areas.
    """

    figures: dict[str, float]
    per_class: dict[int | str, dict[str, float]]

    @classmethod
    def from_arrays(
        cls,
        stats: Sequence[float],
        precision: np.ndarray,
        category_ids: Sequence[int | str],
    ) -> 'BoxEvaluation':
        """Name the parts of what a ``COCOeval`` has computed.

        Args:
            stats: The 12 figures.
            precision: ``eval['precision']``: IoU thresholds, recalls, categories in
                the order of their ids, areas, detections an image.
            category_ids: Of the evaluation, in any order.
        """
        usual = precision[:, :, :, 0, -1]  # all areas, 100 detections an image
        return cls(
            figures=dict(zip(FIGURES, map(float, stats), strict=True)),
            per_class={
                category_id: {
                    'AP': _mean(usual[:, :, k]),
                    'AP50': _mean(usual[0, :, k]),
                }
                for k, category_id in enumerate(np.unique(category_ids).tolist())
            },
        )

    @property
    def table(self) -> str:
        """The 12 figures as pycocotools prints them."""
        return '\n'.join(
            f' {kind} @[ IoU={iou:<9} | area={area:>6} | maxDets={detections:>3} ]'
            f' = {self.figures[name]:.3f}'
            for name, (kind, iou, area, detections) in _SETTINGS.items()
        )


def stack_boxes(annotations: Sequence[dict]) -> np.ndarray:
    """The ``bbox`` of each annotation, (N, 4), in a third of np.array's time."""
    values = chain.from_iterable(annotation['bbox'] for annotation in annotations)
    return np.fromiter(values, float).reshape(-1, 4)


def _mean(precision: np.ndarray) -> float:
    defined = precision[precision > -1]
    return float(defined.mean()) if defined.size else -1.0
