"""Mosaics: a grid of images with their true and predicted boxes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tinydet.viz.boxes import add_boxes, add_predictions, class_colour, inside

TRUE_COLOUR = (170, 255, 120)
PAPER_COLOUR = (24, 24, 28)
TEXT_COLOUR = (235, 235, 235)
GAP = 4
LINE = 2


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
    true_boxes = np.asarray(item.boxes, dtype=float).reshape(-1, 4) * scale
    if not predicted:
        names = [classes[label] for label in item.labels]
        colours = [class_colour(int(label)) for label in item.labels]
        add_boxes(picture, true_boxes, colours, names, font, LINE)
        return picture
    draw = ImageDraw.Draw(picture)
    for box in true_boxes:
        draw.rectangle(inside(box, picture.size), outline=TRUE_COLOUR, width=1)
    if item.pred_boxes is not None:
        boxes = np.asarray(item.pred_boxes, dtype=float).reshape(-1, 4) * scale
        scores, labels = item.pred_scores, item.pred_labels
        add_predictions(picture, boxes, scores, labels, classes, font, LINE)
    return picture


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
        (class_colour(0), LINE, 'predicted, coloured by class, with name and score'),
    ):
        box = [x, middle - swatch, x + 3 * swatch, middle + swatch]
        draw.rectangle(box, outline=colour, width=line)
        x = x + 3 * swatch + 6
        draw.text((x, middle), text, fill=TEXT_COLOUR, font=font, anchor='lm')
        x += round(draw.textlength(text, font=font)) + 24
    return strip
