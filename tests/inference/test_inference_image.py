"""The kinds of images that a detector takes."""

import numpy as np
import pytest
from PIL import Image

from tinydet.errors import InputError
from tinydet.images import ImageReadError
from tinydet.inference.image import as_rgb

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)


def test_all_kinds_give_the_same_pixels(tmp_path):
    path = tmp_path / 'a.png'
    image = Image.fromarray(PIXELS)
    image.save(path)
    for given in (path, str(path), image, PIXELS):
        assert np.array_equal(as_rgb(given), PIXELS)


@pytest.mark.parametrize('mode', ['L', 'RGBA', 'P', 'CMYK', 'I;16'])
def test_modes_of_pillow(tmp_path, mode):
    grey = Image.fromarray(PIXELS).convert('L' if mode == 'I;16' else 'RGB')
    image = grey.convert(mode)
    if mode == 'I;16':
        image = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    path = tmp_path / ('a.jpg' if mode == 'CMYK' else 'a.png')
    image.save(path)
    with Image.open(path) as saved:
        assert saved.mode == mode
        assert np.array_equal(as_rgb(saved), as_rgb(path))


def test_a_file_is_turned_and_pixels_are_taken_as_they_lie(tmp_path):
    path, tags = tmp_path / 'a.png', Image.Exif()
    tags[0x0112] = 6
    Image.fromarray(PIXELS).save(path, exif=tags)
    assert np.array_equal(as_rgb(path), np.rot90(PIXELS, -1))
    with Image.open(path) as opened:
        assert np.array_equal(as_rgb(opened), PIXELS)


@pytest.mark.parametrize(
    ('image', 'found'),
    [
        (PIXELS.astype(np.float32), r'float32 and shape \(20, 30, 3\)'),
        (PIXELS[..., 0], r'uint8 and shape \(20, 30\)'),
        (PIXELS.transpose(2, 0, 1), r'uint8 and shape \(3, 20, 30\)'),
        (PIXELS[None], r'uint8 and shape \(1, 20, 30, 3\)'),
        (PIXELS[:0], r'without pixels, of shape \(0, 30, 3\)'),
        (PIXELS.tolist(), 'a list'),
        (None, 'a NoneType'),
        (Image.new('RGB', (0, 5)), r'without pixels, of shape \(5, 0, 3\)'),
    ],
)
def test_others_are_refused(image, found):
    with pytest.raises(InputError, match=f'{found}: give a path'):
        as_rgb(image)


@pytest.mark.parametrize('mode', ['La', 'F', 'I'])
def test_modes_without_a_way_to_rgb_are_refused(mode):
    with pytest.raises(InputError, match=f"mode '{mode}': .*: give one of RGB"):
        as_rgb(Image.new(mode, (3, 2)))


def test_a_file_that_is_cut_off_is_named(tmp_path):
    path = tmp_path / 'cut.jpg'
    Image.fromarray(PIXELS).save(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ImageReadError, match=r'cut\.jpg'):
        as_rgb(path)
