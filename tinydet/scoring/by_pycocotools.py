"""COCO figures of boxes, computed by pycocotools: the reference, and slow."""

import io
from collections.abc import Iterable, Sequence
from contextlib import redirect_stdout

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from tinydet.scoring.boxes import BoxEvaluation, BoxResults


def evaluate_boxes(
    ground_truth: dict,
    detections: Sequence[dict] | BoxResults,
    image_ids: Sequence[int | str],
    category_ids: Sequence[int | str],
) -> BoxEvaluation:
    """Compute the COCO figures of a set of detections.

    Args:
        ground_truth: COCO instances; ``iscrowd`` and ``area`` (square pixels) may be
            missing and are then 0 and the area of the box. ``ignore`` has no effect.
        detections: ``image_id``, ``category_id``, ``bbox`` (xywh, pixels of the
            original image) and ``score`` of each; all else is ignored.
        image_ids: The images to evaluate; all integers or all strings.
        category_ids: The categories to evaluate; likewise.

    Returns:
        The figures, not rounded.
    """
    # loadRes, too, does not take the area and the like from a file of detections
    if not isinstance(detections, BoxResults):
        detections = BoxResults.from_dicts(detections)
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
        evaluation.summarize()
    return BoxEvaluation.from_arrays(
        evaluation.stats, evaluation.eval['precision'], category_ids
    )


def _index(ground_truth: dict, annotations: Iterable[dict]) -> COCO:
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
