"""The tiny formula: r and d of a share of the baseline's cost."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from tinydet.arch import WIDEST
from tinydet.errors import InputError
from tinydet.files import write_json
from tinydet.formula.cube import find_baseline
from tinydet.formula.process import Process, fit_process

PUBLISHED = Path(__file__).with_name('published.json')
# A budget of 0.06 of a cost, divided by it, is 0.05999999999999999.
_ROUNDING = 1e-9
# Of the baseline's cost: the search draws up to 1.05.
_MOST_SHARE = 1.1


@dataclass(frozen=True)
class Point:
    """A network of the front.

    Attributes:
        c: Its cost over the baseline's.
        r: Its input's side over the baseline's.
        d: Its depth multiplier.
    """

    c: float
    r: float
    d: float


@dataclass(frozen=True)
class Prediction:
    """What a formula says of a share, with standard deviations.

    Attributes:
        c: The share of the baseline's cost.
        r: Resolution multiplier.
        r_std: Its standard deviation.
        d: Depth multiplier.
        d_std: Its standard deviation.
        extrapolated: Whether c is outside the points that the formula was fitted to.
    """

    c: float
    r: float
    r_std: float
    d: float
    d_std: float
    extrapolated: bool


@dataclass(frozen=True)
class Formula:
    """r = f1(c) and d = f3(c) ("Model Rubik's Cube", equation 1) by Gaussian processes.

    Attributes:
        points: The front that it is fitted to.
        baseline: The network that they were made of, a name in ``tinydet.arch.ARCHS``.
        source: Where they come from.
    """

    points: tuple[Point, ...]
    baseline: str
    source: str

    @cached_property
    def resolution(self) -> Process:
        """The process of r."""
        return self._process('r')

    @cached_property
    def depth(self) -> Process:
        """The process of d."""
        return self._process('d')

    @property
    def range(self) -> tuple[float, float]:
        """The least and the greatest c of the points."""
        shares = [point.c for point in self.points]
        return min(shares), max(shares)

    def predict(self, c: float) -> Prediction:
        """The multipliers of a share.

        Args:
            c: Cost over the baseline's, in (0, 1).

        Raises:
            InputError: If it is outside of that.
        """
        if not 0 < c < 1:
            raise InputError(
                f'c={c:g} is no share of the cost to shrink to: give one between 0 '
                'and 1'
            )
        (r,), (r_std,) = self.resolution.predict([c])
        (d,), (d_std,) = self.depth.predict([c])
        least, most = self.range
        within = least * (1 - _ROUNDING) <= c <= most * (1 + _ROUNDING)
        return Prediction(c, float(r), float(r_std), float(d), float(d_std), not within)

    def _process(self, name: str) -> Process:
        values = [getattr(point, name) for point in self.points]
        return fit_process([point.c for point in self.points], values)


def read_formula(path: str | Path = PUBLISHED) -> Formula:
    """Read a formula file; the published formula without a path.

    Raises:
        InputError: If it cannot be read, or holds no formula.
    """
    try:
        data = json.loads(Path(path).read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise InputError(
            f'formula {path} cannot be read: {error}: give a file that '
            'tools/fit_formula.py wrote'
        ) from error
    try:
        points = tuple(Point(**point) for point in data['points'])
        find_baseline(data['baseline'])
        return Formula(_checked(points), data['baseline'], str(data['source']))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f'{path} holds no formula: {type(error).__name__}: {error}: give a file '
            'that tools/fit_formula.py wrote'
        ) from error


def write_formula(formula: Formula, path: Path, extra: Mapping | None = None) -> None:
    """Write a formula file.

    Args:
        formula: What to write.
        path: Where to.
        extra: Figures for the reader, which :func:`read_formula` passes over.
    """
    write_json(path, {**asdict(formula), **(extra or {})})


def _checked(points: Sequence[Point]) -> Sequence[Point]:
    shares = {point.c for point in points}
    if len(shares) < 2:
        raise ValueError(f'{len(shares)} shares c: it takes two and more')
    for point in points:
        for name, value in asdict(point).items():
            most = _MOST_SHARE if name == 'c' else WIDEST
            if type(value) not in (int, float) or not 0 < value <= most:
                raise ValueError(f'{name}={value!r} is no number in (0, {most}]')
    return points
