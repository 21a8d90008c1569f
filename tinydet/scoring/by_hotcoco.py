"""COCO figures of boxes, computed by hotcoco: those of pycocotools, 100 times faster.

hotcoco (https://derekallman.github.io/hotcoco/) is pycocotools rewritten in Rust. It is
handed columns, since making a dict of every detection takes longer than evaluating it.
"""

import io
from collections.abc import Sequence
from contextlib import redirect_stdout

import numpy as np
from hotcoco import COCO, COCOeval

from tinydet.scoring.boxes import BoxEvaluation, BoxResults, stack_boxes

# Of a table with a place for each possible id: 8 MB.
_MOST_PLACES = 1_000_000


def evaluate_boxes(
    ground_truth: dict,
    detections: Sequence[dict] | BoxResults,
    image_ids: Sequence[int | str],
    category_ids: Sequence[int | str],
) -> BoxEvaluation:
    """Compute the COCO figures of a set of detections.

    The arguments and the figures are those of
    :func:`tinydet.scoring.by_pycocotools.evaluate_boxes`; but every category needs a
    ``name``, and a score of NaN, which pycocotools ranks last, is refused.

    Raises:
        KeyError: If a category has no name.
        ValueError: If a score in these images and categories is NaN.
    """
    evaluation = evaluate(*index(ground_truth, detections, image_ids, category_ids))
    return BoxEvaluation.from_arrays(
        evaluation.stats, evaluation.eval['precision'], category_ids
    )


def evaluate(truth: COCO, detections: COCO) -> COCOeval:
    """Run an evaluation of indices, up to its 12 figures, without printing them."""
    evaluation = COCOeval(truth, detections, 'bbox')
    evaluation.evaluate()
    evaluation.accumulate()
    with redirect_stdout(io.StringIO()):
        evaluation.summarize()
    return evaluation


def index(
    ground_truth: dict,
    detections: Sequence[dict] | BoxResults,
    image_ids: Sequence[int | str],
    category_ids: Sequence[int | str],
) -> tuple[COCO, COCO]:
    """Make hotcoco's indices of ground truth and detections.

    Its ids are numbers from 1 up, while those of COCO files may be 0 or strings. So
    images and categories are numbered in the order of their ids, by which pycocotools
    ranks equal scores; the categories keep their names.

    Args:
        ground_truth: As in :func:`evaluate_boxes`.
        detections: Likewise.
        image_ids: The images that the indices hold.
        category_ids: The categories that they hold.

    Returns:
        The ground truth and the detections, for ``hotcoco.COCOeval``.

    Raises:
        KeyError: If a category has no name.
        ValueError: If a score in these images and categories is NaN.
    """
    if not isinstance(detections, BoxResults):
        detections = BoxResults.from_dicts(detections)
    names = {c['id']: c['name'] for c in ground_truth['categories']}
    images, categories = np.unique(image_ids), np.unique(category_ids)
    annotations = ground_truth.get('annotations', [])

    kept, image_numbers, category_numbers = _place(
        np.array([a['image_id'] for a in annotations]),
        np.array([a['category_id'] for a in annotations]),
        images,
        categories,
    )
    truth = COCO.from_arrays(
        [{'id': number} for number in range(1, len(images) + 1)],
        [
            {'id': number, 'name': names[category_id]}
            for number, category_id in enumerate(categories.tolist(), 1)
        ],
        image_numbers,
        category_numbers,
        stack_boxes(annotations)[kept],
        ids=np.arange(1, len(image_numbers) + 1),
        area=_areas(annotations)[kept],
        iscrowd=np.array([a.get('iscrowd', 0) for a in annotations], bool)[kept],
    )

    kept, image_numbers, category_numbers = _place(
        detections.image_ids, detections.category_ids, images, categories
    )
    columns = (
        image_numbers,
        detections.boxes[kept],
        detections.scores[kept],
        category_numbers,
    )
    return truth, truth.load_res(np.column_stack(columns))


def _place(
    image_ids: np.ndarray,
    category_ids: np.ndarray,
    images: np.ndarray,
    categories: np.ndarray,
) -> tuple[np.ndarray | slice, np.ndarray, np.ndarray]:
    """Which annotations count, and the numbers of the images and categories of those.

    ``images`` and ``categories`` are sorted.
    """
    numbers = _numbers(image_ids, images), _numbers(category_ids, categories)
    kept = (numbers[0] > 0) & (numbers[1] > 0)
    # All, as a rule: then no half a million boxes are copied.
    which = slice(None) if kept.all() else kept
    return which, numbers[0][which], numbers[1][which]


def _numbers(ids: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Places of ids among the known, which are sorted, from 1; 0 for others."""
    if not len(ids) or not len(known):
        return np.zeros(len(ids), int)
    if ids.dtype.kind == known.dtype.kind == 'i':
        first, span = known[0], known[-1] - known[0] + 1
        if span <= _MOST_PLACES:
            # A third of the time of a search.
            places = np.zeros(span + 1, int)
            places[known - first] = np.arange(1, len(known) + 1)
            inside = (ids >= first) & (ids <= known[-1])
            return places[np.where(inside, ids - first, span)]
    places = np.searchsorted(known, ids).clip(max=len(known) - 1)
    return np.where(known[places] == ids, places + 1, 0)


def _areas(annotations: Sequence[dict]) -> np.ndarray:
    areas = (
        annotation.get('area', annotation['bbox'][2] * annotation['bbox'][3])
        for annotation in annotations
    )
    return np.fromiter(areas, float)
