"""Networks in 8-bit integers, by ONNX Runtime's static quantisation."""

import logging
import tempfile
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from tinydet.deploy.simplify import pool_at_once


def quantise(model: bytes, images: Sequence[np.ndarray]) -> bytes:
    """Quantise the layers of a network.

    Weights get a scale a channel, activations one a tensor, from the least to the
    greatest value that the images give. The first convolution, what is before it and
    what is behind the last ones keep their precision: three input channels are slower
    in integers, and boxes and probabilities need more than the 256 steps that the raw
    predictions of each level have.

    Args:
        model: ONNX with one input, (N, S, S, 3), uint8.
        images: (S, S, 3), uint8; such as the network will see.

    Returns:
        ONNX of the same inputs and outputs, in which a pair of QuantizeLinear and
        DequantizeLinear stands at each quantised tensor. Its metadata are not kept.
    """
    with tempfile.TemporaryDirectory() as folder, _quiet():
        prepared, quantised = Path(folder, 'in.onnx'), Path(folder, 'out.onnx')
        whole = onnx.load_from_string(model)
        pool_at_once(whole.graph)
        quant_pre_process(whole, prepared, skip_symbolic_shape=True)
        graph = onnx.load(prepared).graph
        quantize_static(
            prepared,
            quantised,
            _Images(graph.input[0].name, images),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            # ONNX Runtime's kernels for x86 are of unsigned activations; signed ones
            # took twice as long.
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_quantize=layers(graph)[1:],
        )
        return quantised.read_bytes()


def layers(graph: onnx.GraphProto) -> list[str]:
    """Names of the nodes from the first convolution to the last ones, in order."""
    first = next(node for node in graph.node if node.op_type == 'Conv')
    convolutions = [node for node in graph.node if node.op_type == 'Conv']
    behind = _reached([first], graph.node, lambda node: (node.input, node.output))
    before = _reached(
        convolutions, reversed(graph.node), lambda node: (node.output, node.input)
    )
    return [node.name for node in graph.node if node.name in behind & before]


def _reached(
    start: Sequence[onnx.NodeProto],
    nodes: Sequence[onnx.NodeProto],
    ends: Callable[[onnx.NodeProto], tuple[Sequence[str], Sequence[str]]],
) -> set[str]:
    """Names of nodes that are reached from some, going through ``nodes`` in order."""
    names = {node.name for node in start}
    tensors: set[str] = set()
    for node in nodes:
        near, far = ends(node)
        if node.name in names or not tensors.isdisjoint(near):
            names.add(node.name)
            tensors.update(far)
    return names


class _Images(CalibrationDataReader):
    """Feeds images one by one."""

    def __init__(self, name: str, images: Sequence[np.ndarray]) -> None:
        self.feeds = ({name: image[None]} for image in images)

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.feeds, None)


@contextmanager
def _quiet():
    """Without advice on steps that are already taken."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)
