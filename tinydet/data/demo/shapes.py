"""Contours of the classes and of the shapes of no class.

Each maker returns closed polygons of shape (N, 2), about one unit in radius, x to
the right and y down; filled by the even-odd rule, so an inner polygon is a hole.
"""

import math
from collections.abc import Callable

import numpy as np

Contours = list[np.ndarray]
Maker = Callable[[np.random.Generator], Contours]


def rotation(angle: float) -> np.ndarray:
    """The matrix that turns row vectors (x, y) by ``angle`` radians from x to y."""
    cos, sin = math.cos(angle), math.sin(angle)
    return np.array([[cos, sin], [-sin, cos]])


def _circle(radius: float = 1.0) -> np.ndarray:
    return _polar(np.full(64, radius))


def _polar(radius: np.ndarray) -> np.ndarray:
    angle = np.linspace(0, 2 * math.pi, len(radius), endpoint=False)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def _rectangle(half: float) -> np.ndarray:
    return np.array([[-1, -half], [1, -half], [1, half], [-1, half]])


def _ring(rng: np.random.Generator) -> Contours:
    return [_circle(), _circle(rng.uniform(0.45, 0.65))]


def _star(rng: np.random.Generator) -> Contours:
    return [_polar(np.tile([1.0, rng.uniform(0.36, 0.46)], 5))]


def _cross(rng: np.random.Generator) -> Contours:
    arm = rng.uniform(0.22, 0.34)
    corner = np.array([[1, -arm], [1, arm], [arm, arm]])
    turn = np.array([[0, 1], [-1, 0]])
    arms = [corner @ np.linalg.matrix_power(turn, quarter) for quarter in range(4)]
    return [np.concatenate(arms)]


def _arrow(rng: np.random.Generator) -> Contours:
    shaft, neck = rng.uniform(0.14, 0.22), rng.uniform(-0.05, 0.2)
    half = [[-1, shaft], [neck, shaft], [neck, rng.uniform(0.55, 0.7)], [1, 0]]
    upper = np.array(half)
    return [np.concatenate([upper, upper[-2::-1] * [1, -1]])]


def _crescent(rng: np.random.Generator) -> Contours:
    # The inner arc runs through the horns at +-open_angle of the unit circle.
    open_angle = rng.uniform(0.75, 1.1)
    horn_x, horn_y = math.cos(open_angle), math.sin(open_angle)
    centre = rng.uniform(0.35, 0.55)
    radius = math.hypot(horn_x - centre, horn_y)
    inner_angle = math.atan2(horn_y, horn_x - centre)
    outer = np.linspace(open_angle, 2 * math.pi - open_angle, 48)
    inner = np.linspace(2 * math.pi - inner_angle, inner_angle, 48)
    points = [
        np.stack([np.cos(outer), np.sin(outer)], axis=1),
        np.stack([centre + radius * np.cos(inner), radius * np.sin(inner)], axis=1),
    ]
    return [np.concatenate(points)]


def _heart(rng: np.random.Generator) -> Contours:
    t = np.linspace(0, 2 * math.pi, 64, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = -13 * np.cos(t) + 5 * np.cos(2 * t) + 2 * np.cos(3 * t) + np.cos(4 * t)
    return [np.stack([x, y * rng.uniform(0.9, 1.15)], axis=1) / 17]


def _bolt(rng: np.random.Generator) -> Contours:
    bend = rng.uniform(0.1, 0.25)
    half = np.array([[0.25, -1], [-0.55, bend], [-0.08, bend]])
    return [np.concatenate([half, -half])]


def _gear(rng: np.random.Generator) -> Contours:
    teeth = int(rng.integers(7, 10))
    tooth = [1.0, 1.0, 1.0, 0.72, 0.72, 0.72]
    return [_polar(np.tile(tooth, teeth)), _circle(rng.uniform(0.2, 0.3))]


def _bowtie(rng: np.random.Generator) -> Contours:
    knot, wing = rng.uniform(0.08, 0.16), rng.uniform(0.55, 0.75)
    half = np.array([[0, -knot], [1, -wing], [1, wing], [0, knot]])
    return [np.concatenate([half, -half])]


def _horseshoe(rng: np.random.Generator) -> Contours:
    # A horseshoe with straight legs.
    leg, inner = rng.uniform(0.7, 0.95), rng.uniform(0.5, 0.65)
    arc = np.linspace(math.pi / 2, 3 * math.pi / 2, 32)
    outline = np.stack([np.cos(arc), np.sin(arc)], axis=1)
    legs = np.array([[leg, -1], [leg, -inner]])
    inside = np.concatenate([outline[::-1] * inner, legs[::-1] * [1, -1]])
    return [np.concatenate([outline, legs, inside])]


CLASSES: dict[str, Maker] = {
    'ring': _ring,
    'star': _star,
    'cross': _cross,
    'heart': _heart,
    'crescent': _crescent,
    'gear': _gear,
    'arrow': _arrow,
    'bolt': _bolt,
    'bowtie': _bowtie,
    'horseshoe': _horseshoe,
}


def _disc(rng: np.random.Generator) -> Contours:
    return [_circle()]


def _box(rng: np.random.Generator) -> Contours:
    return [_rectangle(rng.uniform(0.5, 0.9))]


def _bar(rng: np.random.Generator) -> Contours:
    return [_rectangle(rng.uniform(0.03, 0.1))]


def _triangle(rng: np.random.Generator) -> Contours:
    return [_polar(rng.uniform(0.8, 1.0, 3))]


def _blob(rng: np.random.Generator) -> Contours:
    angle = np.linspace(0, 2 * math.pi, 64, endpoint=False)
    radius = np.full(64, 0.75)
    for wave in (2, 3, 4):
        radius += rng.uniform(0, 0.1) * np.cos(wave * angle + rng.uniform(0, 7))
    return [_polar(radius)]


DISTRACTORS: tuple[Maker, ...] = (_disc, _box, _bar, _bar, _triangle, _blob)
