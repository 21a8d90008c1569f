"""What errors cost detectors."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from tinydet.viz.models import DPI, add_legend, legend_height, styles

WIDTH, HEIGHT = 8, 3.4
# Of the space between two errors.
_BARS = 0.8


def draw_errors(models: Mapping[str, Mapping[str, float]], path: str | Path) -> None:
    """Draw bars of the AP50 that each kind of error costs, 1200 pixels wide.

    Args:
        models: By name, AP50 (0 to 1) by kind of error, the same kinds in each; up to
            :data:`tinydet.viz.models.MOST_MODELS` models.
        path: The PNG to write.
    """
    size = (WIDTH, HEIGHT + legend_height(models, WIDTH))
    figure = Figure(size, DPI, layout='constrained')
    axes = figure.subplots()
    kinds = list(next(iter(models.values())))
    width = _BARS / len(models)
    for number, (name, look) in enumerate(styles(models).items()):
        left = np.arange(len(kinds)) - _BARS / 2 + number * width
        costs = [models[name][kind] for kind in kinds]
        axes.bar(left, costs, width * 0.92, align='edge', color=look['color'])
    axes.set_xticks(range(len(kinds)), kinds)
    axes.set_ylabel('AP50 lost')
    axes.grid(axis='y', alpha=0.25)
    axes.set_axisbelow(True)
    add_legend(figure, models)
    figure.savefig(path)
