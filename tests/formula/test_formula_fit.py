"""From studies whose best networks are known to formulas."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr
from synthetic_study import best_d, best_r, random_study, trial

from tinydet.errors import InputError
from tinydet.formula.fit import SHARE, correlations, fit_formula
from tinydet.formula.formula import Point
from tinydet.formula.front import pareto_front, select

SHARES = np.geomspace(0.06, 0.9, 60)


def off(process, truth):
    """Where the truth is outside the band of 95%, and how far the mean is off."""
    mean, std = process.predict(SHARES)
    return abs(mean - truth(SHARES)) > 1.96 * std, abs(mean - truth(SHARES))


@pytest.fixture(scope='module')
def fits():
    """Of searches with several seeds."""
    return [fit_formula(random_study(seed, 150)) for seed in range(5)]


@pytest.mark.parametrize(('name', 'truth'), [('resolution', best_r), ('depth', best_d)])
def test_the_best_networks_are_recovered(fits, name, truth):
    for fitted in fits:
        outside, _ = off(getattr(fitted.formula, name), truth)
        assert outside.mean() <= 0.1


def test_the_recovery_is_no_width_of_the_band(fits):
    errors = {
        name: np.mean([off(getattr(f.formula, name), truth)[1] for f in fits])
        for name, truth in (('resolution', best_r), ('depth', best_d))
    }
    # The truths rise by 0.39 and 0.89 over these shares.
    assert errors['resolution'] < 0.06
    assert errors['depth'] < 0.16
    rises = []
    for fitted in fits:
        for process in (fitted.formula.resolution, fitted.formula.depth):
            mean, _ = process.predict(SHARES)
            rises.append(mean[-1] - mean[0])
    assert np.mean(rises[::2]) == pytest.approx(0.39, rel=0.25)
    assert np.mean(rises[1::2]) > 0.4
    # Another function than the best resolution is not what the fit found.
    swapped = [off(f.formula.resolution, best_d)[0].mean() for f in fits]
    assert np.mean(swapped) > 0.1


def test_what_it_is_fitted_to():
    study = random_study(0, 101)
    fitted = fit_formula(study)
    costs = [t.c for t in study.trials]
    scores = [t.score for t in study.trials]
    chosen = [study.trials[i] for i in select(costs, scores, SHARE)]
    assert len(chosen) == 21
    assert list(fitted.selected) == chosen
    assert list(fitted.front) == [study.trials[i] for i in pareto_front(costs, scores)]
    points = fitted.formula.points
    assert list(points) == sorted(points, key=lambda point: point.c)
    assert set(points) == {Point(t.c, t.r, t.d) for t in chosen}
    assert fitted.formula.baseline == 'efficientnet_b0'
    assert fitted.formula.source == 'the best 21 of 101 networks of study.csv'
    assert fitted.spearman == correlations(fitted.selected)


def test_it_learns_from_random_networks_that_are_finished():
    study = random_study(1, 60)
    others = (
        *(trial(60 + i, 99.0, rule=rule) for i, rule in enumerate(('tiny', 'giant'))),
        trial(62, 100.0, rule='baseline', c=0.1),
        *(trial(number, None, c=0.2) for number in (63, 64)),
    )
    more = replace(study, trials=(*others[:3], *study.trials, *others[3:]))
    assert fit_formula(more) == fit_formula(study)


def by_hand(first, second) -> float:
    """Spearman's coefficient of values without ties: 1 - 6 sum d^2 / (n^3 - n)."""
    ranks = [sorted(values).index for values in (first, second)]
    squares = sum(
        (ranks[0](a) - ranks[1](b)) ** 2 for a, b in zip(first, second, strict=True)
    )
    count = len(first)
    return 1 - 6 * squares / (count**3 - count)


def test_correlations_are_scipy_s_and_those_by_hand():
    trials = random_study(2, 30).trials
    found = correlations(trials)
    assert list(found) == ['r', 'd', 'w']
    costs = [t.c for t in trials]
    for name, value in found.items():
        values = [getattr(t, name) for t in trials]
        assert value == pytest.approx(spearmanr(values, costs).statistic, abs=1e-12)
        assert value == pytest.approx(by_hand(values, costs), abs=1e-12)


def test_correlations_with_ties():
    # Ranks of r are 1, 2.5, 2.5, 4, and those of c 1, 2, 3, 4: Pearson's of them.
    trials = [
        trial(i, 50.0, r=r, d=-c, w=c, c=c)
        for i, (r, c) in enumerate([(0.5, 0.1), (0.7, 0.2), (0.7, 0.3), (0.9, 0.4)])
    ]
    found = correlations(trials)
    assert found['r'] == pytest.approx(4.5 / math.sqrt(4.5 * 5))
    assert (found['d'], found['w']) == pytest.approx((-1, 1))


@pytest.mark.parametrize(('count', 'failed'), [(0, 0), (24, 3)])
def test_too_few_finished_networks(count, failed):
    study = random_study(0, count)
    failures = tuple(trial(count + i, None) for i in range(failed))
    with pytest.raises(InputError) as error:
        fit_formula(replace(study, trials=(*study.trials, *failures)))
    assert str(error.value) == (
        f'study.csv: {count} random networks are finished ({failed} failed), and a '
        'formula takes 25 and more: go on with tools/search.py'
    )


def test_the_fewest_networks():
    assert len(fit_formula(random_study(0, 25)).formula.points) == 5


def test_a_study_at_a_fixed_cost():
    # within 3% of half the baseline's cost
    study = random_study(0, 40)
    trials = tuple(
        replace(t, c=c)
        for t, c in zip(study.trials, np.linspace(0.485, 0.515, 40), strict=True)
    )
    with pytest.raises(InputError, match=r'study\.csv: .* one cost.*--fixed-cost'):
        fit_formula(replace(study, trials=trials))
