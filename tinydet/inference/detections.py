"""What a detector finds in an image."""

from typing import NamedTuple

import numpy as np


class Detections(NamedTuple):
    """Objects of one image, the best first.

    Attributes:
        boxes: (M, 4) float32, xyxy in pixels of the image that was given.
        scores: (M,) float32, 0 to 1, descending.
        labels: (M,) int64, indices into the detector's ``classes``.
    """

    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
