"""Studies of a search whose best networks are known."""

import math

import numpy as np

from tinydet.formula.study import Study, Trial

NOISE = 0.5


def best_r(c):
    """The resolution multiplier of the best networks."""
    return 0.45 + 0.55 * np.sqrt(c)


def best_d(c):
    """Their depth multiplier; of another shape."""
    return 1.5 * np.power(c, 0.35)


def accuracy(c: float, r: float, d: float) -> float:
    """Of a network without noise, in percent: the best at a cost has 90 + 6 log c."""
    off_r, off_d = math.log(r / best_r(c)), math.log(d / best_d(c))
    return 90 + 6 * math.log(c) - 200 * off_r**2 - 100 * off_d**2


def trial(number: int, score: float | None, **changes) -> Trial:
    """A random network of half the cost; without a score a failed one."""
    net = dict(r=1.0, d=1.0, w=math.sqrt(0.5), input=224, params=1000, macs=200, c=0.5)
    outcome = dict(state='complete', seconds=1.5)
    if score is None:
        outcome = dict(state='failed', seconds=None, failure='no memory')
    return Trial(
        **{
            **dict(number=number, rule='random', seed=0, score=score),
            **net,
            **outcome,
            **changes,
        }
    )


def random_study(seed: int, count: int) -> Study:
    """Networks as a search draws them: r, d, w evenly, costs from 0.03 to 1.05."""
    rng = np.random.default_rng(seed)
    trials = []
    while len(trials) < count:
        r, d, w = map(float, rng.uniform(0.35, 2.8, 3))
        c = r**2 * d * w**2
        if not 0.03 <= c <= 1.05:
            continue
        score = max(0.0, accuracy(c, r, d) + rng.normal(0, NOISE))
        net = dict(r=r, d=d, w=w, input=round(224 * r), macs=round(4e8 * c), c=c)
        trials.append(trial(len(trials), score, **net))
    return Study('efficientnet_b0', 'top1', tuple(trials), 'study.csv')
