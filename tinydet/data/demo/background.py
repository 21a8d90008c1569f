"""What lies behind the objects: surfaces, and clutter upon them."""

import math

import cv2
import numpy as np

from tinydet.data.demo import textures
from tinydet.data.demo.difficulty import DULL
from tinydet.data.demo.shapes import rotation


def draw_background(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """A cluttered background, float32 RGB of shape (H, W, 3) from 0 to 255."""
    width, height = size
    shape = (height, width)
    first, second, third = (textures.colour(rng, DULL) for _ in range(3))
    mix = textures.noise(rng, shape, rng.uniform(2, 5), 4)[..., None]
    canvas = first + (second - first) * mix
    if rng.random() < 0.5:  # a wall above a floor, or one thing beside another
        angle = rng.normal(0, 0.15) + rng.choice([0, math.pi / 2], p=[0.8, 0.2])
        y, x = np.mgrid[:height, :width].astype(np.float32)
        side = (y - height * rng.uniform(0.3, 0.8)) * math.cos(angle)
        side = side + (x - width * rng.uniform(0.3, 0.7)) * math.sin(angle)
        over = np.clip(side, 0, 1)[..., None]
        grain = textures.noise(rng, shape, rng.uniform(4, 16), 3)[..., None]
        canvas += over * (third + (grain - 0.5) * 90 - canvas)
    pattern = textures.pattern(
        rng, shape, rng.uniform(0.05, 0.3) * width, rng.uniform(0, math.pi)
    )
    canvas += ((pattern - 0.5) * rng.uniform(-45, 45))[..., None]
    canvas = np.clip(canvas, 0, 255).astype(np.uint8)
    for _ in range(rng.integers(3, 14)):
        CLUTTER[rng.integers(len(CLUTTER))](rng, canvas)
    return canvas.astype(np.float32)


def _point(rng: np.random.Generator, canvas: np.ndarray) -> np.ndarray:
    return rng.random(2) * canvas.shape[1::-1]


def _stroke(
    canvas: np.ndarray, points: np.ndarray, colour: np.ndarray, thickness: int
) -> None:
    fixed = np.round(points * 16).astype(np.int32)
    cv2.polylines(
        canvas, [fixed], False, colour.tolist(), thickness, cv2.LINE_AA, shift=4
    )


def _clutter_line(rng: np.random.Generator, canvas: np.ndarray) -> None:
    points = np.stack([_point(rng, canvas), _point(rng, canvas)])
    _stroke(canvas, points, textures.colour(rng, DULL), int(rng.integers(1, 5)))


def _clutter_curve(rng: np.random.Generator, canvas: np.ndarray) -> None:
    start, handle, end = (_point(rng, canvas) for _ in range(3))
    t = np.linspace(0, 1, 32)[:, None]
    points = (1 - t) ** 2 * start + 2 * t * (1 - t) * handle + t**2 * end
    _stroke(canvas, points, textures.colour(rng, DULL), int(rng.integers(1, 4)))


def _clutter_text(rng: np.random.Generator, canvas: np.ndarray) -> None:
    """Rows of small strokes, like a few lines of writing."""
    letter = rng.uniform(0.015, 0.05) * min(canvas.shape[:2])
    turn = rotation(rng.normal(0, 0.2))
    corner, colour = _point(rng, canvas), textures.colour(rng, DULL)
    thickness = max(1, round(letter / 7))
    for row in range(rng.integers(1, 4)):
        for column in range(rng.integers(3, 14)):
            if rng.random() < 0.15:
                continue
            glyph = rng.random((rng.integers(3, 5), 2)) * [0.7, 1]
            points = (glyph + [column, row * 1.6]) * letter
            _stroke(canvas, points @ turn + corner, colour, thickness)


def _clutter_patch(rng: np.random.Generator, canvas: np.ndarray) -> None:
    """A soft-edged spot that is lighter, darker or of another colour."""
    height, width = canvas.shape[:2]
    spot = np.zeros((height // 4, width // 4), np.float32)
    centre = np.round(_point(rng, spot)).astype(int).tolist()
    axes = np.round(rng.uniform(0.03, 0.3, 2) * min(spot.shape)).astype(int) + 1
    cv2.ellipse(spot, centre, axes.tolist(), rng.uniform(0, 180), 0, 360, 1.0, -1)
    spot = cv2.GaussianBlur(spot, (0, 0), rng.uniform(0.6, 4))
    weight = cv2.resize(spot, (width, height))[..., None] * rng.uniform(0.2, 0.7)
    canvas[:] = canvas + (textures.colour(rng, DULL) - canvas) * weight


def _clutter_tufts(rng: np.random.Generator, canvas: np.ndarray) -> None:
    """Many short strokes of like colour around a point, like grass or hair."""
    centre, colour = _point(rng, canvas), textures.colour(rng, DULL)
    reach = rng.uniform(0.05, 0.25) * min(canvas.shape[:2])
    lean = rng.uniform(0, 2 * math.pi)
    for _ in range(rng.integers(15, 50)):
        start = centre + rng.normal(0, reach, 2)
        angle = lean + rng.normal(0, 0.4)
        step = np.array([math.cos(angle), math.sin(angle)]) * reach * rng.random()
        tint = np.clip(colour + rng.normal(0, 18), 0, 255)
        _stroke(canvas, np.stack([start, start + step]), tint, 1)


CLUTTER = (_clutter_line, _clutter_curve, _clutter_text, _clutter_patch, _clutter_tufts)
