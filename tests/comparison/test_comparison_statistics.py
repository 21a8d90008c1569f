"""Statistics of groups of runs."""

import math
import warnings
from dataclasses import astuple

import numpy as np
import pytest
from scipy import stats

from tinydet.comparison.statistics import (
    Contrast,
    compare_means,
    p_value,
    summarize,
    verdict,
)

A, B, C = [78.1, 77.8, 78.45], [76.9, 77.25, 76.4, 76.6], [0.51, 0.47]


@pytest.mark.parametrize('values', [A, B, C], ids=str)
def test_a_summary(values):
    spread = values, np.mean(values), np.std(values, ddof=1), np.min(values)
    assert astuple(summarize(values)) == pytest.approx(
        (len(values), *spread[1:], np.max(values))
    )


def test_one_run_has_no_spread():
    assert astuple(summarize([3.5])) == (1, 3.5, None, 3.5, 3.5)


def test_equal_runs_have_a_spread_of_zero():
    assert summarize([0.1] * 3).std == 0


@pytest.mark.parametrize(
    ('first', 'second'),
    [(A, B), (B, A), (A, C), (A, [78.0, 78.0, 78.0]), ([1.0, 1.0], [2.0, 2.5])],
    ids=str,
)
def test_the_difference_by_the_formulas_of_welch(first, second):
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        contrast = compare_means(first, second)
    errors = [np.var(x, ddof=1) / len(x) for x in (first, second)]
    freedom = sum(errors) ** 2 / sum(
        error**2 / (len(x) - 1)
        for error, x in zip(errors, (first, second), strict=True)
    )
    difference, error = np.mean(first) - np.mean(second), math.sqrt(sum(errors))
    half = stats.t.ppf(0.975, freedom) * error
    assert contrast.difference == pytest.approx(difference)
    assert contrast.low == pytest.approx(difference - half)
    assert contrast.high == pytest.approx(difference + half)
    assert contrast.p == pytest.approx(2 * stats.t.sf(abs(difference) / error, freedom))
    assert contrast.untested is None


@pytest.mark.parametrize(
    ('first', 'second', 'why'),
    [
        (A, [70.0], 'two runs'),
        ([70.0], [71.0], 'two runs'),
        ([0.1] * 3, [0.2] * 3, 'alike'),
        ([0.1] * 3, [0.1] * 2, 'alike'),
    ],
)
def test_no_test(first, second, why):
    contrast = compare_means(first, second)
    assert contrast.difference == pytest.approx(np.mean(first) - np.mean(second))
    assert (contrast.low, contrast.high, contrast.p) == (None, None, None)
    assert why in contrast.untested
    assert (
        verdict('A', 'B', contrast, 2) == f'A and B: no test, as {contrast.untested}.'
    )


@pytest.mark.parametrize(
    ('contrast', 'sentence'),
    [
        (
            Contrast(1.234, 0.4, 2.071, 0.0123),
            'A is higher than B by 1.23 points (95% CI 0.40 to 2.07, p = 0.0123).',
        ),
        (
            Contrast(-1.234, -2.071, -0.4, 0.0001),
            'B is higher than A by 1.23 points (95% CI 0.40 to 2.07, p < 0.001).',
        ),
        (
            Contrast(-0.5, -1.5, 0.5, 0.25),
            'No difference between B and A is shown by these runs '
            '(B is higher by 0.50 points, 95% CI -0.50 to 1.50, p = 0.25).',
        ),
    ],
    ids=['first', 'second', 'neither'],
)
def test_a_verdict(contrast, sentence):
    assert verdict('A', 'B', contrast, 2, ' points') == sentence


@pytest.mark.parametrize(
    ('p', 'text'),
    [(None, '-'), (0.04961, '0.0496'), (0.001, '0.001'), (0.00099, '< 0.001')],
)
def test_a_p_value(p, text):
    assert p_value(p) == text
