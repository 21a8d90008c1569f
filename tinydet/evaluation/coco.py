"""COCO box figures as metrics of MMEngine."""

import json
from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger
from mmengine.registry import METRICS

from tinydet.errors import InputError
from tinydet.scoring import by_hotcoco, by_pycocotools
from tinydet.scoring.boxes import BoxEvaluation, BoxResults


class BoxMetric(BaseMetric):
    """The 12 COCO box figures, such as ``coco/bbox_mAP``, not rounded.

    The ground truth comes from the data set's meta information: ``coco_gt`` (COCO
    instances) or else the file ``ann_file``, and ``classes``, whose order gives the
    meaning of the predicted labels. Figures without ground truth, such as the AP of
    small objects in a set that has none, are -1, as pycocotools has it. Subclasses name
    the engine that computes.

    Attributes:
        per_class: ``AP`` and ``AP50`` by class name, of the last evaluation. Known on
            the main process only, like :attr:`predictions`.

    Args:
        collect_device: Where the ranks' results meet: 'gpu', which is the device that
            the ranks talk through, or 'cpu', which is a folder.
        prefix: Replaces 'coco' before the names of the figures.
        collect_dir: A folder that all ranks see, for ``collect_device='cpu'``.
    """

    default_prefix = 'coco'
    evaluate_boxes: ClassVar[Callable[..., BoxEvaluation]]

    def __init__(
        self,
        collect_device: str = 'gpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device, prefix, collect_dir)
        self.per_class: dict[str, dict[str, float]] = {}
        self._detections: BoxResults | None = None

    @property
    def predictions(self) -> list[dict]:
        """Detections of the last evaluation as COCO results.

        Each has ``image_id``, ``category_id``, ``bbox`` (xywh, pixels of the image)
        and ``score``. Made anew at every call: few need it, and half a million dicts
        take longer than the evaluation.
        """
        return [] if self._detections is None else list(self._detections)

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
                    'boxes': predicted['bboxes'].cpu().double().numpy(),
                    'scores': predicted['scores'].cpu().double().numpy(),
                    'labels': predicted['labels'].cpu().numpy(),
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
        image_ids = [result['image_id'] for result in results]
        found = _gather(results, image_ids, category_ids)
        if not len(found):
            logger.warning('not one object was predicted in the whole set')
        # pycocotools would match a box of NaN with any object.
        finite = np.isfinite(found.boxes).all(1) & np.isfinite(found.scores)
        if not finite.all():
            logger.warning(
                f'{(~finite).sum()} of {len(found)} detections left out: their boxes '
                'or scores are no finite numbers, so the net has diverged'
            )
            found = found[finite]
        if len(results) < len(ground_truth['images']):
            logger.info(
                f'evaluated {len(results)} of the '
                f'{len(ground_truth["images"])} images in the annotation file'
            )
        self._detections = found
        evaluation = self.evaluate_boxes(ground_truth, found, image_ids, category_ids)
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


@METRICS.register_module()
class HotCocoMetric(BoxMetric):
    """:class:`BoxMetric` by hotcoco."""

    evaluate_boxes = staticmethod(by_hotcoco.evaluate_boxes)


@METRICS.register_module()
class CocoBoxMetric(BoxMetric):
    """:class:`BoxMetric` by pycocotools: equal figures, 100 times slower."""

    evaluate_boxes = staticmethod(by_pycocotools.evaluate_boxes)


def _gather(
    results: list[dict], image_ids: list, category_ids: list[int]
) -> BoxResults:
    def column(name: str, *shape: int) -> np.ndarray:
        # The empty array stands in where there are no images.
        return np.concatenate([np.zeros((0, *shape)), *(r[name] for r in results)])

    boxes = column('boxes', 4)
    boxes[:, 2:] -= boxes[:, :2]
    return BoxResults(
        np.repeat(image_ids, [len(result['scores']) for result in results]),
        np.asarray(category_ids)[column('labels').astype(int)],
        boxes,
        column('scores'),
    )


def _class_table(per_class: dict[str, dict[str, float]]) -> str:
    width = max(len('class'), *map(len, per_class))
    lines = [f' {"class":<{width}}     AP   AP50']
    for name, figures in per_class.items():
        ap, ap50 = (f'{v:.3f}' if v >= 0 else '-' for v in figures.values())
        lines.append(f' {name:<{width}}  {ap:>5}  {ap50:>5}')
    return '\n'.join(lines)
