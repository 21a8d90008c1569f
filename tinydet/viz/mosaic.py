"""Mosaics: a grid of images with their true and predicted boxes."""

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

TRUE_COLOUR = (170, 255, 120)
PAPER_COLOUR = (24, 24, 28)
TEXT_COLOUR = (235, 235, 235)
GAP = 4
# Consecutive hues this far apart never come close to one another.
GOLDEN_RATIO = 0.618034


@dataclass
class Tile:
    """One image of a mosaic; boxes are xyxy in pixels of ``image``.

    Attributes:
        image: RGB uint8 of shape (H, W, 3), or grey of shape (H, W).
        boxes: True boxes, shape (N, 4).
        labels: Class index of each true box, shape (N,).
        pred_boxes: Predicted boxes, shape (M, 4); None where nothing was predicted
            because no model was asked.
        pred_labels: Class index of each predicted box, shape (M,).
        pred_scores: Score from 0 to 1 of each predicted box, shape (M,).
    """

    image: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    pred_boxes: np.ndarray | None = None
    pred_labels: np.ndarray | None = None
    pred_scores: np.ndarray | None = None


def class_colour(label: int) -> tuple[int, int, int]:
    """The RGB colour (0 to 255) of class ``label``; neighbours differ clearly.

    Hues run from cyan over blue and red to orange: green is for true boxes.
    """
    hue = (0.48 + 0.65 * ((label + 1) * GOLDEN_RATIO % 1)) % 1
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.7, 1.0)
    return round(red * 255), round(green * 255), round(blue * 255)


def draw_mosaic(
    tiles: Sequence[Tile], classes: Sequence[str], columns: int = 4, tile: int = 360
) -> Image.Image:
    """Draw images in a grid, with their boxes and a legend line below.

    Where no tile has predictions, true boxes take the colour and the name of their
    class. Otherwise true boxes are thin and of one colour, and predicted boxes take the
    colour of their class with its name and the score.

    Args:
        tiles: What to draw, row by row.
        classes: Class names, indexed by the labels of the tiles.
        columns: Most tiles in a row.
        tile: Side of the square that each image is fitted into, in pixels.

    Returns:
        The picture, RGB.

    Raises:
        ValueError: There are no tiles.
    """
    if not tiles:
        raise ValueError('a mosaic needs at least one tile')
    predicted = any(item.pred_boxes is not None for item in tiles)
    columns = min(columns, len(tiles))
    font = ImageFont.load_default(max(10, tile // 28))
    pictures = [_draw_tile(item, classes, tile, predicted, font) for item in tiles]
    rows = [
        pictures[first : first + columns] for first in range(0, len(tiles), columns)
    ]
    # A row is as high as its highest picture, so that wide images waste no paper.
    heights = [max(picture.height for picture in row) + GAP for row in rows]
    width = columns * (tile + GAP) - GAP
    legend = _legend(predicted, width, font)
    paper = Image.new('RGB', (width, sum(heights) + legend.height), PAPER_COLOUR)
    top = 0
    for row, height in zip(rows, heights, strict=True):
        for column, picture in enumerate(row):
            left = column * (tile + GAP) + (tile - picture.width) // 2
            paper.paste(picture, (left, top + (height - GAP - picture.height) // 2))
        top += height
    paper.paste(legend, (0, top))
    return paper


def _draw_tile(
    item: Tile,
    classes: Sequence[str],
    side: int,
    predicted: bool,
    font: ImageFont.FreeTypeFont,
) -> Image.Image:
    picture = Image.fromarray(item.image).convert('RGB')
    scale = side / max(picture.size)
    size = tuple(max(1, round(length * scale)) for length in picture.size)
    picture = picture.resize(size, Image.Resampling.LANCZOS)
    draw = ImageDraw.Draw(picture)
    true_boxes = np.asarray(item.boxes, dtype=float).reshape(-1, 4) * scale
    names = [classes[label] for label in item.labels]
    if not predicted:
        colours = [class_colour(int(label)) for label in item.labels]
        _draw_boxes(draw, picture.size, true_boxes, colours, names, font)
        return picture
    for box in true_boxes:
        draw.rectangle(_inside(box, picture.size), outline=TRUE_COLOUR, width=1)
    if item.pred_boxes is not None:
        # The best score is drawn last, so that it lies on top.
        order = np.argsort(item.pred_scores)
        boxes = np.asarray(item.pred_boxes, dtype=float).reshape(-1, 4)[order] * scale
        labels = [int(item.pred_labels[index]) for index in order]
        texts = [
            f'{classes[label]} {item.pred_scores[index]:.2f}'
            for label, index in zip(labels, order, strict=True)
        ]
        colours = [class_colour(label) for label in labels]
        _draw_boxes(draw, picture.size, boxes, colours, texts, font)
    return picture


def _inside(box: np.ndarray, size: tuple[int, int]) -> list[int]:
    """First and last column and row of an xyxy box, kept on a picture (width, height).

    The right and lower edge of a box lie behind its last pixel.
    """
    left, top, right, bottom = np.round(box).astype(int).tolist()
    left = min(max(left, 0), size[0] - 1)
    top = min(max(top, 0), size[1] - 1)
    right = min(max(right - 1, left), size[0] - 1)
    bottom = min(max(bottom - 1, top), size[1] - 1)
    return [left, top, right, bottom]


def _draw_boxes(
    draw: ImageDraw.ImageDraw,
    size: tuple[int, int],
    boxes: np.ndarray,
    colours: Sequence[tuple[int, int, int]],
    texts: Sequence[str],
    font: ImageFont.FreeTypeFont,
) -> None:
    """Outline boxes, then write their labels, so that no line crosses a label."""
    corners = [_inside(box, size) for box in boxes]
    for box, colour in zip(corners, colours, strict=True):
        draw.rectangle(box, outline=colour, width=2)
    for (left, top, _, bottom), colour, text in zip(
        corners, colours, texts, strict=True
    ):
        _, _, width, height = draw.textbbox((0, 0), text, font=font, anchor='lt')
        width, height = width + 4, height + 4
        above, below = top - height, bottom + 1
        if above >= 0:
            label_top = above
        elif below + height <= size[1]:
            label_top = below
        else:
            label_top = top
        label_left = max(0, min(left, size[0] - width))
        draw.rectangle(
            [label_left, label_top, label_left + width - 1, label_top + height - 1],
            fill=colour,
        )
        draw.text(
            (label_left + 2, label_top + 2), text, fill='black', font=font, anchor='lt'
        )


def _legend(predicted: bool, width: int, font: ImageFont.FreeTypeFont) -> Image.Image:
    height = round(font.size * 1.8)
    strip = Image.new('RGB', (width, height), PAPER_COLOUR)
    draw = ImageDraw.Draw(strip)
    middle = height // 2
    if not predicted:
        text = 'boxes: true objects, coloured and named by class'
        draw.text((6, middle), text, fill=TEXT_COLOUR, font=font, anchor='lm')
        return strip
    swatch = round(font.size * 0.4)
    x = 6
    for colour, line, text in (
        (TRUE_COLOUR, 1, 'true'),
        (class_colour(0), 2, 'predicted, coloured by class, with name and score'),
    ):
        box = [x, middle - swatch, x + 3 * swatch, middle + swatch]
        draw.rectangle(box, outline=colour, width=line)
        x = x + 3 * swatch + 6
        draw.text((x, middle), text, fill=TEXT_COLOUR, font=font, anchor='lm')
        x += round(draw.textlength(text, font=font)) + 24
    return strip
