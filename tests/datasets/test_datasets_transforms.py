import numpy as np
import pytest
from mmengine.registry import TRANSFORMS
from pictures import HEIGHT, WIDTH, bgr, exif, smooth_picture


@pytest.fixture
def picture():
    return smooth_picture()


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
