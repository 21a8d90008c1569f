"""Random colours and textures."""

import math

import cv2
import numpy as np


def colour(
    rng: np.random.Generator,
    saturation: tuple[float, float],
    hue: tuple[float, float] = (0, 360),
    brightness: tuple[float, float] = (0.15, 0.95),
) -> np.ndarray:
    """A random RGB colour, float32 from 0 to 255; hues in degrees."""
    hsv = [rng.uniform(*hue) % 360, rng.uniform(*saturation), rng.uniform(*brightness)]
    pixel = cv2.cvtColor(np.array([[hsv]], np.float32), cv2.COLOR_HSV2RGB)
    return pixel[0, 0] * 255


def noise(
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


def pattern(
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
        wobble = noise(rng, shape, 3, 2) * 12
        return 0.5 + 0.5 * np.sin(along + wobble)
    return noise(rng, shape, 2 * max(shape) / period, 2)
