"""Draw one image."""

from dataclasses import dataclass

import cv2
import numpy as np

from tinydet.data.demo.background import draw_background
from tinydet.data.demo.difficulty import KINDS
from tinydet.data.demo.layout import place, plan
from tinydet.data.demo.painting import paint, photograph


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
        boxes = [
            cv2.boundingRect((self.owner == number).astype(np.uint8))
            for number in range(1, len(self.labels) + 1)
        ]
        return np.array(boxes, dtype=int).reshape(-1, 4)

    def areas(self) -> np.ndarray:
        """Visible pixels of each object, int of shape (N,)."""
        return np.bincount(self.owner.ravel(), minlength=len(self.labels) + 1)[1:]


def draw_scene(
    size: tuple[int, int], classes: int, seed: int, split: int, index: int
) -> Scene:
    """Draw image ``index`` (from 0) of a split.

    Args:
        size: Width and height in pixels.
        classes: How many of ``CLASSES`` to use, in their order.
        seed: Seed of the data set.
        split: Number of the split: 0 for training, 1 for validation.
        index: Place of the image in the split.

    Returns:
        The image with the owner of each pixel.
    """
    sequence = np.random.SeedSequence(seed, spawn_key=(split, index))
    rng = np.random.default_rng(sequence)
    items = plan(rng, size, classes, KINDS[index % len(KINDS)])
    items, owner, full_areas = place(rng, size, items)
    canvas = draw_background(rng, size)
    for item in items:
        paint(rng, canvas, item)
    return Scene(
        image=photograph(rng, canvas),
        owner=owner,
        labels=[item.label for item in items if item.label is not None],
        full_areas=full_areas,
    )
