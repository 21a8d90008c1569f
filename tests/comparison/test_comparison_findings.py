"""What detectors get right and wrong, against hand counts and pycocotools."""

import io
from contextlib import redirect_stdout

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from tinydet.comparison.findings import examine
from tinydet.scoring.boxes import BoxResults

# Two ants and a bee.
A, B, C = [10, 10, 100, 100], [300, 300, 100, 100], [600, 600, 100, 100]
PART_OF_A = [10, 10, 100, 40]  # an IoU of 0.4
EMPTY = [800, 10, 50, 50]
ANT, BEE = 7, 3
ANTS_AND_BEE = [(1, ANT, A), (1, ANT, B), (1, BEE, C)]
# Share of the recalls 0, 0.01, ..., 1 that one of two objects reaches.
HALF = 51 / 101


def make_coco(objects: list, crowds: list = ()) -> dict:
    annotations = [
        {
            'id': number,
            'image_id': image_id,
            'category_id': category_id,
            'bbox': box,
            'area': box[2] * box[3],
            'iscrowd': int(number > len(objects)),
        }
        for number, (image_id, category_id, box) in enumerate([*objects, *crowds], 1)
    ]
    return {
        'images': [{'id': number, 'width': 1000, 'height': 1000} for number in (1, 2)],
        'categories': [{'id': ANT, 'name': 'ant'}, {'id': BEE, 'name': 'bee'}],
        'annotations': annotations,
    }


def results(*rows: tuple) -> BoxResults:
    """Image, category, box and score of each detection."""
    return BoxResults.from_dicts(
        [
            dict(zip(('image_id', 'category_id', 'bbox', 'score'), row, strict=True))
            for row in rows
        ]
    )


FOUND = {
    'a': (1, ANT, A, 0.9),
    'b': (1, ANT, B, 0.8),
    'c': (1, BEE, C, 0.7),
}


@pytest.mark.parametrize(
    'rows, ap50, losses',
    [
        (FOUND, 1, {}),
        # the wrong box comes first, and its ant not at all
        (
            {**FOUND, 'a': (1, ANT, PART_OF_A, 0.9)},
            (HALF / 2 + 1) / 2,
            {'localisation': 1 - (HALF / 2 + 1) / 2},
        ),
        # one of two ants, without a wrong box; before the bee a wrong one
        (
            {**FOUND, 'a': (1, BEE, A, 0.9)},
            (HALF + 0.5) / 2,
            {'classification': 1 - (HALF + 0.5) / 2},
        ),
        # to take the box away helps the bee, and does not find the ant
        (
            {**FOUND, 'a': (1, BEE, PART_OF_A, 0.9)},
            (HALF + 0.5) / 2,
            {'both': 0.25, 'missed': (1 - HALF) / 2},
        ),
        # the second ant is the third box
        (
            {**FOUND, 'again': (1, ANT, A, 0.85)},
            (HALF + (1 - HALF) * 2 / 3 + 1) / 2,
            {'duplicate': (1 - HALF) / 3 / 2},
        ),
        # one wrong box of three before both ants
        (
            {**FOUND, 'none': (1, ANT, EMPTY, 0.95)},
            (2 / 3 + 1) / 2,
            {'background': 1 / 3 / 2},
        ),
        (
            {'b': FOUND['b'], 'c': FOUND['c']},
            (HALF + 1) / 2,
            {'missed': (1 - HALF) / 2},
        ),
    ],
    ids=[
        *('none', 'localisation', 'classification', 'both', 'duplicate'),
        *('background', 'missed'),
    ],
)
def test_what_an_error_costs(rows, ap50, losses):
    findings = examine(make_coco(ANTS_AND_BEE), results(*rows.values()))
    assert findings.boxes.figures['bbox_mAP_50'] == pytest.approx(ap50)
    expected = dict.fromkeys(findings.errors, 0) | losses
    assert findings.errors == pytest.approx(expected, abs=1e-9)


def test_two_boxes_of_the_wrong_class_become_one_hit():
    """A box that a hit would make a duplicate is taken away with the error."""
    rows = [(1, BEE, A, 0.95), (1, BEE, A, 0.9), FOUND['b'], FOUND['c']]
    findings = examine(make_coco(ANTS_AND_BEE), results(*rows))
    ap50 = (HALF + 1 / 3) / 2
    assert findings.errors['classification'] == pytest.approx(1 - ap50)
    assert findings.errors['missed'] == 0


def test_confusion_by_hand():
    coco = make_coco([*ANTS_AND_BEE, (2, ANT, A)], crowds=[(2, BEE, B)])
    rows = [
        (1, BEE, A, 0.95),  # takes the ant ...
        (1, ANT, A, 0.9),  # ... so that nothing is there for this one
        (1, BEE, B, 0.8),
        (1, BEE, EMPTY, 0.31),
        (1, ANT, C, 0.29),  # too low a score, so the bee is missed
        (2, ANT, [10, 10, 100, 51], 0.5),  # an IoU of 0.51
        (2, BEE, [310, 310, 30, 30], 0.9),  # on a crowd: counts for nothing
        (2, BEE, [320, 320, 30, 30], 0.8),
        (2, ANT, [310, 310, 30, 30], 0.7),  # on a crowd of the other class
    ]
    # bee, ant (in the order of their ids), nothing
    expected = [[0, 0, 1], [2, 1, 0], [1, 2, 0]]
    assert examine(coco, results(*rows)).confusion.tolist() == expected


def test_a_detector_that_finds_nothing():
    findings = examine(make_coco(ANTS_AND_BEE), results())
    assert findings.boxes.figures['bbox_mAP'] == 0
    assert findings.confusion.tolist() == [[0, 0, 1], [0, 0, 2], [0, 0, 0]]
    assert not findings.precision.any()


@pytest.mark.parametrize('seed', range(5))
def test_precision_is_that_of_pycocotools(seed):
    rng = np.random.default_rng(seed)
    objects, crowds, rows = [], [], []
    for image_id in rng.integers(1, 3, 40):
        box = np.concatenate([rng.uniform(0, 900, 2), rng.uniform(20, 300, 2)])
        # bees in one of the cases only
        category_id = ANT if seed or rng.random() < 0.5 else BEE
        whole = (int(image_id), category_id, box.tolist())
        (crowds if rng.random() < 0.1 else objects).append(whole)
        for _ in range(rng.integers(0, 4)):
            found = box + rng.normal(0, 0.15, 4) * np.tile(box[2:], 2)
            rows.append((int(image_id), category_id, found.tolist(), rng.random()))
    coco = make_coco(objects, crowds)
    findings = examine(coco, results(*rows))

    with redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = coco
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(list(results(*rows))), 'bbox')
        evaluation.evaluate()
        evaluation.accumulate()
    expected = evaluation.eval['precision'][[0, 5], :, :, 0, -1]
    assert (expected > 0).any()
    expected[expected == -1] = np.nan
    np.testing.assert_allclose(findings.precision, expected, atol=1e-12)
    assert np.isnan(findings.precision[..., 0]).all() == bool(seed)
