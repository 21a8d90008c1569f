"""Detections as a COCO annotation file."""

import json
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from tinydet.files import replacing
from tinydet.inference.detections import Detections
from tinydet.inference.sources import Frame


class CocoPredictions:
    """Collects detections and writes them as a COCO annotation file with scores.

    Images, categories and annotations have ids from 1; category ids are labels plus 1.
    Frames of a video have ``video_id`` and ``frame_id`` (from 0) besides, as in
    CocoVID. The whole file can be given to ``pycocotools.coco.COCO``, and its
    ``annotations`` to ``COCO.loadRes``.

    Args:
        classes: Names of the classes.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = classes
        self._images: list[dict] = []
        self._found: list[Detections] = []
        self._videos: dict[str, int] = {}

    def add(self, frame: Frame, found: Detections) -> None:
        """Add an image and what was found in it."""
        name = frame.source.name
        height, width = frame.image.shape[:2]
        image = {
            'id': len(self._images) + 1,
            'file_name': name if frame.index is None else f'{name}#{frame.index}',
            'width': width,
            'height': height,
        }
        if frame.index is not None:
            image['video_id'] = self._videos.setdefault(name, len(self._videos) + 1)
            image['frame_id'] = frame.index
        self._images.append(image)
        self._found.append(found)

    def write(self, path: Path) -> None:
        """Write the file, an entry a line."""
        sections = {
            'images': self._images,
            'videos': [{'id': id_, 'name': name} for name, id_ in self._videos.items()],
            'categories': [
                {'id': number, 'name': name}
                for number, name in enumerate(self.classes, 1)
            ],
            'annotations': self._annotations(),
        }
        with replacing(path) as partial, open(partial, 'w', encoding='utf-8') as file:
            file.write('{\n"info": {"description": "predictions of TinyDet"}')
            for name, entries in sections.items():
                file.write(f',\n"{name}": [')
                # one at a time: a long video has millions of boxes
                for number, entry in enumerate(entries):
                    file.write(f'{"," if number else ""}\n{json.dumps(entry)}')
                file.write('\n]')
            file.write('\n}\n')

    def _annotations(self) -> Iterator[dict]:
        ids = count(1)
        for image, found in zip(self._images, self._found, strict=True):
            rows = zip(*(column.tolist() for column in found), strict=True)
            for box, score, label in rows:
                left, top, right, bottom = box
                width, height = right - left, bottom - top
                yield {
                    'id': next(ids),
                    'image_id': image['id'],
                    'category_id': label + 1,
                    'bbox': [round(side, 3) for side in (left, top, width, height)],
                    'area': round(width * height, 3),
                    'iscrowd': 0,
                    'score': round(score, 6),
                }
