"""Cut-off files, with Pillow and without."""

import io

import numpy as np
import pytest
from PIL import Image

from tinydet.images import ImageReadError, files

NOISE = np.random.default_rng(0).integers(0, 256, (60, 100, 3), np.uint8)


@pytest.fixture(params=[True, False], ids=['Pillow', 'no Pillow'], autouse=True)
def with_pillow(request, monkeypatch):
    if not request.param:
        monkeypatch.setattr(files, 'Image', None)


def encoded(kind, **settings):
    """A file with a whole small JPEG in its EXIF data, as cameras write it."""
    image, thumbnail = Image.fromarray(NOISE), io.BytesIO()
    image.resize((16, 10)).save(thumbnail, 'JPEG')
    tags = Image.Exif()
    tags[0x010E] = thumbnail.getvalue()
    file = io.BytesIO()
    image.save(file, kind, exif=tags, **settings)
    return file.getvalue()


KINDS = pytest.mark.parametrize(
    ('kind', 'settings'),
    [('JPEG', {}), ('JPEG', dict(progressive=True)), ('PNG', {})],
    ids=['JPEG', 'progressive', 'PNG'],
)


@KINDS
@pytest.mark.parametrize('tail', [b'', b'\0' * 40])
def test_whole_files(tmp_path, kind, settings, tail):
    path, data = tmp_path / 'a', encoded(kind, **settings) + tail
    path.write_bytes(data)
    assert files.read_bytes(path) == data


@KINDS
@pytest.mark.parametrize('share', [0.5, 0.9, 0.99])
def test_cut_off_files(tmp_path, kind, settings, share):
    path, data = tmp_path / 'some.img', encoded(kind, **settings)
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(ImageReadError, match=r'some\.img'):
        files.read_bytes(path)


@pytest.mark.parametrize('start', [files.JPEG_START, files.PNG_START])
def test_files_of_which_the_start_alone_is_there(tmp_path, start):
    path = tmp_path / 'some.img'
    path.write_bytes(start + b'xx')
    with pytest.raises(ImageReadError, match=r'some\.img: .*(decoded|truncated)$'):
        files.read_bytes(path)


def test_a_missing_file(tmp_path):
    path = tmp_path / 'none.jpg'
    path.symlink_to(tmp_path / 'gone.jpg')
    with pytest.raises(ImageReadError, match=f'^{path}: No such file or directory$'):
        files.read_bytes(path)
