"""Metadata through a file's properties, and what is refused on the way back."""

import json
from dataclasses import replace

import pytest
from tiny_detector import METADATA

from tinydet.errors import InputError
from tinydet.inference import Metadata

CLASSIFIER = replace(
    METADATA,
    task='classification',
    nms=None,
    score_thr=None,
    iou_thr=None,
    nms_pre=None,
    max_per_img=None,
    level_sizes=None,
)


@pytest.mark.parametrize('metadata', [METADATA, CLASSIFIER])
def test_there_and_back(metadata):
    properties = metadata.to_properties()
    assert all(isinstance(value, str) for value in properties.values())
    again = Metadata.from_properties({**properties, 'author': 'x'}, 'a.onnx')
    assert again == metadata
    assert hash(again) == hash(metadata)


def test_values_are_json_for_other_tools():
    properties = METADATA.to_properties()
    assert json.loads(properties['tinydet.classes']) == ['ant', 'bee', 'cat']
    assert json.loads(properties['tinydet.input_size']) == 32
    assert json.loads(properties['tinydet.mean']) == [120, 110, 100]


@pytest.mark.parametrize('properties', [{}, {'names': "{0: 'person'}", 'stride': '32'}])
def test_another_tool_s_file_is_refused(properties):
    with pytest.raises(InputError, match=r'a\.onnx has no metadata of TinyDet.*export'):
        Metadata.from_properties(properties, 'a.onnx')


def test_a_missing_property_is_named():
    properties = METADATA.to_properties()
    del properties['tinydet.classes']
    with pytest.raises(InputError, match=r'a\.onnx lacks .* tinydet\.classes: write'):
        Metadata.from_properties(properties, 'a.onnx')


@pytest.mark.parametrize(
    ('name', 'text'),
    [
        ('task', '"segmentation"'),
        ('classes', 'ant,bee'),
        ('classes', '[]'),
        ('classes', '["ant", 2]'),
        ('input_size', '"512"'),
        ('input_size', '0'),
        ('input_size', 'true'),
        ('mean', '[1, 2]'),
        ('std', '[1, 2, null]'),
        ('nms', '1'),
        ('level_sizes', '[16, -4]'),
        ('macs', '1.5'),
        ('precision', '"float16"'),
    ],
)
def test_a_broken_property_is_named_with_its_value(name, text):
    properties = {**METADATA.to_properties(), f'tinydet.{name}': text}
    with pytest.raises(InputError) as error:
        Metadata.from_properties(properties, 'a.onnx')
    assert f'a.onnx has the metadata tinydet.{name}={text}' in str(error.value)


def test_a_detector_says_how_it_suppresses():
    properties = {**METADATA.to_properties(), 'tinydet.iou_thr': 'null'}
    with pytest.raises(InputError, match=r'a\.onnx .* tinydet\.iou_thr=null'):
        Metadata.from_properties(properties, 'a.onnx')
