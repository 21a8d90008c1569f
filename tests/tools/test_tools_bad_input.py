"""The user's mistakes: exit code 2, no traceback, the path and the mend."""

import math
import re
import shutil
from pathlib import Path

import pytest
import torch
from tiny_runs import call

TRAINING_SET = 'train_dataloader = dict(dataset=dict({}))'


def refused(capsys, config: Path, *args) -> str:
    """Train, which is to end with exit code 2 and nothing left.

    Returns:
        What standard error says after ``error:``.
    """
    work_dir = config.parent / 'work'
    code = call('train.py', config, '--work-dir', work_dir, *args)
    errors = capsys.readouterr().err
    assert code == 2
    assert 'Traceback' not in errors
    assert errors.startswith('error: ')
    assert not list(work_dir.glob('*.pth'))
    return errors.removeprefix('error: ')


def test_a_missing_config(tmp_path, capsys):
    error = refused(capsys, tmp_path / 'no.py')
    assert re.fullmatch(r'config \S*no\.py does not exist: give .*\.py\n', error)


@pytest.mark.parametrize(
    'text',
    ['model = dict(', "_base_ = 'no_such_base.py'", 'model = no_such_name'],
    ids=['syntax', 'base', 'name'],
)
def test_a_broken_config(tmp_path, capsys, text):
    path = tmp_path / 'broken.py'
    path.write_text(text)
    error = refused(capsys, path)
    assert re.match(r'config \S*broken\.py cannot be read: ', error)
    assert error.count('\n') == 1


def test_amp_without_cuda(tiny_config, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    config = Path(shutil.copy(tiny_config, tmp_path))
    error = refused(capsys, config, '--amp')
    assert re.fullmatch(r'--amp needs a CUDA device, .*: leave it out\n', error)


@pytest.mark.parametrize(
    ('lines', 'message'),
    [
        (
            "data_root='data/nowhere/'",
            r'annotation file data/nowhere/annotations/instances_train\.json does not '
            r'exist: a data set lies as .*make demo',
        ),
        (
            "ann_file='annotations/no.json'",
            r'annotation file \S*/annotations/no\.json does not exist: .*make demo',
        ),
        (
            "data_prefix=dict(img='no/')",
            r'image folder \S*/no/? does not exist: .*make demo',
        ),
        (
            "metainfo=dict(classes=('ring', 'star'))",
            r'\S*instances_train\.json: 2 classes \(ring, star\), but the config says '
            r'model\.bbox_head\.num_classes=3: set it to 2',
        ),
        (
            "metainfo=dict(classes=('star', 'ring', 'cross'))",
            r'\S*instances_val\.json: its classes are not those of training: ring, '
            r'star, cross instead of star, ring, cross: give both .* the same classes',
        ),
    ],
    ids=['data set', 'annotation file', 'images', 'number of classes', 'their order'],
)
def test_a_config_that_does_not_fit_the_data(derive, capsys, lines, message):
    error = refused(capsys, derive(TRAINING_SET.format(lines)))
    assert re.fullmatch(rf'{message}.*\n', error)


@pytest.mark.parametrize(
    ('size', 'message'),
    [
        (1, r'train_dataloader\.batch_size=1, but .*: set it to 2 or more'),
        (
            64,
            r'\S*instances_train\.json: [78] images .* no batch of 64: .* at most',
        ),
    ],
)
def test_a_batch_size_that_cannot_be_trained_with(derive, capsys, size, message):
    error = refused(capsys, derive(f'train_dataloader = dict(batch_size={size})'))
    assert re.fullmatch(rf'{message}.*\n', error)


def test_broken_json(derive, demo, tmp_path, capsys):
    whole = (demo / 'annotations/instances_train.json').read_text()
    path = tmp_path / 'broken.json'
    path.write_text(whole[: len(whole) // 2])
    error = refused(capsys, derive(TRAINING_SET.format(f'ann_file={str(path)!r}')))
    assert re.fullmatch(
        rf'{re.escape(str(path))}: not valid JSON at line 1, column \d+: .*again\n',
        error,
    )


def first(coco: dict) -> dict:
    return coco['annotations'][0]


@pytest.mark.parametrize(
    ('change', 'problem'),
    [
        (
            lambda coco: first(coco).update(category_id=77),
            'category id 77 is not in "categories"',
        ),
        (
            lambda coco: first(coco).update(bbox=[1, 2, math.nan, 4]),
            'bbox [1, 2, nan, 4] is not four finite numbers',
        ),
        (
            lambda coco: first(coco).update(bbox=[1, 2, -3, 4]),
            'bbox [1, 2, -3, 4] has a negative size',
        ),
        (
            lambda coco: coco['annotations'].append(first(coco)),
            'the annotation id appears more than once',
        ),
    ],
    ids=['unknown category', 'NaN', 'negative size', 'duplicate id'],
)
def test_bad_annotations(derive, change_annotations, capsys, change, problem):
    path = change_annotations(change)
    error = refused(capsys, derive(TRAINING_SET.format(f'ann_file={str(path)!r}')))
    head, listed = error.splitlines()
    assert head == f'{path}: 1 problem to mend before training can start:'
    assert re.match(r' +annotation \d+ of image \d+ \(\S+\.jpg\): ', listed)
    assert problem in listed


def test_too_many_bad_images(derive, demo, tmp_path, capsys):
    images = shutil.copytree(demo / 'train', tmp_path / 'train')
    bad = sorted(images.iterdir())[0]
    bad.write_bytes(bad.read_bytes()[:500])
    prefix = f"data_prefix=dict(img='{images}/')"
    head, listed = refused(capsys, derive(TRAINING_SET.format(prefix))).splitlines()
    assert re.match(
        r'1 of the 8 images of \S+ cannot be used, more than 1%: mend', head
    )
    assert str(bad) in listed
