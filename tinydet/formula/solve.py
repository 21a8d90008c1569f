"""From a budget to a network: r and d by the formula, w by the real cost."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tinydet.arch import WIDEST, narrowest, shallowest_depth
from tinydet.errors import InputError
from tinydet.formula.budget import Budget
from tinydet.formula.cube import INPUT_STEP, Cube, Net
from tinydet.formula.formula import Formula, Prediction

# The width is a multiple of one in this many.
_STEPS = 1000
# How far the input may be from the predicted one to meet a budget, in pixels; farther
# only where the network would be off by more than _CLOSE otherwise.
NEAR = (2, 4, 8)
_CLOSE = 0.025
# A share of the budget that a network may be off without an attempt to come closer.
_EXACT = 0.005
# Shares tried for the least that can be reached.
_SHARES = np.geomspace(1e-4, 1, 400, endpoint=False)


@dataclass(frozen=True)
class Solution:
    """A network for a budget.

    Attributes:
        budget: What it is to cost, as closely as its channels allow.
        whole: What the baseline costs.
        prediction: What the formula says.
        net: The network.
    """

    budget: Budget
    whole: float
    prediction: Prediction
    net: Net


def closed_form_width(c: float, r: float, d: float) -> float:
    """The width for a share c of the FLOPs if these were as r^2 d w^2 (equation 5)."""
    return math.sqrt(c / (r**2 * d))


def solve_budget(cube: Cube, formula: Formula, budget: Budget) -> Solution:
    """Find the network of the tiny formula for a budget.

    The share c is the budget over the baseline's cost of the same kind, r and d are the
    formula's at c, and w is the one with which the built network costs the budget.

    Args:
        cube: Of the baseline.
        formula: Predicts r and d.
        budget: In multiply-accumulates or parameters.

    Raises:
        InputError: If the budget is not below the baseline's cost, or below the least
            that the formula reaches; the message says which, with the range.
    """
    whole = budget.of(cube.baseline)
    check_budget(cube, formula, budget, whole)
    prediction = formula.predict(budget.value / whole)
    net = solve_width(cube, prediction.r, prediction.d, budget)
    return Solution(budget, whole, prediction, net)


def check_budget(cube: Cube, formula: Formula, budget: Budget, whole: float) -> None:
    """Refuse a budget that is not between the least reachable and the baseline.

    Args:
        cube: Of the baseline.
        formula: Predicts r and d.
        budget: In multiply-accumulates or parameters.
        whole: What the baseline costs.

    Raises:
        InputError: The message says which, with the range.
    """
    too_much = budget.value >= whole
    if not too_much and _reaches(cube, formula, budget, whole):
        return
    shares = (
        share
        for share in _SHARES
        if _reaches(cube, formula, replace(budget, value=share * whole), whole)
    )
    least = next(shares, None)
    if least is None:
        raise InputError(
            f'a budget of {budget} is out of reach: of the {budget.text(whole)} of '
            f'{cube.arch.name} this formula cannot take away enough: give a budget of '
            'another kind, or another formula'
        )
    reason = (
        'is not below what the baseline costs'
        if too_much
        else 'is below the least that this formula reaches'
    )
    raise InputError(
        f'a budget of {budget} {reason}: give one for {cube.arch.name} from '
        f'{budget.text(least * whole)} to less than {budget.text(whole)}'
    )


def _reaches(cube: Cube, formula: Formula, budget: Budget, whole: float) -> bool:
    """Whether the narrowest network at the share of a budget keeps within it."""
    prediction = formula.predict(budget.value / whole)
    try:
        net = cube.narrowest(prediction.r, prediction.d)
    except InputError:  # no network at all
        return False
    return budget.of(net) <= budget.value


def solve_width(
    cube: Cube, r: float, d: float, budget: Budget, near: Sequence[int] = NEAR
) -> Net:
    """The network at r and d whose width comes closest to a budget.

    Channels are rounded, so the cost has steps; where one is too high, the input may
    move to an even side some pixels from the predicted one.

    Args:
        cube: Of the baseline.
        r: Resolution multiplier.
        d: Depth multiplier, which is rounded to thousandths; one block a stage is the
            least.
        budget: In multiply-accumulates or parameters.
        near: How far the input may move, in pixels; each only where the network would
            be off by more than 2.5% otherwise.
    """
    d = max(round(d, 3), shallowest_depth(cube.arch))
    predicted = r * cube.side

    def off(net: Net) -> float:
        return abs(budget.of(net) / budget.value - 1)

    for pixels in near:
        nets = [
            net
            for side in _even_sides(predicted, pixels, cube.arch.stride)
            for net in _around(cube, side / cube.side, d, budget)
        ]
        best = min(
            nets, key=lambda net: (max(off(net), _EXACT), abs(net.input - predicted))
        )
        if off(best) <= _CLOSE:
            break
    return best


def _even_sides(predicted: float, near: int, least: int) -> list[int]:
    """Sides within some pixels of the predicted one, in pixels, or the nearest."""
    first = math.ceil((predicted - near) / INPUT_STEP)
    last = math.floor((predicted + near) / INPUT_STEP)
    halves = range(first, last + 1) or [round(predicted / INPUT_STEP)]
    return [max(INPUT_STEP * half, least) for half in halves]


def _around(cube: Cube, r: float, d: float, budget: Budget) -> list[Net]:
    """The widest network within a budget, and the next wider one."""
    first, last = math.ceil(_STEPS * narrowest(cube.arch)), _STEPS * WIDEST
    step = bisect_right(
        range(first, last),
        budget.value,
        key=lambda step: budget.of(cube.net(r, d, step / _STEPS)),
    )
    steps = {max(first, first + step - 1), first + step}
    return [cube.net(r, d, step / _STEPS) for step in steps]
