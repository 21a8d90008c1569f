"""What a classifier costs, from its table alone: fast enough to search with."""

import math
from dataclasses import dataclass

from tinydet.arch.stage import STEMS, Arch, Stage


@dataclass(frozen=True)
class Cost:
    """Parameters and multiply-accumulates (which papers on small nets call FLOPs)."""

    params: int = 0
    macs: int = 0

    def __add__(self, other: 'Cost') -> 'Cost':
        return Cost(self.params + other.params, self.macs + other.macs)


def classifier_cost(arch: Arch, input_size: int | None = None) -> Cost:
    """The cost of a 1000-class classifier on one square image.

    Args:
        arch: The table.
        input_size: Side of the input, in pixels; None for the table's own.
    """
    side = math.ceil((input_size or arch.input) / 2)
    stem = STEMS[arch.stem_operator]
    cost = _conv(3, arch.stem, stem.kernel, side)
    side = math.ceil(side / stem.pool)
    channels = arch.stem
    for stage in arch.stages:
        for block in range(stage.repeats):
            stride = stage.stride if block == 0 else 1
            out = math.ceil(side / stride)
            cost += _BLOCKS[stage.operator](arch, stage, channels, stride, side, out)
            side, channels = out, stage.channels
    if arch.head:
        cost += _conv(channels, arch.head, 1, side)
        channels = arch.head
    if arch.hidden:
        cost += _linear(channels, arch.hidden)
        channels = arch.hidden
    return cost + _linear(channels, 1000)


def _conv(inputs: int, outputs: int, kernel: int, side: int, groups: int = 1) -> Cost:
    """A convolution without bias and its batch norm; ``side`` of the output."""
    weights = inputs // groups * outputs * kernel**2
    return Cost(weights + 2 * outputs, weights * side**2)


def _linear(inputs: int, outputs: int) -> Cost:
    return Cost(inputs * outputs + outputs, inputs * outputs)


def _squeeze(arch: Arch, stage: Stage, inputs: int, hidden: int) -> Cost:
    if not stage.squeeze:
        return Cost()
    squeezed = arch.squeeze.channels(stage.squeeze, inputs, hidden)
    return _linear(hidden, squeezed) + _linear(squeezed, hidden)


# A block's cost, from its input channels, its stride, and the sides of its input and
# output.


def _separable(arch, stage, inputs, stride, side, out) -> Cost:
    return (
        _conv(inputs, inputs, stage.kernel, out, groups=inputs)
        + _squeeze(arch, stage, inputs, inputs)
        + _conv(inputs, stage.channels, 1, out)
    )


def _inverted_residual(arch, stage, inputs, stride, side, out) -> Cost:
    hidden = stage.hidden(inputs, arch.divisor)
    return (
        _conv(inputs, hidden, 1, side)
        + _conv(hidden, hidden, stage.kernel, out, groups=hidden)
        + _squeeze(arch, stage, inputs, hidden)
        + _conv(hidden, stage.channels, 1, out)
    )


def _ghost_module(inputs: int, outputs: int, side: int) -> Cost:
    """Half of the outputs by 1x1 convolution, the others from those, depthwise."""
    half = math.ceil(outputs / 2)
    return _conv(inputs, half, 1, side) + _conv(half, half, 3, side, groups=half)


def _ghost(arch, stage, inputs, stride, side, out) -> Cost:
    hidden = stage.hidden(inputs, arch.divisor)
    cost = _ghost_module(inputs, hidden, side)
    if stride > 1:
        cost += _conv(hidden, hidden, stage.kernel, out, groups=hidden)
    cost += _squeeze(arch, stage, inputs, hidden)
    cost += _ghost_module(hidden, stage.channels, out)
    if stride > 1 or inputs != stage.channels:
        cost += _conv(inputs, inputs, stage.kernel, out, groups=inputs)
        cost += _conv(inputs, stage.channels, 1, out)
    return cost


def _bottleneck(arch, stage, inputs, stride, side, out) -> Cost:
    hidden = stage.hidden(inputs, arch.divisor)
    cost = (
        _conv(inputs, hidden, 1, side)
        + _conv(hidden, hidden, stage.kernel, out)
        + _conv(hidden, stage.channels, 1, out)
    )
    if stride > 1 or inputs != stage.channels:
        cost += _conv(inputs, stage.channels, 1, out)
    return cost


_BLOCKS = {
    'separable': _separable,
    'depthwise_separable': _separable,
    'inverted_residual': _inverted_residual,
    'ghost': _ghost,
    'bottleneck': _bottleneck,
}
