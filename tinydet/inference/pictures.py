"""Files with the boxes drawn: a picture for an image, an .mp4 for a video."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType

import numpy as np
from PIL import Image

from tinydet.errors import InputError
from tinydet.files import replacing
from tinydet.inference.detections import Detections
from tinydet.inference.sources import Camera, Frame, ImageFile, Source, Video
from tinydet.viz.boxes import draw_detections

_QUALITY = 92


def picture_path(source: Source, folder: Path) -> Path:
    """Where the picture or the video with the boxes of a source goes."""
    if isinstance(source, ImageFile) or source.name.lower().endswith('.mp4'):
        return folder / source.name
    return folder / f'{source.name}.mp4'


def check_pictures(sources: Sequence[Source], folder: Path) -> None:
    """See that no source would be overwritten, and no picture by another.

    Raises:
        InputError: It names the first one that would.
    """
    makers: dict[str, Source] = {}
    files = {
        os.path.realpath(source.path) for source in sources if hasattr(source, 'path')
    }
    for source in sources:
        path = picture_path(source, folder)
        real = os.path.realpath(path)
        if real in files:
            raise InputError(f'{path} would be overwritten: give another folder')
        other = makers.setdefault(real, source)
        if other is not source:
            raise InputError(
                f'{_called(other)} and {_called(source)} would both become {path}: '
                'give one of them to another run, with another folder for its results'
            )


def _called(source: Source) -> str:
    return f'camera {source.number}' if isinstance(source, Camera) else str(source.path)


class Pictures:
    """Draws boxes on frames and writes the files, as a context.

    A video is whole when the frame of another source follows, or the context ends.

    Args:
        folder: Where the files go, at :func:`picture_path`; their folders exist.
        classes: Names of the classes.
    """

    def __init__(self, folder: Path, classes: Sequence[str]) -> None:
        self.folder = folder
        self.classes = classes
        self._source: Source | None = None
        self._open = ExitStack()
        self._video: _Video | None = None

    def __enter__(self) -> 'Pictures':
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def add(self, frame: Frame, found: Detections) -> None:
        """Write the next frame.

        Raises:
            InputError: If it, or the video before it, cannot be written.
        """
        picture = draw_detections(frame.image, *found, self.classes)
        path = picture_path(frame.source, self.folder)
        if frame.source is not self._source:
            self._open.close()
            self._source = frame.source
            if frame.fps is not None:
                writing = _writing(path, frame.fps, picture.size)
                self._video = self._open.enter_context(writing)
        if frame.index is None:
            with replacing(path) as partial:
                picture.save(partial, quality=_QUALITY)
        else:
            self._video.append(picture, frame.index)


@contextmanager
def _writing(path: Path, fps: float, size: tuple[int, int]) -> Iterator['_Video']:
    """Write a video; it takes its place when the context ends."""
    with replacing(path) as partial:
        video = _Video(partial, fps, size)
        try:
            if not video.writer.isOpened():
                raise InputError(
                    f'{path} cannot be written: this OpenCV has no encoder for '
                    f'{size[0]} x {size[1]} pixels at {fps:g} frames a second'
                )
            yield video
        finally:
            video.writer.release()
        # OpenCV says nothing where it could not write, as on a full disk.
        if Video(partial, path.name).count() != video.places:
            raise InputError(
                f'{path} cannot be written: not all its frames are in the file: make '
                'room there, or give another folder'
            )


class _Video:
    """A video that is being written."""

    def __init__(self, path: Path, fps: float, size: tuple[int, int]) -> None:
        import cv2

        codec = cv2.VideoWriter_fourcc(*'mp4v')
        self.writer = cv2.VideoWriter(str(path), codec, fps, size)
        self.size = size
        self.places = 0
        self.last: np.ndarray | None = None

    def append(self, picture: Image.Image, index: int) -> None:
        """Show a picture from a place on; until there, the one before stays."""
        for _ in range(index - self.places):
            self.writer.write(self.last)
        # OpenCV drops pictures of another size without a word
        picture = picture.resize(self.size)
        self.last = np.ascontiguousarray(np.asarray(picture)[:, :, ::-1])
        self.writer.write(self.last)
        self.places = index + 1
