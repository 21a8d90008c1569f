"""Pillow's pixels against OpenCV's."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from tinydet.images import ImageReadError, opencv, pillow


@pytest.fixture(scope='module')
def picture():
    """Of odd sides, smooth colours and some noise."""
    y, x = np.mgrid[:77, :101]
    smooth = np.stack([x * 2, y * 3, 255 - x - y], axis=-1) % 226
    noise = np.random.default_rng(0).integers(0, 30, smooth.shape)
    return Image.fromarray((smooth + noise).astype(np.uint8))


def encoded(image, kind, **settings):
    file = io.BytesIO()
    image.save(file, kind, **settings)
    return file.getvalue()


def assert_same(data, most=0, turn=True):
    ours, theirs = (how.decode(data, 'a', turn=turn) for how in (pillow, opencv))
    assert ours.shape == theirs.shape
    assert ours.dtype == np.uint8
    assert np.abs(ours.astype(int) - theirs).max() <= most


@pytest.mark.parametrize('subsampling', ['4:4:4', '4:2:2', '4:2:0'])
@pytest.mark.parametrize('progressive', [False, True])
@pytest.mark.parametrize('quality', [30, 95])
def test_jpeg(picture, subsampling, progressive, quality):
    settings = dict(subsampling=subsampling, progressive=progressive)
    assert_same(encoded(picture, 'JPEG', quality=quality, **settings))


@pytest.mark.parametrize('mode', ['L', 'CMYK'])
def test_jpeg_of_other_colours(picture, mode):
    assert_same(encoded(picture.convert(mode), 'JPEG'))


@pytest.mark.parametrize('mode', ['1', 'L', 'LA', 'P', 'RGB', 'RGBA'])
def test_png(picture, mode):
    image = picture.convert(mode)
    if 'A' in mode:
        image.putalpha(Image.linear_gradient('L').resize(picture.size))
    assert_same(encoded(image, 'PNG'))


def test_transparent_palette(picture):
    assert_same(encoded(picture.convert('P'), 'PNG', transparency=0))


@pytest.mark.parametrize('kind', ['BMP', 'GIF', 'PPM', 'TIFF', 'WEBP'])
def test_other_formats(picture, kind):
    assert_same(encoded(picture, kind))


@pytest.mark.parametrize(
    ('suffix', 'channels', 'most'),
    [
        ('png', 1, 0),
        ('png', 3, 0),
        ('png', 4, 0),
        ('tiff', 1, 0),
        # Here OpenCV rounds, and Pillow takes the upper byte.
        ('tiff', 3, 1),
    ],
)
def test_sixteen_bits(suffix, channels, most):
    rng = np.random.default_rng(0)
    deep = rng.integers(0, 65536, (40, 50, channels)).astype(np.uint16)
    assert_same(cv2.imencode(f'.{suffix}', deep)[1].tobytes(), most)


@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'TIFF', 'WEBP'])
@pytest.mark.parametrize('orientation', range(1, 9))
def test_exif_orientation(picture, kind, orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    data = encoded(picture, kind, exif=tags)
    assert_same(data)
    if kind != 'TIFF':  # both turn it while they decode
        assert_same(data, turn=False)


@pytest.mark.parametrize('data', [b'', b'not an image', b'\xff\xd8\xff\xd9'])
def test_what_is_no_image_is_refused(data):
    said = {}
    for how in (pillow, opencv):
        with pytest.raises(ImageReadError) as error:
            how.decode(data, 'some.jpg')
        said[how] = str(error.value)
    assert said[pillow] == said[opencv] == 'some.jpg: cannot be decoded'


def huge_png(width, height):
    """A file whose header says a size; that is all that is read of it."""
    chunks = [
        (b'IHDR', struct.pack('>IIBBBBB', width, height, 1, 0, 0, 0, 0)),
        (b'IDAT', zlib.compress(b'')),
        (b'IEND', b''),
    ]
    return b'\x89PNG\r\n\x1a\n' + b''.join(
        struct.pack('>I', len(data))
        + kind
        + data
        + struct.pack('>I', zlib.crc32(kind + data))
        for kind, data in chunks
    )


@pytest.mark.parametrize(
    ('how', 'limit'),
    [(pillow, f'{2 * Image.MAX_IMAGE_PIXELS} pixels'), (opencv, '2^30 pixels')],
)
def test_too_large_images_are_called_that(how, limit):
    with pytest.raises(ImageReadError) as error:
        how.decode(huge_png(40000, 30000), 'a.png')
    assert 'a.png: too large: ' in str(error.value) and limit in str(error.value)


@pytest.mark.parametrize('how', [pillow, opencv])
@pytest.mark.parametrize('kind', [np.float32, np.int32])
def test_pixels_without_black_and_white_are_named(how, kind, capfd):
    pixels = np.arange(600).reshape(20, 30).astype(kind)
    data = encoded(Image.fromarray(pixels), 'TIFF')
    level = cv2.utils.logging.getLogLevel()
    with pytest.raises(
        ImageReadError, match=f'^a: cannot .*: pixels of {kind.__name__},'
    ):
        how.decode(data, 'a')
    assert capfd.readouterr() == ('', '')
    assert cv2.utils.logging.getLogLevel() == level


def test_the_first_page_is_read(picture):
    others = [Image.new('RGB', (9, 8)), Image.new('RGB', picture.size)]
    data = encoded(picture, 'TIFF', save_all=True, append_images=others)
    assert_same(data)
    assert np.array_equal(pillow.decode(data, 'a')[..., ::-1], np.asarray(picture))


def test_what_is_wrong_is_said(picture):
    data = encoded(picture, 'PNG')
    with pytest.raises(ImageReadError, match=r'^a: cannot be decoded: .*truncated'):
        pillow.decode(data[: len(data) // 2], 'a')


@pytest.mark.parametrize('how', [pillow, opencv])
def test_rgb_is_bgr_reversed(picture, how):
    data = encoded(picture, 'PNG')
    assert np.array_equal(how.to_rgb(how.decode(data, 'a')), np.asarray(picture))
