import numpy as np
import pytest
from PIL import Image

from tinydet.data.images import find_bad_files, image_problem

WIDTH, HEIGHT = 100, 60


def image_bytes(path, **save_args):
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    Image.fromarray(noise).save(path, **save_args)
    return path.read_bytes()


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


def test_sound_images_of_many_kinds(tmp_path):
    size = (WIDTH, HEIGHT)
    rng = np.random.default_rng(0)
    grey = Image.fromarray(rng.integers(0, 256, size[::-1], np.uint8))
    deep = Image.fromarray(rng.integers(0, 65536, size[::-1], np.uint16))
    images = {
        'grey.jpg': grey,
        'cmyk.jpg': grey.convert('CMYK'),
        'rgba.png': grey.convert('RGBA'),
        'palette.png': grey.convert('P'),
        'deep.png': deep,
        'a.webp': grey.convert('RGB'),
        'a.bmp': grey,
    }
    for name, image in images.items():
        image.save(tmp_path / name)
        assert image_problem(tmp_path / name, *size) is None, name


@pytest.mark.parametrize(('orientation', 'turned'), [(1, False), (3, False), (6, True)])
def test_size_as_stored_or_as_exif_turns_it(tmp_path, orientation, turned):
    path = tmp_path / 'a.jpg'
    image_bytes(path, exif=exif(orientation))
    assert image_problem(path, WIDTH, HEIGHT) is None
    problem = image_problem(path, HEIGHT, WIDTH)
    if turned:
        assert problem is None
    else:
        assert problem == '100 x 60 pixels, but 60 x 100 in the annotation file'


@pytest.mark.parametrize('suffix', ['jpg', 'png', 'webp', 'bmp'])
def test_truncated_image(tmp_path, suffix):
    path = tmp_path / f'a.{suffix}'
    data = image_bytes(path)
    path.write_bytes(data[: len(data) * 2 // 3])
    assert 'cannot be read' in image_problem(path, WIDTH, HEIGHT)


@pytest.mark.parametrize('suffix', ['jpg', 'png'])
def test_bytes_after_the_end_are_no_fault(tmp_path, suffix):
    path = tmp_path / f'a.{suffix}'
    path.write_bytes(image_bytes(path) + b'\0' * 30)
    assert image_problem(path, WIDTH, HEIGHT) is None


def test_missing_empty_and_foreign_files(tmp_path):
    path = tmp_path / 'a.jpg'
    assert image_problem(path, WIDTH, HEIGHT) == 'missing'
    path.write_bytes(b'')
    assert image_problem(path, WIDTH, HEIGHT) == 'empty file'
    path.write_bytes(b'<html>404</html>')
    assert image_problem(path, WIDTH, HEIGHT) == 'not an image'
    path.write_bytes(b'\xff\xd8\xff')
    assert image_problem(path, WIDTH, HEIGHT)


def test_files_of_any_size_are_checked(tmp_path):
    (tmp_path / 'class').mkdir()
    paths = [f'class/{name}' for name in ('z.jpg', 'y.png', 'x.bmp', 'no.jpg', 'w.png')]
    paths += ['class/v.jpg', 'class/u.webp', 'class']
    for path in paths[:3] + paths[4:7]:
        image_bytes(tmp_path / path)
    for path in paths[4:7]:
        whole = (tmp_path / path).read_bytes()
        (tmp_path / path).write_bytes(whole[: len(whole) // 2])
    bad = find_bad_files(tmp_path, paths)
    assert list(bad) == paths[3:]
    assert bad['class/no.jpg'] == 'missing'
    for path in paths[3:]:
        assert bad[path] == image_problem(tmp_path / path, WIDTH, HEIGHT)
    assert find_bad_files(tmp_path, paths[:3]) == {}


def test_any_size_is_sound_where_none_is_given(tmp_path):
    path = tmp_path / 'a.jpg'
    image_bytes(path, exif=exif(6))
    assert image_problem(path) is None
    assert 'pixels, but 7 x 9' in image_problem(path, 7, 9)
