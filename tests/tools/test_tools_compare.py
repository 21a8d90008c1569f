"""The tool that compares detectors."""

import csv
import io
import json
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import settled_nets
import tiny_detector
from bad_files import truncate
from mmengine.config import Config
from PIL import Image
from tiny_runs import call

import tinydet.deploy.latency
from tinydet.inference import Detector
from tinydet.models.complexity import count_model
from tinydet.scoring.by_pycocotools import evaluate_boxes

CLASSES = tiny_detector.CLASSES
# In another order than the labels'.
CATEGORY_IDS = {'cat': 1, 'ant': 2, 'bee': 3}
PICTURES = 'tradeoff.png', 'pr_curves.png', 'per_class.png', 'errors.png'


@pytest.fixture(scope='module')
def models(tmp_path_factory) -> dict[str, list[Path]]:
    """A config with its checkpoint, and ONNX files without and with suppression."""
    folder = tmp_path_factory.mktemp('models')
    return {
        'TinyNet-E': list(settled_nets.write_detector(folder)),
        'tiny': [tiny_detector.write_detector(folder / 'tiny.onnx')],
        'tiny_nms': [tiny_detector.write_detector(folder / 'nms.onnx', nms=True)],
    }


@pytest.fixture
def data(models, tmp_path) -> Path:
    return make_data(models, tmp_path)


@pytest.fixture(scope='module')
def done(models, tmp_path_factory) -> tuple[Path, str]:
    """A comparison of all models: its folder, with figures.json, and what it prints."""
    folder = make_data(models, tmp_path_factory.mktemp('done'))
    with redirect_stdout(io.StringIO()) as printed:
        assert compare(folder, models, '--json', folder / 'figures.json') == 0
    return folder, printed.getvalue()


def make_data(models: dict, folder: Path) -> Path:
    """Images with what a detector finds in them, half of it moved a little."""
    rng = np.random.default_rng(0)
    detector = Detector(*models['tiny'], score=0.4)
    images, annotations = [], []
    for number in range(1, 7):
        pixels = Image.fromarray(rng.integers(0, 256, (5, 5, 3), np.uint8))
        path = folder / 'images' / f'{number}.png'
        path.parent.mkdir(exist_ok=True)
        pixels.resize((48, 40)).save(path)
        images.append({'id': number, 'file_name': path.name, 'width': 48, 'height': 40})
        boxes, _, labels = detector(path)
        for (left, top, right, bottom), label in zip(
            boxes.astype(float).tolist(), labels, strict=True
        ):
            shrink = rng.choice([0, 2])
            width, height = right - left - shrink, bottom - top
            annotations.append(
                {
                    'id': len(annotations) + 1,
                    'image_id': number,
                    'category_id': CATEGORY_IDS[CLASSES[label]],
                    'bbox': [left, top, width, height],
                    'area': width * height,
                    'iscrowd': 0,
                }
            )
    categories = [{'id': id_, 'name': name} for name, id_ in CATEGORY_IDS.items()]
    coco = {'images': images, 'annotations': annotations, 'categories': categories}
    (folder / 'set.json').write_text(json.dumps(coco))
    return folder


def compare(data: Path, models: dict[str, list], *more) -> int:
    words = [w for name, files in models.items() for w in ('--model', name, *files)]
    out = ('--ann', data / 'set.json', '--images', data / 'images')
    measure = partial(tinydet.deploy.latency.measure, seconds=0.01)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tinydet.deploy.latency, 'measure', measure)
        return call('compare.py', *words, *out, '--out', data / 'out', *more)


def read_rows(path: Path) -> list[dict]:
    with open(path, newline='') as file:
        return list(csv.DictReader(file))


def expected(data: Path, files: list[Path], without: tuple[int, ...] = ()):
    """What pycocotools says."""
    coco = json.loads((data / 'set.json').read_text())
    detector = Detector(*files, score=0.0)
    ids = [image['id'] for image in coco['images'] if image['id'] not in without]
    found = []
    for image_id in ids:
        for box, score, label in zip(
            *detector(data / 'images' / f'{image_id}.png'), strict=True
        ):
            left, top, right, bottom = box.astype(float).tolist()
            found.append(
                {
                    'image_id': image_id,
                    'category_id': CATEGORY_IDS[detector.classes[label]],
                    'bbox': [left, top, right - left, bottom - top],
                    'score': float(score),
                }
            )
    return evaluate_boxes(coco, found, ids, list(CATEGORY_IDS.values()))


def test_figures_are_those_of_pycocotools(models, done):
    folder, _ = done
    rows = read_rows(folder / 'out/comparison.csv')
    classes = read_rows(folder / 'out/per_class.csv')
    assert [row['model'] for row in rows] == list(models)
    assert [row['class'] for row in classes] == list(CATEGORY_IDS)
    written = json.loads((folder / 'figures.json').read_text())
    assert written['classes'] == list(CATEGORY_IDS)
    for (name, files), row, found in zip(
        models.items(), rows, written['models'], strict=True
    ):
        truth = expected(folder, files)
        assert truth.figures['bbox_mAP'] > 0.001
        # no object is large
        figures = {
            figure: None if value == -1 else pytest.approx(value, abs=1e-6)
            for figure, value in truth.figures.items()
        }
        assert found['figures'] == figures
        assert figures['bbox_mAP_l'] is None and row['APl'] == ''
        assert float(row['mAP']) == figures['bbox_mAP']
        assert float(row['AP50']) == figures['bbox_mAP_50']
        for line, values in zip(classes, truth.per_class.values(), strict=True):
            for figure, value in values.items():
                assert float(line[f'{name} {figure}']) == pytest.approx(value, abs=1e-6)


def test_tables_and_pictures(models, done):
    folder, printed = done
    out = folder / 'out'
    table, notes = (out / 'comparison.md').read_text().rstrip().split('\n\n')
    assert [line.split()[1] for line in table.splitlines()[2:]] == list(models)
    assert notes.startswith('6 images; latency: ')
    assert 'found none' not in notes
    assert 'with suppression of tiny_nms, without it of the others' in notes
    assert f'{table}\n\n{notes}\n\ntables and pictures: {out}\n' in printed
    pictures = *PICTURES, *(f'confusion_{name}.png' for name in models)
    for picture in pictures:
        with Image.open(out / picture) as image:
            image.load()
            assert min(image.size) > 200
    assert {path.name for path in out.iterdir()} == {
        *('comparison.csv', 'comparison.md', 'per_class.csv'),
        *pictures,
    }


def test_all_objects_are_in_the_confusion_matrix(done):
    folder, _ = done
    objects = len(json.loads((folder / 'set.json').read_text())['annotations'])
    for model in json.loads((folder / 'figures.json').read_text())['models']:
        assert sum(map(sum, model['confusion'][:-1])) == objects


def test_costs_are_those_of_the_network(models, done):
    folder, _ = done
    net, tiny, tiny_nms = read_rows(folder / 'out/comparison.csv')
    cost = count_model(Config.fromfile(models['TinyNet-E'][0]))
    assert (int(net['macs']), int(net['parameters'])) == (cost.macs, cost.params)
    # four bytes a parameter, and the graph
    assert 4 <= int(net['file_bytes']) / cost.params < 5
    assert (tiny['macs'], tiny['parameters']) == ('1000', '100')
    assert int(tiny['file_bytes']) == models['tiny'][0].stat().st_size
    assert [row['nms'] for row in (net, tiny, tiny_nms)] == ['False', 'False', 'True']
    for row in (net, tiny, tiny_nms):
        times = [float(row[name]) for name in ('p10_ms', 'median_ms', 'p90_ms')]
        assert times[0] > 0 and times == sorted(times)


def break_inside(path: Path) -> None:
    content = bytearray(path.read_bytes())
    # whole by its end
    content[60:-20] = bytes(len(content) - 80)
    path.write_bytes(content)


@pytest.mark.parametrize('spoil', [break_inside, truncate, Path.unlink])
def test_a_bad_image_counts_for_none(spoil, models, data, capsys):
    path = data / 'images/2.png'
    spoil(path)
    chosen = {name: models[name] for name in ('tiny', 'tiny_nms')}
    assert compare(data, chosen, '--json', data / 'figures.json') == 0
    printed = capsys.readouterr()
    note = f'5 images; 1 that cannot be used were left out: {path}'
    assert note in printed.out
    assert note in (data / 'out/comparison.md').read_text()
    assert printed.err.count(f'left out: {path} (image 2): ') == 1
    written = json.loads((data / 'figures.json').read_text())
    assert written['images'] == 5 and len(written['left_out']) == 1
    for row, files in zip(written['models'], chosen.values(), strict=True):
        truth = expected(data, files, without=(2,))
        assert row['mAP'] == pytest.approx(truth.figures['bbox_mAP'], abs=1e-6)


def test_a_detector_that_finds_nothing_is_named(models, data, tmp_path, capsys):
    blind = tiny_detector.write_detector(tmp_path / 'blind.onnx', score_thr=1.0)
    assert compare(data, {'tiny': models['tiny'], 'blind': [blind]}) == 0
    note = '; blind found none of the objects: errors.png has no loss by missed ones'
    assert note in capsys.readouterr().out
    assert note in (data / 'out/comparison.md').read_text()


def drop_class(data: Path, models: dict) -> dict:
    coco = json.loads((data / 'set.json').read_text())
    coco['categories'].append({'id': 9, 'name': 'dog'})
    (data / 'set.json').write_text(json.dumps(coco))
    return {'tiny': models['tiny']}


def mix_ids(data: Path, models: dict) -> dict:
    coco = json.loads((data / 'set.json').read_text())
    coco['images'].append({**coco['images'][0], 'id': '1'})
    (data / 'set.json').write_text(json.dumps(coco))
    return {'tiny': models['tiny']}


def without(name: str):
    def remove(data: Path, models: dict) -> dict:
        (data / name).rename(data / 'elsewhere')
        return {'tiny': models['tiny']}

    return remove


def no_json(data: Path, models: dict) -> dict:
    truncate(data / 'set.json')
    return {'tiny': models['tiny']}


def no_objects(data: Path, models: dict) -> dict:
    coco = json.loads((data / 'set.json').read_text())
    (data / 'set.json').write_text(json.dumps({**coco, 'annotations': []}))
    return {'tiny': models['tiny']}


@pytest.mark.parametrize(
    'prepare, message',
    [
        (without('set.json'), 'set.json does not exist'),
        (no_json, 'set.json: not valid JSON'),
        (without('images'), 'images does not exist'),
        (no_objects, 'set.json has no object'),
        (mix_ids, "1 of 7 ids of images are strings ('1')"),
        (drop_class, 'only in the data set: dog'),
        (lambda data, models: {'a': [data / 'no.onnx']}, 'no.onnx does not exist'),
        (lambda data, models: {'a': models['TinyNet-E'][:1]}, 'give its checkpoint'),
        (lambda data, models: {'a': [*models['tiny'], 'x.pth']}, 'leave out x.pth'),
        (
            lambda data, models: {'a': models['tiny'], 'A': models['tiny']},
            "two models are named 'A'",
        ),
        (lambda data, models: {'a/b': models['tiny']}, "'a/b' is unsuitable"),
    ],
)
def test_bad_input_is_refused_before_work(prepare, message, models, data, capsys):
    chosen = prepare(data, models)
    assert compare(data, chosen) == 2
    error = capsys.readouterr().err
    assert error.startswith('error: ') and message in error
    assert 'images: ' not in error
    assert not list(data.glob('out/*'))
