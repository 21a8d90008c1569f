"""Detectors that are run over one data set."""

import numpy as np
import pytest
from PIL import Image
from tiny_detector import CLASSES, write_detector

from tinydet.comparison.detectors import (
    Model,
    find_objects,
    load_detectors,
    name_models,
)
from tinydet.errors import InputError
from tinydet.inference import Detector
from tinydet.viz.models import MOST_MODELS

# Ids in another order than the labels'.
CATEGORY_IDS = {'cat': 5, 'ant': 9, 'bee': 2}


@pytest.fixture
def coco(tmp_path) -> dict:
    """Three images of noise, of different sizes, without objects."""
    rng = np.random.default_rng(0)
    images = []
    for number, size in enumerate([(64, 48), (200, 100), (32, 32)]):
        pixels = rng.integers(0, 256, (*size[::-1], 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f'{number}.png')
        images.append(
            {
                'id': f'image {number}',
                'file_name': f'{number}.png',
                'width': size[0],
                'height': size[1],
            }
        )
    categories = [{'id': id_, 'name': name} for name, id_ in CATEGORY_IDS.items()]
    return {'images': images, 'categories': categories, 'annotations': []}


def load(tmp_path, classes=tuple(CATEGORY_IDS), **models) -> dict[str, Detector]:
    """Load detectors of some classes each."""
    entries = [
        Model(name, str(write_detector(tmp_path / f'{name}.onnx', classes=of)))
        for name, of in models.items()
    ]
    return load_detectors(entries, 'cpu', classes, 'set.json')


def test_labels_are_matched_by_name(tmp_path, coco, capsys):
    detectors = load(tmp_path, one=CLASSES, other=('cat', 'ant', 'bee'))
    found, bad = find_objects(detectors, coco, tmp_path)
    assert not bad
    for name, detector in detectors.items():
        expected = []
        for number in range(3):
            boxes, scores, labels = detector(tmp_path / f'{number}.png')
            sizes = boxes[:, 2:] - boxes[:, :2]
            expected += [
                {
                    'image_id': f'image {number}',
                    'category_id': CATEGORY_IDS[detector.classes[label]],
                    'bbox': pytest.approx([*corner, *size], abs=1e-4),
                    'score': pytest.approx(score),
                }
                for corner, size, score, label in zip(
                    boxes[:, :2], sizes, scores, labels, strict=True
                )
            ]
        # those of low scores as well
        assert min(scores) < 0.1
        assert list(found[name]) == expected
    one, other = (found[name].category_ids for name in ('one', 'other'))
    assert len(one) == len(other) and (one != other).all()
    assert '3/3' in capsys.readouterr().err


def test_an_image_that_cannot_be_read_is_left_out_for_all(tmp_path, coco, capsys):
    path = tmp_path / '1.png'
    path.write_bytes(path.read_bytes()[:200])
    detectors = load(tmp_path, one=CLASSES, other=CLASSES)
    found, bad = find_objects(detectors, coco, tmp_path)
    assert [image.image_id for image in bad] == ['image 1']
    for boxes in found.values():
        assert set(boxes.image_ids) == {'image 0', 'image 2'}
    left_out = [
        line for line in capsys.readouterr().err.splitlines() if 'left out' in line
    ]
    assert left_out == [f'left out: {bad[0]}']
    assert str(bad[0]).startswith(f'{path} (image image 1): ')
    assert str(bad[0]).count(str(path)) == 1


def test_no_image_can_be_read(tmp_path, coco):
    detectors = load(tmp_path, one=CLASSES)
    with pytest.raises(InputError, match='none of 3 images in .*empty can be read'):
        find_objects(detectors, coco, tmp_path / 'empty')


def test_a_detector_that_finds_nothing(tmp_path, coco):
    model = Model('deaf', str(write_detector(tmp_path / 'deaf.onnx', score_thr=1.0)))
    detectors = load_detectors([model], 'cpu', CLASSES, 'set.json')
    found, _ = find_objects(detectors, coco, tmp_path)
    assert len(found['deaf']) == 0


def test_classes_of_another_data_set(tmp_path):
    with pytest.raises(InputError) as error:
        load(tmp_path, classes=('ant', 'bee', 'dog', 'eel'), one=CLASSES)
    path = tmp_path / 'one.onnx'
    assert str(error.value) == (
        f'the classes of one ({path}) are not those of set.json: only in the model: '
        'cat; only in the data set: dog, eel: compare models of the classes of the '
        'data set'
    )
    with pytest.raises(InputError) as error:
        load(tmp_path, classes=('ant', 'bee'), one=CLASSES)
    assert 'only in the model: cat: compare' in str(error.value)


def test_models_of_words():
    assert name_models([('B^-3', 'a.py', 'a.pth'), ('tiny_0.5+', 'b.onnx')]) == [
        Model('B^-3', 'a.py', 'a.pth'),
        Model('tiny_0.5+', 'b.onnx'),
    ]


@pytest.mark.parametrize(
    'groups, message',
    [
        ([['a']], '--model a: give a name and an ONNX file'),
        ([['a', 'b.py', 'c.pth', 'd']], '--model a b.py c.pth d: give a name'),
        ([['a', 'x.onnx'], ['b', 'y.onnx'], ['A', 'z.onnx']], "models are named 'A'"),
        ([['a/b', 'x.onnx']], "'a/b' is unsuitable for the name of a file"),
        ([['..', 'x.onnx']], "'..' is unsuitable"),
        ([['', 'x.onnx']], "'' is unsuitable"),
        ([['a b', 'x.onnx']], "'a b' is unsuitable"),
        ([['a\n', 'x.onnx']], 'is unsuitable'),
        ([['a' * 41, 'x.onnx']], 'at most 40'),
        (
            [[f'm{n}', 'x.onnx'] for n in range(MOST_MODELS + 1)],
            f'{MOST_MODELS + 1} models are more .* at most {MOST_MODELS}',
        ),
    ],
)
def test_unusable_words(groups, message):
    with pytest.raises(InputError, match=message):
        name_models(groups)
