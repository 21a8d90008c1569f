"""Rules that turn one architecture into another of other width and depth."""

from dataclasses import replace

from tinydet.arch.stage import Arch
from tinydet.errors import InputError

CHANNEL_DIVISOR = 8


def round_channels(channels: float) -> int:
    """Round to a multiple of 8, at least 8 and never below 90% of ``channels``."""
    rounded = max(
        CHANNEL_DIVISOR,
        int(channels + CHANNEL_DIVISOR / 2) // CHANNEL_DIVISOR * CHANNEL_DIVISOR,
    )
    return rounded + CHANNEL_DIVISOR if rounded < 0.9 * channels else rounded


def scale_tiny(arch: Arch, w: float, d: float) -> Arch:
    """Scale width and depth as the TinyNets do.

    Channels are multiplied by ``w`` and rounded to 8, repeats are multiplied by ``d``
    and rounded (at least one block a stage). The stem stays as it is, and the last
    convolution never shrinks.

    Args:
        arch: The baseline.
        w: Width multiplier, above 0.
        d: Depth multiplier, above 0.

    Returns:
        The scaled architecture.

    Raises:
        InputError: If a multiplier is not above 0.
    """
    for name, value in (('w', w), ('d', d)):
        if not value > 0:
            raise InputError(f'{name}={value} is no multiplier: it must be above 0')
    stages = tuple(
        replace(
            stage,
            channels=round_channels(stage.channels * w),
            repeats=max(1, round(stage.repeats * d)),
        )
        for stage in arch.stages
    )
    return replace(
        arch,
        name=f'{arch.name} (w={w}, d={d})',
        stages=stages,
        head=max(arch.head, round_channels(arch.head * w)),
    )
