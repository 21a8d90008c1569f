"""What a detector gets right and wrong over a data set, by hotcoco."""

from dataclasses import dataclass

import numpy as np
from hotcoco import COCOeval

from tinydet.scoring.boxes import BoxEvaluation, BoxResults
from tinydet.scoring.by_hotcoco import evaluate, index

# Boxes of a lower score take no part in the confusion matrix.
CONFUSION_SCORE = 0.3
CONFUSION_IOU = 0.5
# hotcoco's names of the errors
_ERRORS = {
    'Cls': 'classification',
    'Loc': 'localisation',
    'Both': 'both',
    'Dupe': 'duplicate',
    'Bkg': 'background',
    'Miss': 'missed',
}
# places in COCO's IoU thresholds, 0.50:0.05:0.95
_IOU_50, _IOU_75 = 0, 5


@dataclass(frozen=True)
class Findings:
    """What an evaluation found of C classes, in the order of their category ids.

    Attributes:
        boxes: The COCO figures.
        precision: (2, 101, C), at IoU 0.5 and 0.75 and recalls 0, 0.01, ..., 1: 0 to 1,
            0 beyond the recall that was reached, NaN for a class without objects.
        confusion: (C + 1, C + 1) whole numbers: rows are true classes, columns those
            found, the last of both nothing. Boxes with a score of at least 0.3, the
            best first, each take the object that they overlap most, of any class, from
            an IoU of 0.5 on; boxes on a crowd of their class count for nothing.
        errors: AP50 (0 to 1) that a detector would gain without its errors of a kind,
            as TIDE defines them (Bolya et al. 2020, sections 2.2 and 2.3):
            ``classification`` and ``localisation``, which would be hits of another
            class or with a better box, ``both``, ``duplicate`` boxes of an object,
            ``background``, and objects ``missed``, for which there is no box of the
            first two kinds. A class with not one hit gains nothing from the last: TIDE
            takes missed objects away, and leaves it none.
    """

    boxes: BoxEvaluation
    precision: np.ndarray
    confusion: np.ndarray
    errors: dict[str, float]


def examine(coco: dict, detections: BoxResults) -> Findings:
    """Evaluate detections and say what is wrong with them.

    Args:
        coco: COCO instances with at least one object.
        detections: In their images and of their categories.
    """
    image_ids = [image['id'] for image in coco['images']]
    category_ids = [category['id'] for category in coco['categories']]

    evaluation = evaluate(*index(coco, detections, image_ids, category_ids))
    precision = evaluation.eval['precision']
    # all areas, 100 detections an image
    curves = precision[[_IOU_50, _IOU_75], :, :, 0, -1]
    gains = evaluation.tide_errors()['delta_ap']
    # hotcoco's confusion matrix knows no crowds, and would take what lies on one for a
    # box where nothing is
    counted = sorted(evaluation.image_diagnostics(CONFUSION_IOU)['dt_status'])
    kept = detections[np.array(counted, int) - 1]
    confusion = COCOeval(
        *index(coco, kept, image_ids, category_ids), 'bbox'
    ).confusion_matrix(CONFUSION_IOU, min_score=CONFUSION_SCORE)
    return Findings(
        boxes=BoxEvaluation.from_arrays(evaluation.stats, precision, category_ids),
        precision=np.where(curves < 0, np.nan, curves),
        confusion=confusion['matrix'].astype(np.int64),
        errors={name: gains[key] for key, name in _ERRORS.items()},
    )
