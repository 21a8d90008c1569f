"""Time the COCO evaluation of boxes by hotcoco and by pycocotools, side by side.

Two ways from detections to the 12 figures: ``dicts``, from a list of COCO results as a
file holds them, and ``metric``, from the tensors of each image through the metric that
training and ``tools/test.py`` use. The ground truth lies in memory.

pycocotools runs once each way; a minute each at the default size.
"""

import argparse
import logging
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger

from tinydet.evaluation import CocoBoxMetric, HotCocoMetric
from tinydet.files import make_room, write_json
from tinydet.progress import track
from tinydet.scoring import by_hotcoco, by_pycocotools

WIDTH, HEIGHT = 640, 480
# COCO 2017: 36,781 objects in 5,000 images, 1.2% of them crowds.
OBJECTS, CROWDS = 7, 0.012
# Of the detections; the rest are false alarms.
NEAR_AN_OBJECT = 0.3

# From detections to figures.
Way = Callable[[], dict[str, float]]


def make_ground_truth(rng: np.random.Generator, args: argparse.Namespace) -> dict:
    """Instances of ``args.classes`` classes, of 8 to 300 pixels a side."""
    count = args.images * args.objects
    sizes = np.exp(rng.uniform(np.log(8), np.log(300), (count, 2)))
    corners = rng.uniform(0, 1, (count, 2)) * (np.array([WIDTH, HEIGHT]) - sizes)
    labels = rng.integers(0, args.classes, count)
    crowds = rng.random(count) < CROWDS
    return {
        'images': [
            {'id': i, 'file_name': f'{i}.jpg', 'width': WIDTH, 'height': HEIGHT}
            for i in range(args.images)
        ],
        'categories': [{'id': k, 'name': f'class {k}'} for k in range(args.classes)],
        'annotations': [
            {
                'id': i,
                'image_id': i // args.objects,
                'category_id': label,
                'bbox': box,
                'area': box[2] * box[3],
                'iscrowd': int(crowd),
            }
            for i, (label, box, crowd) in enumerate(
                zip(
                    labels.tolist(),
                    np.concatenate([corners, sizes], 1).tolist(),
                    crowds.tolist(),
                    strict=True,
                )
            )
        ],
    }


def make_samples(
    rng: np.random.Generator, ground_truth: dict, args: argparse.Namespace
) -> list[dict]:
    """What a detector hands to the metric; boxes near objects score higher."""
    objects = ground_truth['annotations']
    truth = np.array([o['bbox'] for o in objects]).reshape(args.images, -1, 4)
    classes = np.array([o['category_id'] for o in objects]).reshape(args.images, -1)
    samples = []
    for boxes, labels in zip(truth, classes, strict=True):
        which = rng.integers(0, args.objects, args.boxes)
        near = rng.random(args.boxes) < NEAR_AN_OBJECT
        found = boxes[which]
        sides = np.tile(found[:, 2:], 2)
        found = found + rng.normal(0, 0.1, found.shape) * sides
        found[~near, :2] = rng.uniform(0, 400, (args.boxes, 2))[~near]
        found[:, 2:] = found[:, :2] + abs(found[:, 2:])
        any_class = rng.integers(0, args.classes, args.boxes)
        scores = rng.random(args.boxes) * np.where(near, 1, 0.5)
        samples.append(
            {
                'img_id': len(samples),
                'pred_instances': {
                    'bboxes': torch.from_numpy(found.astype(np.float32)),
                    'scores': torch.from_numpy(scores.astype(np.float32)),
                    'labels': torch.from_numpy(
                        np.where(near, labels[which], any_class)
                    ),
                },
            }
        )
    return samples


def through_metric(metric: BaseMetric, ground_truth: dict, samples: list[dict]) -> Way:
    metric.dataset_meta = {
        'classes': [category['name'] for category in ground_truth['categories']],
        'coco_gt': ground_truth,
    }

    def evaluate() -> dict[str, float]:
        metric.process({}, samples)
        figures = metric.evaluate(len(samples))
        return {name.removeprefix('coco/'): value for name, value in figures.items()}

    return evaluate


def from_dicts(engine, ground_truth: dict, detections: list[dict]) -> Way:
    image_ids = [image['id'] for image in ground_truth['images']]
    category_ids = [category['id'] for category in ground_truth['categories']]

    def evaluate() -> dict[str, float]:
        return engine.evaluate_boxes(
            ground_truth, detections, image_ids, category_ids
        ).figures

    return evaluate


def time_rounds(evaluate: Way, rounds: int) -> tuple[list[float], dict[str, float]]:
    """Seconds of each round, and the figures."""
    seconds, figures = [], {}
    for _ in range(rounds):
        start = time.perf_counter()
        figures = evaluate()
        seconds.append(time.perf_counter() - start)
    return seconds, figures


def measure(ground_truth: dict, samples: list[dict], rounds: int) -> list[dict]:
    """Time both ways by both engines.

    Returns:
        For each way its name, ``hotcoco_s`` (median) and ``pycocotools_s``, the
        ``ratio``, and the greatest ``difference`` between figures.
    """
    # This makes the list of the other way as well.
    ours = HotCocoMetric()
    by_metric = through_metric(ours, ground_truth, samples)
    by_metric()
    detections = ours.predictions
    ways = {
        'dicts': (
            from_dicts(by_hotcoco, ground_truth, detections),
            from_dicts(by_pycocotools, ground_truth, detections),
        ),
        'metric': (
            by_metric,
            through_metric(CocoBoxMetric(), ground_truth, samples),
        ),
    }
    rows = []
    for name, (fast, slow) in track(ways.items(), desc='ways'):
        seconds, figures = time_rounds(fast, rounds)
        (reference,), expected = time_rounds(slow, 1)
        median = statistics.median(seconds)
        rows.append(
            {
                'way': name,
                'hotcoco_s': median,
                'pycocotools_s': reference,
                'ratio': reference / median,
                'difference': max(abs(figures[k] - expected[k]) for k in expected),
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--images', type=int, default=5000)
    parser.add_argument('--boxes', type=int, default=100, help='detections an image')
    parser.add_argument(
        '--objects', type=int, default=OBJECTS, help='annotations an image'
    )
    parser.add_argument('--classes', type=int, default=80)
    parser.add_argument('--rounds', type=int, default=5, help='of hotcoco')
    parser.add_argument('--json', type=Path, help='write the table to this file')
    args = parser.parse_args()
    make_room(args.json)
    MMLogger.get_current_instance().setLevel(logging.ERROR)
    rng = np.random.default_rng(0)
    ground_truth = make_ground_truth(rng, args)
    samples = make_samples(rng, ground_truth, args)
    rows = measure(ground_truth, samples, args.rounds)
    print(
        f'{args.images} images, {args.boxes} detections and {args.objects} objects '
        f'each, {args.classes} classes'
    )
    print(
        f'{"way":<6}  {"hotcoco, s":>10}  {"pycocotools, s":>14}  {"ratio":>5}  '
        'greatest difference'
    )
    for row in rows:
        print(
            f'{row["way"]:<6}  {row["hotcoco_s"]:>10.3f}  {row["pycocotools_s"]:>14.1f}'
            f'  {row["ratio"]:>5.0f}  {row["difference"]:.1g}'
        )
    if args.json:
        write_json(args.json, rows)


if __name__ == '__main__':
    main()
