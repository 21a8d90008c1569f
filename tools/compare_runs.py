"""Compare groups of runs: tools/compare_runs.py --runs NAME DIR... --runs NAME DIR...

For each group the mean, sample standard deviation and range of a figure at the last
epoch and at each run's best; for each two groups the difference of their means at the
last epoch with its 95% confidence interval, and the p-value of Welch's t-test. The test
is unpaired, also where runs share seeds. Best epochs are not tested: the images that
judge them have chosen them.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from itertools import chain, combinations
from pathlib import Path

from tinydet.cli import run
from tinydet.comparison.runs import (
    Group,
    check_columns,
    check_figure,
    main_figure,
    read_groups,
)
from tinydet.comparison.statistics import compare_means, p_value, summarize, verdict
from tinydet.files import make_room, replacing, write_json
from tinydet.viz.compare import PANELS, draw_comparison

PERCENT = 'top1', 'top5'
SPREAD = 'mean', 'std', 'min', 'max'
INTERVAL = 'difference', 'low', 'high'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        '--runs',
        action='append',
        nargs='+',
        required=True,
        metavar=('NAME', 'DIR'),
        help='a group: its name and the work directories of its runs, one for every '
        'seed; may be given several times',
    )
    parser.add_argument(
        '--figure',
        nargs='+',
        metavar='COLUMN',
        help='columns of results.csv to compare and draw (default: top1 of '
        'classifiers, drawn beside the losses; bbox_mAP of detectors, drawn beside '
        'bbox_mAP_50)',
    )
    parser.add_argument('--plot', type=Path, help='draw the curves to this PNG file')
    parser.add_argument('--json', type=Path, help='write the tables to this file')
    args = parser.parse_args()
    make_room(args.plot, args.json)
    groups = read_groups([(name, folders) for name, *folders in args.runs])
    figures = args.figure or [main_figure(groups)]
    for figure in figures:
        check_figure(groups, figure)
    if args.plot:
        one_each = [[figure] for figure in figures]
        draw(groups, one_each if args.figure else PANELS[figures[0]], args.plot)
    tables = [compare(groups, figure) for figure in figures]
    for table in tables:
        print_table(table)
    tests = sum(pair['p'] is not None for table in tables for pair in table['pairs'])
    if tests > 1:
        print(f'{tests} tests: their p-values are not corrected for their number.')
    if args.json:
        write_json(args.json, tables)


def draw(groups: list[Group], panels: Sequence[Sequence[str]], path: Path) -> None:
    """Draw the curves of columns that all runs have."""
    check_columns(groups, chain.from_iterable(panels))
    rows = {group.name: [run.rows for run in group.runs] for group in groups}
    with replacing(path) as partial:
        draw_comparison(rows, panels, partial)


def compare(groups: list[Group], figure: str) -> dict:
    """What is printed and written of a figure."""
    return {
        'figure': figure,
        'epoch': groups[0].runs[0].epochs(figure)[-1],
        'groups': [
            {
                'name': group.name,
                'work_dirs': [str(run.folder) for run in group.runs],
                'last': describe(group.last(figure)),
                'best': describe(group.best(figure)),
            }
            for group in groups
        ],
        'pairs': [describe_pair(*pair, figure) for pair in combinations(groups, 2)],
    }


def describe(values: list[float]) -> dict:
    return {'values': values, **asdict(summarize(values))}


def describe_pair(first: Group, second: Group, figure: str) -> dict:
    contrast = compare_means(first.last(figure), second.last(figure))
    unit = ' points' if figure in PERCENT else ''
    return {
        'first': first.name,
        'second': second.name,
        **asdict(contrast),
        'verdict': verdict(first.name, second.name, contrast, digits(figure), unit),
    }


def print_table(table: dict) -> None:
    """Print the groups, each two of them, and what the tests say."""
    figure, groups, pairs = table['figure'], table['groups'], table['pairs']
    print(f'{figure} in percent' if figure in PERCENT else figure)
    for heading, epoch in (
        (f'last epoch, {table["epoch"]}', 'last'),
        ('best epoch of each run', 'best'),
    ):
        rows = [
            (
                group['name'],
                group[epoch]['runs'],
                *(number(group[epoch][name], figure) for name in SPREAD),
            )
            for group in groups
        ]
        print_rows((heading, 'runs', *SPREAD), rows)
    if pairs:
        rows = [
            (
                f'{pair["first"]} - {pair["second"]}',
                *(number(pair[name], figure) for name in INTERVAL),
                p_value(pair['p']),
            )
            for pair in pairs
        ]
        print_rows(('difference, last epoch', 'mean', '95% from', 'to', 'p'), rows)
        print(*(pair['verdict'] for pair in pairs), '', sep='\n')


def print_rows(heading: tuple, rows: list[tuple]) -> None:
    """Print a name and right-aligned cells a row, and an empty line."""
    width = max(len(name) for name, *_ in (heading, *rows))
    for name, *cells in (heading, *rows):
        print(f'{name:<{width}}', *(f'{cell:>9}' for cell in cells))
    print()


def digits(figure: str) -> int:
    return 2 if figure in PERCENT else 4


def number(value: float | None, figure: str) -> str:
    """A value of a figure, never -0.00; a dash for none."""
    if value is None:
        return '-'
    rounded = round(value, digits(figure)) + 0.0
    return f'{rounded:.{digits(figure)}f}'


if __name__ == '__main__':
    raise SystemExit(run(main))
