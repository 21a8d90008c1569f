"""What a search found: one trial a network."""

import csv
import math
from dataclasses import asdict, dataclass
from pathlib import Path

from tinydet.errors import InputError
from tinydet.files import write_rows
from tinydet.formula.cube import find_baseline
from tinydet.formula.rules import RULES

RANDOM, BASELINE = 'random', 'baseline'
TINY, PUBLISHED = 'tiny', 'published'
# How a network was chosen.
KINDS = (RANDOM, BASELINE, TINY, PUBLISHED, *RULES)
COMPLETE, FAILED = 'complete', 'failed'
# What a network is judged by, and the most that it can be.
FIGURES = {'top1': 100, 'bbox_mAP': 1}


@dataclass(frozen=True)
class Trial:
    """One trained network.

    Attributes:
        number: In its study.
        state: ``'complete'`` or ``'failed'``.
        rule: How the network was chosen: ``'random'``, the ``'baseline'`` itself, by a
            fitted formula (``'tiny'``) or the ``'published'`` one, or a key of
            ``tinydet.formula.rules.RULES``.
        seed: Of its training.
        r: Its input's side over the baseline's.
        d: Depth multiplier.
        w: Width multiplier.
        input: Side of its input, in pixels.
        params: Parameters.
        macs: Multiply-accumulates.
        c: Multiply-accumulates over the baseline's.
        score: Top-1 accuracy in percent, or COCO mAP from 0 to 1; None of a failed one.
        seconds: That it trained and was evaluated; None of a failed one.
        failure: Why it failed.
    """

    number: int
    state: str
    rule: str
    seed: int
    r: float
    d: float
    w: float
    input: int
    params: int
    macs: int
    c: float
    score: float | None
    seconds: float | None
    failure: str = ''


@dataclass(frozen=True)
class Study:
    """The finished trials of a search.

    Attributes:
        baseline: What the networks were made of, a name in ``tinydet.arch.ARCHS``.
        figure: What the scores are: ``'top1'`` or ``'bbox_mAP'``.
        trials: In the order of their numbers.
        source: Where it was read from.
    """

    baseline: str
    figure: str
    trials: tuple[Trial, ...]
    source: str

    def complete(self, *rules: str) -> list[Trial]:
        """The trials with a score of networks chosen by some rules."""
        return [
            trial
            for trial in self.trials
            if trial.state == COMPLETE and trial.rule in rules
        ]


def write_table(study: Study, path: Path) -> None:
    """Write a study as a CSV table, the scores under the name of the figure."""
    rows = []
    for trial in study.trials:
        row = {'baseline': study.baseline, **asdict(trial)}
        row[study.figure] = row.pop('score')
        rows.append(row)
    write_rows(path, rows)


def read_table(path: Path) -> Study:
    """Read a CSV table of :func:`write_table`.

    Raises:
        InputError: If it cannot be read, or is no such table.
    """
    try:
        # With or without the byte order mark that spreadsheets write.
        with open(path, newline='', encoding='utf-8-sig') as file:
            reader = csv.DictReader(file)
            # A quoted failure may run over several lines.
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f'study {path} cannot be read: {error}') from error
    columns = rows[0][1] if rows else ()
    figure = next((name for name in FIGURES if name in columns), None)
    if figure is None:
        raise InputError(
            f'{path} is no table of a study: it has no rows, or no column '
            f'{" or ".join(FIGURES)}: give one that tools/fit_formula.py wrote'
        )
    trials, baselines = [], set()
    for line, row in rows:
        try:
            trials.append(_trial(row, figure))
            baselines.add(row['baseline'])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f'{path}, line {line}: {type(error).__name__}: {error}: mend the line'
            ) from error
    if len(baselines) > 1:
        raise InputError(
            f'{path} holds trials of several baselines: '
            f'{", ".join(sorted(baselines))}: give a table of one'
        )
    (baseline,) = baselines
    find_baseline(baseline)
    return Study(baseline, figure, tuple(trials), str(path))


def _trial(row: dict[str, str], figure: str) -> Trial:
    state, rule = row['state'], row['rule']
    if state not in (COMPLETE, FAILED) or rule not in KINDS:
        raise ValueError(f'there is no state {state!r} of a rule {rule!r}')
    whole = {
        name: int(row[name]) for name in ('number', 'seed', 'input', 'params', 'macs')
    }
    real = {name: _positive(name, row[name]) for name in ('r', 'd', 'w', 'c')}
    if state == FAILED:
        return Trial(
            state=state,
            rule=rule,
            **whole,
            **real,
            score=None,
            seconds=None,
            failure=row['failure'],
        )
    score, seconds = float(row[figure]), float(row['seconds'])
    if not 0 <= score <= FIGURES[figure]:
        raise ValueError(f'{figure}={score} is no score')
    return Trial(state=state, rule=rule, **whole, **real, score=score, seconds=seconds)


def _positive(name: str, text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise ValueError(f'{name}={text} is no number above 0')
    return value
