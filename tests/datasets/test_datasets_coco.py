import json
import pickle

import numpy as np
import pytest
from mmengine.logging import MMLogger
from mmengine.registry import DATASETS
from PIL import Image
from torch.utils.data import DataLoader

from tinydet.errors import InputError

CLASSES = ('cat', 'dog')
NUM_IMAGES = 6
WIDTH, HEIGHT = 64, 48

PIPELINE = [
    {'type': 'LoadImage'},
    {'type': 'mmdet.LoadAnnotations', 'with_bbox': True},
    {'type': 'mmdet.Resize', 'scale': (32, 32), 'keep_ratio': False},
    {'type': 'mmdet.PackDetInputs'},
]


class Folder:
    """A COCO data set in a folder; image i is of the grey 20 i."""

    def __init__(self, root, num_images=NUM_IMAGES):
        self.root = root
        (root / 'images').mkdir()
        self.coco = {
            'images': [],
            'annotations': [],
            # In an order, and with ids, that are neither sorted nor the classes'.
            'categories': [
                {'id': 9, 'name': 'dog'},
                {'id': 7, 'name': 'cow'},
                {'id': 2, 'name': 'cat'},
            ],
        }
        for i in range(1, num_images + 1):
            Image.new('L', (WIDTH, HEIGHT), min(20 * i, 255)).save(self.image(i))
            self.coco['images'].append(
                {'id': i, 'file_name': f'{i}.png', 'width': WIDTH, 'height': HEIGHT}
            )
            self.add(i, 2, [8, 6, 16, 12])

    def image(self, i):
        return self.root / 'images' / f'{i}.png'

    def add(self, image_id, category_id, bbox, **more):
        self.coco['annotations'].append(
            {
                'id': len(self.coco['annotations']) + 1,
                'image_id': image_id,
                'category_id': category_id,
                'bbox': bbox,
                **more,
            }
        )

    def build(self, classes=CLASSES, **more):
        (self.root / 'instances.json').write_text(json.dumps(self.coco))
        return DATASETS.build(
            {
                'type': 'CocoDetection',
                'data_root': str(self.root),
                'ann_file': 'instances.json',
                'data_prefix': {'img': 'images/'},
                'metainfo': {'classes': classes} if classes else None,
                'pipeline': PIPELINE,
                **more,
            }
        )


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


@pytest.fixture
def large(tmp_path):
    """Large enough that one bad image is within the limit."""
    return Folder(tmp_path, num_images=100)


@pytest.fixture
def log(caplog):
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


def instances(dataset, index):
    return dataset.get_data_info(index)['instances']


@pytest.mark.parametrize('classes', [('cat', 'dog'), ('dog', 'cat'), ['cow', 'dog']])
def test_labels_follow_the_classes(folder, classes):
    folder.coco['annotations'].clear()
    for category in folder.coco['categories']:
        folder.add(1, category['id'], [0, 0, category['id'], 40])
    dataset = folder.build(classes)
    assert dataset.metainfo['classes'] == tuple(classes)
    ids = {'cat': 2, 'cow': 7, 'dog': 9}
    labels = {i['bbox'][2]: i['bbox_label'] for i in instances(dataset, 0)}
    assert labels == {ids[name]: label for label, name in enumerate(classes)}


def test_all_classes_of_the_file(folder):
    dataset = folder.build(classes=None)
    assert dataset.metainfo['classes'] == ('dog', 'cow', 'cat')
    assert instances(dataset, 0)[0]['bbox_label'] == 2


def test_sample(folder):
    sample = folder.build()[0]
    truth = sample['data_samples'].gt_instances
    # xywh 8, 6, 16, 12 of 64 x 48, on 32 x 32
    np.testing.assert_allclose(truth.bboxes.numpy(), [[4, 4, 12, 12]])
    assert truth.labels.tolist() == [0]
    assert sample['inputs'].shape == (3, 32, 32)
    assert (sample['inputs'] == 20).all()


def test_crowds_and_ignored_boxes_are_set_apart(folder):
    folder.add(1, 9, [1, 1, 20, 20], iscrowd=1)
    folder.add(1, 9, [1, 1, 30, 30], ignore=1)
    sample = folder.build()[0]['data_samples']
    assert len(sample.gt_instances) == 1
    assert len(sample.ignored_instances) == 2


def test_training_sees_cleaned_boxes(folder):
    folder.coco['annotations'].clear()
    folder.add(1, 2, [50, 40, 15, 9.5])
    folder.add(1, 2, [50, 40, 0, 5])
    folder.add(1, 2, [50, 40, 5, 0.5])
    dataset = folder.build()
    assert [i['bbox'] for i in instances(dataset, 0)] == [[50, 40, 64, 48]]


def test_what_is_dropped_is_logged(folder, log):
    folder.add(4, 2, [50, 40, 0, 5], id=77)
    folder.build()
    assert '1 box dropped' in log.text
    assert 'annotation 77 of image 4 (4.png)' in log.text


def test_wrong_annotations_stop_the_run(folder):
    folder.add(4, 2, [50, 40, -5, 5], id=77)
    with pytest.raises(InputError, match='annotation 77 of image 4'):
        folder.build()


def test_images_without_boxes_can_be_left_out(folder, log):
    del folder.coco['annotations'][0]
    folder.coco['annotations'][0]['category_id'] = 7  # not among the classes
    filter_cfg = {'filter_empty_gt': True, 'min_size': 32}
    dataset = folder.build(filter_cfg=filter_cfg)
    assert [dataset.get_data_info(i)['img_id'] for i in range(4)] == [3, 4, 5, 6]
    assert len(dataset) == 4
    assert '2 of 6 images left out' in log.text
    assert len(folder.build(filter_cfg=filter_cfg, test_mode=True)) == NUM_IMAGES
    assert len(folder.build()) == NUM_IMAGES


def test_nothing_to_train_on(folder):
    folder.coco['annotations'].clear()
    with pytest.raises(InputError, match='leaves no image'):
        folder.build(filter_cfg={'filter_empty_gt': True})


def test_metainfo_for_the_metric(folder):
    sound = folder.build(test_mode=True).metainfo
    assert sound['ann_file'] == str(folder.root / 'instances.json')
    assert 'coco_gt' not in sound
    folder.add(4, 2, [50, 40, 0, 5])
    assert set(folder.build().metainfo) == {'classes'}
    cleaned = folder.build(test_mode=True).metainfo['coco_gt']
    assert cleaned['annotations'] == folder.coco['annotations'][:-1]
    assert cleaned['images'] == folder.coco['images']


@pytest.mark.parametrize('test_mode', [False, True])
def test_bad_image_is_left_out(large, test_mode):
    large.image(50).write_bytes(b'')
    dataset = large.build(test_mode=test_mode)
    assert len(dataset) == 99
    assert dataset.num_skipped == 1
    ids = {dataset.get_data_info(i)['img_id'] for i in range(99)}
    assert 50 not in ids
    if test_mode:
        truth = dataset.metainfo['coco_gt']
        assert {i['id'] for i in truth['images']} == ids
        assert {a['image_id'] for a in truth['annotations']} == ids


def test_image_that_fails_in_training_is_replaced(folder):
    dataset = folder.build()
    assert dataset.bad_indices() == []
    folder.image(3).unlink()
    sample = dataset[2]
    assert sample['data_samples'].img_id in {1, 2, 4, 5, 6}
    assert dataset.bad_indices() == [2]


def test_image_that_fails_in_testing_becomes_grey(folder):
    dataset = folder.build(test_mode=True)
    folder.image(3).write_bytes(b'broken')
    sample = dataset[2]
    assert sample['data_samples'].img_id == 3
    assert sample['data_samples'].ori_shape == (HEIGHT, WIDTH)
    assert len(sample['inputs'].unique()) == 1
    assert dataset.bad_indices() == [2]


def test_records_of_persistent_workers_arrive(folder):
    dataset = folder.build()
    loader = DataLoader(
        dataset, batch_size=2, num_workers=1, persistent_workers=True, collate_fn=list
    )
    for _ in loader:
        pass
    assert dataset.bad_indices() == []
    folder.image(3).unlink()
    for _ in loader:
        pass
    assert dataset.bad_indices() == [2]


def test_initialised_late(folder):
    dataset = folder.build(lazy_init=True)
    dataset.full_init()
    dataset.full_init()
    assert len(dataset) == NUM_IMAGES
    assert dataset.bad_indices() == []


def test_data_set_can_be_pickled(folder):
    dataset = pickle.loads(pickle.dumps(folder.build()))
    assert dataset[1]['data_samples'].img_id == 2
