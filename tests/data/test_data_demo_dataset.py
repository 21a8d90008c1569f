import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from tinydet.data.demo import CLASSES, dataset, draw_scene, make_demo
from tinydet.errors import InputError

TOOL = Path(__file__).parents[2] / 'tools' / 'make_demo_data.py'
SMALL = {'train': 9, 'val': 4, 'size': (112, 80), 'seed': 3}


def contents(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob('*')
        if path.is_file()
    }


def times(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob('*')}


@pytest.fixture(scope='module')
def small_set(tmp_path_factory):
    folder = tmp_path_factory.mktemp('small') / 'demo'
    assert make_demo(folder, **SMALL)
    return folder


def test_same_seed_gives_the_same_bytes(small_set, tmp_path):
    make_demo(tmp_path / 'again', **SMALL)
    assert contents(tmp_path / 'again') == contents(small_set)


def test_other_seed_gives_other_images(small_set, tmp_path):
    make_demo(tmp_path / 'other', **{**SMALL, 'seed': 4})
    ours, others = contents(small_set), contents(tmp_path / 'other')
    assert ours.keys() == others.keys()
    assert not set(ours.values()) & set(others.values())


def test_image_depends_on_its_index_only(small_set, tmp_path):
    make_demo(tmp_path / 'longer', **{**SMALL, 'train': 12, 'val': 2})
    ours, longer = contents(small_set), contents(tmp_path / 'longer')
    for name in ('train/000001.jpg', 'train/000009.jpg', 'val/000002.jpg'):
        assert ours[name] == longer[name]


def test_files_are_a_coco_data_set(small_set):
    assert sorted(contents(small_set)) == sorted(
        ['annotations/instances_train.json', 'annotations/instances_val.json']
        + [f'train/{number:06d}.jpg' for number in range(1, 10)]
        + [f'val/{number:06d}.jpg' for number in range(1, 5)]
        + ['mosaic.jpg']
    )
    for split, count in (('train', 9), ('val', 4)):
        path = small_set / 'annotations' / f'instances_{split}.json'
        document = json.loads(path.read_text())
        assert {'info', 'licenses', 'images', 'annotations', 'categories'} == set(
            document
        )
        coco = COCO(path)
        assert len(coco.imgs) == count
        assert [category['name'] for category in coco.cats.values()] == list(CLASSES)[
            :6
        ]
        assert len(coco.anns) == len(document['annotations']) > 0
        assert set(coco.catToImgs) <= set(coco.cats)
        for image in coco.imgs.values():
            with Image.open(small_set / split / image['file_name']) as picture:
                assert picture.size == (image['width'], image['height']) == (112, 80)
                assert picture.mode == 'RGB'
        for row in coco.anns.values():
            x, y, width, height = row['bbox']
            assert x >= 0 and y >= 0 and x + width <= 112 and y + height <= 80
            assert 0 < row['area'] <= width * height
            assert row['iscrowd'] == 0


def test_annotations_are_those_of_the_scenes(small_set):
    coco = COCO(small_set / 'annotations' / 'instances_val.json')
    for index, image_id in enumerate(coco.getImgIds()):
        scene = draw_scene(SMALL['size'], 6, SMALL['seed'], 1, index)
        rows = coco.loadAnns(coco.getAnnIds(image_id))
        assert [row['category_id'] - 1 for row in rows] == scene.labels
        for number, row in enumerate(rows, 1):
            visible = np.asfortranarray(scene.owner == number, dtype=np.uint8)
            encoded = coco_mask.encode(visible)
            assert row['bbox'] == coco_mask.toBbox(encoded).tolist()
            assert row['area'] == coco_mask.area(encoded)


def test_second_call_leaves_the_files_alone(small_set):
    before = times(small_set)
    assert not make_demo(small_set, **SMALL)
    assert times(small_set) == before


def test_interrupted_run_is_redone(small_set, tmp_path, monkeypatch):
    folder = tmp_path / 'demo'

    def interrupted(size, classes, seed, split, index):
        if (split, index) == (1, 1):
            raise KeyboardInterrupt
        return draw_scene(size, classes, seed, split, index)

    with monkeypatch.context() as patch:
        patch.setattr(dataset, 'draw_scene', interrupted)
        with pytest.raises(KeyboardInterrupt):
            make_demo(folder, **SMALL)
    assert (folder / 'train' / '000009.jpg').exists()
    assert not list((folder / 'annotations').iterdir())
    assert make_demo(folder, **SMALL)
    assert contents(folder) == contents(small_set)


def test_lost_image_is_made_again(tmp_path):
    settings = {'train': 2, 'val': 2, 'size': (80, 64), 'seed': 0}
    make_demo(tmp_path, **settings)
    before = contents(tmp_path)
    (tmp_path / 'val' / '000002.jpg').unlink()
    assert make_demo(tmp_path, **settings)
    assert contents(tmp_path) == before


def test_other_settings_are_refused_and_harm_nothing(small_set):
    before = times(small_set)
    with pytest.raises(InputError, match='other settings') as caught:
        make_demo(small_set, **{**SMALL, 'seed': 99})
    assert str(small_set) in str(caught.value)
    assert times(small_set) == before


@pytest.mark.parametrize('name', ['notes.txt', 'annotations/instances_train.json'])
def test_foreign_folder_is_refused_and_left_alone(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text('{"info": {"year": 2017}}')
    with pytest.raises(InputError, match='no demo data set') as caught:
        make_demo(tmp_path, **SMALL)
    assert str(tmp_path) in str(caught.value)
    assert list(contents(tmp_path)) == [name]


def test_file_in_place_of_the_folder_is_refused(tmp_path):
    path = tmp_path / 'demo'
    path.write_text('')
    with pytest.raises(InputError, match='is a file'):
        make_demo(path, **SMALL)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'classes': 11}, 'classes is 11; .* from 1 to 10'),
        ({'classes': 0}, 'classes is 0; .* from 1 to 10'),
        ({'size': (480, 63)}, 'size is 480 x 63; .* at least 64'),
        ({'train': -1}, 'train is -1; .* from 1 to'),
        ({'val': 0}, 'val is 0; .* from 1 to'),
        ({'seed': -1}, 'seed is -1; .* at least 0'),
    ],
)
def test_impossible_argument_is_refused(tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        make_demo(tmp_path / 'demo', **{**SMALL, **change})
    assert not (tmp_path / 'demo').exists()


def run_tool(*arguments):
    environment = {**os.environ, 'PYTHONPATH': str(TOOL.parents[1])}
    return subprocess.run(
        [sys.executable, TOOL, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
    )


def test_tool_writes_says_where_and_then_that_it_stands(tmp_path):
    folder = tmp_path / 'demo'
    arguments = ('--out', folder, '--train', 2, '--val', 1, '--size', 80, 64)
    first = run_tool(*arguments, '--classes', 2)
    assert first.returncode == 0
    assert f'{folder}: written' in first.stdout
    assert 'mosaic.jpg' in first.stdout
    assert len(COCO(folder / 'annotations' / 'instances_train.json').cats) == 2
    second = run_tool(*arguments, '--classes', 2)
    assert second.returncode == 0
    assert 'stands already' in second.stdout


def test_tool_exits_with_2_and_one_line(tmp_path):
    result = run_tool('--out', tmp_path / 'demo', '--classes', 99)
    assert result.returncode == 2
    assert result.stderr.startswith('error: classes is 99')
    assert result.stderr.count('\n') == 1
