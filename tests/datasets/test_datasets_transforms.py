import cv2
import numpy as np
import pytest
from mmengine.registry import TRANSFORMS
from PIL import Image, ImageOps

from tinydet.datasets import ImageReadError
from tinydet.datasets.transforms import read_image

WIDTH, HEIGHT = 48, 32


@pytest.fixture
def picture():
    """Smooth colours that differ in every corner, so that JPEG keeps them."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    pixels = np.stack([x * 5, y * 7, 255 - x * 2 - y * 2], axis=-1).astype(np.uint8)
    return Image.fromarray(pixels)


def bgr(image):
    """What Pillow makes of an image, as OpenCV lays it out."""
    return np.asarray(image.convert('RGB'))[..., ::-1]


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


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


def test_transform_gives_what_mmcv_gives(tmp_path, picture):
    path = str(tmp_path / 'a.jpg')
    picture.save(path, exif=exif(6))
    ours = TRANSFORMS.build({'type': 'LoadImage'})
    theirs = TRANSFORMS.build({'type': 'mmcv.LoadImageFromFile'})
    sample = {'img_path': path, 'height': WIDTH, 'width': HEIGHT}
    mine, expected = ours(dict(sample)), theirs(dict(sample))
    assert mine.keys() == expected.keys()
    assert np.array_equal(mine['img'], expected['img'])
    for key in ('img_shape', 'ori_shape'):
        assert mine[key] == expected[key] == (WIDTH, HEIGHT)


def test_transform_takes_an_array(picture):
    image = bgr(picture)
    sample = TRANSFORMS.build({'type': 'LoadImage'})({'img': image})
    assert sample['img'] is image
    assert sample['img_shape'] == (HEIGHT, WIDTH)
