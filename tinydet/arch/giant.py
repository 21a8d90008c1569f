"""The giant rule of EfficientNet, inverted: B^-1 to B^-4, and ResNet-50 by it."""

import math
from dataclasses import dataclass

from tinydet.arch.cost import classifier_cost
from tinydet.arch.efficientnet import EFFICIENTNET_B0
from tinydet.arch.scale import Twist, scale, twist
from tinydet.arch.stage import Arch
from tinydet.errors import InputError


@dataclass(frozen=True)
class Multipliers:
    """Resolution, depth and width of one step down."""

    r: float
    d: float
    w: float


# "Model Rubik's Cube", section 3.1: EfficientNet-B^-1, "calculated and tuned".
STEP = Multipliers(r=0.86, d=0.8, w=0.89)

# Input sides are multiples of 8, rounded down, which gives the paper's cost of B^-1
# and B^-2 (Table 3).
INPUT_DIVISOR = 8

# phi to the place on the cube. 1 and 2 are powers of STEP. 3 and 4 do not follow from
# powers (those cost 2.18M and 61M, 1.68M and 32M), and the paper does not publish them:
# they are what nearest_to_powers finds for the parameters and FLOPs of Table 3.
EFFICIENTNET_MINUS = {
    0: Twist(w=1.0, d=1.0, input=224),
    1: Twist(w=0.89, d=0.8, input=192),
    2: Twist(w=0.89**2, d=0.8**2, input=160),
    3: Twist(w=0.7, d=0.49, input=136),
    4: Twist(w=0.6, d=0.37, input=112),
}


def efficientnet_minus(phi: int) -> Arch:
    """EfficientNet-B^-phi.

    Args:
        phi: 0 for B0, to 4.

    Raises:
        InputError: If there is no such network.
    """
    if type(phi) is not int or phi not in EFFICIENTNET_MINUS:
        raise InputError(
            f'there is no EfficientNet-B^-phi of phi={phi!r}: it is a whole number '
            f'from 0 (B0) to {max(EFFICIENTNET_MINUS)}'
        )
    name = f'efficientnet_b_minus{phi}' if phi else EFFICIENTNET_B0.name
    place = EFFICIENTNET_MINUS[phi]
    return twist(EFFICIENTNET_B0, place, EFFICIENTNET_B0.scaling, name)


def nearest_to_powers(
    phi: int, params: float, macs: float, tolerance: float = 0.03
) -> Twist:
    """Search the place on the cube nearest to the powers that has a given cost.

    Tries d and w in steps of 0.01 and input sides in steps of 8 within 30% of the
    powers. Near is the Euclidean distance of the logarithms of (r, d, w).

    Args:
        phi: The power of STEP to start from.
        params: Parameters to meet.
        macs: Multiply-accumulates to meet.
        tolerance: Largest relative difference to either.

    Raises:
        InputError: If no place has that cost.
    """
    baseline = EFFICIENTNET_B0
    r, d, w = STEP.r**phi, STEP.d**phi, STEP.w**phi
    found = {}
    for place in _around(round(baseline.input * r), d, w):
        arch = scale(baseline, place.w, place.d, baseline.scaling)
        cost = classifier_cost(arch, place.input)
        if max(abs(cost.params / params - 1), abs(cost.macs / macs - 1)) <= tolerance:
            found[place] = math.hypot(
                math.log(place.input / baseline.input / r),
                math.log(place.d / d),
                math.log(place.w / w),
            )
    if not found:
        raise InputError(
            f'no (r, d, w) within 30% of the powers of phi={phi} has '
            f'{params / 1e6:.4g}M parameters and {macs / 1e6:.4g}M FLOPs'
        )
    return min(found, key=found.get)


def _around(side: int, d: float, w: float) -> list[Twist]:
    """Places within 30%: multiples of 8 for the side, of 0.01 for d and w."""

    def steps(value: float, step: float) -> range:
        return range(math.ceil(0.7 * value / step), math.floor(1.3 * value / step) + 1)

    return [
        Twist(w=width / 100, d=depth / 100, input=INPUT_DIVISOR * eighths)
        for eighths in steps(side, INPUT_DIVISOR)
        for depth in steps(d, 0.01)
        for width in steps(w, 0.01)
    ]
