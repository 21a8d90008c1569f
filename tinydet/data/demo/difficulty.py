"""How hard the images are: how many objects, how large, how far hidden.

A change here changes the pictures: raise ``VERSION`` in ``dataset.py`` with it.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class SceneKind:
    """How many objects an image holds, and how large.

    Attributes:
        objects: Least and most objects.
        sizes: Probability of each range in ``EXTENTS``.
        distractors: Least and most shapes of no class.
    """

    objects: tuple[int, int]
    sizes: tuple[float, float, float, float, float]
    distractors: tuple[int, int]


# Longest side of an object as a share of the shorter image side: tiny, small, two of
# medium, large. At 400 x 320 the outer borders fall near COCO's areas of 32^2 and 96^2
# pixels.
EXTENTS = ((0.03, 0.06), (0.06, 0.18), (0.18, 0.28), (0.28, 0.45), (0.45, 0.80))
# The same for the shapes of no class, which are of any size.
DISTRACTOR_EXTENT = (0.04, 0.7)
# No shape is drawn with a shorter longest side, in pixels: its contour would be lost.
SMALLEST_EXTENT = 8
# An object keeps this share of its pixels in the image and uncovered, or is not drawn.
MIN_VISIBLE = 0.7

# The hue of each class in degrees, as bananas are yellow, and how far an object may be
# from it. Neighbours among ten classes meet; the first six are 60 degrees apart.
HUES = (0, 60, 120, 180, 240, 300, 30, 150, 210, 270)
HUE_SPREAD = 20
# Saturations of objects, and of backgrounds, clutter and shapes of no class.
VIVID = (0.5, 1)
DULL = (0, 0.35)

# Nothing to find: only a false positive can be made here.
EMPTY = SceneKind((0, 0), (0, 0, 0, 1, 0), (2, 8))
# A few objects, mostly large.
SPARSE = SceneKind((1, 3), (0.01, 0.04, 0.08, 0.17, 0.7), (0, 4))
# Several objects of every size, which cover each other now and then.
USUAL = SceneKind((3, 7), (0.02, 0.10, 0.13, 0.25, 0.50), (1, 4))
# Many objects, none large, so that most of them find a place.
CROWDED = SceneKind((22, 28), (0.04, 0.20, 0.76, 0, 0), (0, 3))
# Image i of a split is of kind i mod 25, so that every set has its share of each.
KINDS = (
    [USUAL, SPARSE, USUAL, CROWDED, SPARSE, USUAL, USUAL, EMPTY, SPARSE, USUAL]
    + [SPARSE, USUAL, USUAL, SPARSE, USUAL, CROWDED, USUAL, SPARSE, USUAL, USUAL]
    + [SPARSE, USUAL, SPARSE, USUAL, USUAL]
)
