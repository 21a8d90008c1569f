"""Exported networks against PyTorch's outputs and the tables' costs."""

import math

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from settled_nets import settle

from tinydet.arch import (
    ARCHS,
    classifier_cost,
    detector_outputs,
    scale,
    ssdlite_cost,
)
from tinydet.deploy.untrained import (
    build_classifier,
    build_detector,
    classifier_onnx,
    detector_onnx,
    to_onnx,
    untrained_onnx,
)
from tinydet.engine.jobs import load_config
from tinydet.errors import InputError
from tinydet.models.complexity import count_model


def small(name):
    return scale(ARCHS[name], 0.4, 0.5, ARCHS[name].tiny)


def flat(outputs):
    if isinstance(outputs, torch.Tensor):
        return [outputs.numpy()]
    return [tensor for output in outputs for tensor in flat(output)]


@torch.no_grad()
def assert_same(model, side):
    model = settle(model, torch.randn(8, 3, 64, 64))
    image = torch.randn(1, 3, side, side)
    expected = flat(model(image))
    names = [f'output{index}' for index in range(len(expected))]
    session = onnxruntime.InferenceSession(to_onnx(model, side, names))
    assert [output.name for output in session.get_outputs()] == names
    found = session.run(None, {'image': image.numpy()})
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        assert np.abs(other).max() > 0.01
        np.testing.assert_allclose(one, other, atol=1e-4 * max(1, np.abs(other).max()))


def macs(model):
    """Multiply-accumulates of the graph's convolutions and matrix products."""
    graph = onnx.shape_inference.infer_shapes(onnx.load_from_string(model)).graph
    weights = {tensor.name: tensor.dims for tensor in graph.initializer}
    shapes = {
        value.name: [size.dim_value for size in value.type.tensor_type.shape.dim]
        for value in [*graph.value_info, *graph.output]
    }
    total = 0
    for node in graph.node:
        if node.op_type == 'Conv':
            total += math.prod(shapes[node.output[0]]) * math.prod(
                weights[node.input[1]][1:]
            )
        elif node.op_type == 'Gemm':
            total += math.prod(weights[node.input[1]])
    return total


@pytest.mark.parametrize(
    'name', ['efficientnet_b0', 'mobilenet_v3_small', 'ghostnet_100', 'resnet50']
)
def test_classifier_equals_pytorch(name):
    torch.manual_seed(0)
    assert_same(build_classifier(small(name), classes=7), side=70)


@pytest.mark.parametrize('name', ['efficientnet_b0', 'resnet50'])
def test_detector_equals_pytorch(name):
    torch.manual_seed(0)
    arch = small(name)
    outputs = detector_outputs(arch)
    assert_same(build_detector(arch, 102, classes=3, outputs=outputs), side=102)


@pytest.mark.parametrize('name', ['efficientnet_b0', 'mobilenet_v3_small'])
def test_classifier_is_that_of_the_table(name):
    arch = small(name)
    model = classifier_onnx(arch, side=94, classes=11)
    # Squeeze-and-excitation is counted by the table as well as by the graph.
    assert macs(model) == classifier_cost(arch, 94, classes=11).macs
    session = onnxruntime.InferenceSession(model)
    assert session.get_inputs()[0].shape == [1, 3, 94, 94]
    assert [output.shape for output in session.get_outputs()] == [[1, 11]]


def test_detector_is_that_of_the_table():
    arch = small('efficientnet_b0')
    outputs = detector_outputs(arch)
    model = detector_onnx(arch, side=150, classes=4, outputs=outputs)
    assert macs(model) == ssdlite_cost(arch, 150, 4, outputs).macs
    session = onnxruntime.InferenceSession(model)
    shapes = {output.name: output.shape for output in session.get_outputs()}
    for level, side in enumerate((10, 5, 3, 2, 1, 1)):
        assert shapes[f'scores{level}'] == [1, 6 * 5, side, side]
        assert shapes[f'boxes{level}'] == [1, 6 * 4, side, side]


CONFIG = """
default_scope = {scope!r}
input_size = 96
model = dict({model})
test_dataloader = dict(dataset=dict(pipeline=[{step}]))
"""
CLASSIFIER = dict(
    scope='mmpretrain',
    model="type='Classifier', backbone=dict(type='TinyNet', variant='e'), "
    'head=dict(num_classes=5)',
    step="dict(type='CenterCrop', crop_size=input_size)",
)
DETECTOR = dict(
    scope='mmdet',
    model="type='SSDLite', backbone=dict(type='TinyNet', variant='e', out_indices="
    "(4, 6)), neck=dict(type='SSDLiteNeck'), bbox_head=dict(type='SSDLiteHead', "
    "num_classes=5, anchor_generator=dict(type='SSDLiteAnchorGenerator', "
    'input_size=input_size))',
    step="dict(type='Resize', scale=(50, 50))",
)


def config(tmp_path, **parts):
    path = tmp_path / 'net.py'
    path.write_text(CONFIG.format(**parts))
    return load_config(path)


def test_network_of_a_classifiers_config(tmp_path):
    cfg = config(tmp_path, **CLASSIFIER)
    model = untrained_onnx(cfg)
    assert macs(model) == count_model(cfg).macs
    session = onnxruntime.InferenceSession(model)
    (image,) = session.get_inputs()
    assert (image.type, image.shape) == ('tensor(float)', [1, 3, 96, 96])
    assert [output.shape for output in session.get_outputs()] == [[1, 5]]


def test_network_of_a_detectors_config(tmp_path):
    cfg = config(tmp_path, **DETECTOR)
    model = untrained_onnx(cfg)
    assert macs(model) == count_model(cfg).macs
    session = onnxruntime.InferenceSession(model)
    assert session.get_inputs()[0].shape == [1, 3, 96, 96]
    # Boxes at each place: 6 with 5 classes and a background, and 6 with 4 sides.
    sides = (6, 3, 2, 1, 1, 1)
    assert [output.shape for output in session.get_outputs()] == [
        [1, 6 * values, side, side] for values in (6, 4) for side in sides
    ]


def test_configs_without_a_network_or_its_input(tmp_path):
    cfg = config(tmp_path, **CLASSIFIER)
    cfg.pop('test_dataloader')
    with pytest.raises(InputError, match='net.py does not say how large its input is'):
        untrained_onnx(cfg)
    cfg.model = None
    with pytest.raises(InputError, match='net.py has no model: give the config of a'):
        untrained_onnx(cfg)


def test_batch_norms_are_folded(tmp_path):
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / 'optimised.onnx')
    options.graph_optimization_level = (
        onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    )
    model = classifier_onnx(small('mobilenet_v3_small'), side=64, classes=2)
    onnxruntime.InferenceSession(model, options)
    optimised = onnx.load(options.optimized_model_filepath)
    operators = {node.op_type for node in optimised.graph.node}
    assert 'BatchNormalization' not in operators
    assert operators & {'Conv', 'FusedConv'}


def test_export_warns_of_nothing(recwarn):
    classifier_onnx(small('mobilenet_v3_small'), side=64, classes=2)
    assert not [str(warning.message) for warning in recwarn]
