"""Pascal VOC annotations to COCO format."""

import math
import os
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tinydet.errors import InputError


class _Object(NamedTuple):
    name: str
    corners: tuple[float, ...]
    difficult: bool


class _Image(NamedTuple):
    xml: Path
    width: int
    height: int
    objects: list[_Object]


def voc_to_coco(
    voc_dir: str | os.PathLike,
    splits: Sequence[str],
    classes: Sequence[str] | None = None,
) -> dict[str, dict]:
    """Convert splits of a Pascal VOC data set.

    VOC counts pixels from 1 and a box includes its last pixel, so that xmin=1, xmax=W
    covers the width. COCO's x is the left edge of the first pixel: x = xmin - 1,
    w = xmax - xmin + 1. Sets that were exported with counting from 0 give boxes one
    pixel too wide by this; where their xmin is 0, x stays 0.

    A box whose xmin and xmax are equal is a slip of the annotator, not an object one
    pixel wide: it keeps zero width, and the check of the data set drops and counts it.

    Objects marked ``difficult`` get ``ignore`` and ``iscrowd`` 1, as in mmdet: neither
    training nor the metric counts them as object or as background.

    Args:
        voc_dir: Holds ``ImageSets/Main/SPLIT.txt``, ``Annotations/*.xml`` and
            ``JPEGImages/``.
        splits: Names of the splits.
        classes: Names of the classes in the order of their ids, which start at 1; None
            for all that these splits have, sorted.

    Returns:
        A COCO dict by split. Images are numbered from 1 in the split's order.

    Raises:
        InputError: A file is missing or cannot be understood, or a class is not among
            ``classes``.
    """
    voc_dir = Path(voc_dir)
    image_dir = voc_dir / 'JPEGImages'
    if not image_dir.is_dir():
        raise InputError(
            f'image folder {image_dir} does not exist; a Pascal VOC folder has '
            'ImageSets/Main, Annotations and JPEGImages'
        )
    file_names = {path.stem: path.name for path in image_dir.iterdir()}
    images = {split: _read_split(voc_dir, split) for split in splits}
    if classes is None:
        every = (image for split in images.values() for image in split)
        classes = sorted({item.name for image in every for item in image.objects})
    ids = {name: i for i, name in enumerate(classes, 1)}
    return {split: _to_coco(images[split], ids, file_names) for split in splits}


def _read_split(voc_dir: Path, split: str) -> list[_Image]:
    list_file = voc_dir / 'ImageSets' / 'Main' / f'{split}.txt'
    if not list_file.is_file():
        raise InputError(
            f'{list_file} does not exist; name a split that has a list in '
            f'{list_file.parent}'
        )
    stems = list_file.read_text(encoding='utf-8').split('\n')
    stems = [stem.strip() for stem in stems if stem.strip()]
    if len(set(stems)) < len(stems):
        twice = next(stem for i, stem in enumerate(stems) if stem in stems[:i])
        raise InputError(f'{list_file} lists {twice} twice; remove one of the lines')
    return [
        _read_xml(voc_dir / 'Annotations' / f'{stem}.xml', list_file) for stem in stems
    ]


def _read_xml(path: Path, list_file: Path) -> _Image:
    try:
        root = ET.parse(path).getroot()
    except FileNotFoundError:
        raise InputError(
            f'{path} does not exist; add it, or take {path.stem} out of {list_file}'
        ) from None
    except ET.ParseError as error:
        raise InputError(
            f'{path}: broken XML: {error}; mend it, or take {path.stem} out of '
            f'{list_file}'
        ) from None
    width, height = (_number(path, root, f'size/{side}') for side in _SIDES)
    if width < 1 or height < 1:
        raise InputError(
            f'{path}: the size is {width:g} x {height:g}; write the size of the image '
            'in pixels'
        )
    objects = [_object(path, element) for element in root.findall('object')]
    return _Image(path, int(width), int(height), objects)


_SIDES = ('width', 'height')
_CORNERS = ('xmin', 'ymin', 'xmax', 'ymax')


def _object(path: Path, element: ET.Element) -> dict:
    name = (element.findtext('name') or '').strip()
    if not name:
        raise InputError(f'{path}: an object without a name; write its class')
    return _Object(
        name,
        tuple(_number(path, element, f'bndbox/{corner}') for corner in _CORNERS),
        (element.findtext('difficult') or '').strip() == '1',
    )


def _number(path: Path, element: ET.Element, tag: str) -> float:
    text = element.findtext(tag)
    try:
        value = float(text)
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise InputError(
            f'{path}: {element.tag}/{tag} is {text!r}; write a number of pixels'
        )
    return value


def _to_coco(
    images: list[_Image],
    ids: dict[str, int],
    file_names: dict[str, str],
) -> dict:
    coco = {
        'images': [],
        'annotations': [],
        'categories': [{'id': i, 'name': name} for name, i in ids.items()],
    }
    for image_id, image in enumerate(images, 1):
        coco['images'].append(
            {
                'id': image_id,
                # The <filename> of many sets is that of another folder or format. A
                # file that is not there is for the check to report.
                'file_name': file_names.get(image.xml.stem, f'{image.xml.stem}.jpg'),
                'width': image.width,
                'height': image.height,
            }
        )
        for item in image.objects:
            if item.name not in ids:
                raise InputError(
                    f'{image.xml}: class {item.name!r} is not among the classes '
                    f'{", ".join(ids)}; add it there, or mend the name'
                )
            xmin, ymin, xmax, ymax = item.corners
            x, w = _extent(xmin, xmax)
            y, h = _extent(ymin, ymax)
            coco['annotations'].append(
                {
                    'id': len(coco['annotations']) + 1,
                    'image_id': image_id,
                    'category_id': ids[item.name],
                    'bbox': [x, y, w, h],
                    'area': max(w, 0) * max(h, 0),
                    'iscrowd': int(item.difficult),
                    'ignore': int(item.difficult),
                }
            )
    return coco


def _extent(first: float, last: float) -> tuple[float, float]:
    """Start and length of a side; a length of 0 or less is left for the check."""
    if last <= first:
        return first, last - first
    start = first if 0 <= first < 1 else first - 1
    return start, last - start
