"""From a latency to a network: r and d by the formula, w by what runs take."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tinydet.errors import InputError
from tinydet.formula.budget import Budget
from tinydet.formula.cube import INPUT_STEP, Cube, Net
from tinydet.formula.formula import Formula, Prediction
from tinydet.formula.solve import Solution, solve_width

# What networks take that are measured beside each other, in milliseconds.
Measure = Callable[[list[Net]], Sequence[float]]

# Networks that are measured one by one, until one is off by no more than this share.
_SEARCHED = 3
_NEAR = 0.05
# Multiply-accumulates of the networks that are measured beside each other in the end,
# over those that should take the budget: latency has steps, as kernels fill up their
# channels. Where none is close, so many follow that are as wide, with inputs up to some
# pixels from the predicted one: along those there are no such steps.
_SPREAD = (0.955, 0.985, 1.015, 1.045)
_CLOSE = 0.02
_RESIZED = 4
_PIXELS = 8
# A share of the budget that is nothing beside the noise of a measurement.
_EXACT = 0.01
# Networks measured for the least latency in a refusal, until it moves by no more than
# this share.
_REFUSED = 4
_SETTLED = 0.02
# Along the width, latency grows as a power of the multiply-accumulates. What is known
# of the exponent before networks tell, and how far networks are off such a line, by
# noise and steps and by a share of how far they are from the budget (logarithms).
_EXPONENT, _EXPONENT_STD = 0.8, 0.25
_NOISE, _BEND = 0.02, 0.25
_TOO_LITTLE = 'is below the least that this formula reaches'


@dataclass(frozen=True)
class LatencySolution(Solution):
    """A network for a latency.

    Attributes:
        latency: What the network takes, in milliseconds.
        measured: How many networks were measured, the baseline included.
    """

    latency: float
    measured: int


def solve_latency(
    cube: Cube, formula: Formula, budget: Budget, measure: Measure
) -> LatencySolution:
    """Find the network of the tiny formula for a latency.

    The share c is the budget over the baseline's latency, and r and d are the formula's
    at c. The width is searched for along the multiply-accumulates. In the end several
    networks near the budget, some with an input a few pixels from the predicted one,
    are measured beside each other, and the nearest is taken.

    Args:
        cube: Of the baseline.
        formula: Predicts r and d.
        budget: Of latency.
        measure: Gives what networks take.

    Raises:
        InputError: If the budget is not below the baseline's latency, or below the
            least that the formula reaches; the message says which, with the range.
    """
    search = _Search(cube, formula, budget, _Bench(cube.baseline, measure))
    best = search.among_many(search.one_by_one())
    bench = search.bench
    return LatencySolution(
        budget,
        bench.whole,
        search.prediction(),
        best.net,
        best.share * bench.whole,
        bench.measured,
    )


@dataclass(frozen=True)
class _Timed:
    """A network and what it takes, over what the baseline takes."""

    net: Net
    share: float


class _Bench:
    """Measures networks beside their baseline, and counts them.

    A machine that has other work as well slows down and recovers, over seconds and
    minutes; a network's share of the baseline's latency hardly changes with it. What
    the baseline takes is the median of what it was seen to: the pace that a later
    measurement will most likely find.
    """

    def __init__(self, baseline: Net, measure: Measure) -> None:
        self.baseline = baseline
        self.measure = measure
        self.wholes = list(measure([baseline]))
        self.measured = 1

    @property
    def whole(self) -> float:
        """What the baseline takes, in milliseconds."""
        return float(np.median(self.wholes))

    def run(self, nets: list[Net]) -> list[_Timed]:
        """Measure networks beside each other."""
        whole, *times = self.measure([self.baseline, *nets])
        self.wholes.append(whole)
        self.measured += len(nets)
        return [_Timed(net, ms / whole) for net, ms in zip(nets, times, strict=True)]


@dataclass(frozen=True)
class _Search:
    """The search for one budget."""

    cube: Cube
    formula: Formula
    budget: Budget
    bench: _Bench

    @property
    def share(self) -> float:
        """The budget over what the baseline takes, as far as is known."""
        return self.budget.value / self.bench.whole

    def prediction(self) -> Prediction:
        """What the formula says of the budget."""
        if self.share >= 1:
            raise self.refusal('is not below what the baseline takes')
        return self.formula.predict(self.share)

    def one_by_one(self) -> float:
        """Look for the multiply-accumulates that take the budget."""
        macs, found = self.share * self.cube.baseline.macs, []
        for _ in range(_SEARCHED):
            prediction = self.prediction()
            floor = self.narrowest(prediction)
            reached = macs > floor.macs
            (last,) = self.bench.run([self.net(prediction, macs) if reached else floor])
            if not reached and last.share > self.share:
                raise self.refusal(_TOO_LITTLE)
            found.append(last)
            macs = _macs_for(self.share, found)
            if self.off(last) <= _NEAR:
                break
        return macs

    def among_many(self, macs: float) -> _Timed:
        """Choose among networks of about these multiply-accumulates."""
        prediction = self.prediction()
        nets = _distinct([self.net(prediction, macs * times) for times in _SPREAD])
        found = self.bench.run(nets)
        best = _nearest(found, self.share, prediction)[0]
        if self.off(best) > _CLOSE:
            guesses = [
                guess
                for timed in found
                for guess in _resized(self.cube, timed, prediction)
            ]
            guesses = _nearest(guesses, self.share, prediction)
            nets = _distinct([guess.net for guess in guesses])
            found = self.bench.run(nets[:_RESIZED])
            best = _nearest(found, self.share, prediction)[0]
        floor = self.narrowest(prediction)
        if best.share > self.share * (1 + _CLOSE) and (
            best.net.arch.stages == floor.arch.stages
        ):
            raise self.refusal(_TOO_LITTLE)
        return best

    def off(self, timed: _Timed) -> float:
        """How far a network is from the budget, over the budget."""
        return abs(timed.share / self.share - 1)

    def net(self, prediction: Prediction, macs: float) -> Net:
        """The network with some multiply-accumulates."""
        return solve_width(self.cube, prediction.r, prediction.d, Budget('macs', macs))

    def narrowest(self, prediction: Prediction) -> Net:
        """The least network."""
        return self.cube.narrowest(prediction.r, prediction.d)

    def refusal(self, reason: str) -> InputError:
        """Say what can be reached.

        The least is where the narrowest network takes the very share of the baseline's
        latency that its r and d are predicted for: a fixed point, near which these
        hardly change. The search for it starts inside of what the formula knows.
        """
        least = self.formula.range[0]
        share = self.share if least < self.share < 1 else least
        for _ in range(_REFUSED):
            before = share
            (timed,) = self.bench.run([self.narrowest(self.formula.predict(share))])
            share = timed.share
            if abs(share / before - 1) <= _SETTLED:
                break
        whole = self.bench.whole
        return InputError(
            f'a budget of {self.budget} {reason}: give one for {self.cube.arch.name} '
            f'from about {self.budget.text(share * whole)} to less than '
            f'{self.budget.text(whole)}'
        )


def _distinct(nets: Sequence[Net]) -> list[Net]:
    """Networks of which no two are built alike."""
    return list({(net.input, net.macs, net.params): net for net in nets}.values())


def _nearest(
    timed: Sequence[_Timed], share: float, prediction: Prediction
) -> list[_Timed]:
    """In order of how near they are to a share.

    Of those as good as exact, the one whose input is nearest to a prediction is first.
    """
    return sorted(
        timed,
        key=lambda timed: (
            max(abs(timed.share / share - 1), _EXACT),
            abs(timed.net.r - prediction.r),
        ),
    )


def _resized(cube: Cube, timed: _Timed, prediction: Prediction) -> list[_Timed]:
    """A network with other inputs, and what that should make of its latency."""
    middle = cube.input(prediction.r)
    first = max(middle - _PIXELS, cube.arch.stride)
    sides = range(first, middle + _PIXELS + 1, INPUT_STEP)
    nets = [cube.net(side / cube.side, timed.net.d, timed.net.w) for side in sides]
    return [
        _Timed(net, timed.share * (net.macs / timed.net.macs) ** _EXPONENT)
        for net in nets
    ]


def _macs_for(share: float, found: Sequence[_Timed]) -> float:
    """The multiply-accumulates that should take a share of the baseline's latency.

    By a Bayesian line through the logarithms, for the sake of steps and noise; networks
    near the share count more.
    """
    x = np.log([timed.net.macs for timed in found])
    y = np.log([timed.share / share for timed in found])
    precision = 1 / (_NOISE**2 + (_BEND * y) ** 2)
    x_mean, y_mean = np.average([x, y], axis=1, weights=precision)
    prior = _EXPONENT_STD**-2
    exponent = (precision @ ((x - x_mean) * (y - y_mean)) + prior * _EXPONENT) / (
        precision @ (x - x_mean) ** 2 + prior
    )
    return float(np.exp(x_mean - y_mean / exponent))
