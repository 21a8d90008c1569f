"""Write the data set: files, COCO annotations, and when not to write."""

import itertools
import json
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from tinydet.data.demo.scene import draw_scene
from tinydet.data.demo.shapes import CLASSES
from tinydet.errors import InputError
from tinydet.progress import track
from tinydet.viz.mosaic import Tile, draw_mosaic

# Raise this with any change to the pictures: sets of another version do not stand.
VERSION = 2
GENERATOR = 'tinydet.data.demo'
SPLITS = ('train', 'val')
SMALLEST_SIDE = 64
JPEG_QUALITY = 92
MOSAIC_TILES = 12
UNFINISHED = 'unfinished.json'


def make_demo(
    out_dir: str | os.PathLike,
    train: int = 600,
    val: int = 150,
    size: tuple[int, int] = (400, 320),
    classes: int = 6,
    seed: int = 0,
) -> bool:
    """Write a demo data set in COCO format, unless it stands already.

    ``out_dir`` gets ``annotations/instances_{train,val}.json``, ``{train,val}/*.jpg``
    and ``mosaic.jpg``. The annotations are written last: an interrupted run is redone.

    Args:
        out_dir: Folder to write to; new, empty, or left by an earlier call.
        train: Training images.
        val: Validation images.
        size: Width and height of the images, in pixels.
        classes: Number of classes, the first of ``CLASSES``.
        seed: Same seed, same files, byte for byte.

    Returns:
        True if the set was written, False if it stood already.

    Raises:
        InputError: An argument is impossible, or ``out_dir`` holds something else.
    """
    settings = {
        'generator': GENERATOR,
        'version': VERSION,
        'train': train,
        'val': val,
        'size': list(size),
        'classes': classes,
        'seed': seed,
    }
    _check(settings)
    out_dir = Path(out_dir)
    if _stands(out_dir, settings):
        return False
    out_dir.mkdir(parents=True, exist_ok=True)
    # Tells a later call that what lies here is ours, before anything else does.
    marker = {'info': {'settings': settings}}
    (out_dir / UNFINISHED).write_text(json.dumps(marker))
    for folder in ('annotations', *SPLITS):
        (out_dir / folder).mkdir(exist_ok=True)
    documents = {split: _make_split(out_dir / split, settings) for split in SPLITS}
    tiles = _tiles(out_dir / 'val', documents['val'])
    mosaic = draw_mosaic(tiles, list(CLASSES)[:classes])
    mosaic.save(out_dir / 'mosaic.jpg', quality=JPEG_QUALITY)
    for split, document in documents.items():
        path = _annotations(out_dir, split)
        draft = path.with_suffix('.json.part')
        draft.write_text(json.dumps(document))
        draft.replace(path)
    (out_dir / UNFINISHED).unlink()
    return True


def _check(settings: dict) -> None:
    for name, low, high in (
        ('train', 1, 999999),
        ('val', 1, 999999),
        ('classes', 1, len(CLASSES)),
        ('seed', 0, None),
    ):
        value = settings[name]
        if value < low or (high is not None and value > high):
            bounds = f'at least {low}' if high is None else f'from {low} to {high}'
            raise InputError(f'{name} is {value}; give a whole number {bounds}.')
    if min(settings['size']) < SMALLEST_SIDE:
        width, height = settings['size']
        raise InputError(
            f'size is {width} x {height}; give a width and a height of at least '
            f'{SMALLEST_SIDE} pixels.'
        )


def _stands(out_dir: Path, settings: dict) -> bool:
    """Whether the data set is complete; refuses a folder that holds something else."""
    if not out_dir.exists():
        return False
    if not out_dir.is_dir():
        raise InputError(f'{out_dir} is a file; give a folder for the demo data set.')
    if not any(out_dir.iterdir()):
        return False
    if (out_dir / UNFINISHED).exists():
        found = [_settings_of(out_dir / UNFINISHED)]
        complete = False
    else:
        found = [_settings_of(_annotations(out_dir, split)) for split in SPLITS]
        complete = all(path.exists() for path in _files(out_dir, settings))
    if None in found:
        raise InputError(
            f'{out_dir} holds files that are no demo data set; give another folder, or '
            'empty this one.'
        )
    if any(other != settings for other in found):
        raise InputError(
            f'{out_dir} holds a demo data set with other settings ({found[0]}); give '
            'another folder, or delete this one to make it anew.'
        )
    return complete


def _settings_of(path: Path) -> dict | None:
    """The settings that a file of ours records, or None if it is none of ours."""
    try:
        settings = json.loads(path.read_text())['info']['settings']
        return settings if settings['generator'] == GENERATOR else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _files(out_dir: Path, settings: dict) -> list[Path]:
    """Every file of a complete data set with these ``settings``."""
    files = [_annotations(out_dir, split) for split in SPLITS]
    for split in SPLITS:
        names = (_file_name(index) for index in range(settings[split]))
        files.extend(out_dir / split / name for name in names)
    return [*files, out_dir / 'mosaic.jpg']


def _annotations(out_dir: Path, split: str) -> Path:
    return out_dir / 'annotations' / f'instances_{split}.json'


def _file_name(index: int) -> str:
    return f'{index + 1:06d}.jpg'


def _make_split(folder: Path, settings: dict) -> dict:
    """Write the images of a split; returns its COCO document."""
    split, count = folder.name, settings[folder.name]
    # OpenCV and NumPy let go of the interpreter while they work, so threads will do.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        made = pool.map(partial(_make_image, folder, settings), range(count))
        per_image = list(track(made, count, f'{split} images'))
    return _document(split, settings, itertools.chain.from_iterable(per_image))


def _make_image(folder: Path, settings: dict, index: int) -> list[dict]:
    """Write an image of a split; returns its annotations, without ids."""
    scene = draw_scene(
        size=tuple(settings['size']),
        classes=settings['classes'],
        seed=settings['seed'],
        split=SPLITS.index(folder.name),
        index=index,
    )
    Image.fromarray(scene.image).save(folder / _file_name(index), quality=JPEG_QUALITY)
    return [
        {
            'image_id': index + 1,
            'category_id': label + 1,
            'bbox': box,
            'area': area,
            'iscrowd': 0,
        }
        for label, box, area in zip(
            scene.labels, scene.boxes().tolist(), scene.areas().tolist(), strict=True
        )
    ]


def _document(split: str, settings: dict, annotations: Iterable[dict]) -> dict:
    """The COCO document of a split."""
    width, height = settings['size']
    return {
        'info': {
            'description': f'TinyDet demo data set, {split}',
            'version': str(VERSION),
            'settings': settings,
        },
        'licenses': [
            {
                'id': 1,
                'name': 'CC0 1.0',
                'url': 'https://creativecommons.org/publicdomain/zero/1.0/',
            }
        ],
        'images': [
            {
                'id': index + 1,
                'file_name': _file_name(index),
                'width': width,
                'height': height,
                'license': 1,
            }
            for index in range(settings[split])
        ],
        'annotations': [
            {'id': number, **row} for number, row in enumerate(annotations, 1)
        ],
        'categories': [
            {'id': number, 'name': name, 'supercategory': 'shape'}
            for number, name in enumerate(list(CLASSES)[: settings['classes']], 1)
        ],
    }


def _tiles(folder: Path, document: dict) -> list[Tile]:
    """The first images of a split with their boxes."""
    tiles = []
    annotations = document['annotations']
    for image in document['images'][:MOSAIC_TILES]:
        rows = [row for row in annotations if row['image_id'] == image['id']]
        boxes = np.array([row['bbox'] for row in rows], float).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        labels = np.array([row['category_id'] - 1 for row in rows], int)
        with Image.open(folder / image['file_name']) as picture:
            tiles.append(Tile(np.asarray(picture), boxes, labels))
    return tiles
