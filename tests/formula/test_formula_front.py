"""Fronts and the selection against brute force."""

import random

import numpy as np
import pytest

from tinydet.formula.front import pareto_front, select


def networks(seed: int, count: int = 60, steps: int | None = None):
    """Costs and scores; in whole steps there are ties and duplicates."""
    rng = np.random.default_rng(seed)
    costs, noise = rng.uniform(0.03, 1.05, (2, count))
    scores = 70 + 10 * np.log(costs) + 10 * noise
    if steps:
        costs, scores = np.floor(costs * steps), np.floor(scores / 80 * steps)
    return costs.tolist(), scores.tolist()


def dominates(a, b) -> bool:
    """Whether a costs no more than b and scores no less, and is better in one."""
    return a[0] <= b[0] and a[1] >= b[1] and a != b


def brute_front(costs, scores, among) -> list[int]:
    points = list(zip(costs, scores, strict=True))
    return [i for i in among if not any(dominates(points[j], points[i]) for j in among)]


def brute_fronts(costs, scores) -> list[list[int]]:
    """All fronts, the best first."""
    left, fronts = list(range(len(costs))), []
    while left:
        fronts.append(brute_front(costs, scores, left))
        left = [i for i in left if i not in fronts[-1]]
    return fronts


CASES = [
    *((seed, None) for seed in range(5)),
    *((seed, steps) for seed in range(5) for steps in (4, 12)),
]


@pytest.mark.parametrize(('seed', 'steps'), CASES)
def test_the_front_is_that_of_brute_force(seed, steps):
    costs, scores = networks(seed, steps=steps)
    if steps:
        assert len(set(zip(costs, scores, strict=True))) < len(costs)
    front = pareto_front(costs, scores)
    assert front == brute_front(costs, scores, range(len(costs)))
    assert 0 < len(front) < len(costs)


@pytest.mark.parametrize(
    ('costs', 'scores', 'front'),
    [
        ([], [], []),
        ([1], [1], [0]),
        # the same network twice, and one as good but dearer
        ([1, 1, 2], [5, 5, 5], [0, 1]),
        # as cheap but worse
        ([1, 1, 2], [5, 4, 6], [0, 2]),
        ([3, 2, 1], [1, 2, 3], [2]),
        ([1, 2, 3], [1, 2, 3], [0, 1, 2]),
    ],
)
def test_small_fronts(costs, scores, front):
    assert pareto_front(costs, scores) == front


@pytest.mark.parametrize(('seed', 'steps'), CASES)
@pytest.mark.parametrize('share', [0.2, 0.5])
def test_whole_better_fronts_are_selected_first(seed, steps, share):
    costs, scores = networks(seed, 57, steps)
    chosen = select(costs, scores, share)
    # 11.4 and 28.5 of 57, rounded up
    assert len(chosen) == {0.2: 12, 0.5: 29}[share]
    assert chosen == sorted(set(chosen))
    left = set(chosen)
    for front in brute_fronts(costs, scores):
        taken = left & set(front)
        left -= taken
        if left:
            assert taken == set(front)
    assert not left


@pytest.mark.parametrize(
    ('count', 'share', 'taken'),
    [(25, 0.2, 5), (26, 0.2, 6), (30, 0.2, 6), (100, 0.2, 20), (101, 0.2, 21)]
    + [(10, 0.3, 3), (10, 1, 10), (1, 0.2, 1)],
)
def test_the_share_is_rounded_up(count, share, taken):
    assert len(select(*networks(0, count), share)) == taken


def test_all_of_one_front_and_one_of_each():
    line = [float(i) for i in range(30)]
    assert len(select(line, line, 0.2)) == 6
    # With one score for all, the cheapest are the best.
    assert select(line, [1.0] * 30, 0.2) == [0, 1, 2, 3, 4, 5]
    # With one cost, those of the highest scores.
    assert select([1.0] * 30, line, 0.2) == [24, 25, 26, 27, 28, 29]
    assert len(select([1.0] * 30, [1.0] * 30, 0.2)) == 6


def test_what_is_taken_of_a_large_front_spreads_over_the_costs():
    costs = np.geomspace(0.03, 1, 200)
    chosen = select(costs.tolist(), (80 + 6 * np.log(costs)).tolist(), 0.2)
    cheap, middle, dear = np.array_split(np.arange(200), 3)
    for part in (cheap, middle, dear):
        assert len(set(chosen) & set(part)) >= 4


def test_the_same_networks_are_selected_whatever_was_drawn_before():
    costs, scores = networks(0)
    results = []
    for seed in (1, 2):
        random.seed(seed)
        np.random.seed(seed)
        results.append(select(costs, scores, 0.2))
    assert results[0] == results[1]


def test_selection_leaves_the_random_numbers_of_others_alone():
    random.seed(5)
    np.random.seed(5)
    expected = random.random(), np.random.rand()
    random.seed(5)
    np.random.seed(5)
    select(*networks(0), 0.2)
    assert (random.random(), np.random.rand()) == expected


def test_costs_and_scores_of_different_networks():
    with pytest.raises(ValueError, match='shorter'):
        pareto_front([1, 2], [1])
