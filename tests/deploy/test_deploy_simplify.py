"""Simplified graphs against what they were, in ONNX Runtime."""

from collections import Counter
from unittest import mock

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import parser

from tinydet.arch import ARCHS, detector_outputs, scale
from tinydet.deploy.simplify import pool_at_once, simplify
from tinydet.deploy.untrained import detector_onnx

HEADER = '<ir_version: 8, opset_import: ["": 17]>'


def graph(text):
    model = parser.parse_model(f'{HEADER} g {text}')
    onnx.checker.check_model(model, full_check=True)
    return model


def operators(model):
    return Counter(node.op_type for node in model.graph.node)


def run(model):
    """Outputs by name, for noise."""
    session = onnxruntime.InferenceSession(model.SerializeToString())
    generator = np.random.default_rng(0)
    dtypes = {'tensor(float)': np.float32, 'tensor(uint8)': np.uint8}
    feeds = {}
    for tensor in session.get_inputs():
        shape = [size if isinstance(size, int) else 2 for size in tensor.shape]
        noise = generator.uniform(0, 9, shape)
        feeds[tensor.name] = noise.astype(dtypes[tensor.type])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))


def simplified(model):
    """Simplify a copy, which must compute the same under the same names."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    simplify(copy)
    onnx.checker.check_model(copy, full_check=True)
    before, after = run(model), run(copy)
    assert list(before) == list(after)
    for name, expected in before.items():
        assert after[name].dtype == expected.dtype
        np.testing.assert_allclose(after[name], expected, rtol=1e-5, atol=1e-5)
    return copy


@pytest.mark.parametrize('axes', ['2, 3', '3, 2', '-2, -1', '2, -1'])
def test_a_mean_over_height_and_width(axes):
    model = graph(
        f"""(float[1, 3, 4, 5] x) => (float[1, 3, 1, 1] y) {{
            a = Relu(x)
            y = ReduceMean<axes = [{axes}]>(a)
        }}"""
    )
    assert operators(simplified(model)) == {'Relu': 1, 'GlobalAveragePool': 1}


@pytest.mark.parametrize(
    'shape, settings, result',
    [
        ('1, 3, 4, 5', 'axes = [1]', '1, 1, 4, 5'),
        ('1, 3, 4, 5', 'axes = [2]', '1, 3, 1, 5'),
        ('1, 3, 4, 5', 'axes = [1, 2]', '1, 1, 1, 5'),
        ('1, 3, 4, 5', 'axes = [1, 2, 3]', '1, 1, 1, 1'),
        ('1, 3, 4, 5', 'axes = [2, 3], keepdims = 0', '1, 3'),
        ('1, 3, 4, 5', 'keepdims = 1', '1, 1, 1, 1'),
        ('1, 3, 4, 5, 6', 'axes = [2, 3]', '1, 3, 1, 1, 6'),
    ],
)
def test_other_means_stay(shape, settings, result):
    model = graph(
        f'(float[{shape}] x) => (float[{result}] y) {{ y = ReduceMean<{settings}>(x) }}'
    )
    assert operators(simplified(model)) == {'ReduceMean': 1}


@pytest.mark.parametrize(
    'sides, steps',
    [
        ('8, 16', {'GlobalAveragePool': 1}),
        ('12, 12', {'AveragePool': 1, 'GlobalAveragePool': 1}),
        ('64, 64', {'AveragePool': 1, 'GlobalAveragePool': 1}),
        ('160, 160', {'AveragePool': 2, 'GlobalAveragePool': 1}),
        # Nothing but rows divides these.
        ('13, 13', {'AveragePool': 1, 'GlobalAveragePool': 1}),
        ('211, 211', {'AveragePool': 2, 'GlobalAveragePool': 1}),
        ('height, 5', {'ReduceMean': 1}),
    ],
)
def test_large_maps_are_pooled_by_parts_first(sides, steps):
    model = graph(
        f'(float[1, 3, {sides}] x) => (float[1, 3, 1, 1] y) '
        '{ y = ReduceMean<axes = [2, 3]>(x) }'
    )
    assert operators(simplified(model)) == steps


def test_pooling_is_exact_on_large_maps():
    # Behind a convolution, as in a network: its layout chooses ONNX Runtime's pooling.
    text = """(float[1, 1, 160, 160] x) => (float[1, 16, 1, 1] y)
        <float[16, 1, 1, 1] w = {%s}> { a = Conv(x, w) b = Relu(a) y = %s(b) }"""
    ones = ', '.join(['1'] * 16)
    split = graph(text % (ones, 'ReduceMean<axes = [2, 3]>'))
    simplify(split)
    image = {'x': np.full((1, 1, 160, 160), 0.7, np.float32)}
    one_step, two_steps = (
        onnxruntime.InferenceSession(model.SerializeToString()).run(None, image)[0]
        for model in (graph(text % (ones, 'GlobalAveragePool')), split)
    )
    np.testing.assert_allclose(two_steps, 0.7, rtol=2e-6)
    # What it is for; if this fails, ONNX Runtime needs it no more.
    assert np.abs(one_step / np.float32(0.7) - 1).max() > 2e-5


def test_poolings_of_one_step_again():
    model = graph(
        """(float[1, 3, 17, 16] x) => (float[1, 3, 1, 1] y) {
            a = Relu(x)
            y = ReduceMean<axes = [2, 3]>(a)
        }"""
    )
    simplify(model)
    pool_at_once(model.graph)
    assert operators(model) == {'Relu': 1, 'GlobalAveragePool': 1}
    onnx.checker.check_model(model, full_check=True)


def test_a_map_of_a_dynamic_batch():
    model = graph(
        """(uint8[batch, 3, 4, 5] x) => (float[batch, 3, 1, 1] y) {
            a = Cast<to = 1>(x)
            y = ReduceMean<axes = [2, 3]>(a)
        }"""
    )
    # The conversion is a real one.
    assert operators(simplified(model)) == {'Cast': 1, 'GlobalAveragePool': 1}


CONVERSIONS = {
    'between steps': '(float[4] x) => (float[4] y) '
    '{ a = Relu(x) b = Cast<to = 1>(a) y = Exp(b) }',
    'one behind another': '(float[4] x) => (float[4] y) '
    '{ a = Relu(x) b = Cast<to = 1>(a) c = Cast<to = 1>(b) y = Exp(c) }',
    'two of one': '(float[4] x) => (float[4] y, float[4] z) '
    '{ a = Relu(x) b = Cast<to = 1>(a) c = Cast<to = 1>(a) y = Exp(b) z = Neg(c) }',
    'of the input': '(float[4] x) => (float[4] y) { a = Cast<to = 1>(x) y = Exp(a) }',
    'of the input and itself': '(float[4] x) => (float[4] y) '
    '{ a = Cast<to = 1>(x) y = Add(a, x) }',
    'to the output': '(float[4] x) => (float[4] y) { a = Exp(x) y = Cast<to = 1>(a) }',
    'to the output, and read': '(float[4] x) => (float[4] y, float[4] z) '
    '{ a = Exp(x) z = Neg(a) y = Cast<to = 1>(a) }',
    'to the output, twice': '(float[4] x) => (float[4] y) '
    '{ a = Exp(x) b = Cast<to = 1>(a) y = Cast<to = 1>(b) }',
}


@pytest.mark.parametrize('text', CONVERSIONS.values(), ids=list(CONVERSIONS))
def test_idle_conversions_are_left_out(text):
    model = graph(text)
    result = simplified(model)
    left = operators(model)
    del left['Cast']
    assert operators(result) == left


@pytest.mark.parametrize(
    'text',
    [
        '(float[4] x) => (float[4] y) { y = Cast<to = 1>(x) }',
        '(float[4] x) => (float[4] y, float[4] z) { y = Exp(x) z = Cast<to = 1>(y) }',
    ],
    ids=['input', 'output'],
)
def test_a_conversion_that_gives_a_tensor_its_second_name_stays(text):
    assert operators(simplified(graph(text)))['Cast'] == 1


def test_other_conversions_stay():
    model = graph(
        """(float[4] x, uint8[4] u) => (float[4] y, int64[4] z) {
            a = Cast<to = 6>(x)
            b = Cast<to = 1>(a)
            c = Cast<to = 1>(u)
            y = Add(b, c)
            z = Cast<to = 7>(y)
        }"""
    )
    assert operators(simplified(model)) == {'Cast': 4, 'Add': 1}


def test_a_traced_detector():
    arch = scale(ARCHS['efficientnet_b0'], 0.4, 0.5, ARCHS['efficientnet_b0'].tiny)
    with mock.patch('tinydet.deploy.trace.simplify'):
        model = detector_onnx(arch, 96, 3, detector_outputs(arch))
    model = onnx.load_from_string(model)
    before = operators(model)
    assert before['ReduceMean'] == 10 and before['Cast'] == 12
    after = operators(simplified(model))
    assert after['GlobalAveragePool'] == 10
    assert after.keys().isdisjoint({'ReduceMean', 'Cast'})
