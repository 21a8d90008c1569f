"""Finished runs that differ in nothing but their seed, in groups to be compared."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from pathlib import Path

from tinydet.engine.results import read_rows
from tinydet.errors import InputError
from tinydet.viz.curves import EVALUATIONS

TABLE = 'results.csv'
# the same run twice takes another time
NOT_A_RESULT = 'seconds'


@dataclass(frozen=True)
class Run:
    """What a run found.

    Attributes:
        folder: Its work directory.
        rows: Of its ``results.csv``, one an epoch; empty cells are left out.
    """

    folder: Path
    rows: list[dict]

    @property
    def columns(self) -> list[str]:
        """The columns that have a value in some epoch, in the order of the table."""
        return list(dict.fromkeys(chain.from_iterable(self.rows)))

    def epochs(self, column: str) -> tuple[int, ...]:
        """The epochs in which a column has a value."""
        return tuple(row['epoch'] for row in self.rows if column in row)

    def values(self, column: str) -> list[float]:
        """The values of a column in those epochs."""
        return [row[column] for row in self.rows if column in row]


@dataclass(frozen=True)
class Group:
    """Runs of one network and recipe.

    Attributes:
        name: For tables and legends.
        runs: One for every seed.
    """

    name: str
    runs: tuple[Run, ...]

    def last(self, figure: str) -> list[float]:
        """A figure at the last epoch that was evaluated, of every run."""
        return [run.values(figure)[-1] for run in self.runs]

    def best(self, figure: str) -> list[float]:
        """A figure at its best epoch, of every run: the highest, of a loss the lowest.

        Other images would find that epoch worse, as these have chosen it.
        """
        choose = min if 'loss' in figure else max
        return [choose(run.values(figure)) for run in self.runs]


def read_groups(groups: Sequence[tuple[str, Sequence[str | Path]]]) -> list[Group]:
    """Read the tables of runs.

    Args:
        groups: A name and work directories for each.

    Raises:
        InputError: If a name or directory is given twice, a name is itself the work
            directory of a run, a group has no directory, a table cannot be read, or
            two runs of a group found the same in every epoch: one seed, counted twice.
    """
    names = [name for name, _ in groups]
    for name, folders in groups:
        if Path(name, TABLE).exists():
            raise InputError(
                f'{name} is the work directory of a run: give the name of the group '
                'first'
            )
        if not folders:
            raise InputError(f'{name!r} has no runs: give work directories after it')
        if names.count(name) > 1:
            raise InputError(
                f'{name!r} is given twice: give all of its work directories at once'
            )
    _check_once(Path(folder) for _, folders in groups for folder in folders)
    return [_read_group(name, folders) for name, folders in groups]


def main_figure(groups: Sequence[Group]) -> str:
    """What picks the best epoch of the first run, such as ``top1`` or ``bbox_mAP``.

    Raises:
        InputError: If its table has no such figure.
    """
    run = groups[0].runs[0]
    for figure in EVALUATIONS:
        if figure in run.columns:
            return figure
    raise _no_column(run, ' or '.join(EVALUATIONS))


def check_columns(groups: Sequence[Group], columns: Iterable[str]) -> None:
    """Refuse runs that lack a column.

    Raises:
        InputError: The message gives the table and its columns.
    """
    for column in columns:
        for run in _runs(groups):
            if column not in run.columns:
                raise _no_column(run, column)


def check_figure(groups: Sequence[Group], figure: str) -> None:
    """Refuse runs whose figure cannot be compared.

    Raises:
        InputError: If a run lacks the figure, or was trained or evaluated in other
            epochs than another, so that one of them may be unfinished; or if the figure
            is undefined in an epoch: -1 as the AP of a size without objects, or NaN.
    """
    check_columns(groups, [figure])
    lengths = {}
    for run in _runs(groups):
        key = run.rows[-1]['epoch'], run.epochs(figure)
        lengths.setdefault(key, []).append(str(run.folder))
    if len(lengths) > 1:
        listed = '; '.join(
            f'{", ".join(folders)}: {last} epochs, {figure} in {len(epochs)} of them, '
            f'the last {epochs[-1]}'
            for (last, epochs), folders in lengths.items()
        )
        raise InputError(
            'runs of different lengths cannot be compared: finish them with --resume, '
            f'or leave them out ({listed})'
        )
    for run in _runs(groups):
        for epoch, value in zip(run.epochs(figure), run.values(figure), strict=True):
            if not math.isfinite(value) or value < 0:
                raise InputError(
                    f'{run.folder / TABLE}: {figure} is {value:g} in epoch {epoch}, '
                    'which is undefined: choose another figure, or leave the run out'
                )


def _runs(groups: Sequence[Group]) -> Iterable[Run]:
    return chain.from_iterable(group.runs for group in groups)


def _check_once(folders: Iterable[Path]) -> None:
    seen = {}
    for folder in folders:
        other = seen.setdefault(folder.resolve(), folder)
        if other is not folder:
            again = '' if folder == other else f', as {other} and as {folder}'
            raise InputError(f'{folder} is given twice{again}: give every run once')


def _read_group(name: str, folders: Sequence[str | Path]) -> Group:
    runs = tuple(_read_run(Path(folder)) for folder in folders)
    for one, other in combinations(runs, 2):
        if _results(one) == _results(other):
            raise InputError(
                f'{one.folder} and {other.folder} found the same in every epoch, so '
                f'they are one run for {name!r}: train with a seed of its own, or give '
                'one of them'
            )
    return Group(name, runs)


def _read_run(folder: Path) -> Run:
    path = folder / TABLE
    mend = 'give the work directory of a run of tools/train.py'
    try:
        run = Run(folder, read_rows(path))
    except OSError as error:
        raise InputError(f'{path} cannot be read: {error.strerror}: {mend}') from None
    except (ValueError, TypeError):
        raise InputError(f'{path} is no table of numbers: {mend}') from None
    if not run.rows:
        raise InputError(f'{path} has no epoch yet: {mend} that has ended')
    check_columns([Group('', (run,))], ['epoch'])
    return run


def _results(run: Run) -> list[dict]:
    return [
        {name: value for name, value in row.items() if name != NOT_A_RESULT}
        for row in run.rows
    ]


def _no_column(run: Run, column: str) -> InputError:
    return InputError(
        f'{run.folder / TABLE} has no column {column}: choose one of '
        f'{", ".join(run.columns)}'
    )
