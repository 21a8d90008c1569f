"""Detectors to compare, and what each of them finds in one data set."""

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from tqdm import tqdm

from tinydet.data.images import BadImage
from tinydet.errors import InputError, some
from tinydet.images import ImageReadError, read_image
from tinydet.inference import Detections, Detector
from tinydet.progress import track
from tinydet.scoring.boxes import BoxResults
from tinydet.viz.models import MOST_MODELS

# Part of a file's name on any system, and an entry of a legend.
_NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9._+^-]{0,39}')

# Images that a detector is given at once.
_BATCH = 8


@dataclass(frozen=True)
class Model:
    """A detector as a user gives it.

    Attributes:
        name: For tables, pictures and the names of files.
        path: Its config or ONNX file.
        checkpoint: The config's weights.
    """

    name: str
    path: str
    checkpoint: str | None = None


def name_models(groups: Sequence[Sequence[str]]) -> list[Model]:
    """Make models of their words: a name, a config or ONNX file, and a checkpoint.

    Raises:
        InputError: If a model has another number of words, a name is unsuitable for a
            file or given twice, or there are more models than can be told apart.
    """
    if len(groups) > MOST_MODELS:
        raise InputError(
            f'{len(groups)} models are more than a reader can tell apart: compare at '
            f'most {MOST_MODELS}'
        )
    names = set()
    for words in groups:
        if not 2 <= len(words) <= 3:
            raise InputError(
                f'--model {" ".join(words)}: give a name and an ONNX file, or a name, '
                'a config and its checkpoint'
            )
        name = words[0]
        if not _NAME.fullmatch(name):
            raise InputError(
                f'{name!r} is unsuitable for the name of a file: give at most 40 '
                'letters, digits and . _ + - ^, the first of them a letter or digit'
            )
        # some systems take names that differ in case for one
        if name.lower() in names:
            raise InputError(
                f'two models are named {name!r}: give every model a name of its own'
            )
        names.add(name.lower())
    return [Model(*words) for words in groups]


def load_detectors(
    models: Iterable[Model], device: str, classes: Sequence[str], ann_file: str
) -> dict[str, Detector]:
    """Load models, for all boxes that they let through.

    Args:
        models: What to load.
        device: ``'cpu'`` or ``'cuda'``.
        classes: Names of the data set's categories.
        ann_file: Its annotation file, for messages.

    Returns:
        By name.

    Raises:
        InputError: If a model cannot be loaded, or its classes are not those of the
            data set; their order does not matter.
    """
    detectors = {}
    for model in models:
        detector = Detector(model.path, model.checkpoint, score=0.0, device=device)
        only_there = [name for name in detector.classes if name not in classes]
        only_here = [name for name in classes if name not in detector.classes]
        if only_there or only_here:
            raise InputError(
                f'the classes of {model.name} ({model.path}) are not those of '
                f'{ann_file}: '
                + '; '.join(
                    f'only in the {where}: {some(names)}'
                    for where, names in (
                        ('model', only_there),
                        ('data set', only_here),
                    )
                    if names
                )
                + ': compare models of the classes of the data set'
            )
        detectors[model.name] = detector
    return detectors


def find_objects(
    detectors: Mapping[str, Detector],
    coco: dict,
    image_dir: str | os.PathLike,
) -> tuple[dict[str, BoxResults], list[BadImage]]:
    """Run detectors over the images of a data set.

    Every image is read once, for all of them; one that cannot be read is left out for
    all. Progress and what is left out are shown on standard error.

    Args:
        detectors: By name.
        coco: COCO instances.
        image_dir: The folder that the ``file_name`` entries start from.

    Returns:
        What each detector found, and the images that cannot be read.

    Raises:
        InputError: If that is all of them.
    """
    bad: list[BadImage] = []
    found: dict[str, list[Detections]] = {name: [] for name in detectors}
    image_ids = []
    readable = _read(track(coco['images'], desc='images'), image_dir, bad)
    while pairs := list(islice(readable, _BATCH)):
        image_ids += [image_id for image_id, _ in pairs]
        for name, detector in detectors.items():
            found[name] += detector.batch([pixels for _, pixels in pairs])
    category_ids = {category['name']: category['id'] for category in coco['categories']}
    if not image_ids:
        raise InputError(
            f'none of {len(bad)} images in {image_dir} can be read: give the folder '
            'that the file names of the annotations start from'
        )
    return {
        name: _to_results(
            found[name],
            image_ids,
            [category_ids[class_] for class_ in detector.classes],
        )
        for name, detector in detectors.items()
    }, bad


def _read(
    images: Iterable[dict], image_dir: str | os.PathLike, bad: list[BadImage]
) -> Iterator[tuple[int | str, np.ndarray]]:
    """Ids and RGB pixels; what cannot be read is added to ``bad``."""
    for image in images:
        path = os.path.join(image_dir, image['file_name'])
        try:
            bgr = read_image(path, image['height'], image['width'])
        except ImageReadError as error:
            bad.append(
                BadImage(image['id'], path, str(error).removeprefix(f'{path}: '))
            )
            # above the progress bar
            tqdm.write(f'left out: {bad[-1]}', file=sys.stderr)
        else:
            yield image['id'], np.ascontiguousarray(bgr[..., ::-1])


def _to_results(
    found: Sequence[Detections],
    image_ids: Sequence[int | str],
    category_ids: Sequence[int | str],
) -> BoxResults:
    """Detections as COCO results.

    Args:
        found: Of each image.
        image_ids: Of the images.
        category_ids: Of the detector's labels.
    """
    boxes, scores, labels = map(np.concatenate, zip(*found, strict=True))
    corners = boxes.astype(np.float64)
    return BoxResults(
        image_ids=np.repeat(image_ids, [len(one.scores) for one in found]),
        category_ids=np.array(category_ids)[labels],
        boxes=np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]]),
        scores=scores.astype(np.float64),
    )
