"""Other ways to shrink to a budget, which the paper compares with (Table 1, Figure 6).

The inverted giant rule of EfficientNet, and one dimension alone.
"""

from collections.abc import Callable, Iterator

from tinydet.arch import STEP, Arch, DepthUnderflow, narrowest, shallowest_depth
from tinydet.checks import check_choice
from tinydet.errors import InputError
from tinydet.formula.budget import Budget
from tinydet.formula.cube import INPUT_STEP, Cube, Net

# Steps of the exponent of the giant rule, and of d and w alone.
_STEPS = 100


def shrink(cube: Cube, budget: Budget, by: str) -> Net:
    """Shrink the baseline to a budget by one rule.

    Args:
        cube: Of the baseline.
        budget: To come close to, in multiply-accumulates or parameters.
        by: ``'giant'``, EfficientNet's rule inverted; ``'resolution'``, ``'depth'`` or
            ``'width'`` alone.

    Returns:
        The network whose cost is the nearest: input sides are even, d and w in steps of
        0.01, the exponent of the giant rule as well.

    Raises:
        DepthUnderflow: If one block a stage costs more than the budget.
        InputError: If the budget is above the baseline's cost or below what the rule
            reaches, or there is no such rule.
    """
    check_choice('rule', by, RULES)
    nets = list(RULES[by](cube))
    whole, least = (budget.of(pick(nets, key=budget.of)) for pick in (max, min))
    if by == 'depth' and budget.value < least:
        raise DepthUnderflow(
            f'depth underflow: {cube.arch.name} cannot be made as shallow as '
            f'{budget}; one block in each of its {len(cube.arch.stages)} stages has '
            f'{budget.text(least)}: shrink resolution or width as well'
        )
    if not least <= budget.value <= whole:
        raise InputError(
            f'{budget} is outside what {cube.arch.name} reaches by {by}: '
            f'{budget.text(least)} to {budget.text(whole)}'
        )
    return min(nets, key=lambda net: abs(budget.of(net) - budget.value))


def _giants(cube: Cube) -> Iterator[Net]:
    phi = 0
    while True:
        r, d, w = (step ** (phi / _STEPS) for step in (STEP.r, STEP.d, STEP.w))
        if not _exists(cube.arch, r * cube.side, d, w):
            return
        yield cube.net(r, d, w, cube.arch.scaling)
        phi += 1


def _resolutions(cube: Cube) -> Iterator[Net]:
    for side in range(cube.side, cube.arch.stride - 1, -INPUT_STEP):
        yield cube.net(side / cube.side, 1, 1)


def _depths(cube: Cube) -> Iterator[Net]:
    for step in range(_STEPS, 0, -1):
        if _exists(cube.arch, cube.side, step / _STEPS, 1):
            yield cube.net(1, step / _STEPS, 1)


def _widths(cube: Cube) -> Iterator[Net]:
    for step in range(_STEPS, 0, -1):
        if _exists(cube.arch, cube.side, 1, step / _STEPS):
            yield cube.net(1, 1, step / _STEPS)


def _exists(arch: Arch, side: float, d: float, w: float) -> bool:
    return side >= arch.stride and d >= shallowest_depth(arch) and w >= narrowest(arch)


RULES: dict[str, Callable[[Cube], Iterator[Net]]] = {
    'giant': _giants,
    'resolution': _resolutions,
    'depth': _depths,
    'width': _widths,
}
