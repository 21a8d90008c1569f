"""Which networks are worth learning from: non-dominated sorting of NSGA-III."""

import math
import random
from collections.abc import Sequence

import numpy as np
from deap import base, tools

# Of two objectives, as many reference points as NSGA-III's paper takes of three.
_DIVISIONS = 99


class _Fitness(base.Fitness):
    """Less cost, more score."""

    weights = (-1.0, 1.0)


class _Network(int):
    """The index of a network, with its fitness, as DEAP wants it."""

    fitness: _Fitness


def pareto_front(costs: Sequence[float], scores: Sequence[float]) -> list[int]:
    """The networks that no other dominates.

    One dominates another if it costs no more and scores no less, and is better in one.

    Args:
        costs: (N,) of each network.
        scores: (N,) of each, more is better.

    Returns:
        Their indices, in order.
    """
    networks = _networks(costs, scores)
    if not networks:
        return []
    (front,) = tools.sortNondominated(networks, len(networks), first_front_only=True)
    return sorted(map(int, front))


def select(costs: Sequence[float], scores: Sequence[float], share: float) -> list[int]:
    """The best share of networks, as NSGA-III selects survivors.

    Whole fronts are taken, best first; of the last, which is too large, those that
    spread over the costs ("Model Rubik's Cube", section 3.2; Deb and Jain, 2014).

    Args:
        costs: (N,) of each network.
        scores: (N,) of each, more is better.
        share: To take, above 0 and at most 1; the number is rounded up.

    Returns:
        Their indices, in order; the same ones for the same networks.
    """
    networks = _networks(costs, scores)
    count = math.ceil(round(share * len(networks), 6))
    points = tools.uniform_reference_points(nobj=2, p=_DIVISIONS)
    states = random.getstate(), np.random.get_state()
    random.seed(0)
    np.random.seed(0)
    try:
        chosen = tools.selNSGA3(networks, count, points)
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
    return sorted(map(int, chosen))


def _networks(costs: Sequence[float], scores: Sequence[float]) -> list[_Network]:
    networks = []
    for index, values in enumerate(zip(costs, scores, strict=True)):
        network = _Network(index)
        network.fitness = _Fitness(values)
        networks.append(network)
    return networks
