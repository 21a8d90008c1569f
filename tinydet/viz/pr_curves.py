"""Precision over recall of several detectors."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tinydet.viz.models import DPI, add_legend, legend_height, styles

PANEL_WIDTH, PANEL_HEIGHT = 3.4, 3
PANELS_A_ROW = 3
# Of more classes, only the mean is drawn.
MOST_CLASSES = 12


@dataclass(frozen=True)
class Precision:
    """Precision of a detector at R recalls from 0 to 1 in equal steps, 0 to 1.

    Attributes:
        iou50: (R, C), of each class, where a box counts from an IoU of 0.5 on; NaN for
            a class without objects.
        iou75: Likewise from 0.75 on.
    """

    iou50: np.ndarray
    iou75: np.ndarray


def draw_pr_curves(
    models: Mapping[str, Precision], classes: Sequence[str], path: str | Path
) -> None:
    """Draw precision over recall, a colour for every model.

    Panels for the mean over all classes at an IoU of 0.5 and of 0.75; then, of 2 to
    :data:`MOST_CLASSES` classes, for each that has objects at 0.5.

    Args:
        models: By name, up to :data:`tinydet.viz.models.MOST_MODELS`.
        classes: Their C names.
        path: The PNG to write.
    """
    found = models.values()
    panels = [
        ('all classes, IoU 0.5', [np.nanmean(model.iou50, axis=1) for model in found]),
        ('all classes, IoU 0.75', [np.nanmean(model.iou75, axis=1) for model in found]),
    ]
    if 1 < len(classes) <= MOST_CLASSES:
        panels += [
            (f'{name}, IoU 0.5', [model.iou50[:, index] for model in found])
            for index, name in enumerate(classes)
            if all(np.isfinite(model.iou50[:, index]).all() for model in found)
        ]
    columns = min(len(panels), PANELS_A_ROW)
    rows = math.ceil(len(panels) / columns)
    width = columns * PANEL_WIDTH
    height = rows * PANEL_HEIGHT + legend_height(models, width)
    figure = Figure((width, height), DPI, layout='constrained')
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for panel, (title, curves) in zip(axes, panels, strict=False):
        _draw_panel(panel, title, curves, models)
    for empty in axes[len(panels) :]:
        empty.set_axis_off()
    figure.supxlabel('recall', fontsize='medium')
    figure.supylabel('precision', fontsize='medium')
    add_legend(figure, models)
    figure.savefig(path)


def _draw_panel(
    axes: Axes, title: str, curves: Sequence[np.ndarray], models: Mapping
) -> None:
    for curve, look in zip(curves, styles(models).values(), strict=True):
        recall = np.linspace(0, 1, len(curve))
        # precision falls; it is 0 from the recall on that was not reached
        end = np.count_nonzero(curve) + 1
        axes.plot(
            *(recall[:end], curve[:end]),
            **dict(linewidth=1.6, markevery=0.1, markersize=4, clip_on=False, **look),
        )
    axes.set(title=title, xlim=(0, 1), ylim=(0, 1.02))
    axes.grid(alpha=0.25)
