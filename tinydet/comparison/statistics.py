"""Whether groups of runs differ by more than their seeds make them differ."""

import statistics
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import ttest_ind

CONFIDENCE = 0.95
LEAST_P = 0.001


@dataclass(frozen=True)
class Summary:
    """What a figure is over the runs of a group.

    Attributes:
        runs: Their number.
        mean: Of the figure.
        std: Its sample standard deviation (over n - 1); None for one run.
        min: The lowest.
        max: The highest.
    """

    runs: int
    mean: float
    std: float | None
    min: float
    max: float


@dataclass(frozen=True)
class Contrast:
    """How far the means of two groups lie apart, the first minus the second.

    Attributes:
        difference: Of the means.
        low: Lower end of its 95% confidence interval; None where there is no test.
        high: Upper end, likewise.
        p: Of the two-sided test that both groups have one mean; None likewise.
        untested: Why there is no test; None where there is one.
    """

    difference: float
    low: float | None = None
    high: float | None = None
    p: float | None = None
    untested: str | None = None


def summarize(values: Sequence[float]) -> Summary:
    """Describe the runs of a group.

    Args:
        values: A figure of each, finite.
    """
    return Summary(
        runs=len(values),
        mean=statistics.fmean(values),
        std=statistics.stdev(values) if len(values) > 1 else None,
        min=min(values),
        max=max(values),
    )


def compare_means(first: Sequence[float], second: Sequence[float]) -> Contrast:
    """Compare two groups by Welch's t-test.

    It is unpaired, also where runs share seeds: one seed draws other weights for other
    networks. The runs of a group are taken as independent, and their figure as normally
    distributed with a variance of the group's own.

    There is no test where a group has one run, nor where neither group has any spread,
    which leaves t infinite or undefined.

    Args:
        first: A figure of each run, finite.
        second: Likewise.
    """
    difference = statistics.fmean(first) - statistics.fmean(second)
    if min(len(first), len(second)) < 2:
        return Contrast(difference, untested='it takes two runs of each')
    if len(set(first)) == len(set(second)) == 1:
        return Contrast(difference, untested='the runs of each are all alike')
    with warnings.catch_warnings():
        # said of a group whose runs are all alike, and whose variance is truly zero
        warnings.filterwarnings('ignore', 'Precision loss', RuntimeWarning)
        test = ttest_ind(first, second, equal_var=False)
    low, high = test.confidence_interval(CONFIDENCE)
    return Contrast(difference, float(low), float(high), float(test.pvalue))


def verdict(
    first: str, second: str, contrast: Contrast, digits: int, unit: str = ''
) -> str:
    """Say in a sentence what a test says at the 5% level.

    Args:
        first: Name of the first group.
        second: Of the second.
        contrast: The first minus the second.
        digits: After the point.
        unit: Written after the difference, with its space.
    """
    if contrast.p is None:
        return f'{first} and {second}: no test, as {contrast.untested}.'
    difference, low, high = contrast.difference, contrast.low, contrast.high
    if difference < 0:
        first, second = second, first
        difference, low, high = -difference, -high, -low
    by = f'by {difference:.{digits}f}{unit}'
    p = p_value(contrast.p)
    test = (
        f'95% CI {low:.{digits}f} to {high:.{digits}f}, '
        f'p {p if p.startswith("<") else f"= {p}"}'
    )
    if contrast.p < 1 - CONFIDENCE:
        return f'{first} is higher than {second} {by} ({test}).'
    return (
        f'No difference between {first} and {second} is shown by these runs ({first} '
        f'is higher {by}, {test}).'
    )


def p_value(p: float | None) -> str:
    """A p-value for a table: three digits, ``'< 0.001'``, or a dash for none."""
    if p is None:
        return '-'
    return f'{p:.3g}' if p >= LEAST_P else f'< {LEAST_P}'
