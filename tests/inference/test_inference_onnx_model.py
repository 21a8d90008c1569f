"""ONNX files that are refused."""

from dataclasses import replace

import onnx
import onnxruntime
import pytest
from tiny_detector import METADATA, write_detector

from tinydet.errors import InputError
from tinydet.inference import Detector


def refused(path, message, **arguments):
    with pytest.raises(InputError, match=message) as error:
        Detector(path, **arguments)
    assert str(path) in str(error.value) or arguments


def test_a_missing_file(tmp_path):
    refused(tmp_path / 'none.onnx', 'does not exist')
    refused(tmp_path, 'is a folder: give an .onnx file')
    refused('', '^the path of the model is empty: give an .onnx file')


@pytest.mark.parametrize('content', [b'', b'not a model', b'\x08\x0a\x12\x04abcd'])
def test_what_is_no_onnx_model(tmp_path, content):
    path = tmp_path / 'a.onnx'
    path.write_bytes(content)
    refused(path, 'not an ONNX model')


def test_a_cut_off_file(detector_file):
    data = detector_file.read_bytes()
    detector_file.write_bytes(data[: len(data) // 2])
    refused(detector_file, 'not an ONNX model')


def test_a_checkpoint_in_place_of_a_model(tmp_path):
    path = tmp_path / 'best.pth'
    path.write_bytes(b'PK\x03\x04')
    refused(path, r'a config \(\.py\) and its checkpoint')


def test_no_metadata(detector_file):
    model = onnx.load(detector_file)
    del model.metadata_props[:]
    onnx.save(model, detector_file)
    refused(detector_file, 'no metadata of TinyDet')


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(input_size=64), r'images has the shape \[1, 32, 32, 3\].*input_size=64'),
        (dict(classes=('a', 'b')), r'scores has the shape \[1, 20, 3\].* 2 classes'),
        (dict(level_sizes=(16, 5)), r'boxes has the shape \[1, 20, 4\].*\(16, 5\)'),
        (dict(nms=True), 'inputs and outputs .* not .*count'),
    ],
)
def test_metadata_that_the_graph_contradicts(tmp_path, changes, message):
    path = tmp_path / 'a.onnx'
    write_detector(path)
    model = onnx.load(path)
    onnx.helper.set_model_props(model, replace(METADATA, **changes).to_properties())
    onnx.save(model, path)
    refused(path, message)


def test_another_number_of_boxes_of_the_graph(tmp_path):
    path = write_detector(tmp_path / 'a.onnx', nms=True, max_per_img=7)
    refused(path, r'boxes has the shape \[1, 6, 4\].*max_per_img=7')


def test_a_classifier(tmp_path):
    path = write_detector(tmp_path / 'a.onnx', task='classification')
    refused(path, "task 'classification': give a detector")


def test_a_batch_of_another_size(detector_file):
    model = onnx.load(detector_file)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 4
    for output in model.graph.output:
        output.type.tensor_type.shape.dim[0].dim_value = 4
    onnx.save(model, detector_file)
    refused(detector_file, r'images has the shape \[4, 32, 32, 3\]')


@pytest.mark.skipif(
    'CUDAExecutionProvider' in onnxruntime.get_available_providers(),
    reason='ONNX Runtime has CUDA here',
)
def test_cuda_that_is_not_there(detector_file):
    refused(detector_file, "onnxruntime-gpu .* or give 'cpu'", device='cuda')
