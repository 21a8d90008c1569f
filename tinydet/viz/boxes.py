"""Boxes on pictures, in the colour of their class."""

import colorsys
import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

# Consecutive hues this far apart never come close to one another.
GOLDEN_RATIO = 0.618034
# Fractions of the side of a square of a picture's area.
_LINE, _TEXT = 0.003, 0.022
_LEAST_TEXT = 10


def class_colour(label: int) -> tuple[int, int, int]:
    """The RGB colour (0 to 255) of class ``label``; neighbours differ clearly.

    Hues run from cyan over blue and red to orange: green is for true boxes.
    """
    hue = (0.48 + 0.65 * ((label + 1) * GOLDEN_RATIO % 1)) % 1
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.7, 1.0)
    return round(red * 255), round(green * 255), round(blue * 255)


def draw_detections(
    image: np.ndarray,
    boxes: np.ndarray,
    scores: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    scale: float = 1,
) -> Image.Image:
    """Draw an image at its own size with the boxes that were found in it.

    Lines and letters grow with the picture.

    Args:
        image: RGB, uint8, (H, W, 3).
        boxes: (M, 4), xyxy in pixels of ``image``.
        scores: (M,), 0 to 1.
        labels: (M,), indices into ``classes``.
        classes: Names of the classes.
        scale: Of lines and letters; more where the picture is shown at a small size.

    Returns:
        The picture, RGB, of W x H pixels.
    """
    picture = Image.fromarray(image)
    side = scale * math.sqrt(picture.width * picture.height)
    font = _font(max(_LEAST_TEXT, round(side * _TEXT)))
    line = max(1, round(side * _LINE))
    add_predictions(picture, boxes, scores, labels, classes, font, line)
    return picture


def add_predictions(
    picture: Image.Image,
    boxes: np.ndarray,
    scores: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    font: ImageFont.FreeTypeFont,
    line: int,
) -> None:
    """Draw boxes on a picture, each with the name and the score of its class.

    The best score is drawn last, so that it lies on top.

    Args:
        picture: RGB; it is changed.
        boxes: (M, 4), xyxy in pixels of ``picture``.
        scores: (M,), 0 to 1.
        labels: (M,), indices into ``classes``.
        classes: Names of the classes.
        font: Of the names.
        line: Width of the outlines, in pixels.
    """
    order = np.argsort(scores)
    texts = [f'{classes[labels[index]]} {scores[index]:.2f}' for index in order]
    colours = [class_colour(int(labels[index])) for index in order]
    add_boxes(picture, np.asarray(boxes)[order], colours, texts, font, line)


def add_boxes(
    picture: Image.Image,
    boxes: np.ndarray,
    colours: Sequence[tuple[int, int, int]],
    texts: Sequence[str],
    font: ImageFont.FreeTypeFont,
    line: int,
) -> None:
    """Outline boxes, then write their labels, so that no line crosses a label.

    Lines are thinner where a box is small, and a label that is larger than the picture
    is left out.

    Args:
        picture: RGB; it is changed.
        boxes: (N, 4), xyxy in pixels of ``picture``.
        colours: RGB, 0 to 255, of each box.
        texts: The label of each box.
        font: Of the labels.
        line: Width of the outlines, in pixels.
    """
    draw = ImageDraw.Draw(picture)
    corners = [inside(box, picture.size) for box in boxes]
    for box, colour in zip(corners, colours, strict=True):
        shorter = min(box[2] - box[0], box[3] - box[1]) + 1
        draw.rectangle(box, outline=colour, width=max(1, min(line, shorter // 4)))
    for box, colour, text in zip(corners, colours, texts, strict=True):
        _add_label(draw, picture.size, box, colour, text, font)


def inside(box: np.ndarray, size: tuple[int, int]) -> list[int]:
    """First and last column and row of an xyxy box, kept on a picture (width, height).

    The right and lower edge of a box lie behind its last pixel.
    """
    left, top, right, bottom = np.round(box).astype(int).tolist()
    left = min(max(left, 0), size[0] - 1)
    top = min(max(top, 0), size[1] - 1)
    right = min(max(right - 1, left), size[0] - 1)
    bottom = min(max(bottom - 1, top), size[1] - 1)
    return [left, top, right, bottom]


def _add_label(
    draw: ImageDraw.ImageDraw,
    size: tuple[int, int],
    box: Sequence[int],
    colour: tuple[int, int, int],
    text: str,
    font: ImageFont.FreeTypeFont,
) -> None:
    """Write a label above a box; below or in it where there is no room above."""
    _, _, width, height = draw.textbbox((0, 0), text, font=font, anchor='lt')
    margin = max(2, round(font.size / 6))
    width, height = width + 2 * margin, height + 2 * margin
    if width > size[0] or height > size[1]:
        return
    first_column, first_row, _, last_row = box
    if first_row >= height:
        top = first_row - height
    elif last_row + 1 + height <= size[1]:
        top = last_row + 1
    else:
        top = min(first_row, size[1] - height)
    left = min(first_column, size[0] - width)
    draw.rectangle([left, top, left + width - 1, top + height - 1], fill=colour)
    draw.text((left + margin, top + margin), text, fill='black', font=font, anchor='lt')


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)
