"""Search networks of a baseline: tools/search.py CONFIG --trials N [--storage URL]

Draws resolution, depth and width, trains each network with the config and records its
accuracy or mAP and its cost ("Model Rubik's Cube", section 4.2). The network of the
config is the baseline: r = d = w = 1. Start the same command as often as you have
devices, on any machines that reach the storage: the workers share the work. Start it
again after an interruption: it goes on.
"""

import argparse
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path

from mmengine.config import DictAction

from tinydet.checks import check_number, check_whole
from tinydet.cli import run
from tinydet.errors import InputError
from tinydet.files import make_room, write_json
from tinydet.formula.budget import Budget
from tinydet.formula.cube import Cube, Net
from tinydet.formula.formula import Formula, read_formula
from tinydet.formula.rules import RULES, shrink
from tinydet.formula.solve import solve_budget
from tinydet.formula.study import BASELINE, PUBLISHED, TINY, Trial, write_table
from tinydet.progress import Meter

PAPER_TRIALS = 100
# A network of a rule is comparable if it is off its share of the cost by no more.
CLOSE = 0.1
HEADER = (
    f'{"number":>6} {"rule":<10} {"seed":>4} {"input":>5} {"r":>6} {"d":>6} {"w":>6} '
    f'{"params M":>8} {"MMACs":>9} {"c":>6} {"score":>8} {"seconds":>8}'
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', help='of a classifier or an SSDLite detector')
    parser.add_argument(
        '--trials',
        type=int,
        metavar='N',
        help=f'random networks in all (default {PAPER_TRIALS}; none with --rules)',
    )
    parser.add_argument(
        '--fixed-cost',
        type=float,
        metavar='C',
        help='draw r and d alone, and tune w until the cost is within 3%% of C times '
        "the baseline's",
    )
    parser.add_argument(
        '--rules',
        type=float,
        nargs='+',
        metavar='C',
        help='also train the baseline, and at C times its cost the networks of the '
        "published formula, of EfficientNet's rule and of one dimension alone",
    )
    parser.add_argument(
        '--formula', help='with --rules: also the network of this formula file'
    )
    parser.add_argument(
        '--seeds', type=int, default=1, help='with --rules: trainings of each network'
    )
    parser.add_argument(
        '--storage', metavar='URL', help='default: sqlite:///WORK_DIR/study.db'
    )
    parser.add_argument('--study', help='its name (default: that of the config)')
    parser.add_argument('--work-dir', help='default: work_dirs/search/STUDY')
    parser.add_argument('--seed', type=int, default=0, help='of the draws')
    parser.add_argument('--json', type=Path, help='write the table to this file')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='override values of the config',
    )
    args = parser.parse_args()
    if args.rules is None and (args.formula or args.seeds != 1):
        parser.error('--formula and --seeds are for the networks of --rules')
    search(args)


def search(args: argparse.Namespace) -> None:
    # Not above: --help should not wait for them.
    from tinydet.engine.jobs import load_config
    from tinydet.search import study as storage
    from tinydet.search.job import Job
    from tinydet.search.worker import Plan, stop_on_sigterm, work

    trials = args.trials
    if trials is None:
        trials = 0 if args.rules else PAPER_TRIALS
    check_whole('--trials', trials, 0)
    check_whole('--seeds', args.seeds, 1)
    check_whole('--seed', args.seed, 0)
    for option, shares in (
        ('--rules', args.rules or []),
        ('--fixed-cost', [] if args.fixed_cost is None else [args.fixed_cost]),
    ):
        for share in shares:
            check_number(option, share, above=0, most=1)
    name = args.study or Path(args.config).stem
    folder = Path(args.work_dir or Path('work_dirs/search') / name)
    make_room(folder / 'study.csv', args.json)
    job = Job(load_config(args.config, folder, args.cfg_options))
    whole = job.cube.baseline
    url = args.storage or f'sqlite:///{folder}/study.db'
    study = storage.open_study(
        storage.open_storage(url),
        name,
        storage.CubeSampler(job.cube, args.seed, args.fixed_cost),
        {
            'baseline': job.baseline,
            'input': job.cube.side,
            'macs': whole.macs,
            'figure': job.figure,
            'training': job.digest,
            'fixed cost': args.fixed_cost,
            'seed': args.seed,
        },
    )
    if args.rules:
        add_rules(args, job, study)
    print(
        f'study {name}: {job.baseline} at {job.cube.side} px, '
        f'{whole.macs / 1e6:.4g}M MACs, {whole.params / 1e6:.4g}M parameters'
    )
    stop_on_sigterm()
    start, trained = time.monotonic(), 0.0
    counts = storage.counts(study, trials)
    meter = Meter(counts.total, counts.done, f'study {name}')
    meter.write(HEADER)
    try:
        for trial in work(Plan(job, trials, folder / 'trials'), study):
            meter.write(line(trial, job.figure))
            trained += trial.seconds or 0
            write_table(storage.finished(study), folder / 'study.csv')
            counts = storage.counts(study, trials)
            meter.show(counts.total, counts.done)
    except storage.LOST as error:
        raise InputError(
            f'the storage was lost: {str(error).splitlines()[0]}: start the same '
            'command again; what is not recorded is trained again'
        ) from error
    meter.close()
    found = storage.finished(study)
    write_table(found, folder / 'study.csv')
    if args.json:
        write_json(args.json, [asdict(trial) for trial in found.trials])
    spent = time.monotonic() - start
    print(
        f'{counts.done} of {counts.total} networks are done, {counts.running} in '
        f'training elsewhere; this worker trained {trained:.0f} of {spent:.0f} s; '
        f'table: {folder / "study.csv"}'
    )


def add_rules(args: argparse.Namespace, job, study) -> None:
    """Queue the networks that the random ones are compared with."""
    from tinydet.search.study import add_network

    cube = job.cube
    formulas = {PUBLISHED: read_formula()}
    if args.formula:
        formulas[TINY] = read_formula(args.formula)
    nets = {(BASELINE, 1): cube.baseline}
    for share in args.rules:
        budget = Budget('macs', share * cube.baseline.macs)
        found = {rule: partial(shrink, cube, budget, rule) for rule in RULES}
        found |= {
            rule: partial(solve_net, cube, formula, budget)
            for rule, formula in formulas.items()
        }
        for rule, find in found.items():
            try:
                net = find()
            except InputError as error:
                print(f'left out: {error}')
                continue
            if abs(net.macs / budget.value - 1) > CLOSE:
                print(
                    f'left out: {rule} comes no closer to {budget} than '
                    f'{budget.text(net.macs)}'
                )
                continue
            nets[rule, share] = net
    for seed in range(args.seeds):
        for (rule, share), net in nets.items():
            add_network(study, f'{rule}_{share:g}_s{seed}', net, rule, seed)


def solve_net(cube: Cube, formula: Formula, budget: Budget) -> Net:
    return solve_budget(cube, formula, budget).net


def line(trial: Trial, figure: str) -> str:
    """One trial, with the reason if it failed."""
    start = (
        f'{trial.number:>6} {trial.rule:<10} {trial.seed:>4} {trial.input:>5} '
        f'{trial.r:>6.3f} {trial.d:>6.3f} {trial.w:>6.3f} {trial.params / 1e6:>8.3f} '
        f'{trial.macs / 1e6:>9.2f} {trial.c:>6.3f} '
    )
    if trial.score is None:
        return f'{start} failed: {trial.failure}'
    score = f'{trial.score:.2f}' if figure == 'top1' else f'{trial.score:.4f}'
    return f'{start}{score:>8} {trial.seconds:>8.1f}'


if __name__ == '__main__':
    raise SystemExit(run(main))
