"""Say which images of a data set cannot be used, and why.

JPEG and PNG files are decoded only if they look cut off, others always.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from PIL import ExifTags, Image, UnidentifiedImageError

from tinydet.images.files import JPEG_START, PNG_END, PNG_START, looks_cut_off

# A run goes on without so many of its images, and stops at more.
MAX_BAD_IMAGE_SHARE = 0.01

# Header reads wait for the disk more than they use the processor.
READER_THREADS = 8


@dataclass(frozen=True)
class BadImage:
    """An image that cannot be used.

    Attributes:
        image_id: The image's id.
        path: Where it should be.
        reason: What is wrong with it.
    """

    image_id: int | str
    path: str
    reason: str

    def __str__(self) -> str:
        return f'{self.path} (image {self.image_id}): {self.reason}'


def find_bad_images(images: list[dict], image_dir: str | os.PathLike) -> list[BadImage]:
    """Check the files of a data set's images.

    Args:
        images: Image entries in COCO format, with ``id``, ``file_name``, ``width`` and
            ``height`` in pixels.
        image_dir: The folder that the ``file_name`` entries start from.

    Returns:
        Those that cannot be used, in the same order; see :func:`image_problem`.
    """
    paths = [os.path.join(image_dir, image['file_name']) for image in images]
    widths = [image['width'] for image in images]
    heights = [image['height'] for image in images]
    return [
        BadImage(image['id'], path, reason)
        for image, path, reason in zip(
            images, paths, _problems(paths, widths, heights), strict=True
        )
        if reason
    ]


def find_bad_files(root: str | os.PathLike, paths: Sequence[str]) -> dict[str, str]:
    """Check image files of any size.

    Args:
        root: The folder that the paths start from.
        paths: The files.

    Returns:
        Reason by path, for those that cannot be used, in the same order.
    """
    reasons = _problems([os.path.join(root, path) for path in paths])
    return {p: r for p, r in zip(paths, reasons, strict=True) if r}


def _problems(paths: Sequence[str], *sizes: Sequence[int]) -> list[str | None]:
    """:func:`image_problem` of many files."""
    with ThreadPoolExecutor(READER_THREADS) as readers:
        return list(readers.map(image_problem, paths, *sizes))


def image_problem(
    path: str | os.PathLike, width: int | None = None, height: int | None = None
) -> str | None:
    """Say why an image cannot be used.

    Args:
        path: The file.
        width: The width that the annotations give, in pixels; None for any size.
        height: The height.

    Returns:
        The reason, or None for an image that can be used. It can when it is whole and
        has this size, either as stored or as its EXIF orientation turns it.
    """
    try:
        with open(path, 'rb') as file:
            file_size = file.seek(0, os.SEEK_END)
            if file_size == 0:
                return 'empty file'
            file.seek(max(0, file_size - len(PNG_END)))
            tail = file.read()
            file.seek(0)
            head = file.read(len(PNG_START))
            with Image.open(file) as image:
                # Only JPEG and PNG say cheaply that they are whole.
                if looks_cut_off(head, tail) or not head.startswith(
                    (JPEG_START, PNG_START)
                ):
                    image.load()
                return _size_problem(image, width, height)
    except FileNotFoundError:
        return 'missing'
    except UnidentifiedImageError:
        return 'not an image'
    # Pillow's decoders raise SyntaxError and ValueError for broken files, too.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        return f'cannot be read: {error}'


def _size_problem(
    image: Image.Image, width: int | None, height: int | None
) -> str | None:
    if width is None or image.size == (width, height):
        return None
    # Orientations 5 to 8 swap width and height.
    turned = image.getexif().get(ExifTags.Base.Orientation, 1) >= 5
    if turned and image.size == (height, width):
        return None
    return (
        f'{image.width} x {image.height} pixels, but {width} x {height} in the '
        'annotation file'
    )
