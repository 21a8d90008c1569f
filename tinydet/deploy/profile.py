"""Where the time of a network goes: ONNX Runtime's own profile, by kind of layer."""

import json
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from tinydet.deploy.runtimes import session, session_run

_RUNS = 40
# Runs at the start, which find nothing in the caches, are left out.
_WARM_UP = 10
# Of the events that tell what a node took.
_SUFFIX = '_kernel_time'

# Kinds of layers, as the table has them.
POINTWISE = '1x1 convolutions'
DEPTHWISE = 'depthwise convolutions'
CONVOLUTION = 'other convolutions'
ACTIVATION = 'activations'
LAYOUT = 'changes of layout'
POOLING = 'pooling'
PRODUCT = 'products of maps'
LINEAR = 'linear layers'
OTHER = 'others'
KINDS = (
    POINTWISE,
    DEPTHWISE,
    CONVOLUTION,
    ACTIVATION,
    LAYOUT,
    POOLING,
    PRODUCT,
    LINEAR,
    OTHER,
)

_PRODUCTS = ('Mul', 'QLinearMul')
_OPERATORS = {
    # ONNX Runtime's own name for x * sigmoid(a * x).
    'QuickGelu': ACTIVATION,
    'Sigmoid': ACTIVATION,
    'QLinearSigmoid': ACTIVATION,
    'HardSwish': ACTIVATION,
    'HardSigmoid': ACTIVATION,
    'Relu': ACTIVATION,
    'Clip': ACTIVATION,
    # To blocks of channels, in which its convolutions work, and back.
    'ReorderInput': LAYOUT,
    'ReorderOutput': LAYOUT,
    'Transpose': LAYOUT,
    'QuantizeLinear': LAYOUT,
    'DequantizeLinear': LAYOUT,
    'AveragePool': POOLING,
    'QLinearAveragePool': POOLING,
    'GlobalAveragePool': POOLING,
    'QLinearGlobalAveragePool': POOLING,
    'ReduceMean': POOLING,
    'MaxPool': POOLING,
    'Gemm': LINEAR,
    'FusedGemm': LINEAR,
}


@dataclass(frozen=True)
class Layer:
    """A step of a network, as ONNX Runtime runs it.

    Attributes:
        name: Of its node, after ONNX Runtime's own changes to the graph.
        kind: One of :data:`KINDS`.
        side: Height of its output map, in pixels; 1 for what is no map.
        ms: Median of the runs, in milliseconds.
        megabytes: Of the tensors that it reads and writes, with weights.
    """

    name: str
    kind: str
    side: int
    ms: float
    megabytes: float


def profile(model: bytes) -> list[Layer]:
    """Measure the layers of a network, one thread, one image.

    Args:
        model: ONNX of one input.

    Returns:
        Its layers in the order of their first run. Their sum differs by some percent
        from what :func:`tinydet.deploy.latency.measure` says: the profiler adds to each
        layer, and the caches are warmer than between turns. It is the larger one for
        small and INT8 networks.
    """
    times: dict[str, list[int]] = defaultdict(list)
    for name, event in _events(model, _RUNS):
        times[name].append(event['dur'])
    # Weights that a kernel has packed for itself are not among its inputs.
    unpacked = dict(_events(model, 1, {'session.disable_prepacking': '1'}))
    return [
        _layer(name, unpacked[name]['args'], float(np.median(runs[_WARM_UP:])) / 1e3)
        for name, runs in times.items()
    ]


def by_kind(layers: Sequence[Layer]) -> dict[str, float]:
    """Milliseconds of each of :data:`KINDS`."""
    return {
        kind: sum(layer.ms for layer in layers if layer.kind == kind) for kind in KINDS
    }


def by_side(layers: Sequence[Layer]) -> dict[int, float]:
    """Milliseconds by the height of the output map, the largest first."""
    sides = sorted({layer.side for layer in layers}, reverse=True)
    return {
        side: sum(layer.ms for layer in layers if layer.side == side) for side in sides
    }


def _events(
    model: bytes, runs: int, entries: Mapping[str, str] = MappingProxyType({})
) -> list[tuple[str, dict]]:
    """What ONNX Runtime writes of the nodes that it runs, in order, by their names."""
    with tempfile.TemporaryDirectory() as folder:
        loaded = session(
            model,
            entries=entries,
            enable_profiling=True,
            profile_file_prefix=str(Path(folder, 'profile')),
        )
        run = session_run(loaded)
        for _ in range(runs):
            run()
        events = json.loads(Path(loaded.end_profiling()).read_text())
    return [
        (event['name'].removesuffix(_SUFFIX), event)
        for event in events
        if event['cat'] == 'Node' and event['name'].endswith(_SUFFIX)
    ]


def _layer(name: str, arguments: Mapping, ms: float) -> Layer:
    inputs, outputs = (
        [shape for tensor in arguments[key] for shape in tensor.values()]
        for key in ('input_type_shape', 'output_type_shape')
    )
    return Layer(
        name=name,
        kind=_kind(arguments['op_name'], inputs),
        side=_side(outputs),
        ms=ms,
        megabytes=sum(
            int(arguments[key])
            for key in ('activation_size', 'output_size', 'parameter_size')
        )
        / 1e6,
    )


def _kind(operator: str, inputs: Sequence[Sequence[int]]) -> str:
    if operator.endswith('Conv'):
        weights = next(shape for shape in inputs[1:] if len(shape) == 4)
        if weights[2:] == [1, 1]:
            return POINTWISE
        return DEPTHWISE if weights[1] == 1 else CONVOLUTION
    if operator in _PRODUCTS:
        maps = [shape for shape in inputs if len(shape) == 4]
        if len(maps) < 2:
            return OTHER
        # x * sigmoid(x), where it is not one step, or a map by a factor a channel.
        return ACTIVATION if maps[0] == maps[1] else PRODUCT
    return _OPERATORS.get(operator, OTHER)


def _side(outputs: Sequence[Sequence[int]]) -> int:
    return next((shape[2] for shape in outputs if len(shape) == 4), 1)
