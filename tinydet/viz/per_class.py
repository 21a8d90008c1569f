"""AP of every class, of several detectors."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from tinydet.viz.models import DPI, add_legend, legend_height, styles

# Of more classes, the worst are drawn.
MOST_CLASSES = 80
CLASSES_A_COLUMN = 40
# The least width of the axis: lesser APs look as low as they are.
LEAST_RANGE = 0.1
# In inches: a column, the space of a class where there are few and where there are
# many, and the axis with its label.
WIDTH, MOST_ROW, LEAST_ROW, ROOM = 5, 0.6, 0.21, 0.7
_ROWS_HEIGHT = 3
# Of the space of a class, for the models below each other.
_SPREAD = 0.6


def draw_per_class(
    models: Mapping[str, Sequence[float]], classes: Sequence[str], path: str | Path
) -> None:
    """Draw the AP of classes as lines with a head, from the highest mean down.

    Classes without objects are left out; of more than :data:`MOST_CLASSES`, those with
    the lowest means are drawn.

    Args:
        models: By name, AP of each class: 0 to 1, NaN without objects; up to
            :data:`tinydet.viz.models.MOST_MODELS` models.
        classes: Their names.
        path: The PNG to write.
    """
    values = np.array(list(models.values()))
    means = values.mean(axis=0)
    order = np.argsort(-means, kind='stable')[: np.isfinite(means).sum()]
    shown = order[-MOST_CLASSES:]
    columns = np.array_split(shown, math.ceil(len(shown) / CLASSES_A_COLUMN))
    rows = len(columns[0])
    width = WIDTH * len(columns)
    row = min(MOST_ROW, max(LEAST_ROW, _ROWS_HEIGHT / rows))
    height = rows * row + ROOM + legend_height(models, width)
    figure = Figure((width, height), DPI, layout='constrained')
    panels = figure.subplots(1, len(columns), squeeze=False)[0]
    most = max(LEAST_RANGE, 1.06 * values[:, shown].max())
    shifts = (np.arange(len(models)) + 0.5) / len(models) - 0.5
    for axes, column in zip(panels, columns, strict=True):
        places = np.arange(len(column))
        for found, shift, look in zip(
            values, shifts * _SPREAD, styles(models).values(), strict=True
        ):
            style = dict(markersize=5, linestyle='', clip_on=False, **look)
            axes.plot(found[column], places + shift, **style)
            axes.hlines(
                places + shift, 0, found[column], look['color'], linewidth=1, alpha=0.7
            )
        axes.set_yticks(places, [classes[index] for index in column])
        axes.tick_params(axis='y', length=0)
        axes.set(xlim=(0, most), ylim=(rows - 0.5, -0.5))
        axes.grid(axis='x', alpha=0.25)
    label = 'AP'
    if len(shown) < len(order):
        label += f': the {len(shown)} of {len(order)} classes with the lowest means'
    figure.supxlabel(label, fontsize='medium')
    add_legend(figure, models)
    figure.savefig(path)
