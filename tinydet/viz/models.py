"""How pictures tell compared models apart."""

import math
from collections.abc import Collection, Iterable
from itertools import cycle

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.textpath import TextPath

from tinydet.viz.compare import COLOURS, LEGEND_ROW

DPI = 150
MARKERS = 'osD^vPX'
MOST_MODELS = len(COLOURS)
# Of a legend, in points: the size of letters, and what stands around a name.
_SIZE, _HANDLE = 10, 52


def styles(names: Iterable[str]) -> dict[str, dict]:
    """Colour and marker of each of up to :data:`MOST_MODELS` models."""
    return {
        name: dict(color=colour, marker=marker)
        for name, colour, marker in zip(names, COLOURS, cycle(MARKERS), strict=False)
    }


def legend_height(names: Collection[str], width: float) -> float:
    """What :func:`add_legend` needs on a figure of a width, both in inches."""
    return math.ceil(len(names) / _columns(names, width)) * LEGEND_ROW


def add_legend(figure: Figure, names: Collection[str]) -> None:
    """Name the models above the panels of a figure with a constrained layout."""
    figure.legend(
        [Line2D([], [], linewidth=1.8, **style) for style in styles(names).values()],
        names,
        loc='outside upper center',
        ncols=_columns(names, figure.get_figwidth()),
        frameon=False,
        fontsize=_SIZE,
    )


def _columns(names: Collection[str], width: float) -> int:
    longest = max(TextPath((0, 0), name, _SIZE).get_extents().width for name in names)
    return min(max(1, int(width * 72 // (longest + _HANDLE))), len(names))
