"""Learn the tiny formula from a search: tools/fit_formula.py STUDY --out FORMULA

Takes the best fifth of the random networks by NSGA-III's non-dominated sorting, fits
Gaussian processes of r and d, writes a formula file for tools/tiny_formula.py and draws
Figures 1, 2, 3 and 6 of "Model Rubik's Cube". STUDY is a table (study.csv), a SQLite
file (study.db) or the URL of a storage.
"""

import argparse
from dataclasses import asdict
from pathlib import Path

from tinydet.cli import run
from tinydet.errors import InputError
from tinydet.files import make_room, replacing, write_json
from tinydet.formula.fit import Fit, fit_formula, has_one_cost
from tinydet.formula.formula import write_formula
from tinydet.formula.study import RANDOM, Study, read_table, write_table
from tinydet.viz.formula import (
    RULES,
    draw_accuracy,
    draw_dimensions,
    draw_front,
    draw_shrinking,
)

# Shares at which the fit is shown: those of the TinyNets.
SHARES = (0.9, 0.5, 0.25, 0.13, 0.06)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('study', help='study.csv, study.db, or the URL of a storage')
    parser.add_argument(
        '--study', dest='name', help='its name, where there are several'
    )
    parser.add_argument('--out', type=Path, metavar='FILE', help='write the formula')
    parser.add_argument('--figures', type=Path, metavar='DIR', help='draw them there')
    parser.add_argument('--csv', type=Path, help='write the trials to this file')
    parser.add_argument('--json', type=Path, help='write the table to this file')
    args = parser.parse_args()
    if args.name and args.study.endswith('.csv'):
        parser.error('--study is the name of a study in a storage, and a table has one')
    figures = args.figures and [
        args.figures / f'figure{number}.png' for number in (1, 2, 3, 6)
    ]
    make_room(args.out, args.csv, args.json, *(figures or []))
    study = read(args.study, args.name)
    if args.csv:
        write_table(study, args.csv)
    if figures and has_one_cost(study) and not (args.out or args.json):
        print(f'all networks of {study.source} have one cost: Figure 2 alone is drawn')
        with replacing(figures[1]) as partial:
            draw_dimensions(study, partial)
        return
    fitted = fit_formula(study)
    summary = summarize(study, fitted)
    print_summary(study, fitted, summary)
    if args.out:
        extra = {name: summary[name] for name in ('figure', 'trials', 'spearman')}
        write_formula(fitted.formula, args.out, extra)
    if args.json:
        write_json(args.json, summary)
    if figures:
        draw(study, fitted, *figures)


def read(source: str, name: str | None) -> Study:
    """Read a table, or the study of a storage."""
    path = Path(source)
    if path.suffix == '.csv':
        return read_table(path)
    # Not above: a table is read without Optuna.
    from tinydet.search.study import read_study

    if '://' in source:
        return read_study(source, name)
    if not path.is_file():
        raise InputError(
            f'there is no study {source}: give a study.csv or study.db of '
            'tools/search.py, or the URL of a storage'
        )
    return read_study(f'sqlite:///{path}', name)


def summarize(study: Study, fitted: Fit) -> dict:
    """What is printed and written."""
    return {
        'baseline': study.baseline,
        'figure': study.figure,
        'trials': len(study.complete(RANDOM)),
        'failed': sum(trial.score is None for trial in study.trials),
        'spearman': dict(fitted.spearman),
        'front': [asdict(trial) for trial in fitted.front],
        'selected': [asdict(trial) for trial in fitted.selected],
        'predictions': [asdict(fitted.formula.predict(c)) for c in SHARES],
    }


def print_summary(study: Study, fitted: Fit, summary: dict) -> None:
    """Print the counts, the correlations and the fit."""
    print(
        f'{summary["trials"]} random networks of {study.baseline}, '
        f'{summary["failed"]} failed; {len(fitted.front)} on the front, '
        f'{len(fitted.selected)} selected'
    )
    rank = ', '.join(f'{name} {value:.2f}' for name, value in fitted.spearman.items())
    print(f"Spearman's correlation with the cost: {rank}\n")
    print(f'{"c":>5} {"r":>6} {"+-":>6} {"d":>6} {"+-":>6}')
    for row in summary['predictions']:
        note = '  extrapolated' if row['extrapolated'] else ''
        print(
            f'{row["c"]:>5} {row["r"]:>6.3f} {row["r_std"]:>6.3f} '
            f'{row["d"]:>6.3f} {row["d_std"]:>6.3f}{note}'
        )


def draw(study: Study, fitted: Fit, *paths: Path) -> None:
    """Draw the figures; the last one needs networks of --rules."""
    accuracy, dimensions, front, shrinking = paths
    with replacing(accuracy) as partial:
        draw_accuracy(study, fitted.front, partial)
    with replacing(dimensions) as partial:
        draw_dimensions(study, partial)
    with replacing(front) as partial:
        draw_front(fitted.selected, fitted.formula, fitted.spearman, partial)
    if study.complete(*RULES):
        with replacing(shrinking) as partial:
            draw_shrinking(study, partial)
    else:
        print(f'{shrinking} needs the networks that tools/search.py --rules trains')


if __name__ == '__main__':
    raise SystemExit(run(main))
