import json
import math

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from tinydet.data.check import check_coco, clean_coco
from tinydet.errors import InputError

WIDTH, HEIGHT = 100, 60


class Folder:
    """A COCO data set in a folder, to be broken by a test."""

    def __init__(self, root, num_images=3):
        self.ann_file = root / 'instances.json'
        self.image_dir = root / 'images'
        self.image_dir.mkdir()
        first = self.image_dir / '1.jpg'
        Image.new('RGB', (WIDTH, HEIGHT)).save(first)
        for i in range(2, num_images + 1):
            (self.image_dir / f'{i}.jpg').hardlink_to(first)
        self.coco = {
            'images': [
                {'id': i, 'file_name': f'{i}.jpg', 'width': WIDTH, 'height': HEIGHT}
                for i in range(1, num_images + 1)
            ],
            'annotations': [],
            'categories': [{'id': 3, 'name': 'cat'}, {'id': 1, 'name': 'dog'}],
        }
        for i in range(1, num_images + 1):
            self.add([10, 10, 20, 20], image_id=i)

    def add(self, bbox, **more):
        annotation = {
            'id': 100 + len(self.coco['annotations']),
            'image_id': 1,
            'category_id': 3,
            'bbox': bbox,
            'area': 400,
            'iscrowd': 0,
        }
        self.coco['annotations'].append({**annotation, **more})

    def check(self, classes=('cat', 'dog')):
        self.ann_file.write_text(json.dumps(self.coco))
        return check_coco(self.ann_file, self.image_dir, classes)

    def refused(self, *args):
        with pytest.raises(InputError) as error:
            self.check(*args)
        return str(error.value)


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def test_sound_data_set_is_left_as_it_is(folder):
    report = folder.check()
    assert clean_coco(report) == clean_coco(report, training=True) == folder.coco
    assert report.classes == ('cat', 'dog')
    assert report.summary().endswith('3 images, 3 annotations, 2 classes')


# Files


def test_missing_annotation_file(tmp_path):
    with pytest.raises(InputError) as error:
        check_coco(tmp_path / 'none.json', tmp_path)
    message = str(error.value)
    assert str(tmp_path / 'none.json') in message
    assert 'DATA_ROOT/annotations/instances_train.json' in message
    assert 'make demo' in message
    assert '\n' not in message


def test_missing_image_folder(folder):
    folder.image_dir = folder.image_dir / 'none'
    message = folder.refused()
    assert str(folder.image_dir) in message
    assert 'DATA_ROOT/train/*.jpg' in message
    assert 'make demo' in message


@pytest.mark.parametrize(
    ('content', 'expected'),
    [
        (b'{"images": [],\n "annotations": [1,,2]}', 'line 2, column 20'),
        (b'', 'line 1, column 1'),
        (b'{"images": "\xff\xfe"}', 'byte 12'),
        (b'[1, 2]', '"images"'),
        (b'{"images": [], "categories": []}', '"annotations"'),
        (b'{"images": [], "annotations": []}', '"categories"'),
        (b'{"images": {}, "annotations": [], "categories": []}', '"images"'),
        (b'{"images": [7], "annotations": [], "categories": []}', '"images"'),
        (b'{"images": [], "annotations": [], "categories": []}', 'no images'),
    ],
)
def test_broken_json(folder, content, expected):
    folder.ann_file.write_bytes(content)
    with pytest.raises(InputError) as error:
        check_coco(folder.ann_file, folder.image_dir)
    assert str(folder.ann_file) in str(error.value)
    assert expected in str(error.value)


def test_byte_order_mark_is_no_fault(folder):
    folder.ann_file.write_text(json.dumps(folder.coco), encoding='utf-8-sig')
    check_coco(folder.ann_file, folder.image_dir)


# Categories


def test_class_that_the_file_does_not_have(folder):
    message = folder.refused(('cat', 'cow'))
    assert "'cow'" in message
    assert 'cat, dog' in message


def test_classes_as_one_string(folder):
    assert "('cat',)" in folder.refused('cat')


def test_class_named_twice_in_the_config(folder):
    assert "class 'cat' appears more than once" in folder.refused(('cat', 'cat'))


@pytest.mark.parametrize('key', ['id', 'name'])
def test_duplicate_category(folder, key):
    folder.coco['categories'][1][key] = folder.coco['categories'][0][key]
    value = folder.coco['categories'][0][key]
    assert f'category {key} {value!r} appears more than once' in folder.refused(None)


def test_category_without_name(folder):
    del folder.coco['categories'][1]['name']
    assert 'category with the name None' in folder.refused(None)


def test_categories_that_the_config_does_not_name_are_counted(folder):
    folder.add([1, 1, 5, 5], category_id=1)
    folder.add([1, 1, 6, 6], category_id=1)
    report = folder.check(('cat',))
    assert report.ignored == {'dog': 2}
    assert 'dog: 2' in report.summary()


def test_all_classes_of_the_file_in_its_order(folder):
    assert folder.check(None).classes == ('cat', 'dog')


# Annotations that stop the run


@pytest.mark.parametrize(
    ('fault', 'expected'),
    [
        ({'category_id': 77}, 'category id 77'),
        ({'category_id': None}, 'category id None'),
        ({'category_id': [3]}, 'category id [3]'),
        ({'image_id': 55}, 'image id'),
        ({'image_id': {}}, 'image id'),
        ({'id': 100}, 'annotation id appears more than once'),
        ({'id': None}, 'not an integer or a string'),
        ({'bbox': [1, 2, 3]}, 'not four finite numbers'),
        ({'bbox': None}, 'not four finite numbers'),
        ({'bbox': ['1', '2', '3', '4']}, 'not four finite numbers'),
        ({'bbox': [1, 2, math.nan, 4]}, 'not four finite numbers'),
        ({'bbox': [1, 2, math.inf, 4]}, 'not four finite numbers'),
        ({'bbox': [1, 2, 10**400, 4]}, 'not four finite numbers'),
        ({'bbox': [50, 30, -20, 10]}, 'negative size'),
        ({'bbox': [50, 30, 20, -10]}, 'negative size'),
        ({'bbox': [101, 30, 20, 10]}, 'outside its image'),
        ({'bbox': [-30, 30, 20, 10]}, 'outside its image'),
        ({'bbox': [10, 61, 20, 10]}, 'outside its image'),
        ({'bbox': [90, 30, 12.5, 10]}, 'by more than 2 px'),
        ({'bbox': [10, -2.5, 12, 10]}, 'by more than 2 px'),
        ({'area': math.nan}, 'area nan'),
        ({'area': -4}, 'area -4'),
    ],
)
def test_annotation_fault_stops_the_run(folder, fault, expected):
    folder.add(**{'bbox': [1, 1, 5, 5], 'id': 999, **fault})
    message = folder.refused()
    assert str(folder.ann_file) in message
    assert '1 problem to mend' in message
    assert expected in message
    assert f'annotation {fault.get("id", 999)!r}' in message
    if 'image_id' not in fault:
        assert 'image 1 (1.jpg)' in message


@pytest.mark.parametrize(
    ('fault', 'expected'),
    [
        ({'id': 1}, 'image id appears more than once'),
        ({'id': 2.5}, 'not an integer or a string'),
        ({'file_name': None}, 'no file_name'),
        ({'width': 0}, 'width 0, height 60'),
        ({'width': None}, 'width None'),
        ({'height': math.nan}, 'height nan'),
    ],
)
def test_image_entry_fault_stops_the_run(folder, fault, expected):
    folder.coco['images'].append(
        {'id': 9, 'file_name': '3.jpg', 'width': WIDTH, 'height': HEIGHT, **fault}
    )
    assert expected in folder.refused()


def test_every_problem_is_listed(folder):
    for i in range(60):
        folder.add([1, 1, -1, 5], id=1000 + i)
    message = folder.refused()
    assert '60 problems' in message
    assert all(f'annotation {1000 + i} of image' in message for i in range(60))


# Annotations that are mended


def test_zero_area_is_dropped_and_counted(folder):
    folder.add([5, 5, 0, 8], id=7)
    folder.add([5, 5, 8, 0], id=8)
    report = folder.check()
    assert [note.annotation_id for note in report.zero_area] == [7, 8]
    assert '2 boxes dropped: zero area' in report.summary()
    assert 'annotation 7 of image 1 (1.jpg): [5, 5, 0, 8]' in report.summary()
    for training in (False, True):
        assert len(clean_coco(report, training)['annotations']) == 3


def test_below_one_pixel_is_dropped_in_training_only(folder):
    folder.add([5, 5, 0.9, 8], id=7)
    report = folder.check()
    assert clean_coco(report) == folder.coco
    assert len(clean_coco(report, training=True)['annotations']) == 3
    assert 'annotation 7 ' in report.summary()


@pytest.mark.parametrize(
    ('bbox', 'clipped'),
    [
        ([90, 30, 11.5, 10], [90, 30, 10, 10]),
        ([-1.5, -2, 11.5, 10], [0, 0, 10, 8]),
        ([0, 55, 10, 7], [0, 55, 10, 5]),
    ],
)
def test_slightly_outside_is_clipped_in_training(folder, bbox, clipped):
    folder.add(bbox, id=7)
    report = folder.check()
    # What is scored against stays as it is elsewhere.
    assert clean_coco(report) == folder.coco
    (mended,) = (a for a in clean_coco(report, True)['annotations'] if a['id'] == 7)
    assert mended['bbox'] == pytest.approx(clipped)
    assert '1 box clipped' in report.summary()
    assert 'annotation 7 ' in report.summary()
    # The report's own content is not touched.
    assert report.coco['annotations'][-1]['bbox'] == bbox


def test_outside_is_measured_by_the_image(tmp_path):
    folder = Folder(tmp_path)
    Image.new('RGB', (400, 60)).save(folder.image_dir / 'wide.png')
    folder.coco['images'].append(
        {'id': 9, 'file_name': 'wide.png', 'width': 400, 'height': 60}
    )
    folder.add([300, 5, 107, 20], image_id=9)
    assert len(folder.check().clipped) == 1
    folder.add([300, 5, 109, 20], image_id=9)
    assert 'by more than 8 px' in folder.refused()


def test_clipping_may_leave_too_little(folder):
    folder.add([99.5, 5, 2, 8], id=7)
    report = folder.check()
    assert [note.annotation_id for note in report.too_small] == [7]
    assert report.clipped == ()


def test_rounding_of_two_decimals_is_no_fault(folder):
    folder.add([33.34, 5, 66.67, 8])
    assert folder.check().clipped == ()


def test_every_mended_box_is_listed(folder):
    for i in range(30):
        folder.add([5, 5, 0, 8], id=1000 + i)
    summary = folder.check().summary()
    assert '30 boxes dropped: zero area' in summary
    assert all(f'annotation {1000 + i} of image' in summary for i in range(30))


def test_crowds_and_ignore_flags_are_kept(folder):
    folder.add([0, 0, 50, 50], iscrowd=1, ignore=1, segmentation={'counts': []})
    folder.add([0, 0, 50, 50])
    del folder.coco['annotations'][-1]['area']
    assert clean_coco(folder.check(), training=True) == folder.coco


# Images


def test_bad_image_is_skipped_with_its_annotations(tmp_path):
    folder = Folder(tmp_path, num_images=100)
    (folder.image_dir / '50.jpg').unlink()
    report = folder.check()
    for training in (False, True):
        cleaned = clean_coco(report, training)
        assert {i['id'] for i in cleaned['images']} == set(range(1, 101)) - {50}
        assert {a['image_id'] for a in cleaned['annotations']} == set(range(1, 101)) - {
            50
        }
    summary = report.summary()
    assert '1 image skipped, with 1 annotations' in summary
    assert f'{folder.image_dir / "50.jpg"} (image 50): missing' in summary


def test_more_than_one_in_a_hundred_bad_images_stop_the_run(tmp_path):
    folder = Folder(tmp_path, num_images=100)
    (folder.image_dir / '50.jpg').unlink()
    (folder.image_dir / '51.jpg').unlink()
    (folder.image_dir / '51.jpg').write_bytes(b'')
    message = folder.refused()
    assert '2 of the 100 images' in message
    assert '50.jpg (image 50): missing' in message
    assert '51.jpg (image 51): empty file' in message


# Figures


def test_figures_are_those_of_the_plain_file(folder):
    """Odd but sound boxes: crowds, below 1 px, slightly outside, fractions."""
    folder.add([3.3, 4.4, 0.5, 20], id=7, area=5)
    folder.add([80, 30, 21.5, 20], id=8, category_id=1)
    folder.add([20, 20, 60, 30], id=9, iscrowd=1, segmentation=[])
    report = folder.check()
    rng = np.random.default_rng(1)
    detections = []
    for annotation in folder.coco['annotations'] * 2:
        box = np.array(annotation['bbox'], float)
        box[:2] += rng.normal(0, 0.2 * box[2:])
        detections.append(
            {
                'image_id': annotation['image_id'],
                'category_id': annotation['category_id'],
                'bbox': box.tolist(),
                'score': rng.random(),
            }
        )

    def figures(ground_truth):
        truth = COCO()
        truth.dataset = json.loads(json.dumps(ground_truth))
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(detections), 'bbox')
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
        return evaluation.stats.tolist()

    plain = figures(folder.coco)
    assert figures(clean_coco(report)) == plain
    assert 0 < plain[0] < 1
    # Scoring against what training uses would not do.
    assert figures(clean_coco(report, training=True)) != plain
