"""Check a COCO data set before the first step, and clean it.

Annotations that cannot be trusted stop the run; harmless faults are mended and counted;
images that cannot be used are skipped, unless there are too many of them.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tinydet.data.images import MAX_BAD_IMAGE_SHARE, BadImage, find_bad_images
from tinydet.errors import InputError

# A box may leave the image by so much and is clipped; beyond, its numbers are wrong.
SLIGHTLY_OUTSIDE_PX = 2.0
SLIGHTLY_OUTSIDE_SHARE = 0.02
# COCO files cut x and width after two decimals; the sum may be off by this much.
ROUNDING_PX = 0.02
# mmdet trains on no smaller side either.
MIN_TRAINING_SIDE_PX = 1.0

_HINT = (
    'a data set lies as DATA_ROOT/annotations/instances_train.json beside '
    "DATA_ROOT/train/*.jpg, and the config's data_root, ann_file and data_prefix say "
    'where; to try without one, run `make demo`, or make the demo data set with '
    '`tools/make_demo_data.py --out data/demo`'
)


@dataclass(frozen=True)
class BoxNote:
    """A box that was dropped or clipped.

    Attributes:
        annotation_id: The annotation's id.
        image_id: Its image's id.
        file_name: Its image's file name.
        bbox: The box as the file has it, xywh in pixels of the image.
        clipped: The part of it inside the image, xywh; the same as ``bbox`` where
            clipping does not come into it.
    """

    annotation_id: int | str
    image_id: int | str
    file_name: str
    bbox: tuple[float, ...]
    clipped: tuple[float, ...]

    def __str__(self) -> str:
        to = f' -> {list(self.clipped)}' if self.clipped != self.bbox else ''
        return (
            f'annotation {self.annotation_id} of image {self.image_id} '
            f'({self.file_name}): {list(self.bbox)}{to}'
        )


@dataclass(frozen=True)
class CheckReport:
    """What :func:`check_coco` found; the data set can be used.

    Attributes:
        ann_file: The annotation file.
        coco: Its content, unchanged.
        classes: The names of the classes, in the order of their labels.
        zero_area: Boxes without a width or a height.
        too_small: Boxes of which less than 1 px lies in the image along a side.
        clipped: Boxes slightly outside their image.
        bad_images: Images that cannot be used.
        ignored: Number of annotations of each category that is not in ``classes``.
    """

    ann_file: str
    coco: dict = field(repr=False)
    classes: tuple[str, ...]
    zero_area: tuple[BoxNote, ...]
    too_small: tuple[BoxNote, ...]
    clipped: tuple[BoxNote, ...]
    bad_images: tuple[BadImage, ...]
    ignored: dict[str, int]

    def summary(self) -> str:
        """The report as lines for the log."""
        lines = [
            f'checked {self.ann_file}: {len(self.coco["images"])} images, '
            f'{len(self.coco["annotations"])} annotations, '
            f'{len(self.classes)} classes'
        ]
        for boxes, what in (
            (self.zero_area, 'dropped: zero area'),
            (
                self.too_small,
                f'dropped in training: a side below {MIN_TRAINING_SIDE_PX:g} px',
            ),
            (self.clipped, 'clipped in training: slightly outside the image'),
        ):
            if boxes:
                lines.append(f'  {_count(boxes, "box", "boxes")} {what}')
                lines += _listing(boxes)
        if self.bad_images:
            ids = {image.image_id for image in self.bad_images}
            lost = sum(a['image_id'] in ids for a in self.coco['annotations'])
            lines.append(
                f'  {_count(self.bad_images, "image", "images")} skipped, '
                f'with {lost} annotations'
            )
            lines += _listing(self.bad_images)
        if self.ignored:
            counts = ', '.join(f'{name}: {n}' for name, n in self.ignored.items())
            lines.append(
                '  annotations ignored, as the config does not name their category: '
                f'{counts}'
            )
        return '\n'.join(lines)


def check_coco(
    ann_file: str | os.PathLike,
    image_dir: str | os.PathLike,
    classes: Sequence[str] | None = None,
    most_bad: float = MAX_BAD_IMAGE_SHARE,
) -> CheckReport:
    """Check a data set in COCO format: every annotation, and every image's file.

    JPEG and PNG files are decoded only if they look cut off, others always.

    Args:
        ann_file: The instances file.
        image_dir: The folder that the ``file_name`` entries start from.
        classes: Names of the categories to detect; None for all in the file's order.
        most_bad: Share of the images that may be unusable, 0 to 1.

    Returns:
        What was found; :func:`clean_coco` applies it.

    Raises:
        InputError: A file or folder is missing, the JSON is broken, annotations are
            wrong beyond mending, or too many images cannot be used.
    """
    coco = load_coco(ann_file)
    if not os.path.isdir(image_dir):
        raise InputError(f'image folder {image_dir} does not exist: {_HINT}')

    problems = list(_category_problems(coco['categories'], classes))
    images, image_problems = _check_image_entries(coco['images'])
    problems += image_problems
    notes: dict[str, list[BoxNote]] = {'zero_area': [], 'too_small': [], 'clipped': []}
    category_ids = {c['id'] for c in coco['categories'] if _is_id(c.get('id'))}
    seen = set()
    for annotation in coco['annotations']:
        annotation_id = annotation.get('id')
        image = images.get(_id_or_none(annotation.get('image_id')))
        problem = _annotation_problem(annotation, images, category_ids, seen)
        if problem:
            where = f' ({image["file_name"]})' if image else ''
            problems.append(
                f'annotation {annotation_id!r} of image '
                f'{annotation.get("image_id")!r}{where}: {problem}'
            )
        elif image:
            fault, note = _box_note(annotation, image)
            if fault:
                notes[fault].append(note)
        if _is_id(annotation_id):
            seen.add(annotation_id)
    if problems:
        raise InputError(
            f'{ann_file}: {_count(problems, "problem", "problems")} to mend before '
            'training can start:\n' + '\n'.join(_listing(problems))
        )

    bad_images = find_bad_images(coco['images'], image_dir)
    if len(bad_images) > most_bad * len(coco['images']):
        raise InputError(
            f'{len(bad_images)} of the {len(coco["images"])} images of {ann_file} '
            f'cannot be used, more than {most_bad:.0%}: mend or remove them,'
            f' or check that {image_dir} is the right folder:\n'
            + '\n'.join(_listing(bad_images))
        )

    names = {c['id']: c['name'] for c in coco['categories']}
    classes = tuple(names.values() if classes is None else classes)
    ignored = Counter(
        name
        for annotation in coco['annotations']
        if (name := names[annotation['category_id']]) not in classes
    )
    return CheckReport(
        ann_file=os.fspath(ann_file),
        coco=coco,
        classes=classes,
        bad_images=tuple(bad_images),
        ignored=dict(ignored),
        **{fault: tuple(found) for fault, found in notes.items()},
    )


def clean_coco(report: CheckReport, training: bool = False) -> dict:
    """Apply a report: the data set without what cannot be used.

    What is scored against stays as the file has it but for bad images and boxes of zero
    area, which no detection can match; so a sound file gives the figures that it gives
    elsewhere. Training also clips boxes to their image and drops those below 1 px.

    Args:
        report: What :func:`check_coco` found.
        training: Clean for training rather than for scoring.

    Returns:
        A new COCO dict. Entries that need no change are shared with ``report.coco``.
    """
    bad_images = {image.image_id for image in report.bad_images}
    dropped = {note.annotation_id for note in report.zero_area}
    clipped = {}
    if training:
        dropped |= {note.annotation_id for note in report.too_small}
        clipped = {note.annotation_id: list(note.clipped) for note in report.clipped}
    annotations = [
        annotation
        for annotation in report.coco['annotations']
        if annotation['image_id'] not in bad_images and annotation['id'] not in dropped
    ]
    return {
        **report.coco,
        'images': [i for i in report.coco['images'] if i['id'] not in bad_images],
        'annotations': [
            {**annotation, 'bbox': clipped[annotation['id']]}
            if annotation['id'] in clipped
            else annotation
            for annotation in annotations
        ],
    }


def load_coco(ann_file: str | os.PathLike) -> dict:
    """Read an instances file.

    Args:
        ann_file: The file.

    Returns:
        Its content: a dict with at least the lists of dicts ``images``,
        ``annotations`` and ``categories``.

    Raises:
        InputError: The file is missing, not JSON, or not in COCO format.
    """
    if not os.path.isfile(ann_file):
        raise InputError(f'annotation file {ann_file} does not exist: {_HINT}')
    try:
        coco = json.loads(Path(ann_file).read_bytes())
    except json.JSONDecodeError as error:
        raise InputError(
            f'{ann_file}: not valid JSON at line {error.lineno}, column '
            f'{error.colno}: {error.msg}; write or fetch the file again'
        ) from None
    except UnicodeDecodeError as error:
        raise InputError(
            f'{ann_file}: not UTF-8 text at byte {error.start}; write or fetch the '
            'file again'
        ) from None
    for key in ('images', 'annotations', 'categories'):
        entries = coco.get(key) if isinstance(coco, dict) else None
        if not isinstance(entries, list) or not all(
            isinstance(entry, dict) for entry in entries
        ):
            raise InputError(
                f'{ann_file}: no list of objects under "{key}"; a COCO instances file '
                'has "images", "annotations" and "categories"'
            )
    if not coco['images']:
        raise InputError(f'{ann_file}: no images under "images"; {_HINT}')
    return coco


def _category_problems(
    categories: list[dict], classes: Sequence[str] | None
) -> Iterable[str]:
    for key in ('id', 'name'):
        values = [category.get(key) for category in categories]
        for value in values:
            if not _is_id(value):
                yield f'category with the {key} {value!r}'
        for value in _duplicates(values):
            yield f'category {key} {value!r} appears more than once'
    names = [category.get('name') for category in categories]
    if isinstance(classes, str):
        yield f"classes is the one string {classes!r}; write ('{classes}',)"
        return
    for name in _duplicates(classes or ()):
        yield f'class {name!r} appears more than once in the config'
    for name in classes or ():
        if name not in names:
            yield (
                f'class {name!r} of the config is not among the categories of the '
                f'file: {", ".join(map(str, names))}'
            )


def _check_image_entries(entries: list[dict]) -> tuple[dict, list[str]]:
    """Index the images by id, with None for those whose entry has a problem."""
    problems = []
    images = {}
    for image in entries:
        image_id, file_name = image.get('id'), image.get('file_name')
        size = image.get('width'), image.get('height')
        if not _is_id(image_id):
            problem = 'the id is not an integer or a string'
        elif image_id in images:
            problem = 'the image id appears more than once'
        elif not isinstance(file_name, str) or not file_name:
            problem = 'no file_name'
        elif not all(_is_id(side) and _is_number(side) and side > 0 for side in size):
            problem = f'width {size[0]!r}, height {size[1]!r} are no positive integers'
        else:
            problem = ''
        if problem:
            problems.append(f'image {image_id!r} ({file_name}): {problem}')
        if _is_id(image_id):
            images[image_id] = None if problem else image
    return images, problems


def _annotation_problem(
    annotation: dict, images: dict, category_ids: set, seen: set
) -> str | None:
    if not _is_id(annotation.get('id')):
        return 'the id is not an integer or a string'
    if annotation['id'] in seen:
        return 'the annotation id appears more than once'
    if _id_or_none(annotation.get('category_id')) not in category_ids:
        return f'category id {annotation.get("category_id")!r} is not in "categories"'
    if _id_or_none(annotation.get('image_id')) not in images:
        return 'the image id is not in "images"'
    area = annotation.get('area', 0)
    if not _is_number(area) or area < 0:
        return f'area {area!r} is not a finite number of at least 0'
    return _box_problem(annotation.get('bbox'), images[annotation['image_id']])


def _box_problem(bbox, image: dict | None) -> str | None:
    if (
        not isinstance(bbox, list)
        or len(bbox) != 4
        or not all(_is_number(value) for value in bbox)
    ):
        return f'bbox {bbox!r} is not four finite numbers'
    x, y, w, h = bbox
    if w < 0 or h < 0:
        return f'bbox {bbox} has a negative size; boxes are [x, y, width, height]'
    if w == 0 or h == 0 or image is None:
        return None
    width, height = image['width'], image['height']
    if x >= width or y >= height or x + w <= 0 or y + h <= 0:
        return f'bbox {bbox} is outside its image of {width} x {height}'
    for start, extent, side in ((x, w, width), (y, h, height)):
        allowed = max(SLIGHTLY_OUTSIDE_PX, SLIGHTLY_OUTSIDE_SHARE * side)
        if max(-start, start + extent - side) > allowed:
            return (
                f'bbox {bbox} leaves its image of {width} x {height} by more than '
                f'{allowed:g} px; boxes are [x, y, width, height]'
            )
    return None


def _box_note(annotation: dict, image: dict) -> tuple[str, BoxNote | None]:
    """Name the harmless fault of a box that has no problem: '' for none."""
    x, y, w, h = bbox = clipped = annotation['bbox']
    width, height = image['width'], image['height']
    fault = ''
    if w == 0 or h == 0:
        fault = 'zero_area'
    else:
        if max(-x, -y, x + w - width, y + h - height) > ROUNDING_PX:
            x1, y1 = max(x, 0), max(y, 0)
            clipped = [x1, y1, min(x + w, width) - x1, min(y + h, height) - y1]
            fault = 'clipped'
        if min(clipped[2:]) < MIN_TRAINING_SIDE_PX:
            fault = 'too_small'
    if not fault:
        return '', None
    return fault, BoxNote(
        annotation['id'],
        image['id'],
        image['file_name'],
        tuple(bbox),
        tuple(clipped),
    )


_LARGEST = sys.float_info.max


def _is_id(value) -> bool:
    return isinstance(value, (int, str)) and not isinstance(value, bool)


def _id_or_none(value):
    return value if _is_id(value) else None


def _is_number(value) -> bool:
    # Python's JSON reader lets NaN, Infinity and integers beyond any float pass.
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and abs(value) <= _LARGEST
    )


def _duplicates(values: Sequence) -> list:
    counts = Counter(value for value in values if _is_id(value))
    return [value for value, count in counts.items() if count > 1]


def _count(items: Sequence, one: str, many: str) -> str:
    return f'{len(items)} {one if len(items) == 1 else many}'


def _listing(items: Sequence) -> list[str]:
    return [f'    {item}' for item in items]
