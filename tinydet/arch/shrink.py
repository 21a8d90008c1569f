"""Shrinking along one dimension, which the paper compares with (Table 1, Figure 6)."""

from collections.abc import Callable, Iterable

from tinydet.arch.cost import classifier_cost
from tinydet.arch.scale import DepthUnderflow, Twist, narrowest, scale
from tinydet.arch.stage import Arch
from tinydet.checks import check_choice
from tinydet.errors import InputError


def shrink(arch: Arch, macs: float, by: str) -> Twist:
    """Shrink one dimension alone to a budget.

    Args:
        arch: The baseline.
        macs: Multiply-accumulates of the classifier to come close to.
        by: ``'resolution'``, ``'depth'`` or ``'width'``.

    Returns:
        The place on the cube whose cost is the nearest: input sides are even, as those
        of the TinyNets, multipliers in steps of 0.01.

    Raises:
        DepthUnderflow: If one block a stage costs more than the budget.
        InputError: If the budget is above the baseline's cost or below what the
            dimension reaches, or there is no such dimension.
    """
    check_choice('dimension', by, _CANDIDATES)
    whole = classifier_cost(arch).macs
    costs = {place: _macs(arch, place) for place in _CANDIDATES[by](arch)}
    least = min(costs.values())
    if by == 'depth' and macs < least:
        raise DepthUnderflow(
            f'depth underflow: {arch.name} cannot be made as shallow as '
            f'{macs / 1e6:.4g}M FLOPs; one block in each of its {len(arch.stages)} '
            f'stages has {least / 1e6:.4g}M: shrink resolution or width as well'
        )
    if not least <= macs <= whole:
        raise InputError(
            f'{macs / 1e6:.4g}M FLOPs is outside what {arch.name} reaches by {by}: '
            f'{least / 1e6:.4g}M to {whole / 1e6:.4g}M'
        )
    return min(costs, key=lambda place: abs(costs[place] - macs))


def _macs(arch: Arch, place: Twist) -> int:
    return classifier_cost(scale(arch, place.w, place.d, arch.tiny), place.input).macs


def _resolutions(arch: Arch) -> Iterable[Twist]:
    return (Twist(1, 1, side) for side in range(arch.input, arch.stride - 1, -2))


def _depths(arch: Arch) -> Iterable[Twist]:
    deepest = max(stage.repeats for stage in arch.stages)
    return (
        Twist(1, percent / 100, arch.input)
        for percent in range(100, 0, -1)
        if percent * deepest >= 100
    )


def _widths(arch: Arch) -> Iterable[Twist]:
    return (
        Twist(percent / 100, 1, arch.input)
        for percent in range(100, 0, -1)
        if percent >= 100 * narrowest(arch)
    )


_CANDIDATES: dict[str, Callable[[Arch], Iterable[Twist]]] = {
    'resolution': _resolutions,
    'depth': _depths,
    'width': _widths,
}
