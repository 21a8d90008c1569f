"""Images to calibrate by."""

from functools import partial

import numpy as np
import pytest
from bad_files import truncate
from PIL import Image

from tinydet.deploy import calibration
from tinydet.deploy.calibration import calibration_files, read_calibration
from tinydet.errors import InputError
from tinydet.images import resize


def write_image(path, colour=(200, 100, 0), size=(40, 20)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new('RGB', size, colour).save(path)
    return path


def test_images_of_a_folder_and_those_in_it(tmp_path):
    paths = [write_image(tmp_path / name) for name in ('b/1.png', 'a.JPG', 'b/0.bmp')]
    (tmp_path / 'notes.txt').write_text('no image')
    assert calibration_files(tmp_path) == sorted(paths)


def test_of_many_some_are_taken_evenly(tmp_path, monkeypatch):
    monkeypatch.setattr(calibration, 'MOST_IMAGES', 4)
    for index in range(10):
        (tmp_path / f'{index}.jpg').touch()
    names = [path.name for path in calibration_files(tmp_path)]
    assert names == ['0.jpg', '3.jpg', '6.jpg', '9.jpg']


def test_no_folder_and_no_images_are_refused(tmp_path):
    with pytest.raises(InputError, match=r'nowhere is no folder'):
        calibration_files(tmp_path / 'nowhere')
    (tmp_path / 'notes.txt').touch()
    with pytest.raises(InputError, match=r'has no images to calibrate by'):
        calibration_files(tmp_path)


def test_images_are_as_a_network_takes_them_and_bad_ones_are_named(tmp_path):
    good = write_image(tmp_path / 'good.png')
    cut = write_image(tmp_path / 'cut.jpg', size=(300, 200))
    truncate(cut)
    skipped = []
    (image,) = read_calibration(
        [good, cut, tmp_path / 'no.jpg'],
        partial(resize, width=16, height=16),
        skipped.append,
    )
    assert image.shape == (16, 16, 3) and image.dtype == np.uint8
    assert (image == (200, 100, 0)).all()
    assert 'cut.jpg' in skipped[0] and 'no.jpg' in skipped[1] and len(skipped) == 2
