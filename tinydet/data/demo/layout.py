"""What an image holds and where: choose shapes, draw their masks, find them places."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from tinydet.data.demo.difficulty import (
    DISTRACTOR_EXTENT,
    EXTENTS,
    MIN_VISIBLE,
    SMALLEST_EXTENT,
    SceneKind,
)
from tinydet.data.demo.shapes import CLASSES, DISTRACTORS, Maker, rotation

PLACEMENT_TRIES = 30


@dataclass
class Item:
    """A shape to draw.

    Attributes:
        label: Class index, None for a distractor.
        extent: Its longest side, in pixels.
        angle: By how much it is turned, in radians.
        alpha: Its coverage of each pixel of a patch, float32 from 0 to 1.
        corner: Row and column of the image where the patch starts, maybe outside.
    """

    label: int | None
    extent: float
    angle: float
    alpha: np.ndarray
    corner: tuple[int, int] = (0, 0)

    @property
    def solid(self) -> np.ndarray:
        """The pixels that it owns, bool of the shape of ``alpha``."""
        return self.alpha >= 0.5


def plan(
    rng: np.random.Generator, size: tuple[int, int], classes: int, kind: SceneKind
) -> list[Item]:
    """Choose the shapes of an image, the rearmost first.

    Args:
        rng: Source of chance.
        size: Width and height of the image in pixels.
        classes: How many of ``CLASSES`` to use, in their order.
        kind: How many objects, and how large.

    Returns:
        The shapes, without a place yet.
    """
    makers = list(CLASSES.values())[:classes]
    side = min(size)
    items = []
    for _ in range(rng.integers(*kind.objects, endpoint=True)):
        low, high = EXTENTS[rng.choice(len(EXTENTS), p=kind.sizes)]
        extent = side * low * (high / low) ** rng.random()
        label = int(rng.integers(classes))
        items.append(rasterise(rng, makers[label], label, extent))
    low, high = DISTRACTOR_EXTENT
    for _ in range(rng.integers(*kind.distractors, endpoint=True)):
        maker = DISTRACTORS[rng.integers(len(DISTRACTORS))]
        extent = side * low * (high / low) ** rng.random()
        items.append(rasterise(rng, maker, None, extent))
    # Mostly, but not always, the smaller one lies in front: the other way round it
    # would often vanish.
    depth = [item.extent * rng.lognormal(sigma=0.5) for item in items]
    return [items[index] for index in np.argsort(depth)[::-1]]


def rasterise(
    rng: np.random.Generator, maker: Maker, label: int | None, extent: float
) -> Item:
    """Turn, squeeze and shear a shape, and draw it ``extent`` pixels long."""
    extent = max(extent, SMALLEST_EXTENT)
    angle = rng.uniform(0, 2 * math.pi)
    squeeze = np.array([[1, rng.uniform(-0.15, 0.15)], [0, rng.uniform(0.75, 1)]])
    mirror = np.diag([1, rng.choice([-1, 1])])
    contours = [points @ mirror @ squeeze @ rotation(angle) for points in maker(rng)]
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
    return Item(label, extent, angle, alpha.astype(np.float32) / 255)


def place(
    rng: np.random.Generator, size: tuple[int, int], items: list[Item]
) -> tuple[list[Item], np.ndarray, list[int]]:
    """Find each shape a place where every object stays visible; drop it if none is.

    Returns:
        The shapes that found a place, the owner of each pixel and the uncut area of
        each object (see :class:`~tinydet.data.demo.scene.Scene`).
    """
    width, height = size
    owner = np.zeros((height, width), np.int16)
    placed: list[Item] = []
    full, visible = [0], np.zeros(1, int)
    for item in items:
        solid = item.solid
        total = int(solid.sum())
        reach = 0.35 * item.extent
        for _ in range(PLACEMENT_TRIES):
            left = round(rng.uniform(reach, width - reach) - solid.shape[1] / 2)
            top = round(rng.uniform(reach, height - reach) - solid.shape[0] / 2)
            item.corner = (top, left)
            on_image, on_patch = overlap(owner.shape, solid.shape, item.corner)
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


def overlap(
    image: Sequence[int], patch: Sequence[int], corner: tuple[int, int]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where an image and a patch meet.

    Args:
        image: Height and width of the image in pixels.
        patch: Height and width of the patch.
        corner: Row and column of the image where the patch starts, maybe outside.

    Returns:
        Rows and columns of the image, and the same of the patch.
    """
    on_image, on_patch = [], []
    for length, extent, start in zip(image, patch, corner, strict=True):
        first, last = max(start, 0), min(start + extent, length)
        on_image.append(slice(first, last))
        on_patch.append(slice(first - start, last - start))
    return tuple(on_image), tuple(on_patch)
