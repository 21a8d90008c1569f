"""From a study to a formula."""

from collections.abc import Mapping
from dataclasses import dataclass

from scipy.stats import spearmanr

from tinydet.errors import InputError
from tinydet.formula.formula import Formula, Point
from tinydet.formula.front import pareto_front, select
from tinydet.formula.study import FAILED, RANDOM, Study, Trial

# "Model Rubik's Cube", section 3.2: of the networks, those that the formula is fitted
# to; and the fewest of them, as many as the published formula has.
SHARE = 0.2
FEWEST = 5
# Costs that differ by less are one cost, as of a search at a fixed one.
_ONE_COST = 1.1


@dataclass(frozen=True)
class Fit:
    """What a study tells.

    Attributes:
        front: The random networks that no other dominates.
        selected: The best fifth of the random networks, which the formula is fitted to.
        spearman: Of r, d and w with the cost, over the selected.
        formula: The Gaussian processes of the selected.
    """

    front: tuple[Trial, ...]
    selected: tuple[Trial, ...]
    spearman: Mapping[str, float]
    formula: Formula


def has_one_cost(study: Study) -> bool:
    """Whether its random networks cost about the same, as those of a fixed cost do."""
    costs = [trial.c for trial in study.complete(RANDOM)]
    return bool(costs) and max(costs) < _ONE_COST * min(costs)


def fit_formula(study: Study) -> Fit:
    """Fit the tiny formula to the random networks of a study (section 3.2).

    Args:
        study: Of a search over all costs.

    Raises:
        InputError: If too few networks are finished, or all have one cost.
    """
    trials = study.complete(RANDOM)
    costs, scores = [trial.c for trial in trials], [trial.score for trial in trials]
    needed = round(FEWEST / SHARE)
    if len(trials) < needed:
        failed = sum(trial.state == FAILED for trial in study.trials)
        raise InputError(
            f'{study.source}: {len(trials)} random networks are finished '
            f'({failed} failed), and a formula takes {needed} and more: go on with '
            'tools/search.py'
        )
    if has_one_cost(study):
        raise InputError(
            f'{study.source}: all networks have one cost, as those of --fixed-cost '
            'have: search without it to fit a formula'
        )
    selected = tuple(trials[index] for index in select(costs, scores, SHARE))
    points = tuple(
        Point(trial.c, trial.r, trial.d)
        for trial in sorted(selected, key=lambda trial: trial.c)
    )
    source = f'the best {len(points)} of {len(trials)} networks of {study.source}'
    return Fit(
        front=tuple(trials[index] for index in pareto_front(costs, scores)),
        selected=selected,
        spearman=correlations(selected),
        formula=Formula(points, study.baseline, source),
    )


def correlations(trials: tuple[Trial, ...]) -> dict[str, float]:
    """Spearman's rank correlation of r, d and w with the cost."""
    costs = [trial.c for trial in trials]
    return {
        name: float(spearmanr([getattr(trial, name) for trial in trials], costs)[0])
        for name in ('r', 'd', 'w')
    }
