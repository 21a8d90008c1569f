"""What an architecture is: rows with named fields, no framework."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One row of an architecture table: a run of equal blocks.

    Attributes:
        operator: Name of the block, a key of ``tinydet.models.blocks.BLOCKS``.
        kernel: Side of the depthwise kernel, in pixels.
        expansion: Hidden channels over input channels of a block.
        channels: Output channels.
        stride: Stride of the first block; the others have 1.
        repeats: Number of blocks.
        squeeze: Squeeze-and-excitation channels over the block's *input* channels;
            0 for no squeeze-and-excitation.
    """

    operator: str
    kernel: int
    expansion: int
    channels: int
    stride: int
    repeats: int
    squeeze: float


@dataclass(frozen=True)
class Arch:
    """A network: stem, stages and the last 1x1 convolution.

    Attributes:
        name: For messages.
        stem: Output channels of the first convolution (3x3, stride 2).
        stages: The rows of its table.
        head: Output channels of the last 1x1 convolution.
        activation: ``'silu'`` or ``'relu6'``.
    """

    name: str
    stem: int
    stages: tuple[Stage, ...]
    head: int
    activation: str
