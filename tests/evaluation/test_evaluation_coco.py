import json
import logging

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger
from mmengine.registry import METRICS
from mmengine.structures import BaseDataElement, InstanceData
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from tinydet.errors import InputError
from tinydet.evaluation.coco import HotCocoMetric
from tinydet.scoring.boxes import FIGURES

# Neither the ids nor their order in the file follow the names' order in `CLASSES`.
CATEGORIES = [
    {'id': 7, 'name': 'cat'},
    {'id': 2, 'name': 'dog'},
    {'id': 5, 'name': 'ant'},
]
CLASSES = ('dog', 'ant', 'cat')
IDS = {'cat': 7, 'dog': 2, 'ant': 5}


def make_case(seed: int, images: int = 12) -> tuple[dict, dict]:
    """Random ground truth, and predictions (xyxy boxes, scores, names) by image id."""
    rng = np.random.default_rng(seed)
    ground_truth = {
        'images': [
            {'id': 100 + i, 'file_name': f'{i}.jpg', 'width': 400, 'height': 300}
            for i in range(images)
        ],
        'categories': CATEGORIES,
        'annotations': [],
    }
    predictions = {}
    for image in ground_truth['images']:
        boxes, scores, names = [], [], []
        # the first image is empty and the second has false alarms only
        for _ in range(0 if image['id'] < 102 else rng.integers(0, 8)):
            x, y = rng.uniform(0, 200, 2)
            w, h = np.exp(rng.uniform(np.log(8), np.log(180), 2))
            name = rng.choice(CLASSES)
            ground_truth['annotations'].append(
                {
                    'id': len(ground_truth['annotations']) + 1,
                    'image_id': image['id'],
                    'category_id': IDS[name],
                    'bbox': [float(x), float(y), float(w), float(h)],
                    'area': float(w * h * 0.7),
                    'iscrowd': int(rng.random() < 0.2),
                }
            )
            for _ in range(rng.integers(0, 3)):
                noise = rng.normal(0, 0.06, 4) * [w, h, w, h]
                boxes.append(np.array([x, y, x + w, y + h]) + noise)
                scores.append(rng.random())
                names.append(name if rng.random() < 0.9 else rng.choice(CLASSES))
        for _ in range(0 if image['id'] == 100 else 3):
            boxes.append(np.array([10.0, 10.0, 60.0, 90.0]) + rng.uniform(0, 40, 4))
            scores.append(rng.random() * 0.6)
            names.append(rng.choice(CLASSES))
        predictions[image['id']] = (
            np.asarray(boxes, np.float32).reshape(-1, 4),
            np.asarray(scores, np.float32),
            names,
        )
    return ground_truth, predictions


def samples_of(predictions: dict, classes=CLASSES) -> list[BaseDataElement]:
    samples = []
    for image_id, (boxes, scores, names) in predictions.items():
        sample = BaseDataElement(metainfo={'img_id': image_id})
        sample.pred_instances = InstanceData(
            bboxes=torch.from_numpy(boxes),
            scores=torch.from_numpy(scores),
            labels=torch.tensor([classes.index(n) for n in names], dtype=torch.long),
        )
        samples.append(sample)
    return samples


def run_metric(
    ground_truth: dict,
    predictions: dict,
    classes=CLASSES,
    metric='HotCocoMetric',
    **meta,
):
    metric = METRICS.build({'type': metric})
    evaluator = Evaluator(metric)
    meta = meta or {'coco_gt': ground_truth}
    evaluator.dataset_meta = {'classes': classes, **meta}
    samples = samples_of(predictions, classes)
    for i in range(0, len(samples), 5):
        evaluator.process(samples[i : i + 5])
    return evaluator.evaluate(len(samples)), metric


def run_pycocotools(ground_truth: dict, predictions: dict) -> COCOeval:
    """pycocotools' own way in, on result dicts with category ids by name."""
    coco = COCO()
    coco.dataset = json.loads(json.dumps(ground_truth))
    coco.createIndex()
    results = [
        {
            'image_id': image_id,
            'category_id': IDS[name],
            'bbox': [
                float(box[0]),
                float(box[1]),
                float(box[2]) - float(box[0]),
                float(box[3]) - float(box[1]),
            ],
            'score': float(score),
        }
        for image_id, (boxes, scores, names) in predictions.items()
        for box, score, name in zip(boxes, scores, names, strict=True)
    ]
    evaluation = COCOeval(coco, coco.loadRes(results), 'bbox')
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return evaluation


@pytest.fixture
def log() -> list[str]:
    """The messages of MMEngine's current logger during the test."""
    messages = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())
    logger = MMLogger.get_current_instance()
    logger.addHandler(handler)
    yield messages
    logger.removeHandler(handler)


@pytest.mark.parametrize('metric', ['HotCocoMetric', 'CocoBoxMetric'])
@pytest.mark.parametrize('seed', range(4))
def test_figures_equal_pycocotools(seed, metric):
    ground_truth, predictions = make_case(seed)
    figures, _ = run_metric(ground_truth, predictions, metric=metric)
    expected = run_pycocotools(ground_truth, predictions).stats
    assert list(figures) == [f'coco/{name}' for name in FIGURES]
    assert list(figures.values()) == pytest.approx(expected.tolist(), abs=0, rel=1e-12)
    assert 0 < figures['coco/bbox_mAP'] < figures['coco/bbox_mAP_50'] < 1


def test_per_class_equals_one_class_runs_of_pycocotools():
    ground_truth, predictions = make_case(1)
    _, metric = run_metric(ground_truth, predictions)
    assert list(metric.per_class) == list(CLASSES)
    for name, figures in metric.per_class.items():
        only = {
            **ground_truth,
            'annotations': [
                a for a in ground_truth['annotations'] if a['category_id'] == IDS[name]
            ],
        }
        stats = run_pycocotools(only, predictions).stats
        assert figures['AP'] == pytest.approx(stats[0], rel=1e-12)
        assert figures['AP50'] == pytest.approx(stats[1], rel=1e-12)


def test_a_subset_of_the_classes_ignores_the_others():
    ground_truth, predictions = make_case(2)
    keep = ('cat', 'dog')
    kept_predictions = {
        image_id: (
            boxes[[n in keep for n in names]],
            scores[[n in keep for n in names]],
            [n for n in names if n in keep],
        )
        for image_id, (boxes, scores, names) in predictions.items()
    }
    figures, metric = run_metric(ground_truth, kept_predictions, classes=keep)
    kept_ground_truth = {
        **ground_truth,
        'annotations': [
            a for a in ground_truth['annotations'] if a['category_id'] != IDS['ant']
        ],
    }
    stats = run_pycocotools(kept_ground_truth, kept_predictions).stats
    assert list(figures.values()) == pytest.approx(stats.tolist(), rel=1e-12)
    assert list(metric.per_class) == list(keep)


def test_ground_truth_is_read_from_the_annotation_file(tmp_path):
    ground_truth, predictions = make_case(3)
    ann_file = tmp_path / 'instances.json'
    ann_file.write_text(json.dumps(ground_truth))
    from_file, _ = run_metric(ground_truth, predictions, ann_file=str(ann_file))
    from_memory, _ = run_metric(ground_truth, predictions)
    assert from_file == from_memory


def test_an_annotation_with_id_0_counts():
    ground_truth, predictions = make_case(0)
    expected, _ = run_metric(ground_truth, predictions)
    shifted = {
        **ground_truth,
        'annotations': [{**a, 'id': a['id'] - 1} for a in ground_truth['annotations']],
    }
    assert run_metric(shifted, predictions)[0] == expected


def test_no_predictions_give_zeros_and_a_warning(log):
    ground_truth, predictions = make_case(0)
    nothing = {
        image_id: (np.zeros((0, 4), np.float32), np.zeros(0, np.float32), [])
        for image_id in predictions
    }
    figures, metric = run_metric(ground_truth, nothing)
    assert list(figures.values()) == [0.0] * 12
    assert metric.per_class['cat'] == {'AP': 0.0, 'AP50': 0.0}
    assert any('not one object' in message for message in log)


def test_figures_without_ground_truth_are_minus_one():
    ground_truth, predictions = make_case(0)
    large = {
        **ground_truth,
        'annotations': [
            {**a, 'area': 200.0 * 200.0} for a in ground_truth['annotations']
        ],
    }
    figures, _ = run_metric(large, predictions)
    assert figures['coco/bbox_mAP_s'] == figures['coco/bbox_AR_m'] == -1
    assert figures['coco/bbox_mAP_l'] > 0


def test_only_the_images_seen_are_evaluated(log):
    ground_truth, predictions = make_case(1)
    seen = {i: p for i, p in predictions.items() if i < 108}
    figures, _ = run_metric(ground_truth, seen)
    less = {
        **ground_truth,
        'images': [i for i in ground_truth['images'] if i['id'] < 108],
        'annotations': [a for a in ground_truth['annotations'] if a['image_id'] < 108],
    }
    stats = run_pycocotools(less, seen).stats
    assert list(figures.values()) == pytest.approx(stats.tolist(), rel=1e-12)
    assert 'evaluated 8 of the 12 images in the annotation file' in log


def test_tables_go_to_the_log(log, capsys):
    ground_truth, predictions = make_case(0)
    figures, metric = run_metric(ground_truth, predictions)
    text = '\n'.join(log)
    lines = [line for line in text.splitlines() if 'Average' in line]
    assert len(lines) == 12
    assert lines[0].endswith(f'{figures["coco/bbox_mAP"]:.3f}')
    ap, ap50 = (f'{v:.3f}' for v in metric.per_class['dog'].values())
    assert f' dog    {ap}  {ap50}' in text
    assert 'creating index' not in capsys.readouterr().out


def test_a_class_that_the_file_lacks_is_named():
    ground_truth, predictions = make_case(0)
    metric = HotCocoMetric()
    metric.dataset_meta = {
        'classes': (*CLASSES, 'yak'),
        'ann_file': 'some.json',
        'coco_gt': ground_truth,
    }
    with pytest.raises(InputError, match=r'some\.json: no category named yak; it has'):
        metric.compute_metrics([])


def test_predictions_are_coco_results():
    ground_truth, predictions = make_case(1)
    _, metric = run_metric(ground_truth, predictions)
    found = json.loads(json.dumps(metric.predictions))
    assert len(found) == sum(len(scores) for _, scores, _ in predictions.values())
    box, score, name = (column[1] for column in predictions[104])
    left, top, right, bottom = map(float, box)
    assert {
        'image_id': 104,
        'category_id': IDS[name],
        'bbox': [left, top, right - left, bottom - top],
        'score': float(score),
    } in found


def test_no_predictions_before_an_evaluation():
    assert HotCocoMetric().predictions == []


@pytest.mark.parametrize('metric', ['HotCocoMetric', 'CocoBoxMetric'])
def test_detections_that_are_no_numbers_are_left_out_and_counted(metric, log):
    ground_truth, predictions = make_case(2)
    expected, _ = run_metric(ground_truth, predictions, metric=metric)
    boxes, scores, names = predictions[105]
    bad = np.array([[np.nan, 10, 50, 60], [10, 10, np.inf, 60], [10, 10, 50, 60]])
    diverged = {
        **predictions,
        105: (
            np.concatenate([boxes, bad.astype(np.float32)]),
            np.concatenate([scores, np.float32([0.9, 0.9, np.nan])]),
            [*names, 'cat', 'cat', 'cat'],
        ),
    }
    figures, _ = run_metric(ground_truth, diverged, metric=metric)
    assert figures == expected
    count = sum(len(s) for _, s, _ in diverged.values())
    assert any(f'3 of {count} detections left out' in message for message in log)


def test_half_precision_is_taken():
    ground_truth, predictions = make_case(0)
    samples = samples_of(predictions)
    for sample in samples:
        found = sample.pred_instances
        found.bboxes, found.scores = found.bboxes.bfloat16(), found.scores.bfloat16()
    metric = HotCocoMetric()
    metric.dataset_meta = {'classes': CLASSES, 'coco_gt': ground_truth}
    metric.process({}, [sample.to_dict() for sample in samples])
    rounded = {
        sample.img_id: (
            sample.pred_instances.bboxes.float().numpy(),
            sample.pred_instances.scores.float().numpy(),
            predictions[sample.img_id][2],
        )
        for sample in samples
    }
    expected, _ = run_metric(ground_truth, rounded)
    assert metric.evaluate(len(samples)) == expected


def test_mmdets_metric_agrees_where_the_annotation_file_is_given(tmp_path):
    ground_truth, predictions = make_case(1)
    ann_file = tmp_path / 'instances.json'
    ann_file.write_text(json.dumps(ground_truth))
    # mmdet numbers the classes in the order of the file
    in_file = tuple(c['name'] for c in CATEGORIES)
    figures, _ = run_metric(ground_truth, predictions, classes=in_file)
    metric = METRICS.build({'type': 'mmdet.CocoMetric', 'ann_file': str(ann_file)})
    metric.dataset_meta = {'classes': in_file}
    samples = [
        {**sample.to_dict(), 'ori_shape': (300, 400)}
        for sample in samples_of(predictions, in_file)
    ]
    metric.process({}, samples)
    theirs = metric.evaluate(len(samples))
    assert theirs == {name: round(figures[name], 3) for name in theirs}
    assert len(theirs) == 6
