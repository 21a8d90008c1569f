"""Training curves: losses and evaluation figures over the epochs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

WIDTH, HEIGHT, DPI = 12, 5, 100
VALIDATION_LOSS = 'val_loss'


@dataclass(frozen=True)
class Evaluation:
    """How the figures of a task are drawn.

    Attributes:
        lines: Column, label, colour and line width of each; the first is the one that
            picks the best epoch.
        unit: Of the axis.
        top: The best possible figure.
        marked: How the best figure is written, a format.
    """

    lines: tuple[tuple[str, str, str, float], ...]
    unit: str
    top: float
    marked: str


# By the figure that picks the best epoch.
EVALUATIONS = {
    'bbox_mAP': Evaluation(
        lines=(
            ('bbox_mAP', 'mAP', 'tab:blue', 2.4),
            ('bbox_mAP_50', 'AP50', 'tab:orange', 2.4),
            ('bbox_mAP_s', 'mAP small', 'tab:green', 1.0),
            ('bbox_mAP_m', 'mAP medium', 'tab:red', 1.0),
            ('bbox_mAP_l', 'mAP large', 'tab:purple', 1.0),
        ),
        unit='average precision (0 to 1)',
        top=1,
        marked='.3f',
    ),
    'top1': Evaluation(
        lines=(
            ('top1', 'top-1', 'tab:blue', 2.4),
            ('top5', 'top-5', 'tab:orange', 1.4),
        ),
        unit='accuracy, %',
        top=100,
        marked='.2f',
    ),
}

Row = Mapping[str, float | None]


def draw_curves(rows: Sequence[Row], path: str | Path, best: str = 'bbox_mAP') -> None:
    """Draw the losses beside the evaluation figures, 1200x500 pixels.

    Args:
        rows: One an epoch: ``epoch``, the training losses in the columns whose names
            start with ``loss``, ``val_loss``, and the figures, such as ``bbox_mAP``. A
            missing, None or negative (undefined) value leaves a gap.
        path: The PNG to write.
        best: The figure whose highest value marks the best epoch: a key of
            ``EVALUATIONS``.
    """
    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI)
    # by hand, as the layout engines double the time
    figure.subplots_adjust(left=0.06, right=0.985, bottom=0.11, top=0.93, wspace=0.12)
    losses, figures = figure.subplots(1, 2)
    _draw_losses(losses, rows)
    _draw_figures(figures, rows, best)
    last = max((row['epoch'] for row in rows), default=1)
    for axes in (losses, figures):
        axes.set_xlim(0.5, last + 0.5)
    figure.savefig(path)


def _draw_losses(axes: Axes, rows: Sequence[Row]) -> None:
    names = sorted({name for row in rows for name in row if name.startswith('loss')})
    for name in names:
        # the sum of the others is drawn with a stronger line
        _line(axes, rows, name, linewidth=2.4 if name == 'loss' else 1.4, label=name)
    _line(axes, rows, VALIDATION_LOSS, linewidth=2.4, label='validation loss')
    axes.set_ylim(bottom=0)
    _finish(axes, 'Losses', 'mean loss of the epoch')


def _draw_figures(axes: Axes, rows: Sequence[Row], best: str) -> None:
    evaluation = EVALUATIONS[best]
    for name, label, colour, width in evaluation.lines:
        _line(axes, rows, name, linewidth=width, label=label, color=colour)
    evaluated = [row for row in rows if _value(row, best) is not None]
    if evaluated:
        top = max(evaluated, key=lambda row: row[best])
        figure = format(top[best], evaluation.marked)
        axes.plot(
            top['epoch'],
            top[best],
            marker='*',
            markersize=15,
            linestyle='none',
            color='black',
            zorder=3,
            label=f'best {evaluation.lines[0][1]} {figure}, epoch {top["epoch"]}',
        )
    axes.set_ylim(0, 1.02 * evaluation.top)
    _finish(axes, 'Evaluation', evaluation.unit)


def _line(axes: Axes, rows: Sequence[Row], name: str, **style) -> None:
    points = [
        (row['epoch'], value)
        for row in rows
        if (value := _value(row, name)) is not None
    ]
    if points:
        # markers, since one epoch alone makes no line
        axes.plot(*zip(*points, strict=True), marker='o', markersize=3, **style)


def _value(row: Row, name: str) -> float | None:
    value = row.get(name)
    return value if value is not None and value >= 0 else None


def _finish(axes: Axes, title: str, unit: str) -> None:
    axes.set_title(title)
    axes.set_xlabel('epoch')
    axes.set_ylabel(unit)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(alpha=0.3)
    if axes.lines:
        axes.legend(fontsize='small')
    else:
        axes.text(0.5, 0.5, 'none yet', transform=axes.transAxes, ha='center')
