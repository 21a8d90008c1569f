"""COCO box figures, computed by pycocotools."""

import io
import json
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass

import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger
from mmengine.registry import METRICS
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from tinydet.errors import InputError

# In the order of COCOeval.stats: https://cocodataset.org/#detection-eval
FIGURES = (
    'bbox_mAP',
    'bbox_mAP_50',
    'bbox_mAP_75',
    'bbox_mAP_s',
    'bbox_mAP_m',
    'bbox_mAP_l',
    'bbox_AR_1',
    'bbox_AR_10',
    'bbox_AR_100',
    'bbox_AR_s',
    'bbox_AR_m',
    'bbox_AR_l',
)


@dataclass(frozen=True)
class BoxEvaluation:
    """What an evaluation found; -1 stands for a figure without ground truth.

    Attributes:
        figures: The 12 COCO figures by the names of :data:`FIGURES`.
        per_class: ``AP`` (IoU 0.50:0.95) and ``AP50`` by category id, at most 100
            detections an image, all areas.
        table: The 12 figures as the usual COCO lines of text.
    """

    figures: dict[str, float]
    per_class: dict[int, dict[str, float]]
    table: str


def evaluate_boxes(
    ground_truth: dict,
    detections: Sequence[dict],
    image_ids: Sequence[int],
    category_ids: Sequence[int],
) -> BoxEvaluation:
    """Compute the COCO figures of a set of detections.

    Args:
        ground_truth: COCO instances; ``iscrowd`` and ``area`` (square pixels) may be
            missing and are then 0 and the area of the box.
        detections: ``image_id``, ``category_id``, ``bbox`` (xywh, pixels of the
            original image) and ``score`` of each.
        image_ids: The images to evaluate.
        category_ids: The categories to evaluate.

    Returns:
        The figures, not rounded.
    """
    with redirect_stdout(io.StringIO()):
        evaluation = COCOeval(
            _index(ground_truth, ground_truth.get('annotations', [])),
            _index(ground_truth, detections),
            'bbox',
        )
        evaluation.params.imgIds = list(image_ids)
        evaluation.params.catIds = list(category_ids)
        evaluation.evaluate()
        evaluation.accumulate()
    with redirect_stdout(io.StringIO()) as table:
        evaluation.summarize()
    # (IoU thresholds, recalls, categories, areas, detections): all areas, 100
    precision = evaluation.eval['precision'][:, :, :, 0, -1]
    return BoxEvaluation(
        figures=dict(zip(FIGURES, map(float, evaluation.stats), strict=True)),
        # COCOeval has sorted the ids
        per_class={
            int(category_id): {
                'AP': _mean(precision[:, :, k]),
                'AP50': _mean(precision[0, :, k]),
            }
            for k, category_id in enumerate(evaluation.params.catIds)
        },
        table=table.getvalue().rstrip(),
    )


def _index(ground_truth: dict, annotations: Sequence[dict]) -> COCO:
    coco = COCO()
    coco.dataset = {
        'images': ground_truth['images'],
        'categories': ground_truth['categories'],
        # COCOeval reads an id of 0 as "not matched", so the ids start at 1 here
        'annotations': [
            {
                'iscrowd': 0,
                'area': annotation['bbox'][2] * annotation['bbox'][3],
                **annotation,
                'id': i,
            }
            for i, annotation in enumerate(annotations, 1)
        ],
    }
    coco.createIndex()
    return coco


def _mean(values) -> float:
    defined = values[values > -1]
    return float(defined.mean()) if defined.size else -1.0


@METRICS.register_module()
class CocoBoxMetric(BaseMetric):
    """The 12 COCO box figures, such as ``coco/bbox_mAP``, not rounded.

    The ground truth comes from the data set's meta information: ``coco_gt`` (COCO
    instances) or else the file ``ann_file``, and ``classes``, whose order gives the
    meaning of the predicted labels. Figures without ground truth, such as the AP of
    small objects in a set that has none, are -1, as pycocotools has it.

    Attributes:
        per_class: ``AP`` and ``AP50`` by class name, of the last evaluation.
        predictions: Its detections as COCO results: ``image_id``, ``category_id``,
            ``bbox`` (xywh, pixels of the image) and ``score``. Both are known on the
            main process only.

    Args:
        collect_device: Where the ranks' results meet: 'gpu', which is the device that
            the ranks talk through, or 'cpu', which is a folder.
        prefix: Replaces 'coco' before the names of the figures.
        collect_dir: A folder that all ranks see, for ``collect_device='cpu'``.
    """

    default_prefix = 'coco'

    def __init__(
        self,
        collect_device: str = 'gpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device, prefix, collect_dir)
        self.per_class: dict[str, dict[str, float]] = {}
        self.predictions: list[dict] = []

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Keep the predictions of a batch.

        Args:
            data_batch: Not used.
            data_samples: ``img_id`` and ``pred_instances`` of each image: ``bboxes``
                (N, 4), xyxy in pixels of the original image, ``scores`` (N,) and
                ``labels`` (N,).
        """
        for sample in data_samples:
            predicted = sample['pred_instances']
            self.results.append(
                {
                    'image_id': sample['img_id'],
                    'boxes': _to_xywh(predicted['bboxes'].cpu()),
                    'scores': predicted['scores'].cpu(),
                    'labels': predicted['labels'].cpu(),
                }
            )

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Evaluate what :meth:`process` kept, and log the tables.

        Args:
            results: One entry an image.

        Returns:
            The 12 figures.

        Raises:
            InputError: A class of the data set is not in its annotation file.
        """
        logger = MMLogger.get_current_instance()
        ground_truth = self._ground_truth()
        category_ids = self._category_ids(ground_truth)
        detections = [
            {
                'image_id': result['image_id'],
                'category_id': category_ids[label],
                'bbox': box,
                'score': score,
            }
            for result in results
            for box, score, label in zip(
                result['boxes'].tolist(),
                result['scores'].tolist(),
                result['labels'].tolist(),
                strict=True,
            )
        ]
        if not detections:
            logger.warning('not one object was predicted in the whole set')
        if len(results) < len(ground_truth['images']):
            logger.info(
                f'evaluated {len(results)} of the '
                f'{len(ground_truth["images"])} images in the annotation file'
            )
        self.predictions = detections
        evaluation = evaluate_boxes(
            ground_truth,
            detections,
            [result['image_id'] for result in results],
            category_ids,
        )
        self.per_class = {
            name: evaluation.per_class[category_id]
            for name, category_id in zip(
                self.dataset_meta['classes'], category_ids, strict=True
            )
        }
        logger.info(f'COCO box figures\n{evaluation.table}')
        logger.info(f'per class\n{_class_table(self.per_class)}')
        return evaluation.figures

    def _ground_truth(self) -> dict:
        ground_truth = self.dataset_meta.get('coco_gt')
        if ground_truth is not None:
            return ground_truth
        with open(self.dataset_meta['ann_file'], encoding='utf-8') as file:
            return json.load(file)

    def _category_ids(self, ground_truth: dict) -> list[int]:
        ids = {c['name']: c['id'] for c in ground_truth['categories']}
        missing = [name for name in self.dataset_meta['classes'] if name not in ids]
        if missing:
            raise InputError(
                f'{self.dataset_meta.get("ann_file", "the annotations")}: no category '
                f'named {", ".join(missing)}; it has {", ".join(ids)}: set `classes` '
                'in the config to names from the file'
            )
        return [ids[name] for name in self.dataset_meta['classes']]


def _to_xywh(boxes: torch.Tensor) -> torch.Tensor:
    boxes = boxes.double()
    return torch.cat([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], dim=1)


def _class_table(per_class: dict[str, dict[str, float]]) -> str:
    width = max(len('class'), *map(len, per_class))
    lines = [f' {"class":<{width}}     AP   AP50']
    for name, figures in per_class.items():
        ap, ap50 = (f'{v:.3f}' if v >= 0 else '-' for v in figures.values())
        lines.append(f' {name:<{width}}  {ap:>5}  {ap50:>5}')
    return '\n'.join(lines)
