"""Profiles of networks whose layers are known."""

from collections import Counter

import numpy as np
import onnx
import pytest
import torch
from onnx import parser
from torch import nn

from tinydet.arch import ARCHS, scale
from tinydet.deploy import profile as module
from tinydet.deploy.profile import (
    ACTIVATION,
    CONVOLUTION,
    DEPTHWISE,
    KINDS,
    LAYOUT,
    LINEAR,
    POINTWISE,
    POOLING,
    PRODUCT,
    by_kind,
    by_side,
    profile,
)
from tinydet.deploy.quantise import quantise
from tinydet.deploy.trace import trace
from tinydet.deploy.untrained import classifier_onnx

CONVOLUTIONS = POINTWISE, DEPTHWISE, CONVOLUTION
SIDE = 32


@pytest.fixture(autouse=True)
def few_runs(monkeypatch):
    monkeypatch.setattr(module, '_RUNS', 6)
    monkeypatch.setattr(module, '_WARM_UP', 2)


class Block(nn.Module):
    """A network of one layer of most kinds, on (1, 3, 32, 32)."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, 2, 1)
        self.depthwise = nn.Conv2d(32, 32, 5, 2, 2, groups=32)
        self.reduce = nn.Conv2d(32, 16, 1)
        self.expand = nn.Conv2d(16, 32, 1)
        self.project = nn.Conv2d(32, 64, 1)
        self.classify = nn.Linear(64, 1000)
        self.act = nn.SiLU()

    def forward(self, images):
        x = images.permute(0, 3, 1, 2).float() / 255 - 0.5
        x = self.act(self.depthwise(self.act(self.stem(x))))
        gate = self.expand(self.act(self.reduce(x.mean((2, 3), keepdim=True))))
        x = self.project(x * gate.sigmoid()).relu()
        return self.classify(x.mean((2, 3)))


@pytest.fixture(scope='module')
def block():
    torch.manual_seed(0)
    images = torch.zeros(1, SIDE, SIDE, 3, dtype=torch.uint8)
    return trace(Block(), images, 'images', ['logits']).SerializeToString()


@pytest.fixture(scope='module')
def integers(block):
    images = np.random.default_rng(0).integers(256, size=(3, SIDE, SIDE, 3))
    return quantise(block, images.astype(np.uint8))


def kinds(layers):
    return Counter(layer.kind for layer in layers)


def convolutions(model):
    """How many of each kind a graph has."""
    graph = onnx.load_from_string(model).graph
    weights = {tensor.name: tensor.dims for tensor in graph.initializer}
    found = dict.fromkeys(CONVOLUTIONS, 0)
    for node in graph.node:
        if node.op_type == 'Conv':
            _, channels, *kernel = weights[node.input[1]]
            (groups,) = (a.i for a in node.attribute if a.name == 'group')
            kind = DEPTHWISE if groups > 1 and channels == 1 else CONVOLUTION
            found[POINTWISE if kernel == [1, 1] else kind] += 1
    return found


def only(layers, kind, side):
    (layer,) = (one for one in layers if (one.kind, one.side) == (kind, side))
    return layer


def test_kinds_and_heights(block):
    layers = profile(block)
    found = kinds(layers)
    assert {kind: found[kind] for kind in (*CONVOLUTIONS, LINEAR, PRODUCT)} == {
        POINTWISE: 3,
        DEPTHWISE: 1,
        CONVOLUTION: 1,
        LINEAR: 1,
        PRODUCT: 1,
    }
    # Some activations are part of a convolution.
    assert found[POOLING] == 2 and found[ACTIVATION] >= 2 and found[LAYOUT] >= 1
    assert only(layers, CONVOLUTION, 16) and only(layers, DEPTHWISE, 8)
    assert only(layers, POINTWISE, 8) and only(layers, PRODUCT, 8)
    assert only(layers, LINEAR, 1)
    assert {layer.side for layer in layers} == {32, 16, 8, 1}
    assert all(layer.ms > 0 and layer.megabytes > 0 for layer in layers)


def test_sums_are_of_all_layers(block):
    layers = profile(block)
    total = sum(layer.ms for layer in layers)
    kind, side = by_kind(layers), by_side(layers)
    assert tuple(kind) == KINDS and list(side) == [32, 16, 8, 1]
    assert sum(kind.values()) == pytest.approx(total)
    assert sum(side.values()) == pytest.approx(total)
    assert kind[LINEAR] == only(layers, LINEAR, 1).ms


def test_bytes_are_those_of_tensors_and_weights(block):
    layers = profile(block)
    image, stem, deep = 3 * SIDE**2, 32 * 16**2, 32 * 8**2
    expected = {
        (CONVOLUTION, 16): image + 32 * 27 + 32 + stem,
        (DEPTHWISE, 8): stem + 32 * 25 + 32 + deep,
        (POINTWISE, 8): deep + 64 * 32 + 64 + 64 * 8**2,
        (PRODUCT, 8): deep + 32 + deep,
        (LINEAR, 1): 64 + 64 * 1000 + 1000 + 1000,
    }
    for layer, numbers in expected.items():
        assert only(layers, *layer).megabytes == pytest.approx(4 * numbers / 1e6)


def test_a_network_of_integers(block, integers):
    layers = profile(integers)
    found, expected = kinds(layers), kinds(profile(block))
    for kind in (*CONVOLUTIONS, LINEAR, PRODUCT, POOLING):
        assert found[kind] == expected[kind]
    assert found[ACTIVATION] >= expected[ACTIVATION]
    # A byte each, and the scales and offsets.
    deep = 32 * 8**2
    numbers = 32 * 16**2 + 32 * 25 + deep
    depthwise = only(layers, DEPTHWISE, 8).megabytes * 1e6
    assert numbers < depthwise < numbers + 32 * (4 + 4 + 1) + 20
    assert only(layers, PRODUCT, 8).megabytes * 1e6 == pytest.approx(2 * deep, abs=60)
    assert {layer.side for layer in layers} == {32, 16, 8, 1}


@pytest.mark.parametrize('name', ['efficientnet_b0', 'mobilenet_v3_small', 'resnet50'])
def test_convolutions_are_those_of_the_graph(name):
    model = classifier_onnx(scale(ARCHS[name], 0.4, 0.5, ARCHS[name].tiny), 64, 3)
    found = kinds(profile(model))
    assert {kind: found[kind] for kind in CONVOLUTIONS} == convolutions(model)
    if name == 'efficientnet_b0':
        assert found[PRODUCT] == 10  # one a block
        nodes = onnx.load_from_string(model).graph.node
        assert found[POOLING] == sum('Pool' in node.op_type for node in nodes) > 10


def test_nodes_without_names_are_layers_of_their_own():
    model = parser.parse_model(
        """<ir_version: 8, opset_import: ["": 17]>
        g (float[batch, 1, 16, 16] x) => (float[batch, 1, 16, 16] y)
        <float[1, 1, 1, 1] w = {2}>
        { a = Conv(x, w) b = Softmax<axis = 2>(a) y = Conv(b, w) }"""
    )
    layers = profile(model.SerializeToString())
    assert kinds(layers)[POINTWISE] == 2
    assert len({layer.name for layer in layers}) == len(layers)
