"""Figures 1, 2, 3 and 6 of "Model Rubik's Cube", drawn from a study."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from statistics import fmean, median, stdev

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import (
    FixedLocator,
    MaxNLocator,
    NullLocator,
    StrMethodFormatter,
)
from matplotlib.transforms import ScaledTranslation

from tinydet.formula.fit import has_one_cost
from tinydet.formula.formula import Formula
from tinydet.formula.process import Process
from tinydet.formula.solve import closed_form_width
from tinydet.formula.study import BASELINE, PUBLISHED, RANDOM, TINY, Study, Trial
from tinydet.viz.compare import COLOURS, DPI

WIDTH, HEIGHT = 7.2, 4.8
PANELS_WIDTH, PANELS_HEIGHT = 11, 4
SCORES = {'top1': 'top-1 accuracy (%)', 'bbox_mAP': 'mAP'}
DIMENSIONS = {'r': 'resolution', 'd': 'depth', 'w': 'width'}
BLUE, RED, GREEN, PURPLE, ORANGE, SKY, BLACK = COLOURS
# Label, colour and marker of the networks of a rule.
RULES = {
    TINY: ('tiny formula, fitted', RED, 'o'),
    PUBLISHED: ('tiny formula, published', SKY, 'P'),
    'giant': ('EfficientNet rule', GREEN, 's'),
    'resolution': ('resolution alone', BLUE, '^'),
    'depth': ('depth alone', PURPLE, 'D'),
    'width': ('width alone', ORANGE, 'v'),
}
# Between the error bars of two rules, in points: they shrink to the same budgets.
DODGE = 2
# Standard deviations that 95% of a normal distribution are within.
BAND = 1.96
# Ticks of a cost in every decade, and how many it takes to read an axis.
DECADE, FEWEST_TICKS = (1, 2, 5), 3


@dataclass(frozen=True)
class Mean:
    """A network over the seeds it was trained with.

    Attributes:
        macs: Its multiply-accumulates.
        score: Mean.
        std: Sample standard deviation; NaN of one seed.
        seeds: Number of them.
    """

    macs: int
    score: float
    std: float
    seeds: int


def draw_accuracy(study: Study, front: Sequence[Trial], path: str | Path) -> None:
    """Draw score over MACs (Figure 1), 1080x720 pixels.

    Networks of the inverted giant rule and the baseline are drawn where the study has
    them: the mean of the seeds, with bars of the sample standard deviation.

    Args:
        study: Its random trials are dots.
        front: The trials to highlight.
        path: The PNG to write.
    """
    figure, axes = _single()
    random = study.complete(RANDOM)
    giants, baseline = _means(study.complete('giant')), _baseline(study)
    unit, name = _unit(study.trials)
    dots = dict(linestyle='none', marker='o')
    for trials, label, style in (
        (random, 'random', dict(color=SKY, markersize=4, alpha=0.7)),
        (front, 'front', dict(color=RED, markersize=5.5)),
    ):
        axes.plot(
            [trial.macs / unit for trial in trials],
            [trial.score for trial in trials],
            label=f'{label} ({len(trials)})',
            **dots,
            **style,
        )
    if giants:
        label, colour, marker = RULES['giant']
        style = dict(color=colour, marker=marker, label=label)
        _draw_line(axes, giants, unit, baseline, **style)
    _draw_baseline(axes, baseline, study.baseline, unit)
    costs = [trial.macs / unit for trial in random]
    costs += [mean.macs / unit for mean in giants + baseline]
    _finish_costs(axes, costs, name)
    axes.set_ylabel(SCORES[study.figure])
    _legend(figure, axes, 4)
    figure.savefig(path)


def draw_dimensions(study: Study, path: str | Path) -> None:
    """Draw score over r, d and w of the random trials (Figure 2), 1650x600 pixels.

    The colour of a dot is its share c of the baseline's cost; where all cost about the
    same, the title says what.

    Args:
        study: With random trials.
        path: The PNG to write.
    """
    trials = study.complete(RANDOM)
    figure, panels = _panels(sharey=True)
    shares = [trial.c for trial in trials]
    same = has_one_cost(study)
    style = dict(color=BLUE) if same else dict(c=shares, norm=LogNorm(), cmap='viridis')
    for axes, (dimension, name) in zip(panels, DIMENSIONS.items(), strict=True):
        dots = axes.scatter(
            [getattr(trial, dimension) for trial in trials],
            [trial.score for trial in trials],
            s=22,
            alpha=0.8,
            linewidths=0,
            **style,
        )
        axes.set_xlabel(f'{name} multiplier {dimension}')
        axes.grid(alpha=0.3)
    panels[0].set_ylabel(SCORES[study.figure])
    title = f'{len(trials)} networks made of {study.baseline}'
    if same:
        unit, name = _unit(trials)
        macs = median(trial.macs for trial in trials) / unit
        title += f', of about {macs:.3g} {name} (c = {median(shares):.2g})'
    else:
        label = "c, share of the baseline's MACs"
        bar = figure.colorbar(dots, ax=panels, label=label, pad=0.015, aspect=30)
        _cost_ticks(bar.ax.yaxis, shares)
        # the bar takes over the transparency of the dots
        bar.solids.set_alpha(1)
    figure.suptitle(title)
    figure.savefig(path)


def draw_front(
    selected: Sequence[Trial],
    formula: Formula,
    spearman: Mapping[str, float],
    path: str | Path,
) -> None:
    """Draw r, d and w over c (Figure 3), 1650x600 pixels.

    Mean and 95% band of the Gaussian processes are over r and d. Over w is what
    equation 5 makes of the two means.

    Args:
        selected: Trials.
        formula: Fitted to them.
        spearman: Spearman's coefficient of ``'r'``, ``'d'`` and ``'w'`` with the cost.
        path: The PNG to write.
    """
    figure, panels = _panels()
    shares = [trial.c for trial in selected]
    grid = np.geomspace(*formula.range, 200)
    for axes, (dimension, name) in zip(panels, DIMENSIONS.items(), strict=True):
        axes.plot(
            shares,
            [getattr(trial, dimension) for trial in selected],
            color=BLUE,
            marker='o',
            markersize=4.5,
            linestyle='none',
            label=f'selected networks ({len(selected)})',
        )
        coefficient = rf'Spearman $\rho = {spearman[dimension]:.2f}$'
        axes.set_title(f'{name}, {coefficient}', fontsize=11)
        axes.set_ylabel(f'{name} multiplier {dimension}')
    resolution, depth, width = panels
    r = _draw_process(resolution, formula.resolution, grid)
    d = _draw_process(depth, formula.depth, grid)
    width.plot(
        grid,
        [closed_form_width(*place) for place in zip(grid, r, d, strict=True)],
        color=BLACK,
        linestyle='--',
        linewidth=1,
        label=r'$w = \sqrt{c / (r^2 d)}$ of the means (equation 5)',
    )
    for axes in panels:
        _cost_scale(axes, shares)
        # a band may be wider than its mean is high, but multipliers are above 0
        axes.set_ylim(bottom=max(0, axes.get_ylim()[0]))
        axes.grid(alpha=0.3)
    unit, name = _unit(selected)
    whole = median(trial.macs / trial.c for trial in selected) / unit
    figure.supxlabel(
        f'c, share of the {whole:.3g} {name} of {formula.baseline}', fontsize=10
    )
    handles = {
        label: handle
        for axes in panels
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        handles.values(),
        handles.keys(),
        loc='outside upper center',
        ncols=len(handles),
        frameon=False,
    )
    figure.savefig(path)


def draw_shrinking(study: Study, path: str | Path) -> None:
    """Draw score over MACs, a line for every rule (Figure 6), 1080x720 pixels.

    Means of the seeds with bars of the sample standard deviation. All lines start at
    the baseline, where the study has it. Markers are moved sideways by some points, as
    rules that meet the same budget would cover each other's bars.

    Args:
        study: With complete trials of one or more of ``RULES``.
        path: The PNG to write.
    """
    means = {rule: _means(study.complete(rule)) for rule in RULES}
    means = {rule: line for rule, line in means.items() if line}
    figure, axes = _single()
    baseline = _baseline(study)
    unit, name = _unit(study.trials)
    for number, (rule, line) in enumerate(means.items()):
        label, colour, marker = RULES[rule]
        aside = DODGE * (number - (len(means) - 1) / 2)
        style = dict(color=colour, marker=marker, label=label)
        _draw_line(axes, line, unit, baseline, aside, **style)
    _draw_baseline(axes, baseline, study.baseline, unit)
    drawn = baseline + [mean for line in means.values() for mean in line]
    _finish_costs(axes, [mean.macs / unit for mean in drawn], name)
    axes.set_ylabel(f'{SCORES[study.figure]}, {_seeds(drawn)}')
    _legend(figure, axes, 3)
    figure.savefig(path)


def _single() -> tuple[Figure, Axes]:
    figure = Figure((WIDTH, HEIGHT), DPI, layout='constrained')
    return figure, figure.subplots()


def _panels(**shared) -> tuple[Figure, Sequence[Axes]]:
    figure = Figure((PANELS_WIDTH, PANELS_HEIGHT), DPI, layout='constrained')
    return figure, figure.subplots(1, len(DIMENSIONS), **shared)


def _means(trials: Iterable[Trial]) -> list[Mean]:
    """The networks of a rule, from the cheapest."""

    def place(trial: Trial) -> tuple:
        return trial.macs, trial.r, trial.d, trial.w

    means = []
    for (macs, *_), group in groupby(sorted(trials, key=place), place):
        scores = [trial.score for trial in group]
        std = stdev(scores) if len(scores) > 1 else math.nan
        means.append(Mean(macs, fmean(scores), std, len(scores)))
    return means


def _baseline(study: Study) -> list[Mean]:
    """The baseline, if the study has it."""
    return _means(study.complete(BASELINE))


def _seeds(means: Iterable[Mean]) -> str:
    """What the markers and bars are."""
    counts = [mean.seeds for mean in means]
    least, most = min(counts), max(counts)
    if most == 1:
        return 'one seed'
    number = most if least == most else f'{least} to {most}'
    return f'mean and std of {number} seeds'


def _draw_line(
    axes: Axes,
    means: Sequence[Mean],
    unit: float,
    baseline: Sequence[Mean] = (),
    aside: float = 0,
    **style,
) -> None:
    """Draw networks as a line with error bars.

    Args:
        axes: To draw in.
        means: From the cheapest.
        unit: Of the costs.
        baseline: Where the line goes on to, without a marker.
        aside: How far to move all of it to the right, in points.
        style: Of the line.
    """
    line = [*means, *baseline]
    bars = [mean.std for mean in means] + [math.nan] * len(baseline)
    drawn = axes.errorbar(
        [mean.macs / unit for mean in line],
        [mean.score for mean in line],
        None if np.isnan(bars).all() else bars,
        markevery=range(len(means)),
        linewidth=1.5,
        elinewidth=1,
        capsize=2.5,
        **{'markersize': 5.5, **style},
    )
    # afterwards, as the limits of the axes are those of the data
    moved = ScaledTranslation(aside / 72, 0, axes.figure.dpi_scale_trans)
    for part in drawn.get_children():
        part.set_transform(axes.transData + moved)


def _draw_baseline(
    axes: Axes, baseline: Sequence[Mean], name: str, unit: float
) -> None:
    if baseline:
        star = dict(color=BLACK, marker='*', markersize=10, linestyle='none', zorder=4)
        _draw_line(axes, baseline, unit, label=name, **star)


def _draw_process(axes: Axes, process: Process, grid: np.ndarray) -> np.ndarray:
    """Draw a process over the shares of a grid, and return its means."""
    mean, std = process.predict(grid)
    axes.fill_between(
        grid,
        mean - BAND * std,
        mean + BAND * std,
        color=RED,
        alpha=0.15,
        linewidth=0,
        label='95% band',
    )
    axes.plot(
        grid, mean, color=RED, linewidth=1.8, label='mean of the Gaussian process'
    )
    return mean


def _unit(trials: Iterable[Trial]) -> tuple[float, str]:
    """The unit of a study's costs, and its name."""
    most = max(trial.macs for trial in trials)
    return (1e9, 'GMACs') if most >= 1e9 else (1e6, 'MMACs')


def _finish_costs(axes: Axes, costs: Sequence[float], unit: str) -> None:
    _cost_scale(axes, costs)
    axes.set_xlabel(f'cost ({unit})')
    axes.grid(alpha=0.3)


def _cost_scale(axes: Axes, costs: Sequence[float]) -> None:
    """Make the x axis logarithmic, as the formula is fitted to log c."""
    axes.set_xscale('log')
    _cost_ticks(axes.xaxis, costs)


def _cost_ticks(axis: Axis, costs: Sequence[float]) -> None:
    """Round ticks on a logarithmic axis, of costs that may span less than a decade."""
    least, most = min(costs), max(costs)
    decades = range(int(np.floor(np.log10(least))), int(np.ceil(np.log10(most))) + 1)
    ticks = [step * 10.0**decade for decade in decades for step in DECADE]
    if sum(least <= tick <= most for tick in ticks) < FEWEST_TICKS:
        ticks = MaxNLocator(5, steps=(*DECADE, 10)).tick_values(least, most)
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(StrMethodFormatter('{x:g}'))


def _legend(figure: Figure, axes: Axes, columns: int) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc='outside upper center',
        ncols=min(columns, len(labels)),
        frameon=False,
    )
