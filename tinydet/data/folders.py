"""Images in class folders, and lists of them; only their names, no file is opened."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tinydet.errors import InputError, some
from tinydet.files import replacing

IMAGE_SUFFIXES = (
    '.jpg',
    '.jpeg',
    '.png',
    '.bmp',
    '.webp',
    '.tif',
    '.tiff',
    '.ppm',
    '.pgm',
)

_LINE = re.compile(r'(?P<image>.+) (?P<label>[0-9]+)')
# File names need not be UTF-8; as bytes they come back as they were.
_TEXT = {'encoding': 'utf-8', 'errors': 'surrogateescape'}


@dataclass(frozen=True)
class ImageTree:
    """A folder that holds a folder of images for each class.

    Attributes:
        images: By class folder, sorted: its images as paths relative to the root, with
            ``/``, sorted. The position of a class is its label, as in torchvision's
            ``ImageFolder``.
        ignored: Other files in class folders, and images in none; hidden files are not
            counted.
    """

    images: dict[str, list[str]]
    ignored: list[str]


def scan_tree(root: str | os.PathLike) -> ImageTree:
    """List the images of a tree ``root/class/.../image``.

    Links are followed and hidden files and folders left out. A file is an image by its
    suffix, in upper or lower case.

    Args:
        root: The folder that holds the class folders.

    Returns:
        All images and what was ignored.

    Raises:
        InputError: There is no such folder, it has no class folders, a class folder has
            no image, or a folder cannot be read or holds itself through a link.
    """
    try:
        names, others = _entries(os.fspath(root))
        files = {name: sorted(_files(root, name)) for name in sorted(names)}
    except OSError as error:
        raise InputError(
            f'image folder {error.filename}: {error.strerror}: mend it, or give '
            'another folder'
        ) from None
    if not files:
        images = sum(map(is_image, others))
        raise InputError(
            f'{root} has no class folders, but {images} images and '
            f'{len(others) - images} other files: images lie as '
            f'{Path(root) / "CLASS" / "image.jpg"}, in a folder for each class'
        )
    images = {name: list(filter(is_image, found)) for name, found in files.items()}
    empty = [name for name, found in images.items() if not found]
    if empty:
        raise InputError(
            f'{root}: class folders without an image: {some(empty)}: fill or remove '
            'them, or give a list of images as ann_file; suffixes of images are '
            f'{", ".join(IMAGE_SUFFIXES)}'
        )
    ignored = [file for found in files.values() for file in found if not is_image(file)]
    return ImageTree(images, sorted([*ignored, *filter(is_image, others)]))


def is_image(name: str) -> bool:
    """Whether a file's suffix is that of an image."""
    return name.lower().endswith(IMAGE_SUFFIXES)


def read_list(path: str | os.PathLike) -> list[tuple[str, int]]:
    """Read a list of images with lines ``class/image.jpg 3``.

    That is mmpretrain's format. Paths may hold spaces; the label comes after the last.

    Args:
        path: The file.

    Returns:
        Images and their labels, in the order of the file.

    Raises:
        InputError: The file is missing or empty, a line is not so, or as for
            :func:`classes_of`.
    """
    try:
        # Some editors put a mark before the first line, which 'utf-8-sig' leaves out.
        text = Path(path).read_text(**{**_TEXT, 'encoding': 'utf-8-sig'})
    except OSError as error:
        raise InputError(
            f'list of images {path}: {error.strerror}: give a file with lines '
            "'class/image.jpg 3'"
        ) from None
    if not text.strip():
        raise InputError(
            f"{path} lists no images: write lines 'class/image.jpg 3' into it"
        )
    pairs = [
        _pair(path, number, line.rstrip(' '))
        for number, line in enumerate(text.rstrip('\n ').split('\n'), 1)
    ]
    classes_of(pairs, path)
    return pairs


def write_list(path: str | os.PathLike, pairs: Iterable[tuple[str, int]]) -> None:
    """Write a list that :func:`read_list` reads.

    Args:
        path: The file.
        pairs: Images, relative and with ``/``, and their labels.
    """
    write_lines(path, (f'{image} {label}' for image, label in pairs))


def write_lines(path: str | os.PathLike, lines: Iterable[str]) -> None:
    """Write lines that may hold names of files."""
    with (
        replacing(Path(path)) as partial,
        open(partial, 'w', newline='\n', **_TEXT) as file,
    ):
        file.writelines(f'{line}\n' for line in lines)


def classes_of(
    pairs: Sequence[tuple[str, int]], path: str | os.PathLike
) -> tuple[str, ...]:
    """Name the classes of listed images: the first folders of their paths.

    Args:
        pairs: Images and their labels, one a line of the list.
        path: The list, to name in errors.

    Returns:
        The classes in the order of their labels.

    Raises:
        InputError: A label stands for two class folders, a class folder has two labels,
            or the labels are not 0, 1, ... without gaps.
    """
    names, labels = {}, {}
    for number, (image, label) in enumerate(pairs, 1):
        name = image.partition('/')[0]
        known = names.setdefault(label, name)
        if known != name:
            raise InputError(
                f'{path}, line {number}: label {label} for class folder {name!r}, but '
                f'for {known!r} before: give each class folder a label of its own'
            )
        known = labels.setdefault(name, label)
        if known != label:
            raise InputError(
                f'{path}, line {number}: label {label} for class folder {name!r}, but '
                f'{known} before: give all images of a class folder the same label'
            )
    for expected, label in enumerate(sorted(names)):
        if label != expected:
            raise InputError(
                f'{path} has an image with label {label} but none with {expected}: '
                'number the classes from 0 without gaps'
            )
    return tuple(names[label] for label in range(len(names)))


def _pair(path: str | os.PathLike, number: int, line: str) -> tuple[str, int]:
    match = _LINE.fullmatch(line)
    parts = match['image'].split('/') if match else []
    # An absolute path starts with an empty part.
    if len(parts) < 2 or not {'', '.', '..'}.isdisjoint(parts):
        raise InputError(
            f"{path}, line {number}: {line!r} is not of the form 'class/image.jpg 3', "
            'with a path below the image folder and a label from 0 on: mend it'
        )
    return match['image'], int(match['label'])


def _entries(folder: str) -> tuple[list[str], list[str]]:
    """Names of the folders and of the other files in a folder but for hidden ones."""
    folders, files = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith('.'):
                (folders if entry.is_dir() else files).append(entry.name)
    return folders, files


def _files(
    root: str | os.PathLike, folder: str, above: tuple[os.stat_result, ...] = ()
) -> Iterator[str]:
    """Paths of all files below a folder of the root, relative to the root."""
    path = os.path.join(root, folder)
    here = os.stat(path)
    if any(os.path.samestat(here, holder) for holder in above):
        raise InputError(f'{path} is a link to a folder that holds it: remove the link')
    folders, files = _entries(path)
    for name in files:
        yield f'{folder}/{name}'
    for name in folders:
        yield from _files(root, f'{folder}/{name}', (*above, here))
