"""Exported networks against PyTorch's outputs and the tables' costs."""

import math

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from tinydet.arch import (
    ARCHS,
    classifier_cost,
    detector_outputs,
    scale,
    ssdlite_cost,
)
from tinydet.deploy.export import (
    build_classifier,
    build_detector,
    classifier_onnx,
    detector_onnx,
    to_onnx,
)


def small(name):
    return scale(ARCHS[name], 0.4, 0.5, ARCHS[name].tiny)


def settle(model):
    """Give batch norms the statistics of a batch, so that features keep their size."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
            # Else channels that are all but dead blow up the rounding.
            module.eps = 0.1
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    with torch.no_grad():
        model.train()(torch.randn(8, 3, 64, 64))
    return model.eval()


def flat(outputs):
    if isinstance(outputs, torch.Tensor):
        return [outputs.numpy()]
    return [tensor for output in outputs for tensor in flat(output)]


@torch.no_grad()
def assert_same(model, side):
    model = settle(model)
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
