"""Accuracy against cost, a line for every family of networks."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter
from matplotlib.transforms import Bbox
from PIL import Image

WIDTH, HEIGHT, DPI = 10, 6.8, 150
DIGEST = 'Data-Digest'
COLOURS = (
    *('#1f77b4', '#ff7f0e', '#2ca02c', '#d62728', '#9467bd', '#8c564b', '#e377c2'),
    *('#6b6b6b', '#9a9b1a', '#12a5b5', '#1b1f6e', '#b8860b', '#5b8c5a', '#a0527a'),
)
MARKERS = 'osD^vP*Xhp<>dH'
# of networks trained with something extra: the same colour, but open markers
DASHES = ('--', ':')
TICKS = (15, 20, 30, 50, 70, 100, 150, 200, 300, 400, 600)
LIMITS = (13, 800)
# Where a label may stand, in points from its marker: near ones first, right of it and
# below it before the rest, as lines rise from left to right.
OFFSETS = tuple(
    (far * x, far * y)
    for far in (6, 10, 15, 21)
    for x, y in (
        *((1, -0.6), (0.3, -1.3), (-0.3, 1.3), (-1, 0.6)),
        *((1.2, 0), (0, -1.5), (0, 1.5), (-1.2, 0), (1, 0.6), (-1, -0.6)),
    )
)
# What a label's place costs: a point away from its marker, a sample of a line that it
# covers (of so many on a segment), a marker or label that it covers.
DISTANCE_COST, LINE_COST, MARKER_COST, SAMPLES = 0.8, 1, 20, 60


@dataclass(frozen=True)
class Point:
    """One network.

    Attributes:
        family: Its line; the legend names it.
        recipe: What it was trained with beyond its family, such as ``'RA'``; a line of
            its own.
        label: Written beside it, if anything.
        macs: Multiply-accumulates.
        top1: Top-1 accuracy in percent.
    """

    family: str
    recipe: str
    label: str
    macs: int
    top1: float


def digest(points: Sequence[Point]) -> str:
    """What identifies the data of a plot."""
    data = json.dumps([astuple(point) for point in points])
    return hashlib.sha256(data.encode()).hexdigest()


def drawn_digest(path: str | Path) -> str | None:
    """The digest of the data that a PNG of :func:`draw_zoo` shows."""
    with Image.open(path) as image:
        return image.info.get(DIGEST)


def draw_zoo(points: Sequence[Point], path: str | Path) -> None:
    """Draw top-1 accuracy over MACs, 1500x1020 pixels.

    Args:
        points: In the order of the legend: a family's together, a family's recipes
            together.
        path: The PNG to write. Its metadata hold the digest of the points.
    """
    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI)
    figure.subplots_adjust(left=0.062, right=0.985, bottom=0.075, top=0.985)
    axes = figure.subplots()
    texts = []
    for number, (family, members) in enumerate(
        groupby(points, lambda point: point.family)
    ):
        style = dict(
            color=COLOURS[number % len(COLOURS)],
            marker=MARKERS[number % len(MARKERS)],
        )
        texts += _draw_family(axes, family, list(members), style)
    _finish(axes)
    _place(texts, axes)
    figure.savefig(path, metadata={DIGEST: digest(points)})


def _draw_family(
    axes: Axes, family: str, members: list[Point], style: dict
) -> Iterator[Text]:
    dashes = iter(DASHES)
    for recipe, group in groupby(members, lambda point: point.recipe):
        line = sorted(group, key=lambda point: point.macs)
        extra = dict(linestyle=next(dashes), markerfacecolor='white') if recipe else {}
        axes.plot(
            [point.macs / 1e6 for point in line],
            [point.top1 for point in line],
            label=f'{family} + {recipe}' if recipe else family,
            linewidth=1.4,
            markersize=6,
            **{**style, **extra},
        )
        for point in line:
            yield axes.annotate(
                point.label,
                (point.macs / 1e6, point.top1),
                (0, 0),
                textcoords='offset points',
                ha='center',
                va='center',
                fontsize=8.5,
                color=style['color'],
                path_effects=[withStroke(linewidth=2.5, foreground='white')],
            )


def _finish(axes: Axes) -> None:
    axes.set_xscale('log')
    axes.set_xlim(LIMITS)
    axes.xaxis.set_major_locator(FixedLocator(TICKS))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter('{x:g}'))
    axes.set_xlabel('multiply-accumulates as counted here, in millions')
    axes.set_ylabel('published top-1 accuracy on ImageNet, in percent')
    axes.grid(alpha=0.25)
    axes.legend(loc='lower right', fontsize=9)


def _place(texts: list[Text], axes: Axes) -> None:
    """Move every label to where it covers least, the first of equal offsets."""
    per_point = axes.figure.dpi / 72
    frame = axes.get_window_extent()
    taken = [axes.get_legend().get_window_extent()]
    samples = []
    for line in axes.lines:
        corners = axes.transData.transform(line.get_xydata())
        taken += [
            Bbox.from_bounds(*corner, 0, 0).padded(3.5 * per_point)
            for corner in corners
        ]
        samples += [
            np.linspace(start, end, SAMPLES) for start, end in pairwise(corners)
        ]
    on_lines = np.concatenate(samples)
    for text in texts:
        at = text.get_window_extent()
        half = at.width / per_point / 2
        spots = [(x + half * (x > 0) - half * (x < 0), y) for x, y in OFFSETS]
        boxes = [at.translated(x * per_point, y * per_point) for x, y in spots]
        costs = [
            DISTANCE_COST * np.hypot(*offset)
            + LINE_COST * box.count_contains(on_lines)
            + MARKER_COST * sum(box.overlaps(other) for other in taken)
            + MARKER_COST * SAMPLES * (box.x0 < frame.x0 or box.x1 > frame.x1)
            for offset, box in zip(OFFSETS, boxes, strict=True)
        ]
        best = costs.index(min(costs))
        text.set_position(spots[best])
        taken.append(boxes[best])
