"""What detectors are compared on."""

import pytest

from tinydet.comparison.ground_truth import (
    check_ids,
    check_objects,
    class_names,
    leave_out,
)
from tinydet.data.images import BadImage
from tinydet.errors import InputError

COCO = {
    'images': [{'id': 1}, {'id': 'b'}],
    'categories': [{'id': 4, 'name': 'x'}, {'id': 2, 'name': 'y'}],
    'annotations': [{'image_id': 1, 'iscrowd': 1}, {'image_id': 'b'}],
}


def test_leave_out_an_image_with_its_objects():
    left = leave_out(COCO, [BadImage('b', 'b.png', 'empty file')])
    assert left['images'] == [{'id': 1}]
    assert left['annotations'] == [{'image_id': 1, 'iscrowd': 1}]
    assert left['categories'] == COCO['categories']
    assert leave_out(COCO, []) == COCO


def test_crowds_alone_tell_nothing():
    check_objects(COCO, 'set.json')
    for annotations in ([], COCO['annotations'][:1]):
        with pytest.raises(
            InputError, match='set.json has no object.*, or only crowds'
        ):
            check_objects({**COCO, 'annotations': annotations}, 'set.json')


def test_ids_of_two_kinds_are_refused():
    with pytest.raises(InputError, match=r"set.json: 1 of 2 ids of images .*'b'"):
        check_ids(COCO, 'set.json')
    one_kind = {**COCO, 'images': [{'id': 'a'}, {'id': 'b'}]}
    check_ids(one_kind, 'set.json')
    categories = [{'id': 1}, {'id': '1'}, {'id': '2'}]
    with pytest.raises(InputError, match='2 of 3 ids of categories'):
        check_ids({**one_kind, 'categories': categories}, 'set.json')


def test_classes_in_the_order_of_their_ids():
    assert class_names(COCO) == ['y', 'x']
