"""Time what a search does beside training: drawing, costing, recording networks.

Drawing and costing: 1,000 candidates of a classifier and of a detector from tables,
against building each network on the meta device and counting it, which is done for some
of the same networks.

Recording: a worker with a training that takes no time, in SQLite, with the time of a
network at growing sizes of the study, and the process that each training starts in.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from tinydet.engine.jobs import load_config
from tinydet.files import make_room, write_json
from tinydet.models.complexity import count_model
from tinydet.progress import track
from tinydet.search.job import Job
from tinydet.search.space import draw
from tinydet.search.study import CubeSampler, open_storage, open_study
from tinydet.search.training import TrainingError, train
from tinydet.search.worker import Plan, work

CONFIGS = Path(__file__).parents[1] / 'configs'
TASKS = {
    'classifier': 'classification/efficientnet_b0_in1k.py',
    'detector': 'ssdlite_efficientnet_b0.py',
}
CANDIDATES, COUNTED = 1000, 20
# Networks of the study that grows, and of each stretch that is timed.
NETWORKS, STRETCH = 300, 100
PROCESSES = 3
# The least training that the overhead is a share of: 1% of it is half a minute.
HOUR = 3600


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--json', type=Path, help='write the figures to this file')
    args = parser.parse_args()
    make_room(args.json)
    rows = [time_candidates(task) for task in track(TASKS, desc='candidates')]
    for row in rows:
        print(
            f'{row["task"]}: {CANDIDATES} candidates in {row["free_s"]:.1f} s, '
            f'{row["fixed_s"]:.1f} s at half the cost; built and counted on the meta '
            f'device {row["meta_s"]:.0f} s: {row["ratio"]:.0f} times'
        )
    with tempfile.TemporaryDirectory() as folder:
        stretches = time_recording(Path(folder))
        process = time_process(Path(folder))
    for end, seconds in stretches.items():
        print(f'networks up to {end}: {1e3 * seconds:.0f} ms each')
    print(f'the process of a training: {process:.2f} s')
    overhead = max(stretches.values()) + process
    print(f'together {overhead / HOUR:.3%} of a training of an hour')
    if args.json:
        write_json(
            args.json,
            {'candidates': rows, 'recording_s': stretches, 'process_s': process},
        )


def time_candidates(task: str) -> dict:
    """Draw and cost candidates from tables, and count some of them on meta."""
    job = Job(load_config(CONFIGS / TASKS[task]))
    spent, nets = {}, []
    for name, share in (('free_s', None), ('fixed_s', 0.5)):
        start = time.perf_counter()
        nets = [
            draw(job.cube, np.random.default_rng(seed), share)
            for seed in range(CANDIDATES)
        ]
        spent[name] = time.perf_counter() - start
    start = time.perf_counter()
    for net in nets[:COUNTED]:
        cost = count_model(job.place(net, by_authors=False, seed=0))
        assert (cost.params, cost.macs) == (net.params, net.macs)
    meta = (time.perf_counter() - start) / COUNTED * CANDIDATES
    # one cost a candidate on either side
    start = time.perf_counter()
    for net in nets:
        job.cube.net(net.r, net.d, net.w)
    tables = time.perf_counter() - start
    return {'task': task, **spent, 'meta_s': meta, 'ratio': meta / tables}


def time_recording(folder: Path) -> dict[int, float]:
    """Seconds a network at growing sizes of a study, with trainings of no time."""
    job = Job(load_config(CONFIGS / TASKS['classifier']))
    study = open_study(
        open_storage(f'sqlite:///{folder}/study.db'),
        'benchmark',
        CubeSampler(job.cube, 0, None),
        {'baseline': job.baseline, 'figure': job.figure},
    )
    plan = Plan(job, NETWORKS, folder / 'trials', train=lambda *_: (50.0, 0.0))
    stretches = {}
    start = time.perf_counter()
    trials = track(work(plan, study), total=NETWORKS, desc='recording')
    for number, _ in enumerate(trials, 1):
        if number % STRETCH == 0:
            stretches[number] = (time.perf_counter() - start) / STRETCH
            start = time.perf_counter()
    return stretches


def time_process(folder: Path) -> float:
    """Seconds that the process of a training takes, the first of a worker left out."""
    config = folder / 'config.py'
    config.write_text('import os; os._exit(1)')
    spent = []
    for _ in range(PROCESSES + 1):
        start = time.perf_counter()
        try:
            train(config, 'top1')
        except TrainingError:
            spent.append(time.perf_counter() - start)
    return min(spent[1:])


if __name__ == '__main__':
    main()
