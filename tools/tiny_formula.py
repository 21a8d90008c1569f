"""The network for a budget: tools/tiny_formula.py --baseline NAME --macs 50M

Shrinks a baseline by the tiny formula of "Model Rubik's Cube" (section 3.2): resolution
and depth by Gaussian processes, the width so that the built network costs the budget.
Beside it stand the networks of EfficientNet's inverted rule and of one dimension alone.
"""

import argparse
import shlex
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tinydet.arch import detector_outputs, ssdlite_cost
from tinydet.checks import check_whole
from tinydet.cli import run
from tinydet.errors import InputError
from tinydet.files import make_room, write_json
from tinydet.formula.budget import Budget, parse_budget
from tinydet.formula.cube import (
    COCO_CLASSES,
    DETECTOR_SIDE,
    IMAGENET_CLASSES,
    Cube,
    Net,
    classifier_cube,
    detector_cube,
)
from tinydet.formula.formula import PUBLISHED, Formula, read_formula
from tinydet.formula.rules import RULES, shrink
from tinydet.formula.solve import Solution, solve_budget
from tinydet.formula.write import check_new, write_classifier, write_detector

CONFIGS = Path(__file__).parents[1] / 'configs'
NAMES = {
    'tiny': 'tiny formula',
    'giant': "EfficientNet's rule",
    'resolution': 'resolution alone',
    'depth': 'depth alone',
    'width': 'width alone',
}
CLASSES = {'classifier': IMAGENET_CLASSES, 'detector': COCO_CLASSES}
# A network is this close to a budget, or the tool says how far off it is.
CLOSE = 0.03


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        '--baseline',
        required=True,
        help='such as efficientnet_b0, resnet50, ghostnet_a',
    )
    budget = parser.add_mutually_exclusive_group(required=True)
    budget.add_argument('--macs', metavar='N', help='multiply-accumulates: 50M, 1.2G')
    budget.add_argument('--params', metavar='N', help='parameters: 2M')
    budget.add_argument(
        '--latency', metavar='T', help='on this machine, one thread, one image: 5ms'
    )
    parser.add_argument(
        '--task', choices=('classifier', 'detector'), default='classifier'
    )
    parser.add_argument(
        '--budget-for',
        choices=('backbone', 'detector'),
        help='of --task detector: the backbone as a classifier of ImageNet, as in '
        "the paper's Table 5 (default), or the whole detector at the input that the "
        'formula shrinks',
    )
    parser.add_argument('--classes', type=int, help='default: 1000, of a detector 80')
    parser.add_argument(
        '--input', type=int, metavar='SIDE', help='of the baseline, in pixels'
    )
    parser.add_argument(
        '--formula', type=Path, default=PUBLISHED, help='of tools/fit_formula.py'
    )
    parser.add_argument('--write', type=Path, metavar='FILE', help='write a config')
    parser.add_argument('--json', type=Path, help='write the table to this file')
    args = parser.parse_args()
    if args.budget_for and args.task != 'detector':
        parser.error('--budget-for is for --task detector')
    answer(args)


@dataclass(frozen=True)
class Row:
    """A network of the table, or why there is none; its latency where that counts."""

    rule: str
    net: Net | None
    reason: str = ''
    latency_ms: float | None = None


def answer(args: argparse.Namespace) -> None:
    """Solve, print, write."""
    kinds = 'macs', 'params', 'latency'
    kind = next(kind for kind in kinds if getattr(args, kind) is not None)
    budget = parse_budget(kind, getattr(args, kind))
    make_room(args.write, args.json)
    if args.write:
        check_new(args.write)
    cube = build_cube(args)
    formula = read_formula(args.formula)
    if kind == 'latency':
        solution, rows = solve_by_latency(args, cube, formula, budget)
    else:
        solution = solve_budget(cube, formula, budget)
        rows = [Row('tiny', solution.net), *others(cube, budget)]
    print_table(args, cube, formula, solution, rows)
    if args.write:
        write(args, cube, solution)
    if args.json:
        write_json(args.json, summary(args, formula, solution, rows))


def whole_detector(args: argparse.Namespace) -> bool:
    return args.budget_for == 'detector'


def build_cube(args: argparse.Namespace) -> Cube:
    """The networks that the budget is for."""
    for option, value in (('--classes', args.classes), ('--input', args.input)):
        if value is not None:
            check_whole(option, value, 1)
    classes = classes_of_budget(args)
    if whole_detector(args):
        cube = detector_cube(args.baseline, classes, args.input or DETECTOR_SIDE)
    else:
        cube = classifier_cube(args.baseline, classes, args.input)
    check_whole('--input', cube.side, cube.arch.stride)
    return cube


def classes_of_task(args: argparse.Namespace) -> int:
    """Of what the network is for."""
    return CLASSES[args.task] if args.classes is None else args.classes


def classes_of_budget(args: argparse.Namespace) -> int:
    """Of what the budget is for."""
    if args.task == 'detector' and not whole_detector(args):
        # As in the paper's Table 5: the backbone's cost as a classifier of ImageNet.
        return CLASSES['classifier']
    return classes_of_task(args)


def solve_by_latency(
    args: argparse.Namespace, cube: Cube, formula: Formula, budget: Budget
) -> tuple[Solution, list[Row]]:
    """Solve by measuring; the other rules have the multiply-accumulates of the result.

    All are measured beside each other in the end.
    """
    # Not above: they take seconds.
    from tinydet.deploy.latency import stopwatch
    from tinydet.deploy.untrained import classifier_onnx, detector_onnx
    from tinydet.formula.by_latency import solve_latency

    classes = classes_of_budget(args)

    def export(net: Net) -> bytes:
        if whole_detector(args):
            outputs = detector_outputs(net.arch)
            return detector_onnx(net.arch, net.input, classes, outputs)
        return classifier_onnx(net.arch, net.input, classes)

    measure = stopwatch(export)
    solution = solve_latency(cube, formula, budget, measure)
    rows = [Row('tiny', solution.net)]
    rows += others(cube, Budget('macs', solution.net.macs))
    nets = [row.net for row in rows if row.net]
    times = dict(zip(nets, measure(nets), strict=True))
    return solution, [replace(row, latency_ms=times.get(row.net)) for row in rows]


def others(cube: Cube, budget: Budget) -> list[Row]:
    """The networks of the other rules at the same budget."""
    rows = []
    for rule in RULES:
        try:
            rows.append(Row(rule, shrink(cube, budget, rule)))
        except InputError as error:
            rows.append(Row(rule, None, str(error)))
    return rows


def print_table(args, cube: Cube, formula: Formula, solution: Solution, rows) -> None:
    """Print what the formula says, and the networks."""
    whole, said, of = cube.baseline, solution.prediction, ' of the whole detector'
    print(
        f'{args.baseline} at {cube.side} px: {whole.macs / 1e6:.4g}M MACs, '
        f'{whole.params / 1e6:.4g}M parameters{of if whole_detector(args) else ""}'
    )
    budget = solution.budget
    print(
        f'{budget} is c = {said.c:.3f} of {budget.text(solution.whole)}: '
        f'r = {said.r:.3f} +- {said.r_std:.3f}, d = {said.d:.3f} +- {said.d_std:.3f}'
    )
    print(f'formula: {formula.source}')
    if formula.baseline != args.baseline:
        print(f'it was learnt with {formula.baseline}')
    if said.extrapolated:
        least, most = formula.range
        print(
            f'EXTRAPOLATED: the formula was fitted from c = {least:.3g} to {most:.3g}'
        )
    timed = any(row.latency_ms for row in rows)
    print(
        f'\n{"":<20} {"r":>6} {"d":>6} {"w":>6} {"input":>5} {"params M":>9} '
        f'{"MMACs":>9}' + f'{"ms":>8}' * timed
    )
    for row in rows:
        print(line(row))
    if solution.budget.kind != 'latency':
        off = solution.budget.of(solution.net) / solution.budget.value - 1
        if abs(off) > CLOSE:
            print(
                f'\nthe closest is {off:+.1%} off the budget, as channels come in '
                f'multiples of {cube.arch.divisor}'
            )


def line(row: Row) -> str:
    name, net = NAMES[row.rule], row.net
    if net is None:
        return f'{name:<20} -  {row.reason}'
    latency = f'{row.latency_ms:>8.3f}' if row.latency_ms else ''
    return (
        f'{name:<20} {net.r:>6.3f} {net.d:>6.3f} {net.w:>6.3f} {net.input:>5} '
        f'{net.params / 1e6:>9.3f} {net.macs / 1e6:>9.2f}{latency}'
    )


def summary(args, formula: Formula, solution: Solution, rows: list[Row]) -> dict:
    """The answer as it is printed."""
    return {
        **figures(rows[0]),
        'baseline': args.baseline,
        'task': args.task,
        'budget_for': args.budget_for or 'backbone',
        'budget': asdict(solution.budget),
        'baseline_cost': solution.whole,
        'predicted': asdict(solution.prediction),
        'formula': formula.source,
        'alternatives': {
            row.rule: figures(row) if row.net else {'reason': row.reason}
            for row in rows[1:]
        },
    }


def figures(row: Row) -> dict:
    names = ('r', 'd', 'w', 'input', 'params', 'macs')
    latency = {'latency_ms': row.latency_ms} if row.latency_ms else {}
    return {**{name: getattr(row.net, name) for name in names}, **latency}


def write(args: argparse.Namespace, cube: Cube, solution: Solution) -> None:
    """Write the config of the network."""
    net, title = solution.net, f'{args.baseline} for a budget of {solution.budget}.'
    classes = classes_of_task(args)
    if args.task == 'classifier':
        write_classifier(args.write, net, args.baseline, classes, title, CONFIGS)
    else:
        side = net.input if whole_detector(args) else DETECTOR_SIDE
        if not whole_detector(args):
            title += f' As a classifier, to pretrain it, it takes {net.input} px.'
        write_detector(args.write, net, args.baseline, side, classes, title, CONFIGS)
        cost = ssdlite_cost(net.arch, side, classes, detector_outputs(net.arch))
        print(
            f'\nthe detector at {side} px: {cost.macs / 1e6:.4g}M MACs, '
            f'{cost.params / 1e6:.4g}M parameters'
        )
    command = f'tools/train.py {shlex.quote(str(args.write))}'
    print(f'written: {args.write}; train it with {command}')


if __name__ == '__main__':
    raise SystemExit(run(main))
