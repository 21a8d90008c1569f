"""Random cases of a COCO evaluation, and pycocotools' own way to score them."""

import io
from collections import namedtuple
from contextlib import redirect_stdout

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

Case = namedtuple('Case', 'ground_truth detections image_ids category_ids')
KEYS = ('image_id', 'category_id', 'bbox', 'score')


def make_case(seed: int) -> Case:
    """Ground truth and detections with a random choice of what files have in store."""
    rng = np.random.default_rng(seed)
    ids = {
        kind: rng.permutation(rng.integers(1, 7)).tolist()
        for kind in ('image', 'class')
    }
    if seed % 5 == 1:
        ids = {kind: [f'{kind} {i}' for i in numbers] for kind, numbers in ids.items()}
    # On a grid IoUs repeat, and fall on the thresholds.
    on_grid, scores_repeat = rng.random(2) < 0.5
    annotations, detections = [], []
    for image_id in ids['image']:
        objects = [_make_object(rng, on_grid) for _ in range(rng.integers(0, 9))]
        # some categories have no truth
        for object_ in objects:
            object_ |= {
                'id': len(annotations),
                'image_id': image_id,
                'category_id': ids['class'][rng.integers(0, len(ids['class'])) // 2],
            }
            annotations.append(object_)
        many = rng.random() < 0.15
        for _ in range(rng.choice([0, 3, 12]) if not many else 130):
            found = _make_detection(rng, objects, on_grid)
            found['image_id'] = image_id
            if many:
                found['category_id'] = ids['class'][0]
            elif 'category_id' not in found or rng.random() < 0.1:
                found['category_id'] = ids['class'][rng.integers(0, len(ids['class']))]
            score = rng.integers(0, 5) / 4 if scores_repeat else rng.random()
            found['score'] = float(score)
            detections.append({key: found[key] for key in KEYS})
    rng.shuffle(detections)
    chosen = {
        kind: rng.permutation(np.array(all_ids, object))[: rng.integers(1, 7)].tolist()
        for kind, all_ids in ids.items()
    }
    ground_truth = {
        'images': [{'id': i, 'width': 400, 'height': 300} for i in ids['image']],
        'categories': [{'id': i, 'name': f'name of {i}'} for i in ids['class']],
        'annotations': annotations,
    }
    return Case(ground_truth, detections, chosen['image'], chosen['class'])


def _make_object(rng: np.random.Generator, on_grid: bool) -> dict:
    size = np.exp(rng.uniform(np.log(8), np.log(200), 2))
    box = np.concatenate([rng.uniform(0, 200, 2), size])
    made = {'bbox': _snap(box, on_grid)}
    if rng.random() < 0.7:
        made['area'] = float(np.prod(made['bbox'][2:]) * rng.choice([0.5, 1, 1.5]))
    for flag in ('iscrowd', 'ignore'):
        if rng.random() < 0.6:
            made[flag] = int(rng.random() < 0.3)
    return made


def _make_detection(rng: np.random.Generator, objects: list, on_grid: bool) -> dict:
    if not objects or rng.random() < 0.3:
        found = _make_object(rng, on_grid)
        if rng.random() < 0.1:
            found['bbox'][2] = 0.0
        return found
    found = dict(objects[rng.integers(0, len(objects))])
    box = np.array(found['bbox'])
    noise = rng.normal(0, rng.choice([0, 0.05, 0.2]), 4) * np.tile(box[2:], 2)
    found['bbox'] = _snap(np.maximum(box + noise, 0), on_grid)
    return found


def _snap(box: np.ndarray, on_grid: bool) -> list[float]:
    return (np.round(box / 8) * 8 if on_grid else box).tolist()


def run_pycocotools(case: Case) -> tuple[COCOeval, str]:
    """Score a case as pycocotools' manual has it.

    Fills in what pycocotools asks of its files, and moves the ids of the annotations
    away from 0.

    Returns:
        The evaluation, and the table that it printed.
    """
    truth = dict(case.ground_truth)
    truth['annotations'] = [
        {
            'area': a['bbox'][2] * a['bbox'][3],
            'iscrowd': 0,
            **a,
            'id': a['id'] + 1,
        }
        for a in truth['annotations']
    ]
    with redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = truth
        coco.createIndex()
        if case.detections:
            found = coco.loadRes([dict(d) for d in case.detections])
        else:  # which loadRes refuses
            found = COCO()
            found.dataset = {**truth, 'annotations': []}
            found.createIndex()
        evaluation = COCOeval(coco, found, 'bbox')
        evaluation.params.imgIds = case.image_ids
        evaluation.params.catIds = case.category_ids
        evaluation.evaluate()
        evaluation.accumulate()
    with redirect_stdout(io.StringIO()) as table:
        evaluation.summarize()
    return evaluation, table.getvalue().rstrip()
