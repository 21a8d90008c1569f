"""ONNX Runtime and OpenVINO run the same networks."""

import importlib.util
import sys

import numpy as np
import onnx
import pytest
from onnx import parser

from tinydet.deploy.runtimes import (
    onnxruntime_run,
    openvino_run,
    session,
    session_run,
)
from tinydet.errors import InputError

needs_openvino = pytest.mark.skipif(
    importlib.util.find_spec('openvino') is None, reason='no OpenVINO'
)


def model(inputs, steps):
    """A model with an output (1, 4, 6, 6) of a convolution that keeps what it gets."""
    text = f"""<ir_version: 8, opset_import: ["": 17]>
        g ({inputs} x) => (float[N, 4, 6, 6] y, float[N, 4, 1, 1] z)
        <float[4, 4, 1, 1] w = {{1,0,0,0, 0,1,0,0, 0,0,1,0, 0,0,0,1}}>
        {{ {steps} y = Conv(a, w) z = GlobalAveragePool(y) }}"""
    proto = parser.parse_model(text)
    onnx.checker.check_model(proto, full_check=True)
    return proto.SerializeToString()


MODELS = {
    'float': model('float[1, 4, 6, 6]', 'a = Relu(x)'),
    'uint8': model('uint8[1, 4, 6, 6]', 'a = Cast<to = 1>(x)'),
    'dynamic': model('uint8[batch, 4, 6, 6]', 'a = Cast<to = 1>(x)'),
}


@pytest.mark.parametrize('name', MODELS)
def test_onnxruntime_sees_an_image_of_noise(name):
    image, mean = onnxruntime_run(MODELS[name])()
    assert image.shape == (1, 4, 6, 6)
    np.testing.assert_allclose(mean, image.mean((2, 3), keepdims=True), rtol=1e-5)
    if name == 'float':
        assert 0.2 < (image == 0).mean() < 0.8 and 1 < image.max() < 6
    else:
        assert (image % 1 == 0).all() and 0 <= image.min() < 40 and image.max() > 215


@needs_openvino
@pytest.mark.parametrize('name', MODELS)
def test_openvino_gives_the_same(name):
    found = list(openvino_run(MODELS[name])().values())
    expected = onnxruntime_run(MODELS[name])()
    for one, other in zip(found, expected, strict=True):
        # To bfloat16, which it takes where the processor has it.
        np.testing.assert_allclose(one, other, rtol=2**-7)


def test_without_openvino(monkeypatch):
    monkeypatch.setitem(sys.modules, 'openvino', None)
    with pytest.raises(InputError, match=r'OpenVINO is not installed: pip install'):
        openvino_run(MODELS['float'])


def test_session_settings(tmp_path):
    swish = parser.parse_model(
        """<ir_version: 8, opset_import: ["": 17]>
        g (float[1, 4, 6, 6] x) => (float[1, 4, 6, 6] y)
        { a = Sigmoid(x) y = Mul(x, a) }"""
    ).SerializeToString()
    operators, outputs = [], []
    for without in ([], ['QuickGeluFusion']):
        path = tmp_path / 'optimised.onnx'
        loaded = session(swish, without, optimized_model_filepath=str(path))
        operators.append([node.op_type for node in onnx.load(path).graph.node])
        outputs += session_run(loaded)()
    assert operators == [['QuickGelu'], ['Sigmoid', 'Mul']]
    np.testing.assert_allclose(*outputs, rtol=1e-5)
    options = session(swish, entries={'session.disable_prepacking': '1'})
    options = options.get_session_options()
    assert options.get_session_config_entry('session.disable_prepacking') == '1'
    assert options.intra_op_num_threads == options.inter_op_num_threads == 1
