"""Print what networks cost: tools/complexity.py CONFIG..., or --paper.

Parameters, multiply-accumulates (which the paper calls FLOPs) and activations (output
elements of convolutions and linear layers) on one image.
"""

import argparse
from dataclasses import asdict
from pathlib import Path

from mmengine.config import DictAction

from tinydet.cli import run
from tinydet.engine.jobs import load_config
from tinydet.files import make_room, write_json, write_rows
from tinydet.models.complexity import Complexity, count_model
from tinydet.zoo.compare import Comparison, compare, percent
from tinydet.zoo.nets import CLOSE, NETS, TOLERANCE
from tinydet.zoo.paper import Figure

HEADER = f'{"name":<30} {"input":>5} {"params M":>9} {"MMACs":>9} {"activ. M":>8}'
PAPER_HEADER = f'{HEADER} | {"paper":>6} {"off":>6} {"paper":>6} {"off":>6}'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('configs', nargs='*', metavar='CONFIG')
    parser.add_argument(
        '--paper',
        action='store_true',
        help="every network of the paper's tables, beside its figures there",
    )
    parser.add_argument('--part', choices=('model', 'backbone'), default='model')
    parser.add_argument(
        '--input', type=int, metavar='SIDE', help="pixels, instead of the config's"
    )
    parser.add_argument('--json', type=Path, help='write the table to this file')
    parser.add_argument('--csv', type=Path, help='write the table to this file')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='override values of the configs',
    )
    args = parser.parse_args()
    of_configs = args.input, args.cfg_options, args.part != 'model'
    if bool(args.configs) == args.paper or (args.paper and any(of_configs)):
        parser.error('give configs, or --paper with --json and --csv alone')
    make_room(args.json, args.csv)
    rows = count_paper() if args.paper else count_configs(args)
    if args.json:
        write_json(args.json, rows)
    if args.csv:
        write_rows(args.csv, rows)


def count_configs(args: argparse.Namespace) -> list[dict]:
    """Count configs, printing a line for each."""
    rows = []
    print(HEADER)
    for path in args.configs:
        cfg = load_config(path, options=args.cfg_options)
        cost = count_model(cfg, args.input, args.part)
        print(line(Path(path).stem, cost))
        rows.append(row(Path(path).stem, cost))
    return rows


def count_paper() -> list[dict]:
    """Count the paper's networks, printing a line for each, and what needs a reason."""
    comparisons = []
    print(PAPER_HEADER)
    for net in NETS:
        comparison = compare(net)
        print(
            f'{line(net.name, comparison.cost)} | '
            f'{beside(comparison.params, comparison.params_off)} '
            f'{beside(comparison.macs, comparison.macs_off)}'
        )
        comparisons.append(comparison)
    print(
        f'\nDifferences of more than {TOLERANCE:.0%} '
        f'(TinyNet, B0, B^-1 and B^-2: {CLOSE:.0%}):'
    )
    for comparison in comparisons:
        if comparison.remark:
            print(f'{comparison.net.name}: {comparison.remark}')
    return [paper_row(comparison) for comparison in comparisons]


def line(name: str, cost: Complexity) -> str:
    return (
        f'{name:<30} {cost.input:>5} {cost.params / 1e6:>9.3f} '
        f'{cost.macs / 1e6:>9.2f} {cost.activations / 1e6:>8.2f}'
    )


def beside(figure: Figure | None, off: float | None) -> str:
    return f'{figure.text:>6} {percent(off):>6}' if figure else f'{"-":>6} {"-":>6}'


def row(name: str, cost: Complexity, params=None, macs=None) -> dict:
    return dict(name=name, **asdict(cost), paper_params=params, paper_macs=macs)


def paper_row(comparison: Comparison) -> dict:
    params = comparison.params and comparison.params.value
    return row(comparison.net.name, comparison.cost, params, comparison.macs.value)


if __name__ == '__main__':
    raise SystemExit(run(main))
