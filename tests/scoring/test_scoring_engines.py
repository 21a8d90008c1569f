"""Both engines, against pycocotools used as its manual has it."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hotcoco import COCOeval
from random_boxes import Case, make_case, run_pycocotools

from tinydet.scoring import by_hotcoco, by_pycocotools
from tinydet.scoring.boxes import FIGURES, BoxResults

ENGINES = {'hotcoco': by_hotcoco, 'pycocotools': by_pycocotools}
TINY_COCO = Path(__file__).parents[3] / 'shared/data/tiny_coco/annotations'


@pytest.fixture(params=ENGINES)
def evaluate_boxes(request):
    return ENGINES[request.param].evaluate_boxes


def check(case: Case, evaluations: list) -> None:
    expected, table = run_pycocotools(case)
    for found in evaluations:
        assert list(found.figures) == list(FIGURES)
        assert list(found.figures.values()) == pytest.approx(
            expected.stats.tolist(), rel=0, abs=1e-12
        )
        assert found.table == table
        assert set(found.per_class) == set(case.category_ids)
        for k, category_id in enumerate(expected.params.catIds):
            precision = expected.eval['precision'][:, :, k, 0, -1]
            # -1 throughout where the category has no objects
            assert found.per_class[category_id] == pytest.approx(
                {'AP': precision.mean(), 'AP50': precision[0].mean()}, abs=1e-12
            )


@pytest.mark.parametrize('seed', range(100))
def test_figures_equal_pycocotools(seed):
    case = make_case(seed)
    check(case, [engine.evaluate_boxes(*case) for engine in ENGINES.values()])


def test_the_random_cases_hold_what_they_should():
    cases = [make_case(seed) for seed in range(100)]
    stats = np.array([run_pycocotools(case)[0].stats for case in cases])
    assert ((stats > 0) & (stats < 1)).any(0).all()
    assert (stats == -1).any(0).all()

    def some(condition) -> bool:
        return sum(map(condition, cases)) >= 3

    def scores(case: Case) -> list[float]:
        return [d['score'] for d in case.detections]

    def annotations(case: Case) -> list[dict]:
        return case.ground_truth['annotations']

    def most_of_a_class_in_an_image(case: Case) -> int:
        evaluated = [
            (d['image_id'], d['category_id'])
            for d in case.detections
            if d['image_id'] in case.image_ids
        ]
        return max(Counter(evaluated).values(), default=0)

    assert some(lambda case: not case.detections)
    assert some(lambda case: not annotations(case))
    assert some(lambda case: len(set(scores(case))) < len(scores(case)))
    assert some(lambda case: len(case.image_ids) < len(case.ground_truth['images']))
    assert some(lambda case: 0 in case.image_ids and 0 in case.category_ids)
    assert some(lambda case: 'image 0' in case.image_ids)
    for flag in ('iscrowd', 'ignore'):
        assert some(lambda case, f=flag: any(a.get(f) for a in annotations(case)))
        assert some(lambda case, f=flag: any(f not in a for a in annotations(case)))
    assert some(lambda case: any('area' not in a for a in annotations(case)))
    assert some(lambda case: most_of_a_class_in_an_image(case) > 100)


def test_figures_equal_pycocotools_on_tiny_coco():
    if not TINY_COCO.exists():
        pytest.skip('no tiny_coco')
    truth = json.loads((TINY_COCO / 'instances_val2017.json').read_bytes())
    rng = np.random.default_rng(0)
    detections = []
    for annotation in truth['annotations']:
        for spread in (0.03, 0.2):
            sides = np.tile(annotation['bbox'][2:], 2)
            box = annotation['bbox'] + rng.normal(0, spread, 4) * sides
            detections.append(
                {
                    'image_id': annotation['image_id'],
                    'category_id': annotation['category_id'],
                    'bbox': np.maximum(box, 0).tolist(),
                    'score': round(rng.random(), 2),
                }
            )
    case = Case(
        truth,
        detections,
        [image['id'] for image in truth['images']],
        [category['id'] for category in truth['categories']],
    )
    check(case, [engine.evaluate_boxes(*case) for engine in ENGINES.values()])


def test_columns_and_dicts_are_the_same_results(evaluate_boxes):
    case = make_case(12)
    columns = BoxResults.from_dicts(case.detections)
    assert list(columns) == case.detections
    assert len(columns) == len(case.detections) > 0
    expected = evaluate_boxes(*case)
    assert min(expected.figures.values()) > 0
    assert evaluate_boxes(*case._replace(detections=columns)) == expected


def test_only_four_keys_of_a_detection_count(evaluate_boxes):
    """As of pycocotools' loadRes, which finds areas itself."""
    case = make_case(12)
    more = {'area': 1.0, 'iscrowd': 1, 'id': 7}
    detections = [{**detection, **more} for detection in case.detections]
    case = case._replace(detections=detections)
    check(case, [evaluate_boxes(*case)])


def test_where_hotcoco_is_stricter():
    ground_truth, detections, image_ids, category_ids = make_case(12)
    nan = [{**detection, 'score': np.nan} for detection in detections]
    with pytest.raises(ValueError, match='NaN score'):
        by_hotcoco.evaluate_boxes(ground_truth, nan, image_ids, category_ids)
    nameless = [{'id': c['id']} for c in ground_truth['categories']]
    ground_truth = {**ground_truth, 'categories': nameless}
    with pytest.raises(KeyError, match='name'):
        by_hotcoco.evaluate_boxes(ground_truth, [], image_ids, category_ids)


def test_ground_truth_and_detections_stay_as_they_are(evaluate_boxes):
    case = make_case(3)
    evaluate_boxes(*case)
    assert case == make_case(3)


def test_index_numbers_images_and_categories_by_their_ids():
    case = make_case(4)
    truth, found = by_hotcoco.index(*case)
    images, categories = sorted(case.image_ids), sorted(case.category_ids)
    assert len(images) > 1 < len(categories)
    assert {n: c['name'] for n, c in truth.cats.items()} == {
        n: f'name of {i}' for n, i in enumerate(categories, 1)
    }
    for coco, entries in (
        (truth, case.ground_truth['annotations']),
        (found, case.detections),
    ):
        expected = [
            (
                images.index(e['image_id']) + 1,
                categories.index(e['category_id']) + 1,
                e['bbox'],
            )
            for e in entries
            if e['image_id'] in images and e['category_id'] in categories
        ]
        assert expected == [
            (a['image_id'], a['category_id'], a['bbox']) for a in coco.anns.values()
        ]
    evaluation = COCOeval(truth, found, 'bbox')
    evaluation.run()
    assert evaluation.confusion_matrix()['cat_names'] == [
        f'name of {i}' for i in categories
    ]


def test_needs_no_framework():
    program = (
        'import sys, tinydet.scoring.by_hotcoco as engine\n'
        'truth = {"images": [{"id": 5}], "categories": [{"id": 3, "name": "cat"}],'
        '"annotations": [{"image_id": 5, "category_id": 3, "bbox": [0, 0, 9, 9]}]}\n'
        'found = [{**truth["annotations"][0], "score": 0.5}]\n'
        'figures = engine.evaluate_boxes(truth, found, [5], [3]).figures\n'
        'assert abs(figures["bbox_mAP"] - 1) < 1e-12\n'
        'heavy = {"torch", "mmengine", "mmcv", "mmdet", "pycocotools"}\n'
        'assert not heavy & set(sys.modules), heavy & set(sys.modules)\n'
    )
    subprocess.run([sys.executable, '-c', program], check=True)
