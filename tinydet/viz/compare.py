"""Learning curves of groups of runs in one figure."""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from tinydet.errors import InputError

PANEL_WIDTH, PANEL_HEIGHT, LEGEND_ROW, DPI = 4, 3.1, 0.24, 150
PANELS_A_ROW = 2
# that fit into a row of the legend
LEGEND_CHARACTERS = 100
EPOCH_TICKS = dict(nbins='auto', integer=True, min_n_ticks=1, steps=(1, 2, 5, 10))
# line widths
MEAN, RUN = 1.8, 0.6
# Okabe and Ito's, apart for colour-blind eyes too: https://jfly.uni-koeln.de/color/
COLOURS = '#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#000000'
# of the columns of a panel
SOLID, DASHED = '-', '--'
LABELS = {
    'top1': 'top-1 accuracy (%)',
    'top5': 'top-5 accuracy (%)',
    'loss': 'training loss',
    'val_loss': 'validation loss',
    'bbox_mAP': 'AP',
    'bbox_mAP_50': 'AP50',
    'bbox_mAP_75': 'AP75',
    'bbox_mAP_s': 'AP of small objects',
    'bbox_mAP_m': 'AP of medium objects',
    'bbox_mAP_l': 'AP of large objects',
}
# The columns of each panel for what a run is judged by.
PANELS = {
    'top1': (('top1',), ('val_loss', 'loss')),
    'bbox_mAP': (('bbox_mAP',), ('bbox_mAP_50',)),
}

Row = Mapping[str, float]


def draw_comparison(
    groups: Mapping[str, Sequence[Sequence[Row]]],
    panels: Sequence[Sequence[str]],
    path: str | Path,
) -> None:
    """Draw columns over the epochs, a colour for every group, 1200 pixels wide.

    A strong line is the mean of a group's runs, thin lines are the runs, and a band
    reaches from the lowest to the highest. AP starts at 0.

    Args:
        groups: By name, the rows of each run: ``epoch`` and the columns. A missing,
            NaN or negative (undefined) value leaves a gap. ``^-3`` in a name is written
            as a power.
        panels: The columns of each, one or two; the second has dashes, no thin lines.
        path: The PNG to write.

    Raises:
        InputError: If there are more groups than colours that can be told apart.
    """
    if len(groups) > len(COLOURS):
        raise InputError(
            f'{len(groups)} groups are more than a reader can tell apart in one plot: '
            f'draw at most {len(COLOURS)}'
        )
    last = max(rows[-1]['epoch'] for runs in groups.values() for rows in runs)
    labels = [_label(name, len(runs)) for name, runs in groups.items()]
    longest = max(len(label) for label in labels)
    labels_a_row = min(max(1, LEGEND_CHARACTERS // longest), len(labels))
    columns = min(len(panels), PANELS_A_ROW)
    rows = math.ceil(len(panels) / columns)
    height = rows * PANEL_HEIGHT + math.ceil(len(labels) / labels_a_row) * LEGEND_ROW
    figure = Figure((PANELS_A_ROW * PANEL_WIDTH, height), DPI, layout='constrained')
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for number, (panel, names) in enumerate(zip(axes, panels, strict=False)):
        for runs, colour in zip(groups.values(), COLOURS, strict=False):
            for name, dashes in zip(names, (SOLID, DASHED), strict=False):
                _draw_runs(panel, runs, name, colour, dashes)
        _finish(panel, names)
        panel.set_xlim(0.5, last + 0.5)
        if len(panels) > 1:
            panel.set_title(f'({chr(ord("a") + number)})')
    for empty in axes[len(panels) :]:
        empty.set_axis_off()
    figure.legend(
        [
            Line2D([], [], color=colour, linewidth=MEAN)
            for colour in COLOURS[: len(labels)]
        ],
        labels,
        loc='outside upper center',
        ncols=labels_a_row,
        frameon=False,
    )
    figure.savefig(path)


def _draw_runs(
    axes: Axes, runs: Sequence[Sequence[Row]], name: str, colour: str, dashes: str
) -> None:
    epochs = sorted({row['epoch'] for rows in runs for row in rows if name in row})
    values = np.array([_values(rows, name, epochs) for rows in runs])
    # one epoch alone makes no line
    style = dict(color=colour, linestyle=dashes, marker='o' if len(epochs) == 1 else '')
    if len(runs) > 1:
        band = values.min(axis=0), values.max(axis=0)
        axes.fill_between(epochs, *band, color=colour, alpha=0.15, linewidth=0)
        # dashes of several runs would fill each other's gaps
        if dashes == SOLID:
            axes.plot(epochs, values.T, linewidth=RUN, alpha=0.5, **style)
    axes.plot(epochs, values.mean(axis=0), linewidth=MEAN, **style)


def _values(rows: Sequence[Row], name: str, epochs: Sequence[int]) -> list[float]:
    found = {row['epoch']: row[name] for row in rows if row.get(name, -1) >= 0}
    return [found.get(epoch, math.nan) for epoch in epochs]


def _finish(axes: Axes, names: Sequence[str]) -> None:
    labels = [LABELS.get(name, name) for name in names]
    if len(labels) > 1:
        solid, dashed = labels
        labels = [f'{solid} (solid)', f'{dashed} (dashed)']
    axes.set_ylabel('\n'.join(labels))
    axes.set_xlabel('epoch')
    axes.xaxis.set_major_locator(MaxNLocator(**EPOCH_TICKS))
    if names[0].startswith('bbox_'):
        axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)


def _label(name: str, runs: int) -> str:
    power = re.sub(r'\^(-?\d+)', r'$^{\1}$', name.replace('$', r'\$'))
    what = '1 run' if runs == 1 else f'mean and range of {runs} runs'
    return f'{power} ({what})'
