import cv2
import numpy as np
import pytest
from pictures import HEIGHT, WIDTH, bgr, exif, smooth_picture
from PIL import Image, ImageOps

from tinydet.images import ImageReadError, read_image


@pytest.fixture
def picture():
    return smooth_picture()


def assert_close(actual, expected):
    assert actual.shape == expected.shape
    assert actual.dtype == np.uint8
    assert np.abs(actual.astype(int) - expected).mean() < 2


@pytest.mark.parametrize(
    ('mode', 'suffix'),
    [
        ('RGB', 'png'),
        ('RGB', 'jpg'),
        ('RGB', 'webp'),
        ('L', 'png'),
        ('L', 'jpg'),
        ('LA', 'png'),
        ('1', 'png'),
        ('P', 'png'),
        ('P', 'gif'),
        ('CMYK', 'jpg'),
    ],
)
def test_colour_types(tmp_path, picture, mode, suffix):
    path = tmp_path / f'a.{suffix}'
    picture.convert(mode).save(path)
    with Image.open(path) as saved:
        # WebP turns a smooth picture's colours a little more than JPEG.
        assert_close(read_image(str(path), HEIGHT, WIDTH), bgr(saved))


@pytest.mark.parametrize('mode', ['RGBA', 'P'])
def test_alpha_is_dropped(tmp_path, picture, mode):
    path = tmp_path / 'a.png'
    colours = picture.convert(mode)
    if mode == 'P':
        colours.save(path, transparency=0)
    else:
        colours.putalpha(Image.linear_gradient('L').resize(picture.size))
        colours.save(path)
    assert np.array_equal(read_image(str(path)), bgr(colours))


@pytest.mark.parametrize('suffix', ['png', 'tif'])
@pytest.mark.parametrize('channels', [1, 3])
def test_sixteen_bits_become_eight(tmp_path, suffix, channels):
    deep = np.linspace(0, 65535, WIDTH * HEIGHT * channels).astype(np.uint16)
    path = str(tmp_path / f'a.{suffix}')
    cv2.imwrite(path, deep.reshape(HEIGHT, WIDTH, channels))
    expected = np.broadcast_to(
        (deep // 256).reshape(HEIGHT, WIDTH, channels), (HEIGHT, WIDTH, 3)
    )
    image = read_image(path, HEIGHT, WIDTH)
    assert image.dtype == np.uint8
    assert np.abs(image.astype(int) - expected).max() <= 1


@pytest.mark.parametrize('suffix', ['jpg', 'png', 'webp'])
@pytest.mark.parametrize('orientation', range(1, 9))
def test_exif_orientation_agrees_with_the_annotated_size(
    tmp_path, picture, suffix, orientation
):
    path = str(tmp_path / f'a.{suffix}')
    picture.save(path, exif=exif(orientation), quality=95)
    with Image.open(path) as saved:
        turned = bgr(ImageOps.exif_transpose(saved))
        stored = bgr(saved)
    assert_close(read_image(path), turned)
    assert_close(read_image(path, *turned.shape[:2]), turned)
    # Orientations 5 to 8 swap the sides: only here the stored pixels can be meant.
    assert_close(
        read_image(path, HEIGHT, WIDTH), stored if orientation >= 5 else turned
    )


def test_square_images_are_turned_as_viewers_do(tmp_path, picture):
    path = str(tmp_path / 'a.png')
    square = picture.crop((0, 0, 30, 30))
    square.save(path, exif=exif(6))
    expected = bgr(square.rotate(-90))
    assert np.array_equal(read_image(path, 30, 30), expected)


def test_other_size_is_refused(tmp_path, picture):
    path = str(tmp_path / 'a.png')
    picture.save(path)
    with pytest.raises(ImageReadError, match='48 x 32 pixels, but 32 x 48'):
        read_image(path, WIDTH, HEIGHT)


def test_unreadable_files_are_refused(tmp_path, picture):
    path = tmp_path / 'a.jpg'
    with pytest.raises(ImageReadError, match=r'a\.jpg'):
        read_image(str(path))
    for content in (b'', b'not an image', b'\xff\xd8\xff\xd9'):
        path.write_bytes(content)
        with pytest.raises(ImageReadError, match=r'a\.jpg'):
            read_image(str(path))


@pytest.mark.parametrize('suffix', ['jpg', 'png', 'webp', 'gif'])
def test_truncated_files_are_refused(tmp_path, picture, suffix):
    path = tmp_path / f'a.{suffix}'
    picture.save(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(ImageReadError, match='a.'):
        read_image(str(path), HEIGHT, WIDTH)


def test_bytes_after_the_end_are_no_fault(tmp_path, picture):
    path = tmp_path / 'a.png'
    picture.save(path)
    path.write_bytes(path.read_bytes() + b'\0' * 40)
    assert np.array_equal(read_image(str(path)), bgr(picture))
