"""What an architecture is: rows with named fields, no framework."""

from dataclasses import dataclass

from tinydet.arch.rounding import round_channels


@dataclass(frozen=True)
class Stem:
    """The first layers of a network: a convolution of stride 2, perhaps pooling.

    Attributes:
        kernel: Side of the convolution's kernel, in pixels.
        pool: Stride of the max pooling behind it; 1 for none.
    """

    kernel: int
    pool: int


STEMS = {'conv3x3': Stem(kernel=3, pool=1), 'conv7x7_maxpool': Stem(kernel=7, pool=2)}


@dataclass(frozen=True)
class Stage:
    """One row of an architecture table: a run of equal blocks.

    Attributes:
        operator: Name of the block, a key of ``tinydet.models.blocks.BLOCKS``.
        kernel: Side of the depthwise (in a bottleneck, of the full) kernel, in pixels.
        expansion: Hidden channels over input channels of a block; in a
            ``'bottleneck'`` over output channels.
        channels: Output channels.
        stride: Stride of the first block; the others have 1.
        repeats: Number of blocks.
        squeeze: Squeeze-and-excitation channels over those that
            :attr:`Squeeze.of` names; 0 for no squeeze-and-excitation.
        activation: A key of ``tinydet.models.blocks.ACTIVATIONS``; None for the
            network's.
    """

    operator: str
    kernel: int
    expansion: float
    channels: int
    stride: int
    repeats: int
    squeeze: float = 0
    activation: str | None = None

    def hidden(self, in_channels: int, divisor: int) -> int:
        """Channels between the pointwise convolutions of a block."""
        if self.operator == 'bottleneck':
            return round(self.channels * self.expansion)
        return round_channels(in_channels * self.expansion, divisor)


def expanded_row(
    operator: str,
    kernel: int,
    expanded: int,
    inputs: int,
    channels: int,
    squeeze: bool,
    stride: int,
    repeats: int = 1,
    activation: str | None = None,
) -> Stage:
    """A row of a table that gives the expanded channels, and not their ratio.

    Args:
        operator: See :class:`Stage`, as for what is not here.
        kernel: See there.
        expanded: Hidden channels of a block.
        inputs: Channels that come into the first block.
        channels: See there.
        squeeze: Whether there is squeeze-and-excitation, at a quarter.
        stride: See there.
        repeats: See there.
        activation: See there.
    """
    return Stage(
        operator,
        kernel,
        expanded / inputs,
        channels,
        stride=stride,
        repeats=repeats,
        squeeze=0.25 if squeeze else 0,
        activation=activation,
    )


@dataclass(frozen=True)
class Squeeze:
    """How a network builds its squeeze-and-excitation layers.

    Attributes:
        of: What a row's ratio multiplies: ``'input'`` or ``'hidden'`` channels of the
            block.
        divisor: The product is rounded to a multiple of this.
        activation: Between the two 1x1 convolutions; None for the block's own.
        gate: ``'sigmoid'`` or ``'hard_sigmoid'``.
    """

    of: str = 'input'
    divisor: int = 1
    activation: str | None = None
    gate: str = 'sigmoid'

    def channels(self, ratio: float, in_channels: int, hidden: int) -> int:
        """Channels between the two 1x1 convolutions."""
        channels = ratio * (in_channels if self.of == 'input' else hidden)
        if self.divisor == 1:
            return round(channels)
        return round_channels(channels, self.divisor)


@dataclass(frozen=True)
class Scaling:
    """What a width multiplier does to the ends of a network.

    Attributes:
        stem: ``'scales'`` or ``'stays'``.
        head: ``'scales'``, ``'stays'``, or ``'grows'``: it follows a width above 1
            only.
        hidden: The same of the classifier's hidden layer.
    """

    stem: str
    head: str
    hidden: str


@dataclass(frozen=True)
class Arch:
    """A network: stem, stages, the last 1x1 convolution, the classifier's hidden layer.

    Attributes:
        name: For messages.
        input: Side of the square classifier input, in pixels.
        stem: Output channels of the first convolution.
        stages: The rows of its table.
        head: Output channels of the last 1x1 convolution; 0 for none.
        activation: A key of ``tinydet.models.blocks.ACTIVATIONS``.
        scaling: How its authors scale its ends with the width.
        tiny: How the tiny formula scales them.
        hidden: Width of the layer between pooling and classifier; 0 for none.
        divisor: Channels are multiples of this.
        squeeze: How its squeeze-and-excitation layers are built.
        stem_operator: A key of ``STEMS``.
    """

    name: str
    input: int
    stem: int
    stages: tuple[Stage, ...]
    head: int
    activation: str
    scaling: Scaling
    # The TinyNets keep the stem of EfficientNet-B0 and its last convolution.
    tiny: Scaling = Scaling(stem='stays', head='grows', hidden='grows')
    hidden: int = 0
    divisor: int = 8
    squeeze: Squeeze = Squeeze()
    stem_operator: str = 'conv3x3'

    @property
    def stride(self) -> int:
        """Input pixels over output pixels of the last stage, along a side."""
        stride = 2 * STEMS[self.stem_operator].pool
        for stage in self.stages:
            stride *= stage.stride
        return stride


def table_of(network: object) -> Arch | None:
    """The table that a network, or the backbone of a model, was built from.

    Networks of other libraries have none.
    """
    table = getattr(getattr(network, 'backbone', network), 'arch', None)
    return table if isinstance(table, Arch) else None
