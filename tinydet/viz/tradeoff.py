"""Accuracy against cost: multiply-accumulates, parameters and latency."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter
from sklearn.isotonic import isotonic_regression

from tinydet.viz.models import DPI, styles

WIDTH, HEIGHT = 10, 3.9
# Costs that differ by so large a factor get a logarithmic axis, others one from 0.
LOG_FROM = 4
# The least height of the panels: lesser differences of mAP look as small as they are.
LEAST_RANGE = 0.02
# Around the points, in parts of their range.
_ROOM = 0.15
# In points: between lines of names, and between the last panel and the names.
_LINE, _GAP = 12, 18


@dataclass(frozen=True)
class Cost:
    """A model in the trade-off.

    Attributes:
        mean_ap: Mean AP, 0 to 1.
        macs: Multiply-accumulates of an image.
        parameters: Number of weights.
        latency: Of an image, in milliseconds: 10th percentile, median, 90th.
    """

    mean_ap: float
    macs: int
    parameters: int
    latency: tuple[float, float, float]


def draw_tradeoff(models: Mapping[str, Cost], path: str | Path) -> None:
    """Draw mean AP over three costs, side by side, 1500x585 pixels.

    A model has one height in all panels, and its name at this height behind the last.
    The heights span at least :data:`LEAST_RANGE`.
    Bars around a latency reach from the 10th to the 90th percentile.

    Args:
        models: By name, up to :data:`tinydet.viz.models.MOST_MODELS`.
        path: The PNG to write.
    """
    figure = Figure((WIDTH, HEIGHT), DPI, layout='constrained')
    panels = figure.subplots(1, 3, sharey=True)
    for axes, label, costs in zip(
        panels,
        ('million MACs', 'million parameters', 'latency (ms)'),
        (
            [(cost.macs / 1e6,) * 3 for cost in models.values()],
            [(cost.parameters / 1e6,) * 3 for cost in models.values()],
            [cost.latency for cost in models.values()],
        ),
        strict=True,
    ):
        _draw_panel(axes, models, costs)
        axes.set_xlabel(label)
    panels[0].set_ylim(_mean_ap_range([cost.mean_ap for cost in models.values()]))
    panels[0].set_ylabel('mAP')
    _write_names(panels[-1], models)
    figure.savefig(path)


def _mean_ap_range(values: list[float]) -> tuple[float, float]:
    """What the panels show, with room around the values and within 0 to 1."""
    low, high = min(values), max(values)
    room = max(_ROOM * (high - low), (LEAST_RANGE - (high - low)) / 2)
    return (
        max(0, min(low - room, 1 - LEAST_RANGE)),
        min(1, max(high + room, LEAST_RANGE)),
    )


def _draw_panel(
    axes: Axes, models: Mapping[str, Cost], costs: list[tuple[float, float, float]]
) -> None:
    for (low, middle, high), (name, look) in zip(
        costs, styles(models).items(), strict=True
    ):
        height = models[name].mean_ap
        axes.axhline(height, color=look['color'], linewidth=0.7, alpha=0.35)
        axes.plot([low, high], [height] * 2, color=look['color'], linewidth=2)
        axes.plot([middle], [height], markersize=7, linestyle='', clip_on=False, **look)
    axes.margins(x=_ROOM)
    axes.grid(alpha=0.25)
    axes.tick_params(axis='x', labelsize='small')
    least, most = min(low for low, *_ in costs), max(high for *_, high in costs)
    if most >= LOG_FROM * least:
        axes.set_xscale('log')
        axes.xaxis.set_major_locator(LogLocator(subs=_log_ticks(most / least)))
        axes.xaxis.set_major_formatter(StrMethodFormatter('{x:g}'))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_xlim(0, (1 + _ROOM) * most)
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=(1, 2, 5, 10)))


def _log_ticks(ratio: float) -> tuple[int, ...]:
    """The ticks of a decade, on an axis whose costs differ by a factor."""
    decades = math.log10(ratio)
    if decades <= 1:
        return 1, 2, 5
    return (1, 3) if decades <= 1.6 else (1,)


def _write_names(axes: Axes, models: Mapping[str, Cost]) -> None:
    """Write names behind a panel, as near to their models' heights as they fit."""
    names = [
        axes.annotate(
            name,
            (1, models[name].mean_ap),
            (_GAP, 0),
            xycoords=axes.get_yaxis_transform(),
            textcoords='offset points',
            va='center',
            color=look['color'],
            arrowprops=dict(
                arrowstyle='-', color=look['color'], linewidth=0.7, alpha=0.5, shrinkB=0
            ),
        )
        for name, look in styles(models).items()
    ]
    # now the layout has made room for them, and the panel has its height
    axes.figure.draw_without_rendering()
    names.sort(key=lambda text: text.xy[1])
    for text, shift in zip(names, _shifts(axes, names), strict=True):
        text.set_position((_GAP, shift))


def _shifts(axes: Axes, names: list[Annotation]) -> np.ndarray:
    """How far texts go up from their heights, in points, so that none covers another.

    Least squares under the condition that each is a line above the one before.

    Args:
        axes: The panel.
        names: From the lowest.
    """
    pixels = axes.transData.transform([(1, text.xy[1]) for text in names])[:, 1]
    heights = pixels * 72 / axes.figure.dpi
    lines = _LINE * np.arange(len(names))
    return isotonic_regression(heights - lines) + lines - heights
