"""Rules that turn one architecture into another of other width and depth."""

from dataclasses import dataclass, replace

from tinydet.arch.cost import classifier_cost
from tinydet.arch.rounding import round_channels
from tinydet.arch.stage import Arch, Scaling
from tinydet.checks import check_number
from tinydet.errors import InputError

# Of a multiplier. The paper samples up to 2.8 (section 4.2), EfficientNet-B7 has 3.1;
# a slip of the keyboard beyond that would fill the memory instead of failing.
WIDEST = 8


@dataclass(frozen=True)
class Twist:
    """Where a network stands on the cube, relative to its baseline.

    Attributes:
        w: Width multiplier.
        d: Depth multiplier.
        input: Side of the square classifier input, in pixels.
    """

    w: float
    d: float
    input: int


class DepthUnderflow(InputError):
    """A network cannot be made as shallow as asked."""


def shallowest(arch: Arch) -> Arch:
    """The architecture with one block a stage."""
    stages = tuple(replace(stage, repeats=1) for stage in arch.stages)
    return replace(arch, name=f'{arch.name}, one block a stage', stages=stages)


def narrowest(arch: Arch) -> float:
    """The least width multiplier; below it, it changes nothing any more."""
    return arch.divisor / max(stage.channels for stage in arch.stages)


def shallowest_depth(arch: Arch) -> float:
    """The least depth multiplier, with one block a stage."""
    return 1 / max(stage.repeats for stage in arch.stages)


def scale(arch: Arch, w: float, d: float, scaling: Scaling) -> Arch:
    """Scale width and depth.

    Channels are multiplied by ``w`` and rounded to the architecture's divisor; repeats
    are multiplied by ``d`` and rounded, with at least one block a stage.

    Args:
        arch: The baseline.
        w: Width multiplier, above 0 and at most 8.
        d: Depth multiplier, above 0 and at most 8.
        scaling: What the width does to stem, head and hidden layer.

    Returns:
        The scaled architecture.

    Raises:
        InputError: If a multiplier is no number in that range, or every stage would be
            narrower than the divisor.
        DepthUnderflow: If every stage would keep less than one block.
    """
    check_number('w', w, above=0, most=WIDEST)
    check_number('d', d, above=0, most=WIDEST)
    least = narrowest(arch)
    if w < least:
        raise InputError(
            f'w={w} makes every stage of {arch.name} narrower than the '
            f'{arch.divisor} channels that are the least: give w of at least '
            f'{least:.3g}'
        )
    least = shallowest_depth(arch)
    if d < least:
        macs = classifier_cost(shallowest(arch)).macs
        raise DepthUnderflow(
            f'depth underflow: d={d} leaves less than one block a stage of '
            f'{arch.name}; the least d is {least:.3g}, one block in each of its '
            f'{len(arch.stages)} stages, with {macs / 1e6:.0f}M FLOPs at '
            f'{arch.input} px: shrink resolution or width as well'
        )
    stages = tuple(
        replace(
            stage,
            channels=round_channels(stage.channels * w, arch.divisor),
            repeats=max(1, round(stage.repeats * d)),
        )
        for stage in arch.stages
    )

    def end(channels: int, rule: str) -> int:
        if not channels or rule == 'stays':
            return channels
        scaled = round_channels(channels * w, arch.divisor)
        return scaled if rule == 'scales' else max(channels, scaled)

    return replace(
        arch,
        name=f'{arch.name} (w={w}, d={d})',
        stem=end(arch.stem, scaling.stem),
        stages=stages,
        head=end(arch.head, scaling.head),
        hidden=end(arch.hidden, scaling.hidden),
    )


def twist(arch: Arch, to: Twist, scaling: Scaling, name: str) -> Arch:
    """The architecture at another place on the cube, under a name of its own."""
    scaled = scale(arch, to.w, to.d, scaling)
    return replace(scaled, name=name, input=to.input)
