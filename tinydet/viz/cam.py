"""Class activation maps laid over their images, a row an image."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from tinydet.files import replacing

# In inches; below the last row is the colour bar.
PANEL, GAP, TITLE, BAR, DPI = 2.4, 0.1, 0.42, 0.5, 130
FONT = 8.5
# Side at which images are shown, in pixels.
SHOWN = round(PANEL * DPI)
# A picture of more rows would be too high for matplotlib.
MOST_ROWS = 100
# Perceptually even; over a photograph its dark end dims what does not matter.
COLOURS, OPACITY = 'inferno', 0.55
# A panel is this wide, in letters.
LETTERS = 30


@dataclass(frozen=True)
class Overlay:
    """What one network says of an image.

    Attributes:
        net: The network's name.
        prediction: The class that it predicts.
        probability: Of that class, from 0 to 1.
        evidence: For the class by place in the image, (h, w).
    """

    net: str
    prediction: str
    probability: float
    evidence: np.ndarray


@dataclass(frozen=True)
class CamRow:
    """One image and what the networks say of it.

    Attributes:
        name: Of the image.
        image: The square that the networks see, (H, H, 3), uint8, RGB.
        overlays: One a network.
    """

    name: str
    image: np.ndarray
    overlays: Sequence[Overlay]


def strength(evidence: np.ndarray, side: int) -> np.ndarray:
    """A map as it is drawn: without negative parts, as parts of its own maximum.

    Args:
        evidence: (h, w).
        side: Of the image, in pixels.

    Returns:
        (``side``, ``side``), from 0 to 1, upsampled bilinearly; 0 everywhere where
        nothing speaks for the class.
    """
    positive = np.maximum(evidence, 0).astype(np.float32)
    if positive.max() > 0:
        positive /= positive.max()
    return cv2.resize(positive, (side, side), interpolation=cv2.INTER_LINEAR)


def draw_cams(rows: Sequence[CamRow], path: Path) -> None:
    """Draw every image and, beside it, under the map of each network.

    Args:
        rows: From 1 to ``MOST_ROWS``, of the same networks.
        path: The PNG to write.
    """
    columns = 1 + len(rows[0].overlays)
    width = columns * (PANEL + GAP) + GAP
    height = len(rows) * (PANEL + TITLE) + BAR
    figure = Figure(figsize=(width, height), dpi=DPI)
    for number, row in enumerate(rows):
        bottom = height - (number + 1) * (PANEL + TITLE)
        panels = [
            _panel(figure, row.image, GAP + column * (PANEL + GAP), bottom)
            for column in range(columns)
        ]
        _title(panels[0], row.name)
        for axes, overlay in zip(panels[1:], row.overlays, strict=True):
            axes.imshow(
                strength(overlay.evidence, len(row.image)),
                cmap=COLOURS,
                vmin=0,
                vmax=1,
                alpha=OPACITY,
            )
            _title(axes, overlay.net, overlay.prediction, f'{overlay.probability:.0%}')
    _colour_bar(figure)
    with replacing(path) as partial:
        figure.savefig(partial)


def _panel(figure: Figure, image: np.ndarray, left: float, bottom: float) -> Axes:
    """An image at a place that is given in inches."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes(
        (left / width, bottom / height, PANEL / width, PANEL / height)
    )
    axes.set_axis_off()
    axes.imshow(image)
    return axes


def _title(axes: Axes, name: str, prediction: str = '', probability: str = '') -> None:
    # A space keeps the names of a row at one height.
    second = f'{_fitting(prediction, LETTERS - 5)} {probability}'
    axes.set_title(
        f'{_fitting(name, LETTERS)}\n{second}', size=FONT, pad=4, parse_math=False
    )


def _fitting(text: str, letters: int) -> str:
    """The text, without its middle where it is too long."""
    if len(text) <= letters:
        return text
    half = (letters - 1) // 2
    return f'{text[:half]}…{text[-half:]}'


def _colour_bar(figure: Figure) -> None:
    width, height = figure.get_size_inches()
    axes = figure.add_axes(
        ((width - PANEL) / 2 / width, 0.32 / height, PANEL / width, 0.08 / height)
    )
    bar = figure.colorbar(
        ScalarMappable(Normalize(0, 1), COLOURS),
        cax=axes,
        orientation='horizontal',
        ticks=[0, 1],
    )
    nothing, most = bar.ax.set_xticklabels(['nothing for the class', 'most'], size=FONT)
    nothing.set_horizontalalignment('left')
    most.set_horizontalalignment('right')
    bar.ax.tick_params(length=0, pad=2)
