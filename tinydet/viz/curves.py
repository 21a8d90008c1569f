"""Training curves: losses and COCO figures over the epochs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

WIDTH, HEIGHT, DPI = 12, 5, 100
BEST = 'bbox_mAP'
# column, label, colour, line width
FIGURE_LINES = (
    ('bbox_mAP', 'mAP', 'tab:blue', 2.4),
    ('bbox_mAP_50', 'AP50', 'tab:orange', 2.4),
    ('bbox_mAP_s', 'mAP small', 'tab:green', 1.0),
    ('bbox_mAP_m', 'mAP medium', 'tab:red', 1.0),
    ('bbox_mAP_l', 'mAP large', 'tab:purple', 1.0),
)

Row = Mapping[str, float | None]


def draw_curves(rows: Sequence[Row], path: str | Path) -> None:
    """Draw the losses beside the COCO figures, 1200x500 pixels.

    Args:
        rows: One an epoch: ``epoch``, the training losses in the columns whose names
            start with ``loss``, and the figures, such as ``bbox_mAP``. A missing, None
            or negative (undefined) value leaves a gap. The highest ``bbox_mAP`` marks
            the best epoch.
        path: The PNG to write.
    """
    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI)
    # by hand, as the layout engines double the time
    figure.subplots_adjust(left=0.05, right=0.985, bottom=0.11, top=0.93, wspace=0.12)
    losses, figures = figure.subplots(1, 2)
    _draw_losses(losses, rows)
    _draw_figures(figures, rows)
    last = max((row['epoch'] for row in rows), default=1)
    for axes in (losses, figures):
        axes.set_xlim(0.5, last + 0.5)
    figure.savefig(path)


def _draw_losses(axes: Axes, rows: Sequence[Row]) -> None:
    names = sorted({name for row in rows for name in row if name.startswith('loss')})
    for name in names:
        # the sum of the others is drawn with a stronger line
        _line(axes, rows, name, linewidth=2.4 if name == 'loss' else 1.4, label=name)
    axes.set_ylim(bottom=0)
    _finish(axes, 'Training losses', 'mean loss of the epoch')


def _draw_figures(axes: Axes, rows: Sequence[Row]) -> None:
    for name, label, colour, width in FIGURE_LINES:
        _line(axes, rows, name, linewidth=width, label=label, color=colour)
    evaluated = [row for row in rows if _value(row, BEST) is not None]
    if evaluated:
        top = max(evaluated, key=lambda row: row[BEST])
        axes.plot(
            top['epoch'],
            top[BEST],
            marker='*',
            markersize=15,
            linestyle='none',
            color='black',
            zorder=3,
            label=f'best mAP {top[BEST]:.3f}, epoch {top["epoch"]}',
        )
    axes.set_ylim(0, 1.02)
    _finish(axes, 'Evaluation', 'average precision (0 to 1)')


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
