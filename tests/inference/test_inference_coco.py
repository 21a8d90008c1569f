import json

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from tinydet.inference import Detections
from tinydet.inference.coco import CocoPredictions
from tinydet.inference.sources import Frame, ImageFile, Video

CLASSES = ('ant', 'bee', 'Käfer')


def image(name, width, height):
    return Frame(ImageFile(name, name), np.zeros((height, width, 3), np.uint8))


def found(*rows):
    """Detections from rows of (x1, y1, x2, y2, score, label)."""
    table = np.array(rows, float).reshape(-1, 6)
    return Detections(
        table[:, :4].astype(np.float32),
        table[:, 4].astype(np.float32),
        table[:, 5].astype(np.int64),
    )


@pytest.fixture
def path(tmp_path):
    """A file of three images, of which the second has nothing."""
    predictions = CocoPredictions(CLASSES)
    predictions.add(
        image('a/x.jpg', 64, 48),
        found((1.25, 2.5, 11.25, 22.5, 0.9, 2), (0, 0, 64, 48, 0.1, 0)),
    )
    predictions.add(image('a/x.png', 30, 20), found())
    predictions.add(image('b.jpg', 300, 200), found((10, 20, 110, 70, 0.75, 1)))
    predictions.write(tmp_path / 'predictions.json')
    return tmp_path / 'predictions.json'


def test_file_is_what_the_format_says(path):
    coco = json.loads(path.read_text())
    assert coco['images'] == [
        {'id': 1, 'file_name': 'a/x.jpg', 'width': 64, 'height': 48},
        {'id': 2, 'file_name': 'a/x.png', 'width': 30, 'height': 20},
        {'id': 3, 'file_name': 'b.jpg', 'width': 300, 'height': 200},
    ]
    assert coco['categories'] == [
        {'id': 1, 'name': 'ant'},
        {'id': 2, 'name': 'bee'},
        {'id': 3, 'name': 'Käfer'},
    ]
    first, second, third = coco['annotations']
    assert first == {
        'id': 1,
        'image_id': 1,
        'category_id': 3,
        'bbox': [1.25, 2.5, 10, 20],
        'area': 200,
        'iscrowd': 0,
        'score': 0.9,
    }
    assert (second['id'], second['image_id'], second['category_id']) == (2, 1, 1)
    assert (third['id'], third['image_id'], third['category_id']) == (3, 3, 2)
    assert coco['videos'] == []


def test_pycocotools_scores_it_against_true_boxes(path, tmp_path):
    """Perfect boxes give an AP of 1; one of IoU 0.62 counts at 3 of 10 thresholds."""
    true = json.loads(path.read_text())
    x, y, width, height = true['annotations'][2]['bbox']
    true['annotations'][2]['bbox'] = [x, y, width, height / 0.62]
    for annotation in true['annotations']:
        annotation.pop('score')
        annotation['area'] = annotation['bbox'][2] * annotation['bbox'][3]
    (tmp_path / 'true.json').write_text(json.dumps(true))
    truth = COCO(str(tmp_path / 'true.json'))
    results = truth.loadRes(json.loads(path.read_text())['annotations'])
    evaluation = COCOeval(truth, results, 'bbox')
    evaluation.evaluate()
    evaluation.accumulate()
    precision = evaluation.eval['precision'][:, :, :, 0, -1].mean(axis=(0, 1))
    assert precision == pytest.approx([1, 0.3, 1])


def test_the_whole_file_is_a_data_set(path):
    coco = COCO(str(path))
    assert coco.getAnnIds(imgIds=[1]) == [1, 2]
    assert coco.getAnnIds(imgIds=[2]) == []
    assert coco.loadCats([3])[0]['name'] == 'Käfer'


def test_frames_know_their_video_and_place(tmp_path):
    predictions = CocoPredictions(CLASSES)
    pixels = np.zeros((4, 6, 3), np.uint8)
    for name, index in (('a.avi', 0), ('a.avi', 3), ('b.avi', 0)):
        frame = Frame(Video(name, name), pixels, index, fps=25.0)
        predictions.add(frame, found((0, 0, 2, 2, 0.5, 0)))
    predictions.write(tmp_path / 'p.json')
    coco = json.loads((tmp_path / 'p.json').read_text())
    assert coco['videos'] == [{'id': 1, 'name': 'a.avi'}, {'id': 2, 'name': 'b.avi'}]
    assert [
        (image['file_name'], image['video_id'], image['frame_id'])
        for image in coco['images']
    ] == [('a.avi#0', 1, 0), ('a.avi#3', 1, 3), ('b.avi#0', 2, 0)]


def test_coordinates_are_within_a_thousandth_of_a_pixel(tmp_path):
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 2000, (50, 2, 2))
    boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    scores = np.sort(rng.uniform(0, 1, 50))[::-1]
    predictions = CocoPredictions(CLASSES)
    rows = np.column_stack([boxes, scores, rng.integers(0, 3, 50)])
    predictions.add(image('x.jpg', 2000, 2000), found(*rows))
    predictions.write(tmp_path / 'p.json')
    annotations = json.loads((tmp_path / 'p.json').read_text())['annotations']
    written = np.array([entry['bbox'] for entry in annotations])
    expected = np.column_stack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])
    assert np.abs(written - expected).max() < 1.1e-3
    assert np.allclose([entry['score'] for entry in annotations], scores, atol=1e-6)
