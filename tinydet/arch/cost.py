"""What a network costs, from its table alone: fast enough to search with."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tinydet.arch.stage import STEMS, Arch, Stage

# SSDLite (MobileNetV2, section 6.2): output channels of the layers behind the backbone,
# and default boxes a location.
SSDLITE_EXTRA_CHANNELS = (512, 256, 256, 128)
SSDLITE_BOXES = 6
# Blocks that begin with an expansion.
_EXPANDING = ('inverted_residual', 'ghost')


@dataclass(frozen=True)
class Cost:
    """Parameters and multiply-accumulates (which papers on small nets call FLOPs)."""

    params: int = 0
    macs: int = 0

    def __add__(self, other: 'Cost') -> 'Cost':
        return Cost(self.params + other.params, self.macs + other.macs)


@dataclass(frozen=True)
class Feature:
    """What a backbone makes for an output.

    Attributes:
        channels: Of the map.
        side: Of the square map, in pixels.
        cost: Of the backbone up to the end of the stage that makes it.
    """

    channels: int
    side: int
    cost: Cost


def classifier_cost(
    arch: Arch, input_size: int | None = None, classes: int = 1000
) -> Cost:
    """The cost of a classifier on one square image.

    Args:
        arch: The table.
        input_size: Side of the input, in pixels; None for the table's own.
        classes: Number of classes.
    """
    last = features(arch, input_size or arch.input)[last_output(arch)]
    cost, channels = last.cost, last.channels
    if arch.hidden:
        cost += _linear(channels, arch.hidden)
        channels = arch.hidden
    return cost + _linear(channels, classes)


def last_output(arch: Arch) -> int:
    """The number of the deepest output: the last convolution, or the last stage."""
    return len(arch.stages) if arch.head else len(arch.stages) - 1


def features(arch: Arch, input_size: int) -> dict[int | str, Feature]:
    """Every output that a backbone can have, by its name in ``out_indices``.

    Args:
        arch: The table.
        input_size: Side of the square input, in pixels.

    Returns:
        The stages by number, the last convolution by the next, and the expansion
        output of each stage's first block as ``'expand5'``.
    """
    side = math.ceil(input_size / 2)
    stem = STEMS[arch.stem_operator]
    cost = _conv(3, arch.stem, stem.kernel, side)
    side = math.ceil(side / stem.pool)
    channels = arch.stem
    found: dict[int | str, Feature] = {}
    for index, stage in enumerate(arch.stages):
        entry, hidden = side, stage.hidden(channels, arch.divisor)
        for block in range(stage.repeats):
            stride = stage.stride if block == 0 else 1
            out = math.ceil(side / stride)
            cost += _BLOCKS[stage.operator](arch, stage, channels, stride, side, out)
            side, channels = out, stage.channels
        found[f'expand{index}'] = Feature(hidden, entry, cost)
        found[index] = Feature(channels, side, cost)
    if arch.head:
        cost += _conv(channels, arch.head, 1, side)
        found[len(arch.stages)] = Feature(arch.head, side, cost)
    return found


def detector_outputs(arch: Arch) -> tuple[int | str, int]:
    """What SSDLite taps of a backbone, as ``out_indices``: strides 16 and 32.

    The first is the expansion output before the last stride, where blocks have one
    (MobileNetV2, section 6.2), and the stage before it otherwise.
    """
    strided = max(i for i, stage in enumerate(arch.stages) if stage.stride > 1)
    expands = arch.stages[strided].operator in _EXPANDING
    return f'expand{strided}' if expands else strided - 1, last_output(arch)


def ssdlite_cost(
    arch: Arch,
    input_size: int,
    classes: int,
    outputs: Sequence[int | str],
    extra_channels: Sequence[int] = SSDLITE_EXTRA_CHANNELS,
) -> Cost:
    """The cost of an SSDLite detector on one square image, to its raw predictions.

    Args:
        arch: The table of the backbone.
        input_size: Side of the input, in pixels.
        classes: Number of classes without the background.
        outputs: The two outputs of the backbone, as in its ``out_indices``.
        extra_channels: Output channels of the neck's layers.
    """
    found = features(arch, input_size)
    taps = [found[output] for output in outputs]
    cost = max((tap.cost for tap in taps), key=lambda cost: cost.params)
    levels = [(tap.channels, tap.side) for tap in taps]
    for channels in extra_channels:
        inputs, side = levels[-1]
        half, out = channels // 2, math.ceil(side / 2)
        cost += _conv(inputs, half, 1, side)
        cost += _conv(half, half, 3, out, groups=half) + _conv(half, channels, 1, out)
        levels.append((channels, out))
    for channels, side in levels:
        for predicted in (classes + 1, 4):
            cost += _conv(channels, channels, 3, side, groups=channels)
            cost += _linear(channels, SSDLITE_BOXES * predicted, side)
    return cost


def _conv(inputs: int, outputs: int, kernel: int, side: int, groups: int = 1) -> Cost:
    """A convolution without bias and its batch norm; ``side`` of the output."""
    weights = inputs // groups * outputs * kernel**2
    return Cost(weights + 2 * outputs, weights * side**2)


def _linear(inputs: int, outputs: int, side: int = 1) -> Cost:
    """A linear layer; of a map's side, a 1x1 convolution with bias."""
    return Cost(inputs * outputs + outputs, inputs * outputs * side**2)


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
