"""Image files, folders, videos and cameras as a stream of frames."""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from tinydet.errors import InputError
from tinydet.images import ImageReadError, read_rgb

if TYPE_CHECKING:
    import cv2

IMAGE_SUFFIXES = '.bmp', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp'
# Their headers say how many frames there are ...
_COUNTED = '.avi', '.m4v', '.mov', '.mp4'
# ... or how long it takes to show them ...
_TIMED = '.mkv', '.webm'
# ... or neither well enough to miss any.
VIDEO_SUFFIXES = *_COUNTED, *_TIMED, '.mpeg', '.mpg', '.wmv'
# For videos that do not say; the highest that the MPEG-4 encoder is known to take.
_USUAL_FPS, _MOST_FPS = 25.0, 1000.0


@dataclass(frozen=True)
class Frame:
    """An image to find objects in.

    Attributes:
        source: Where it is from.
        image: RGB, uint8, (H, W, 3).
        index: Its place in a video, from 0; None for an image file. A camera's frames
            leave places out while the detector is slower than the camera.
        fps: Places per second in the video; None for an image file.
    """

    source: 'Source'
    image: np.ndarray
    index: int | None = None
    fps: float | None = None


@dataclass(frozen=True)
class Failure:
    """What could not be read.

    Attributes:
        source: All of it, or its end.
        reason: Names the file.
    """

    source: 'Source'
    reason: str


@dataclass(frozen=True)
class ImageFile:
    """An image; of a file with several, such as a TIFF of many pages, the first.

    Attributes:
        path: The file.
        name: What it is called in results, unique among the sources of a run.
    """

    path: Path
    name: str

    def count(self) -> int | None:
        """How many frames there should be; None where that is not known."""
        return 1

    def frames(self) -> Iterator[Frame]:
        """Read it.

        Raises:
            InputError: If it cannot be read.
        """
        try:
            yield Frame(self, read_rgb(self.path))
        except ImageReadError as error:
            raise InputError(f'{error}: give another image') from None


@dataclass(frozen=True)
class Video:
    """A video file.

    Attributes:
        path: The file.
        name: What it is called in results, unique among the sources of a run.
    """

    path: Path
    name: str

    def count(self) -> int | None:
        """How many frames there should be; None where that is not known."""
        with _capture(str(self.path)) as capture:
            return _frame_count(capture)

    def frames(self) -> Iterator[Frame]:
        """Read frame by frame.

        Raises:
            InputError: If it cannot be opened, or, behind its last frame that can be
                decoded, if it has fewer than its header says.
        """
        with _capture(str(self.path)) as capture:
            if not capture.isOpened():
                raise InputError(
                    f'{self.path} cannot be opened: it is no video, or was cut off: '
                    'give a whole video file'
                )
            fps = _frame_rate(capture)
            index, shown = 0, 0.0
            for index, image in enumerate(_read(capture), 1):
                yield Frame(self, image, index - 1, fps)
                shown = _position(capture) + 1 / fps
            total = _frame_count(capture)
        if not index:
            raise InputError(
                f'{self.path} has no frame that can be decoded: give a whole video file'
            )
        if total is not None and self._breaks_off(index, shown, total, fps):
            raise InputError(
                f'{self.path} breaks off behind frame {index} of {total}: what comes '
                'before is kept; give the whole file for the rest'
            )

    def _breaks_off(self, read: int, shown: float, total: int, fps: float) -> bool:
        """Whether frames are missing at the end, beyond what headers err by."""
        suffix = self.path.suffix.lower()
        if suffix in _COUNTED:
            return read < total - 1
        return suffix in _TIMED and shown < total / fps - 1


@dataclass(frozen=True)
class Camera:
    """A camera, live until somebody stops asking.

    Attributes:
        number: From 0, as the operating system counts them.
        name: What it is called in results.
    """

    number: int
    name: str

    def count(self) -> int | None:
        """How many frames there should be; None where that is not known."""
        return None

    def frames(self) -> Iterator[Frame]:
        """Read what it shows when asked, at the place of that time in a video.

        Raises:
            InputError: If there is no such camera, or it shows nothing more.
        """
        with _capture(self.number) as capture:
            if not capture.isOpened():
                raise InputError(
                    f'camera {self.number} cannot be opened: plug it in, close other '
                    'programs that use it, or give the number of another'
                )
            fps = _frame_rate(capture)
            start, index = 0.0, -1
            for image in _read(capture):
                now = time.monotonic()
                start = start or now
                index = max(index + 1, int((now - start) * fps))
                yield Frame(self, image, index, fps)
        raise InputError(
            f'camera {self.number} shows nothing more: see whether it is plugged in'
        )


Source = ImageFile | Video | Camera


@dataclass(frozen=True)
class Found:
    """The sources that a user's words stand for.

    Attributes:
        sources: In the order of the words, those of a folder by name, a camera last.
        ignored: Files in the folders that are no images or videos by their suffix.
    """

    sources: list[Source]
    ignored: list[Path]


def find_sources(words: Iterable[str], leave_out: Path) -> Found:
    """Find image files, videos and cameras.

    A folder stands for all images and videos in it and in its folders, but for hidden
    ones. They are named by their place in the folder; if two files of a run would have
    one name, all are named by their place in the folder that holds them all.

    Args:
        words: Paths of image files, videos and folders, and the number of a camera.
        leave_out: A folder whose files are results, not sources.

    Raises:
        InputError: If a path does not exist or is no image or video by its suffix, or
            there is none in a folder, or more cameras than one are named.
    """
    names: dict[str, str] = {}
    cameras: dict[int, Camera] = {}
    ignored = []
    for word in words:
        path = Path(word)
        if word.isdecimal():
            cameras[int(word)] = Camera(int(word), f'camera{int(word)}')
        elif path.is_dir():
            inside = list(_files_under(path, leave_out))
            usable = [file for file in inside if _usable(file)]
            if not usable:
                raise InputError(
                    f'{path} has no images or videos: give a folder with files of the '
                    f'suffixes {", ".join(IMAGE_SUFFIXES + VIDEO_SUFFIXES)}'
                )
            ignored += [file for file in inside if not _usable(file)]
            for file in usable:
                names.setdefault(os.path.abspath(file), str(file.relative_to(path)))
        elif not path.exists():
            raise InputError(
                f'{path} does not exist: give images, videos, folders of them, or the '
                'number of a camera'
            )
        elif not _usable(path):
            raise InputError(
                f'{path} is no image or video by its suffix: give files of the '
                f'suffixes {", ".join(IMAGE_SUFFIXES + VIDEO_SUFFIXES)}'
            )
        else:
            names.setdefault(os.path.abspath(path), path.name)
    if len(cameras) > 1:
        raise InputError(
            f'cameras {", ".join(map(str, cameras))}: give one, it never ends by itself'
        )
    if len(set(names.values())) < len(names):
        common = os.path.commonpath([os.path.dirname(path) for path in names])
        names = {path: os.path.relpath(path, common) for path in names}
    files = [_source(Path(path), name) for path, name in names.items()]
    return Found([*files, *cameras.values()], ignored)


def read_frames(sources: Iterable[Source]) -> Iterator[Frame | Failure]:
    """Read sources one after another, going on behind those that fail.

    Args:
        sources: What :func:`find_sources` found.

    Yields:
        Each frame, and what could not be read in its place.
    """
    for source in sources:
        try:
            yield from source.frames()
        except InputError as error:
            yield Failure(source, str(error))


def count_frames(sources: Sequence[Source]) -> int | None:
    """How many frames sources should have; None where one of them does not say."""
    counts = [source.count() for source in sources]
    return None if None in counts else sum(counts)


def _usable(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES + VIDEO_SUFFIXES


def _source(path: Path, name: str) -> ImageFile | Video:
    kind = ImageFile if path.suffix.lower() in IMAGE_SUFFIXES else Video
    return kind(path, name)


def _files_under(folder: Path, leave_out: Path) -> Iterator[Path]:
    """Files that are not hidden, sorted, through links too but each folder once."""
    seen = {os.path.realpath(leave_out)}
    for root, folders, files in os.walk(folder, onerror=_refuse, followlinks=True):
        seen.add(os.path.realpath(root))
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith('.')
            and os.path.realpath(os.path.join(root, name)) not in seen
        )
        yield from (
            Path(root, name) for name in sorted(files) if not name.startswith('.')
        )


def _refuse(error: OSError) -> None:
    raise InputError(
        f'{error.filename} cannot be read: {error.strerror}: give a folder that can be'
    )


@contextmanager
def _capture(source: str | int) -> Iterator['cv2.VideoCapture']:
    """Open a video or camera; OpenCV's own messages about it are kept back."""
    cv2 = _opencv()
    from tinydet.images.opencv import quiet

    with quiet():
        capture = cv2.VideoCapture(source)
    try:
        yield capture
    finally:
        capture.release()


def _opencv() -> ModuleType:
    # FFmpeg prints what it finds wrong; it reads this when it is first used
    os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')
    try:
        import cv2
    except ImportError:
        raise InputError(
            'videos and cameras need OpenCV: pip install opencv-python-headless'
        ) from None
    return cv2


def _read(capture: 'cv2.VideoCapture') -> Iterator[np.ndarray]:
    while True:
        more, image = capture.read()
        if not more:
            return
        yield np.ascontiguousarray(image[:, :, ::-1])


def _frame_count(capture: 'cv2.VideoCapture') -> int | None:
    """As the header says; OpenCV gives 0 or less where it says nothing."""
    count = int(capture.get(_opencv().CAP_PROP_FRAME_COUNT))
    return count if count > 0 else None


def _frame_rate(capture: 'cv2.VideoCapture') -> float:
    fps = capture.get(_opencv().CAP_PROP_FPS)
    return fps if 0 < fps <= _MOST_FPS else _USUAL_FPS


def _position(capture: 'cv2.VideoCapture') -> float:
    """Seconds at which the last frame that was read is shown."""
    return capture.get(_opencv().CAP_PROP_POS_MSEC) / 1000
