"""How objects look: skin, relief and shadow; and how a camera sees the whole."""

import math

import cv2
import numpy as np

from tinydet.data.demo import textures
from tinydet.data.demo.difficulty import DULL, HUE_SPREAD, HUES, VIVID
from tinydet.data.demo.layout import Item, overlap


def paint(rng: np.random.Generator, canvas: np.ndarray, item: Item) -> None:
    """Draw a shape with its shadow onto ``canvas``, in place."""
    _shade_below(rng, canvas, item)
    on_image, on_patch = overlap(canvas.shape[:2], item.alpha.shape, item.corner)
    window, alpha = canvas[on_image], item.alpha[on_patch]
    colour = _colour(rng, item.label)
    contrast = np.clip(rng.normal(0, 45) + rng.normal(0, 18, 3), -90, 90)
    period = item.extent * rng.uniform(0.12, 0.5)
    pattern = textures.pattern(rng, item.alpha.shape, period, item.angle)[on_patch]
    skin = colour + (pattern[..., None] - 0.5) * contrast
    skin *= _relief(rng, item)[on_patch][..., None]
    window += alpha[..., None] * (np.clip(skin, 0, 255) - window)


def _colour(rng: np.random.Generator, label: int | None) -> np.ndarray:
    """Vivid, of the hues of its class; what is of no class is dull, of any hue."""
    if label is None:
        return textures.colour(rng, DULL)
    hue = HUES[label]
    return textures.colour(rng, VIVID, (hue - HUE_SPREAD, hue + HUE_SPREAD), (0.4, 1))


def _relief(rng: np.random.Generator, item: Item) -> np.ndarray:
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


def _shade_below(rng: np.random.Generator, canvas: np.ndarray, item: Item) -> None:
    soft = item.extent * rng.uniform(0.02, 0.07) + 0.5
    margin = math.ceil(3 * soft)
    alpha = cv2.copyMakeBorder(
        item.alpha, margin, margin, margin, margin, cv2.BORDER_CONSTANT
    )
    shadow = cv2.GaussianBlur(alpha, (0, 0), soft) * rng.uniform(0.1, 0.55)
    drop = np.round(rng.uniform(-1, 1, 2) * soft * 1.5).astype(int)
    top, left = item.corner
    corner = (top - margin + drop[1], left - margin + drop[0])
    on_image, on_patch = overlap(canvas.shape[:2], shadow.shape, corner)
    canvas[on_image] *= 1 - shadow[on_patch][..., None]


def photograph(rng: np.random.Generator, canvas: np.ndarray) -> np.ndarray:
    """Light, lens and sensor: uneven light, a colour cast, slight blur and noise."""
    height, width = canvas.shape[:2]
    uneven = textures.noise(rng, (height, width), 2, 1) - 0.5
    light = 1 + uneven * rng.uniform(0.1, 0.9)
    cast = rng.normal(1, 0.05, 3).astype(np.float32) * rng.uniform(0.8, 1.15)
    picture = canvas * light[..., None] * cast
    blur = rng.uniform(0, 0.9)
    if blur > 0.3:
        picture = cv2.GaussianBlur(picture, (0, 0), blur)
    grain = rng.standard_normal((height, width, 3), np.float32)
    picture += grain * np.float32(rng.uniform(1, 7))
    return np.clip(picture, 0, 255).astype(np.uint8)
