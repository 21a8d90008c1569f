"""What is drawn: places on the cube, at a range of costs or at one."""

import numpy as np

from tinydet.errors import InputError
from tinydet.formula.budget import Budget
from tinydet.formula.cube import Cube, Net
from tinydet.formula.solve import solve_width

# "Model Rubik's Cube", section 4.2: of each multiplier.
LEAST, MOST = 0.35, 2.8
# Section 3.2: of the baseline's cost.
CHEAPEST, DEAREST = 0.03, 1.05
# Section 3.1: off a fixed cost.
TOLERANCE = 0.03
# One in ten to twenty draws is within the costs; so many without one mean that the
# limits, such as an input as small as the stride, leave none.
_ATTEMPTS = 1000


def draw(cube: Cube, rng: np.random.Generator, share: float | None = None) -> Net:
    """Draw a network.

    Args:
        cube: Of the baseline.
        rng: Decides.
        share: Of the baseline's multiply-accumulates, for a network at a fixed cost: r
            and d are drawn, and w is tuned until the cost is within 3% of it (section
            3.1). None draws all three, and again until the cost is between 0.03 and
            1.05 of the baseline's (section 4.2).

    Raises:
        InputError: If none is found.
    """
    whole = cube.baseline.macs
    for _ in range(_ATTEMPTS):
        r, d, w = rng.uniform(LEAST, MOST, size=3).tolist()
        try:
            if share is None:
                net = cube.net(r, d, w)
                fits = CHEAPEST * whole <= net.macs <= DEAREST * whole
            else:
                budget = Budget('macs', share * whole)
                net = solve_width(cube, r, d, budget, near=(0,))
                fits = abs(net.macs / budget.value - 1) <= TOLERANCE
        except InputError:  # no such network, as with less than one block a stage
            continue
        if fits and r * cube.side >= cube.arch.stride:
            return net
    limits = f'{CHEAPEST} to {DEAREST}' if share is None else f'{share:g}'
    raise InputError(
        f'none of {_ATTEMPTS} draws from {cube.arch.name} at {cube.side} px costs '
        f'{limits} of it: give a larger input or another cost'
    )
