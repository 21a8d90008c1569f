"""Images that show a network's usual inputs."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from tinydet.errors import InputError
from tinydet.images import ImageReadError, read_rgb
from tinydet.inference.sources import IMAGE_SUFFIXES

# The ranges of activations hardly change beyond some hundreds of images.
MOST_IMAGES = 256


def calibration_files(folder: Path) -> list[Path]:
    """Choose images from a folder and those in it.

    Args:
        folder: With image files.

    Returns:
        All, or :data:`MOST_IMAGES` evenly spread over the sorted names.

    Raises:
        InputError: If there is no such folder, or no image in it.
    """
    if not folder.is_dir():
        raise InputError(f'{folder} is no folder: give one with images to calibrate by')
    files = sorted(
        path for path in folder.rglob('*') if path.suffix.lower() in IMAGE_SUFFIXES
    )
    if not files:
        raise InputError(
            f'{folder} has no images to calibrate by: give a folder with files of the '
            f'suffixes {", ".join(IMAGE_SUFFIXES)}'
        )
    if len(files) <= MOST_IMAGES:
        return files
    chosen = np.linspace(0, len(files) - 1, MOST_IMAGES).round().astype(int)
    return [files[index] for index in chosen]


def read_calibration(
    files: Iterable[Path],
    prepare: Callable[[np.ndarray], np.ndarray],
    skipped: Callable[[str], None],
) -> list[np.ndarray]:
    """Read images as a network takes them.

    Args:
        files: Of images.
        prepare: From an image, (H, W, 3) uint8 RGB, to the network's input.
        skipped: Is told what is wrong with a file that cannot be read.

    Returns:
        What is prepared of each file that can be read.
    """
    images = []
    for path in files:
        try:
            images.append(prepare(read_rgb(path)))
        except ImageReadError as error:
            skipped(str(error))
    return images
