import io
import struct

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import TRANSFORMS
from PIL import Image, ImageOps
from timm.data import create_transform
from torchvision.transforms import InterpolationMode, RandomResizedCrop

from tinydet.datasets import crops
from tinydet.images import ImageReadError

ORIENTATION = 0x0112
WIDE = ((0.08, 1.0), (3 / 4, 4 / 3))
# Whole pixels of 1/8 and not: a decoder rounds up what is left.
LARGE = [(600, 808), (601, 809), (809, 601)]


def noise(height, width):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


def smooth(height, width):
    """Waves of hundreds of pixels, which survive a reduction to 1/8."""
    y, x = np.mgrid[:height, :width] / 100
    waves = np.stack([x + y / 2, y, x - y / 2], axis=-1)
    return Image.fromarray((128 + 100 * np.sin(waves)).round().astype(np.uint8))


def exif(orientation):
    tags = Image.Exif()
    tags[ORIENTATION] = orientation
    return tags


def load(name, path, side, seed=0, **settings):
    torch.manual_seed(seed)
    transform = TRANSFORMS.build({'type': name, **settings})
    return transform({'img_path': str(path), 'input_size': side})


def drawn(size, seed, area=WIDE[0], ratio=WIDE[1]):
    """What torchvision draws of an image (H, W): top, left, height and width."""
    torch.manual_seed(seed)
    return RandomResizedCrop.get_params(torch.empty(1, *size), area, ratio)


def torchvision_crop(image, side, seed, area=WIDE[0], ratio=WIDE[1]):
    torch.manual_seed(seed)
    crop = RandomResizedCrop(side, area, ratio, InterpolationMode.BICUBIC)
    return bgr(crop(image.convert('RGB')))


def but_for_rounding(actual, expected):
    """Whether torch's image is Pillow's, which rounds otherwise.

    It clips in between as well, which shows in noise, where a cubic overshoots.
    """
    errors = np.abs(actual.astype(int) - expected)
    return errors.max() <= 16 and errors.mean() < 0.5


def bgr(image):
    return np.asarray(image)[..., ::-1]


def difference(actual, expected):
    assert actual.shape == expected.shape
    return np.abs(actual.astype(int) - expected).mean()


@pytest.fixture
def reductions(monkeypatch):
    """The reductions that images are decoded with in a test."""
    used = []
    decode = crops.decode

    def spy(data, path, reduction=1):
        used.append(reduction)
        return decode(data, path, reduction)

    monkeypatch.setattr(crops, 'decode', spy)
    return used


@pytest.mark.parametrize('side', [57, 152])
@pytest.mark.parametrize(
    'size', [(37, 53), (53, 37), (199, 301), (480, 321), (65, 65), (9, 100), (174, 20)]
)
def test_the_middle_is_what_timm_evaluates(tmp_path, size, side):
    path = tmp_path / 'a.png'
    image = noise(*size)
    image.save(path)
    reference = create_transform(
        side, is_training=False, interpolation='bicubic', crop_pct=0.875
    )
    resize, crop = reference.transforms[:2]
    sample = load('LoadCenterCrop', path, side)
    assert np.array_equal(sample['img'], bgr(crop(resize(image))))
    assert sample['img'].dtype == np.uint8
    assert sample['img_shape'] == (side, side)
    assert sample['ori_shape'] == size


def test_the_share_of_the_middle(tmp_path):
    path = tmp_path / 'a.png'
    image = noise(60, 40)
    image.save(path)
    sample = load('LoadCenterCrop', path, 40, share=1.0)
    assert np.array_equal(sample['img'], bgr(image.crop((0, 10, 40, 50))))


@pytest.mark.parametrize('side', [24, 57])
@pytest.mark.parametrize(
    # The last two have no part of an allowed shape: the middle is taken.
    'size',
    [(32, 32), (61, 43), (300, 211), (500, 601), (10, 200), (200, 10)],
)
def test_a_random_crop_is_torchvisions(tmp_path, size, side):
    path = tmp_path / 'a.png'
    image = noise(*size)
    image.save(path)
    for seed in range(4):
        sample = load('LoadRandomCrop', path, side, seed)
        assert but_for_rounding(sample['img'], torchvision_crop(image, side, seed))
        assert sample['img_shape'] == (side, side)
        assert sample['ori_shape'] == size


def test_the_area_and_shape_of_a_random_crop(tmp_path):
    path = tmp_path / 'a.png'
    image = noise(90, 120)
    image.save(path)
    area, ratio = (0.3, 0.35), (1.9, 2.0)
    for seed in range(4):
        sample = load('LoadRandomCrop', path, 40, seed, area=area, ratio=ratio)
        expected = torchvision_crop(image, 40, seed, area, ratio)
        assert but_for_rounding(sample['img'], expected)


def test_a_small_jpeg_is_decoded_in_full(tmp_path, reductions):
    path = str(tmp_path / 'a.jpg')
    noise(150, 190).save(path, quality=95)
    full = Image.fromarray(cv2.imread(path)[..., ::-1])
    for seed in range(5):
        sample = load('LoadRandomCrop', path, 112, seed)
        assert but_for_rounding(sample['img'], torchvision_crop(full, 112, seed))
    assert reductions == [1] * 5


@pytest.mark.parametrize('size', LARGE)
@pytest.mark.parametrize('side', [20, 45, 90])
def test_a_large_jpeg_is_decoded_no_larger_than_needed(
    tmp_path, reductions, size, side
):
    path = tmp_path / 'a.jpg'
    smooth(*size).save(path, quality=95)
    full = Image.fromarray(cv2.imread(str(path))[..., ::-1])
    for seed in range(6):
        sample = load('LoadRandomCrop', path, side, seed)
        expected = torchvision_crop(full, side, seed)
        # The part ends at whole pixels of the reduced image.
        assert difference(sample['img'], expected) < 2, (seed, reductions[-1])
        assert sample['ori_shape'] == size
        shorter = min(drawn(size, seed)[2:])
        # No pixel is made up because of the reduction, ...
        assert shorter / reductions[-1] >= min(side, shorter)
        # ... and the next one would be too much.
        assert reductions[-1] == 8 or shorter / (2 * reductions[-1]) < side
    assert max(reductions) == {20: 8, 45: 8, 90: 4}[side]


@pytest.mark.parametrize('shape', [0.25, 4.0])
def test_the_shorter_side_of_a_part_counts(tmp_path, reductions, shape):
    path = tmp_path / 'a.jpg'
    smooth(800, 800).save(path, quality=95)
    # 800 x 200 pixels
    load('LoadRandomCrop', path, 60, area=(0.25, 0.25), ratio=(shape, shape))
    assert reductions == [2]


@pytest.mark.parametrize('size', LARGE)
def test_the_edges_of_a_reduced_image_are_in_place(tmp_path, reductions, size):
    """Of 601 pixels 1/8 has 76, which stand for 608."""
    path = tmp_path / 'a.jpg'
    smooth(*size).save(path, quality=95)
    full = Image.fromarray(cv2.imread(str(path))[..., ::-1])
    area, ratio = (1.0, 1.0), (size[1] / size[0],) * 2
    sample = load('LoadRandomCrop', path, 72, area=area, ratio=ratio)
    assert reductions == [8]
    expected = torchvision_crop(full, 72, 0, area, ratio)
    errors = np.abs(sample['img'].astype(int) - expected)
    for edge in (errors[:9], errors[-9:], errors[:, :9], errors[:, -9:]):
        assert edge.mean() < 1


@pytest.mark.parametrize('mode', ['L', 'CMYK'])
def test_reduced_images_of_other_colours(tmp_path, reductions, mode):
    path = tmp_path / 'a.jpg'
    smooth(600, 800).convert(mode).save(path, quality=95)
    with Image.open(path) as saved:
        expected = torchvision_crop(saved, 40, 4)
    assert difference(load('LoadRandomCrop', path, 40, 4)['img'], expected) < 3
    assert reductions == [8]


@pytest.mark.parametrize('suffix', ['png', 'webp', 'tif', 'bmp'])
def test_only_jpeg_is_reduced(tmp_path, reductions, suffix):
    """Other formats gain nothing, and OpenCV would skip pixels."""
    path = tmp_path / f'a.{suffix}'
    image = noise(420, 500)
    image.save(path, **({'lossless': True} if suffix == 'webp' else {}))
    sample = load('LoadRandomCrop', path, 20, 1)
    assert but_for_rounding(sample['img'], torchvision_crop(image, 20, 1))
    assert reductions == [1]


@pytest.mark.parametrize('suffix', ['png', 'tif'])
@pytest.mark.parametrize('orientation', range(1, 9))
def test_images_are_turned_as_exif_says(tmp_path, suffix, orientation):
    path = tmp_path / f'a.{suffix}'
    image = noise(60, 90)
    image.save(path, exif=exif(orientation))
    with Image.open(path) as saved:
        turned = ImageOps.exif_transpose(saved)
    assert turned.size == ((60, 90) if orientation >= 5 else (90, 60))
    sample = load('LoadRandomCrop', path, 24, 5)
    assert but_for_rounding(sample['img'], torchvision_crop(turned, 24, 5))
    assert sample['ori_shape'] == turned.size[::-1]
    middle = load('LoadCenterCrop', path, 24, share=1.0)
    expected = ImageOps.fit(turned, (24, 24), Image.Resampling.BICUBIC)
    assert difference(middle['img'], bgr(expected)) < 3
    assert middle['ori_shape'] == turned.size[::-1]


@pytest.mark.parametrize('orientation', range(1, 9))
def test_reduced_images_are_turned_as_exif_says(tmp_path, reductions, orientation):
    path = tmp_path / 'a.jpg'
    smooth(601, 903).save(path, quality=95, exif=exif(orientation))
    with Image.open(path) as saved:
        turned = ImageOps.exif_transpose(saved)
    sample = load('LoadRandomCrop', path, 40, 4)
    assert reductions == [8]
    # Turned, the part pixels at the edge come first, and the part ends at whole ones.
    expected = torchvision_crop(turned, 40, 4)
    assert difference(sample['img'], expected) < 6
    assert sample['ori_shape'] == turned.size[::-1]


def with_exif_value(kind, value, order='<'):
    """An EXIF block whose orientation is of another type than the standard's."""
    head = {'<': b'II*\0', '>': b'MM\0*'}[order] + struct.pack(f'{order}I', 8)
    entry = struct.pack(f'{order}HHHI', 1, ORIENTATION, kind, 1) + value
    return b'Exif\0\0' + head + entry + bytes(4)


@pytest.mark.parametrize(
    'extra',
    [
        {'exif': b'Exif\0\0garbage', 'dpi': (72, 72)},
        {'exif': b'Exif\0\0MM\0*\0', 'dpi': (72, 72)},
        {'exif': with_exif_value(2, b'abc\0')},
        {'exif': with_exif_value(1, b'\6\0\0\0')},
        {'exif': exif(9)},
        {'xmp': b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'},
    ],
    ids=['garbage', 'cut off', 'text', 'byte', 'unknown', 'xmp'],
)
@pytest.mark.parametrize('side', [8, 50])
def test_damaged_exif_leaves_the_image_usable(tmp_path, extra, side):
    path = str(tmp_path / 'a.jpg')
    smooth(160, 200).save(path, quality=95, **extra)
    # OpenCV is the one that turns.
    image = Image.fromarray(cv2.imread(path)[..., ::-1])
    sample = load('LoadRandomCrop', path, side, 2)
    assert sample['ori_shape'] == image.size[::-1]
    assert difference(sample['img'], torchvision_crop(image, side, 2)) < 3


def test_an_orientation_that_can_be_read_in_two_ways_is_refused(tmp_path):
    path = tmp_path / 'a.jpg'
    # The standard's type has two bytes, this one four: a reader finds 6 or 0.
    value = with_exif_value(4, struct.pack('>I', 6), '>')
    noise(30, 40).save(path, exif=value)
    with pytest.raises(ImageReadError, match=r'a\.jpg: .*15 x 20 by its header'):
        load('LoadRandomCrop', path, 8)


@pytest.mark.parametrize('name', ['LoadRandomCrop', 'LoadCenterCrop'])
def test_unusable_files_are_refused(tmp_path, name):
    path = tmp_path / 'a.jpg'
    with pytest.raises(ImageReadError, match=r'a\.jpg'):
        load(name, path, 8)
    for content in (b'', b'not an image', b'\xff\xd8\xff\xd9'):
        path.write_bytes(content)
        with pytest.raises(ImageReadError, match=r'a\.jpg'):
            load(name, path, 8)


@pytest.mark.parametrize('name', ['LoadRandomCrop', 'LoadCenterCrop'])
@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'WEBP'])
def test_cut_off_files_are_refused(tmp_path, name, kind):
    path = tmp_path / 'a.img'
    whole = io.BytesIO()
    noise(64, 80).save(whole, kind)
    path.write_bytes(whole.getvalue()[: len(whole.getvalue()) * 2 // 3])
    with pytest.raises(ImageReadError, match=r'a\.img'):
        load(name, path, 8)


@pytest.mark.parametrize('name', ['LoadRandomCrop', 'LoadCenterCrop'])
def test_an_image_that_is_there_is_used(tmp_path, name):
    path = tmp_path / 'a.png'
    image = noise(50, 70)
    image.save(path)
    expected = load(name, path, 24)
    torch.manual_seed(0)
    sample = TRANSFORMS.build({'type': name})(
        {'img': bgr(image), 'img_path': 'no such file', 'input_size': 24}
    )
    assert np.array_equal(sample['img'], expected['img'])
    assert sample['ori_shape'] == (50, 70)
