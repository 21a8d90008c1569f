"""A generated COCO-format detection data set to try everything on.

Objects are told by their contour alone: colour, texture, size, rotation, shading and
occlusion vary at random, and textured shapes of no class lie among them. What an image
holds depends on (seed, split, index) only, so a set is the same however many threads
draw it, and a longer set starts with the images of a shorter one.
"""

import itertools
import json
import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from tinydet.errors import InputError
from tinydet.progress import track
from tinydet.viz.mosaic import Tile, draw_mosaic

# Raise this with any change to the pictures: sets of another version do not stand.
VERSION = 1
GENERATOR = 'tinydet.data.demo'
SPLITS = ('train', 'val')
SMALLEST_SIDE = 64
JPEG_QUALITY = 92
MOSAIC_TILES = 12
UNFINISHED = 'unfinished.json'
# An object keeps this share of its pixels in the image and uncovered, or is not drawn.
MIN_VISIBLE = 0.5
PLACEMENT_TRIES = 30
SMALLEST_EXTENT = 8

Contours = list[np.ndarray]


# ---------------------------------------------------------------- contours
# Each function returns closed polygons of shape (N, 2), about one unit in radius, x to
# the right and y down; filled by the even-odd rule, so an inner polygon is a hole.


def _circle(radius: float = 1.0) -> np.ndarray:
    return _polar(np.full(64, radius))


def _polar(radius: np.ndarray) -> np.ndarray:
    angle = np.linspace(0, 2 * math.pi, len(radius), endpoint=False)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


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


CLASSES: dict[str, Callable[[np.random.Generator], Contours]] = {
    'ring': _ring,
    'star': _star,
    'cross': _cross,
    'arrow': _arrow,
    'crescent': _crescent,
    'heart': _heart,
    'bolt': _bolt,
    'gear': _gear,
    'bowtie': _bowtie,
    'horseshoe': _horseshoe,
}


def _disc(rng: np.random.Generator) -> Contours:
    return [_circle()]


def _box(rng: np.random.Generator) -> Contours:
    half = rng.uniform(0.5, 0.9)
    return [np.array([[-1, -half], [1, -half], [1, half], [-1, half]])]


def _bar(rng: np.random.Generator) -> Contours:
    half = rng.uniform(0.03, 0.1)
    return [np.array([[-1, -half], [1, -half], [1, half], [-1, half]])]


def _triangle(rng: np.random.Generator) -> Contours:
    return [_polar(rng.uniform(0.8, 1.0, 3))]


def _blob(rng: np.random.Generator) -> Contours:
    angle = np.linspace(0, 2 * math.pi, 64, endpoint=False)
    radius = np.full(64, 0.75)
    for wave in (2, 3, 4):
        radius += rng.uniform(0, 0.1) * np.cos(wave * angle + rng.uniform(0, 7))
    return [_polar(radius)]


DISTRACTORS = (_disc, _box, _bar, _bar, _triangle, _blob)


# ------------------------------------------------------------- what is drawn


@dataclass(frozen=True)
class SceneKind:
    """How many objects an image holds, and how large.

    Attributes:
        objects: Least and most objects.
        sizes: Probability of each range in ``EXTENTS``.
        distractors: Least and most shapes of no class.
    """

    objects: tuple[int, int]
    sizes: tuple[float, float, float, float]
    distractors: tuple[int, int]


# Longest side of an object as a share of the shorter image side: tiny, small, medium,
# large. At 480 x 360 the borders fall near COCO's areas of 32^2 and 96^2 pixels.
EXTENTS = ((0.03, 0.06), (0.06, 0.14), (0.14, 0.42), (0.42, 0.80))
EMPTY = SceneKind((0, 0), (0, 0, 1, 0), (2, 8))
SPARSE = SceneKind((1, 3), (0.01, 0.04, 0.25, 0.7), (0, 4))
USUAL = SceneKind((3, 7), (0.02, 0.09, 0.33, 0.56), (1, 5))
CROWDED = SceneKind((22, 28), (0.04, 0.22, 0.74, 0), (0, 3))
# Image i of a split is of kind i mod 25, so that every set has its share of each.
KINDS = (
    [USUAL, SPARSE, USUAL, CROWDED, SPARSE, USUAL, USUAL, EMPTY, SPARSE, USUAL]
    + [SPARSE, USUAL, USUAL, SPARSE, USUAL, CROWDED, USUAL, SPARSE, USUAL, USUAL]
    + [SPARSE, USUAL, SPARSE, USUAL, USUAL]
)


@dataclass
class Scene:
    """One drawn image and what it shows.

    Attributes:
        image: RGB uint8 of shape (H, W, 3).
        owner: int16 of shape (H, W): which object a pixel shows, as its place in
            ``labels`` plus 1, and 0 where it shows none.
        labels: Class index of each object.
        full_areas: Pixels of each object if nothing covered or cut it.
    """

    image: np.ndarray
    owner: np.ndarray
    labels: list[int]
    full_areas: list[int]

    def boxes(self) -> np.ndarray:
        """Tight boxes of the visible parts, xywh in pixels, int of shape (N, 4)."""
        boxes = []
        for number in range(1, len(self.labels) + 1):
            x, y, width, height = cv2.boundingRect(
                (self.owner == number).astype(np.uint8)
            )
            boxes.append((x, y, width, height))
        return np.array(boxes, dtype=int).reshape(-1, 4)

    def areas(self) -> np.ndarray:
        """Visible pixels of each object, int of shape (N,)."""
        return np.bincount(self.owner.ravel(), minlength=len(self.labels) + 1)[1:]


@dataclass
class _Item:
    """A shape to draw; ``label`` is None for a distractor.

    ``alpha`` is its coverage (0 to 1) on a patch whose first pixel lies at column
    ``left`` and row ``top`` of the image, maybe outside.
    """

    label: int | None
    extent: float
    angle: float
    alpha: np.ndarray
    left: int = 0
    top: int = 0

    @property
    def solid(self) -> np.ndarray:
        return self.alpha >= 0.5


def draw_scene(
    size: tuple[int, int], classes: int, seed: int, split: int, index: int
) -> Scene:
    """Draw image ``index`` (from 0) of a split.

    Args:
        size: Width and height in pixels.
        classes: How many of ``CLASSES`` to use, in their order.
        seed: Seed of the data set.
        split: Place of the split in ``SPLITS``.
        index: Place of the image in the split.

    Returns:
        The image with the owner of each pixel.
    """
    sequence = np.random.SeedSequence(seed, spawn_key=(split, index))
    rng = np.random.default_rng(sequence)
    items = _plan(rng, size, classes, KINDS[index % len(KINDS)])
    items, owner, full_areas = _place(rng, size, items)
    canvas = _background(rng, size)
    for item in items:
        _paint(rng, canvas, item)
    return Scene(
        image=_photograph(rng, canvas),
        owner=owner,
        labels=[item.label for item in items if item.label is not None],
        full_areas=full_areas,
    )


# ------------------------------------------------------------------- layout


def _plan(
    rng: np.random.Generator, size: tuple[int, int], classes: int, kind: SceneKind
) -> list[_Item]:
    """Choose the shapes of an image, the rearmost first."""
    makers = list(CLASSES.values())[:classes]
    side = min(size)
    items = []
    for _ in range(rng.integers(*kind.objects, endpoint=True)):
        low, high = EXTENTS[rng.choice(len(EXTENTS), p=kind.sizes)]
        extent = side * low * (high / low) ** rng.random()
        label = int(rng.integers(classes))
        items.append(_rasterise(rng, makers[label], label, extent))
    for _ in range(rng.integers(*kind.distractors, endpoint=True)):
        maker = DISTRACTORS[rng.integers(len(DISTRACTORS))]
        extent = side * 0.04 * (0.7 / 0.04) ** rng.random()
        items.append(_rasterise(rng, maker, None, extent))
    # Mostly, but not always, the smaller one lies in front: the other way round it
    # would often vanish.
    depth = [item.extent * rng.lognormal(sigma=0.5) for item in items]
    return [items[place] for place in np.argsort(depth)[::-1]]


def _rasterise(
    rng: np.random.Generator,
    maker: Callable[[np.random.Generator], Contours],
    label: int | None,
    extent: float,
) -> _Item:
    """Turn, squeeze and shear a shape, and draw it ``extent`` pixels long."""
    extent = max(extent, SMALLEST_EXTENT)
    angle = rng.uniform(0, 2 * math.pi)
    turn = np.array(
        [[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]]
    )
    squeeze = np.array([[1, rng.uniform(-0.15, 0.15)], [0, rng.uniform(0.75, 1)]])
    mirror = np.diag([1, rng.choice([-1, 1])])
    contours = [points @ mirror @ squeeze @ turn for points in maker(rng)]
    every = np.concatenate(contours)
    scale = extent / np.ptp(every, axis=0).max()
    pad = 2
    shift = pad - every.min(axis=0) * scale + rng.random(2)
    width, height = np.ceil(np.ptp(every, axis=0) * scale).astype(int) + 2 * pad + 1
    # Drawn larger and averaged down, so that edges are smooth; cv2's fixed point has 4
    # fractional bits here, and its pixel centres are whole numbers.
    factor = 4 if extent < 120 else 2
    large = np.zeros((height * factor, width * factor), np.uint8)
    polygons = [
        np.round(((points * scale + shift) * factor - 0.5) * 16).astype(np.int32)
        for points in contours
    ]
    cv2.fillPoly(large, polygons, 255, shift=4)
    alpha = cv2.resize(large, (int(width), int(height)), interpolation=cv2.INTER_AREA)
    return _Item(label, extent, angle, alpha.astype(np.float32) / 255)


def _place(
    rng: np.random.Generator, size: tuple[int, int], items: list[_Item]
) -> tuple[list[_Item], np.ndarray, list[int]]:
    """Find each shape a place where every object stays visible; drop it if none is.

    Returns:
        The shapes that found a place, the owner of each pixel and the uncut area of
        each object (see :class:`Scene`).
    """
    width, height = size
    owner = np.zeros((height, width), np.int16)
    placed: list[_Item] = []
    full, visible = [0], np.zeros(1, int)
    for item in items:
        solid = item.solid
        total = int(solid.sum())
        reach = 0.35 * item.extent
        for _ in range(PLACEMENT_TRIES):
            item.left = round(rng.uniform(reach, width - reach) - solid.shape[1] / 2)
            item.top = round(rng.uniform(reach, height - reach) - solid.shape[0] / 2)
            on_image, on_patch = _overlap(owner.shape, item)
            shown = solid[on_patch]
            window = owner[on_image]
            taken = np.bincount(window[shown], minlength=len(full))
            # Entry 0 is the background, which needs no pixels.
            left_over = (visible - taken)[1:]
            if shown.sum() < MIN_VISIBLE * total or np.any(
                left_over < MIN_VISIBLE * np.array(full[1:])
            ):
                continue
            placed.append(item)
            visible = visible - taken
            if item.label is None:
                window[shown] = 0
            else:
                window[shown] = len(full)
                full.append(total)
                visible = np.append(visible, shown.sum())
            break
    return placed, owner, full[1:]


def _overlap(
    shape: Sequence[int], item: _Item
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where a patch and an image of ``shape`` (H, W) meet, in pixels of each."""
    on_image, on_patch = [], []
    for length, start, extent in zip(
        shape, (item.top, item.left), item.alpha.shape, strict=True
    ):
        first, last = max(start, 0), min(start + extent, length)
        on_image.append(slice(first, last))
        on_patch.append(slice(first - start, last - start))
    return tuple(on_image), tuple(on_patch)


# ------------------------------------------------------------------ painting


def _colour(rng: np.random.Generator, saturation: tuple[float, float]) -> np.ndarray:
    """A random RGB colour, float32 from 0 to 255, of any hue and brightness."""
    hsv = [rng.uniform(0, 360), rng.uniform(*saturation), rng.uniform(0.15, 0.95)]
    pixel = cv2.cvtColor(np.array([[hsv]], np.float32), cv2.COLOR_HSV2RGB)
    return pixel[0, 0] * 255


def _noise(
    rng: np.random.Generator, shape: tuple[int, int], cells: float, octaves: int
) -> np.ndarray:
    """Smooth noise about 0 to 1 of ``shape`` (H, W), coarsest at ``cells`` a side."""
    height, width = shape
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        across = max(2, round(cells * 2**octave))
        grid = rng.random((across, across), np.float32) - 0.5
        grown = cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        total += grown * 0.6**octave
    return np.clip(total + 0.5, 0, 1)


def _pattern(
    rng: np.random.Generator, shape: tuple[int, int], period: float, angle: float
) -> np.ndarray:
    """A texture, 0 to 1 of ``shape`` (H, W), ``period`` pixels to a feature."""
    height, width = shape
    x = np.arange(width, dtype=np.float32)[None] * (2 * math.pi / period)
    y = np.arange(height, dtype=np.float32)[:, None] * (2 * math.pi / period)
    along = x * math.cos(angle) + y * math.sin(angle)
    across = y * math.cos(angle) - x * math.sin(angle)
    kind = rng.integers(6)
    if kind == 0:
        return np.full(shape, rng.random(), np.float32)
    if kind == 1:  # stripes
        return np.clip(0.5 + 2 * np.sin(along), 0, 1)
    if kind == 2:  # checks
        return np.clip(0.5 + 3 * np.sin(along) * np.sin(across), 0, 1)
    if kind == 3:  # dots
        return np.clip(4 * (np.cos(along) + np.cos(across)) - 3, 0, 1)
    if kind == 4:  # grain, stretched along one direction
        wobble = _noise(rng, shape, 3, 2) * 12
        return 0.5 + 0.5 * np.sin(along + wobble)
    return _noise(rng, shape, 2 * max(shape) / period, 2)


def _background(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """A cluttered background, float32 RGB of shape (H, W, 3) from 0 to 255."""
    width, height = size
    shape = (height, width)
    first, second, third = (_colour(rng, (0, 0.6)) for _ in range(3))
    mix = _noise(rng, shape, rng.uniform(2, 5), 4)[..., None]
    canvas = first + (second - first) * mix
    if rng.random() < 0.5:  # a wall above a floor, or one thing beside another
        angle = rng.normal(0, 0.15) + rng.choice([0, math.pi / 2], p=[0.8, 0.2])
        y, x = np.mgrid[:height, :width].astype(np.float32)
        side = (y - height * rng.uniform(0.3, 0.8)) * math.cos(angle)
        side = side + (x - width * rng.uniform(0.3, 0.7)) * math.sin(angle)
        over = np.clip(side, 0, 1)[..., None]
        grain = _noise(rng, shape, rng.uniform(4, 16), 3)[..., None]
        canvas += over * (third + (grain - 0.5) * 90 - canvas)
    pattern = _pattern(
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
    _stroke(canvas, points, _colour(rng, (0, 0.7)), int(rng.integers(1, 5)))


def _clutter_curve(rng: np.random.Generator, canvas: np.ndarray) -> None:
    start, handle, end = (_point(rng, canvas) for _ in range(3))
    t = np.linspace(0, 1, 32)[:, None]
    points = (1 - t) ** 2 * start + 2 * t * (1 - t) * handle + t**2 * end
    _stroke(canvas, points, _colour(rng, (0, 0.7)), int(rng.integers(1, 4)))


def _clutter_text(rng: np.random.Generator, canvas: np.ndarray) -> None:
    """Rows of small strokes, like a few lines of writing."""
    letter = rng.uniform(0.015, 0.05) * min(canvas.shape[:2])
    angle = rng.normal(0, 0.2)
    turn = np.array(
        [[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]]
    )
    corner, colour = _point(rng, canvas), _colour(rng, (0, 0.7))
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
    canvas[:] = canvas + (_colour(rng, (0, 0.7)) - canvas) * weight


def _clutter_tufts(rng: np.random.Generator, canvas: np.ndarray) -> None:
    """Many short strokes of like colour around a point, like grass or hair."""
    centre, colour = _point(rng, canvas), _colour(rng, (0, 0.7))
    reach = rng.uniform(0.05, 0.25) * min(canvas.shape[:2])
    lean = rng.uniform(0, 2 * math.pi)
    for _ in range(rng.integers(15, 50)):
        start = centre + rng.normal(0, reach, 2)
        angle = lean + rng.normal(0, 0.4)
        step = np.array([math.cos(angle), math.sin(angle)]) * reach * rng.random()
        tint = np.clip(colour + rng.normal(0, 18), 0, 255)
        _stroke(canvas, np.stack([start, start + step]), tint, 1)


CLUTTER = (_clutter_line, _clutter_curve, _clutter_text, _clutter_patch, _clutter_tufts)


def _paint(rng: np.random.Generator, canvas: np.ndarray, item: _Item) -> None:
    """Draw a shape with its shadow onto ``canvas``, in place."""
    _shade_below(rng, canvas, item)
    on_image, on_patch = _overlap(canvas.shape[:2], item)
    window, alpha = canvas[on_image], item.alpha[on_patch]
    around = window.reshape(-1, 3).mean(axis=0)
    colour = _colour(rng, (0.1, 1))
    for _ in range(8):
        if np.abs(colour - around).sum() > 150:
            break
        colour = _colour(rng, (0.1, 1))
    contrast = np.clip(rng.normal(0, 45) + rng.normal(0, 18, 3), -90, 90)
    period = item.extent * rng.uniform(0.12, 0.5)
    pattern = _pattern(rng, item.alpha.shape, period, item.angle)[on_patch]
    skin = colour + (pattern[..., None] - 0.5) * contrast
    skin *= _relief(rng, item)[on_patch][..., None]
    window += alpha[..., None] * (np.clip(skin, 0, 255) - window)


def _relief(rng: np.random.Generator, item: _Item) -> np.ndarray:
    """Brightness of a rounded body lit from one side, about 1, shape of the patch."""
    bevel = item.extent * rng.uniform(0.03, 0.1)
    height = cv2.GaussianBlur(item.alpha, (0, 0), max(bevel, 0.8))
    light = rng.uniform(0, 2 * math.pi)
    slope_y, slope_x = np.gradient(height)
    slope = (slope_x * math.cos(light) + slope_y * math.sin(light)) * bevel
    rows, columns = item.alpha.shape
    x = np.linspace(-1, 1, columns, dtype=np.float32)[None]
    y = np.linspace(-1, 1, rows, dtype=np.float32)[:, None]
    fall = (x * math.cos(light) + y * math.sin(light)) * rng.uniform(0, 0.25)
    return np.clip(1 + fall + slope * rng.uniform(0.3, 1.5), 0.3, 1.7)


def _shade_below(rng: np.random.Generator, canvas: np.ndarray, item: _Item) -> None:
    soft = item.extent * rng.uniform(0.02, 0.07) + 0.5
    margin = math.ceil(3 * soft)
    alpha = cv2.copyMakeBorder(
        item.alpha, margin, margin, margin, margin, cv2.BORDER_CONSTANT
    )
    shadow = cv2.GaussianBlur(alpha, (0, 0), soft) * rng.uniform(0.1, 0.55)
    drop = np.round(rng.uniform(-1, 1, 2) * soft * 1.5).astype(int)
    below = _Item(None, item.extent, item.angle, shadow)
    below.left, below.top = item.left - margin + drop[0], item.top - margin + drop[1]
    on_image, on_patch = _overlap(canvas.shape[:2], below)
    canvas[on_image] *= 1 - shadow[on_patch][..., None]


def _photograph(rng: np.random.Generator, canvas: np.ndarray) -> np.ndarray:
    """Light, lens and sensor: uneven light, a colour cast, slight blur and noise."""
    height, width = canvas.shape[:2]
    light = 1 + (_noise(rng, (height, width), 2, 1) - 0.5) * rng.uniform(0.1, 0.9)
    cast = rng.normal(1, 0.05, 3).astype(np.float32) * rng.uniform(0.8, 1.15)
    picture = canvas * light[..., None] * cast
    blur = rng.uniform(0, 0.9)
    if blur > 0.3:
        picture = cv2.GaussianBlur(picture, (0, 0), blur)
    grain = rng.standard_normal((height, width, 3), np.float32)
    picture += grain * np.float32(rng.uniform(1, 7))
    return np.clip(picture, 0, 255).astype(np.uint8)


# ------------------------------------------------------------------- files


def make_demo(
    out_dir: str | os.PathLike,
    train: int = 600,
    val: int = 150,
    size: tuple[int, int] = (480, 360),
    classes: int = 6,
    seed: int = 0,
) -> bool:
    """Write a demo data set in COCO format, unless it stands already.

    ``out_dir`` gets ``annotations/instances_{train,val}.json``, ``{train,val}/*.jpg``
    and ``mosaic.jpg``. The annotations are written last: an interrupted run is redone.

    Args:
        out_dir: Folder to write to; new, empty, or left by an earlier call.
        train: Training images.
        val: Validation images.
        size: Width and height of the images, in pixels.
        classes: Number of classes, the first of ``CLASSES``.
        seed: Same seed, same files, byte for byte.

    Returns:
        True if the set was written, False if it stood already.

    Raises:
        InputError: An argument is impossible, or ``out_dir`` holds something else.
    """
    settings = {
        'generator': GENERATOR,
        'version': VERSION,
        'train': train,
        'val': val,
        'size': list(size),
        'classes': classes,
        'seed': seed,
    }
    _check(settings)
    out_dir = Path(out_dir)
    if _stands(out_dir, settings):
        return False
    out_dir.mkdir(parents=True, exist_ok=True)
    # Tells a later call that what lies here is ours, before anything else does.
    marker = {'info': {'settings': settings}}
    (out_dir / UNFINISHED).write_text(json.dumps(marker))
    for folder in ('annotations', *SPLITS):
        (out_dir / folder).mkdir(exist_ok=True)
    documents = {split: _make_split(out_dir / split, settings) for split in SPLITS}
    tiles = _tiles(out_dir / 'val', documents['val'])
    mosaic = draw_mosaic(tiles, list(CLASSES)[:classes])
    mosaic.save(out_dir / 'mosaic.jpg', quality=JPEG_QUALITY)
    for split, document in documents.items():
        path = _annotations(out_dir, split)
        draft = path.with_suffix('.json.part')
        draft.write_text(json.dumps(document))
        draft.replace(path)
    (out_dir / UNFINISHED).unlink()
    return True


def _check(settings: dict) -> None:
    for name, low, high in (
        ('train', 1, 999999),
        ('val', 1, 999999),
        ('classes', 1, len(CLASSES)),
        ('seed', 0, None),
    ):
        value = settings[name]
        if value < low or (high is not None and value > high):
            bounds = f'at least {low}' if high is None else f'from {low} to {high}'
            raise InputError(f'{name} is {value}; give a whole number {bounds}.')
    if min(settings['size']) < SMALLEST_SIDE:
        width, height = settings['size']
        raise InputError(
            f'size is {width} x {height}; give a width and a height of at least '
            f'{SMALLEST_SIDE} pixels.'
        )


def _annotations(out_dir: Path, split: str) -> Path:
    return out_dir / 'annotations' / f'instances_{split}.json'


def _stands(out_dir: Path, settings: dict) -> bool:
    """Whether the data set is complete; refuses a folder that holds something else."""
    if not out_dir.exists():
        return False
    if not out_dir.is_dir():
        raise InputError(f'{out_dir} is a file; give a folder for the demo data set.')
    if not any(out_dir.iterdir()):
        return False
    if (out_dir / UNFINISHED).exists():
        found = [_settings_of(out_dir / UNFINISHED)]
        complete = False
    else:
        found = [_settings_of(_annotations(out_dir, split)) for split in SPLITS]
        complete = all(path.exists() for path in demo_files(out_dir, settings))
    if None in found:
        raise InputError(
            f'{out_dir} holds files that are no demo data set; give another folder, or '
            'empty this one.'
        )
    if any(other != settings for other in found):
        raise InputError(
            f'{out_dir} holds a demo data set with other settings ({found[0]}); give '
            'another folder, or delete this one to make it anew.'
        )
    return complete


def _settings_of(path: Path) -> dict | None:
    """The settings that a file of ours records, or None if it is none of ours."""
    try:
        settings = json.loads(path.read_text())['info']['settings']
        return settings if settings['generator'] == GENERATOR else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def demo_files(out_dir: str | os.PathLike, settings: dict) -> list[Path]:
    """Every file of a complete data set with these ``settings``."""
    out_dir = Path(out_dir)
    files = [_annotations(out_dir, split) for split in SPLITS]
    for split in SPLITS:
        names = (_file_name(index) for index in range(settings[split]))
        files.extend(out_dir / split / name for name in names)
    return [*files, out_dir / 'mosaic.jpg']


def _file_name(index: int) -> str:
    return f'{index + 1:06d}.jpg'


def _make_split(folder: Path, settings: dict) -> dict:
    """Write the images of a split; returns its COCO document."""
    split = folder.name
    size, classes = tuple(settings['size']), settings['classes']

    def make(index: int) -> list[dict]:
        scene = draw_scene(size, classes, settings['seed'], SPLITS.index(split), index)
        image = Image.fromarray(scene.image)
        image.save(folder / _file_name(index), quality=JPEG_QUALITY)
        rows = zip(
            scene.labels, scene.boxes().tolist(), scene.areas().tolist(), strict=True
        )
        return [
            {
                'image_id': index + 1,
                'category_id': label + 1,
                'bbox': box,
                'area': area,
                'iscrowd': 0,
            }
            for label, box, area in rows
        ]

    # OpenCV and NumPy let go of the interpreter while they work, so threads will do.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        made = track(
            pool.map(make, range(settings[split])), settings[split], f'{split} images'
        )
        annotations = list(itertools.chain.from_iterable(made))
    return {
        'info': {
            'description': f'TinyDet demo data set, {split}',
            'version': str(VERSION),
            'settings': settings,
        },
        'licenses': [
            {
                'id': 1,
                'name': 'CC0 1.0',
                'url': 'https://creativecommons.org/publicdomain/zero/1.0/',
            }
        ],
        'images': [
            {
                'id': index + 1,
                'file_name': _file_name(index),
                'width': size[0],
                'height': size[1],
                'license': 1,
            }
            for index in range(settings[split])
        ],
        'annotations': [
            {'id': number, **row} for number, row in enumerate(annotations, 1)
        ],
        'categories': [
            {'id': number, 'name': name, 'supercategory': 'shape'}
            for number, name in enumerate(list(CLASSES)[:classes], 1)
        ],
    }


def _tiles(folder: Path, document: dict) -> list[Tile]:
    """The first images of a split with their boxes."""
    tiles = []
    annotations = document['annotations']
    for image in document['images'][:MOSAIC_TILES]:
        rows = [row for row in annotations if row['image_id'] == image['id']]
        boxes = np.array([row['bbox'] for row in rows], float).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        labels = np.array([row['category_id'] - 1 for row in rows], int)
        with Image.open(folder / image['file_name']) as picture:
            tiles.append(Tile(np.asarray(picture), boxes, labels))
    return tiles
