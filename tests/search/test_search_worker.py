"""Workers that share a study; a stand-in takes the place of the trainings."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from tinydet.errors import InputError
from tinydet.search import study as storage
from tinydet.search.study import open_storage
from tinydet.search.training import TrainingError, work_dir_of
from tinydet.search.worker import Plan, work

SETTINGS = {'baseline': 'efficientnet_b0', 'figure': 'top1'}
# A worker of its own: draws, "trains" for some time, tells which network it has begun.
SCRIPT = """
import sys, time
from pathlib import Path
import tinydet.search.worker as worker
from tinydet.engine.jobs import load_config
from tinydet.search.job import Job
from tinydet.search.study import CubeSampler, open_storage, open_study

url, config, trials, seconds, grace = sys.argv[1:]
job = Job(load_config(config))

def train(config, figure):
    print(config.stem, flush=True)
    time.sleep(float(seconds))
    return 50.0, float(seconds)

worker._LOOK = 0.2
study = open_study(
    open_storage(url, 1, int(grace)),
    'small',
    CubeSampler(job.cube, 0, None),
    {'baseline': 'efficientnet_b0', 'figure': 'top1'},
)
plan = worker.Plan(job, int(trials), Path('trials'), float(grace), train)
for trial in worker.work(plan, study):
    print('done', trial.number, flush=True)
"""


@pytest.fixture(autouse=True)
def _look_often(monkeypatch):
    monkeypatch.setattr('tinydet.search.worker._LOOK', 0.1)


@pytest.fixture
def plan(job, tmp_path):
    """A plan of some networks whose training is a function of their config."""

    def plan(trials: int, train=lambda config, figure: (50.0, 1.0)) -> Plan:
        return Plan(job, trials, tmp_path / 'trials', 3, train)

    return plan


@pytest.fixture
def start(job, tmp_path):
    """Start a worker in a process of its own."""
    started = []

    def start(trials: int, seconds: float, url: str = '', grace: int = 2):
        url = url or f'sqlite:///{tmp_path}/study.db'
        words = (url, job.cfg.filename, trials, seconds, grace)
        process = subprocess.Popen(
            [sys.executable, '-c', SCRIPT, *map(str, words)],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def begun(process: subprocess.Popen) -> str:
    """Wait until a worker begins a network; the network's key."""
    for line in process.stdout:
        if line.strip().isdigit():
            return line.strip()
    raise AssertionError('the worker ended')


def raising(*errors: BaseException | type[BaseException] | None) -> Callable:
    """A training that ends with these, one after the other; None for a score."""
    endings = iter(errors)

    def train(*_) -> tuple[float, float]:
        error = next(endings)
        if error:
            raise error
        return 50.0, 1.0

    return train


def keys(study: optuna.Study, *states: TrialState) -> list:
    return [storage.key(trial) for trial in study.get_trials(states=states)]


def test_a_search_records_score_cost_and_place(begin, plan, job):
    study = begin()
    scores = iter([31.5, 42.25, 28.0])
    trials = list(work(plan(3, lambda *_: (next(scores), 2.0)), study))
    found = storage.finished(study)
    assert found.trials == tuple(trials)
    assert (found.baseline, found.figure) == ('efficientnet_b0', 'top1')
    assert [trial.score for trial in trials] == [31.5, 42.25, 28.0]
    for trial in trials:
        net = job.cube.net(trial.r, trial.d, trial.w)
        assert (trial.input, trial.params, trial.macs) == (
            net.input,
            net.params,
            net.macs,
        )
        assert trial.c == net.macs / job.cube.baseline.macs
        assert 0.03 <= trial.c <= 1.05
        assert (trial.state, trial.rule, trial.seconds) == ('complete', 'random', 2.0)


def test_the_draws_of_a_seed_are_the_same_in_every_study(begin, plan, job):
    found = list(work(plan(2), begin(seed=7)))
    sampler = storage.CubeSampler(job.cube, 7, None)
    other = optuna.create_study(sampler=sampler)
    for trial in found:
        drawn = sampler.sample_relative(other, other.ask(), {})
        assert drawn == {name: getattr(trial, name) for name in ('r', 'd', 'w')}


def test_a_network_is_trained_by_its_config(begin, plan):
    configs = []

    def train(config: Path, figure: str):
        configs.append(config.read_text())
        return 1.0, 1.0

    (trial,) = work(plan(1, train), begin())
    assert f"'input_size': {trial.input}" in configs[0]
    assert f"'w': {trial.w}" in configs[0]
    assert f"'d': {trial.d}" in configs[0]


def test_checkpoints_to_resume_from_go_when_a_network_is_done(begin, plan, tmp_path):
    def train(config: Path, figure: str):
        work_dir_of(config).mkdir()
        for name in ('epoch_1.pth', 'best.pth'):
            (work_dir_of(config) / name).write_bytes(b'')
        return 1.0, 1.0

    list(work(plan(1, train), begin()))
    left = {path.name for path in (tmp_path / 'trials/0').iterdir()}
    assert left == {'best.pth'}


def test_a_training_that_fails_is_recorded_and_the_search_goes_on(begin, plan):
    train = raising(TrainingError('out of memory'), None, InputError('too small'), None)
    study = begin()
    trials = list(work(plan(4, train), study))
    assert [trial.state for trial in trials] == ['failed', 'complete'] * 2
    assert [trial.failure for trial in trials] == ['out of memory', '', 'too small', '']
    assert storage.finished(study).trials == tuple(trials)
    # and none is trained again
    assert list(work(plan(4), study)) == []


def test_input_that_is_unusable_from_the_start_stops_the_search(begin, plan):
    def train(*_):
        raise InputError('there is no data set')

    study = begin()
    with pytest.raises(InputError, match='there is no data set'):
        list(work(plan(2, train), study))
    assert storage.finished(study).trials == ()
    # once it is there, the same networks are trained
    trials = list(work(plan(2), study))
    assert len(trials) == 2
    assert sorted(keys(study, TrialState.COMPLETE)) == [0, 2]
    assert trials[0].r == study.trials[0].params['r']


def test_whatever_fails_is_the_reason(begin, plan):
    def train(*_):
        raise OSError(28, 'No space left on device')

    trials = list(work(plan(2, train), begin()))
    assert [trial.failure for trial in trials] == [
        '[Errno 28] No space left on device'
    ] * 2


def test_a_network_goes_on_from_its_own_files_alone(begin, plan, job, tmp_path):
    interrupts = iter([KeyboardInterrupt, None, None])
    found = []

    def train(config: Path, figure: str):
        folder = work_dir_of(config)
        folder.mkdir(exist_ok=True)
        found.append({path.name for path in folder.iterdir()})
        (folder / 'epoch_1.pth').write_bytes(b'')
        interrupt = next(interrupts)
        if interrupt:
            raise interrupt
        return 50.0, 1.0

    with pytest.raises(KeyboardInterrupt):
        list(work(plan(1, train), begin()))
    list(work(plan(1, train), begin()))
    assert found == [set(), {'epoch_1.pth'}]
    # another study in the same folder, whose first network is another one
    (tmp_path / 'trials/0/epoch_1.pth').write_bytes(b'')
    other = storage.open_study(
        open_storage(f'sqlite:///{tmp_path}/other.db', 1, 2),
        'small',
        storage.CubeSampler(job.cube, 1, None),
        SETTINGS,
    )
    list(work(plan(1, train), other))
    assert found[2] == set()


def test_fewer_networks_than_before_lose_none(begin, plan):
    """As with --rules alone after a search that was interrupted."""
    train = raising(None, KeyboardInterrupt)
    study = begin()
    with pytest.raises(KeyboardInterrupt):
        list(work(plan(5, train), study))
    (trial,) = work(plan(0), study)
    assert trial.r == study.trials[1].params['r']
    assert len(study.trials) == 3


def test_a_worker_killed_before_its_first_sign_of_life_loses_nothing(begin, plan):
    study = begin()
    study.ask()
    time.sleep(0.2)
    storage.mend(study, grace=0.1)
    (trial,) = work(plan(1), study)
    assert keys(study, TrialState.COMPLETE) == [0]
    assert trial.number == 1


def test_a_worker_that_was_given_up_leaves_the_network_to_others(begin, plan):
    study = begin()

    def train(*_):
        # another worker took this one for dead
        study.tell(0, state=TrialState.FAIL)
        return 50.0, 1.0

    trials = list(work(plan(1, train), study))
    assert [trial.number for trial in trials] == [1]


def test_an_interrupted_network_is_trained_again_at_once(begin, plan):
    train = raising(None, KeyboardInterrupt)
    study = begin()
    with pytest.raises(KeyboardInterrupt):
        list(work(plan(3, train), study))
    assert keys(study, TrialState.COMPLETE) == [0]
    again = list(work(plan(3), study))
    assert sorted(keys(study, TrialState.COMPLETE)) == [0, 1, 3]
    assert (again[0].r, again[0].d, again[0].w) == tuple(
        study.trials[1].params[name] for name in ('r', 'd', 'w')
    )


def test_a_killed_worker_s_network_is_found_and_trained_again(begin, plan, start):
    first = start(trials=2, seconds=60)
    network = begun(first)
    first.kill()
    first.wait()
    study = begin()
    assert keys(study, TrialState.RUNNING) == [int(network)]
    again = list(work(plan(2), study))
    assert sorted(keys(study, TrialState.COMPLETE)) == [0, 1]
    assert len(again) == 2
    place = {name: getattr(again[-1], name) for name in ('r', 'd', 'w')}
    assert place == study.trials[0].params


def test_a_network_that_another_worker_trains_is_left_to_it(begin, plan, start):
    other = start(trials=2, seconds=60)
    network = begun(other)
    study = begin()
    trials = list(work(plan(2), study))
    assert [trial.number for trial in trials] == [1]
    assert keys(study, TrialState.RUNNING) == [int(network)]


def test_workers_share_the_networks(begin, start):
    processes = [start(trials=6, seconds=1) for _ in range(2)]
    outputs = [process.communicate()[0].splitlines() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    begun = [line for lines in outputs for line in lines if line.isdigit()]
    assert Counter(begun) == Counter(map(str, range(6)))
    study = begin()
    assert sorted(keys(study, TrialState.COMPLETE)) == list(range(6))
    assert keys(study, TrialState.RUNNING, TrialState.WAITING) == []


def test_one_network_too_many_is_not_trained(begin):
    study = begin()
    first, second = (study.ask() for _ in range(2))  # two workers, for the last one
    attempts = study.get_trials()
    assert [storage.is_surplus(study, trial, 1) for trial in attempts] == [False, True]
    assert not storage.is_surplus(study, attempts[1], 2)
    study.tell(second, state=TrialState.PRUNED)
    assert storage.counts(study, 1).total == 1
    # an attempt at the network of another that counts
    study.enqueue_trial({}, user_attrs={'key': first.number})
    again = study.ask()
    assert storage.is_surplus(study, study.get_trials()[again.number], 5)


def test_networks_of_rules_are_queued_once(begin, plan, job):
    study = begin()
    net = job.cube.net(0.7, 1, 1, job.cube.arch.scaling)
    for _ in range(2):
        storage.add_network(study, 'giant_0.5_s1', net, 'giant', 1)
    (trial,) = work(plan(0), study)
    assert (trial.rule, trial.seed, trial.macs) == ('giant', 1, net.macs)
    storage.add_network(study, 'giant_0.5_s1', net, 'giant', 1)
    assert list(work(plan(0), study)) == []
    assert [trial.rule for trial in work(plan(1), study)] == ['random']


def test_counts_are_those_of_networks(begin, plan, job):
    study = begin()
    list(work(plan(3), study))
    storage.add_network(study, 'width_0.5_s0', job.cube.net(1, 1, 0.6), 'width', 0)
    counts = storage.counts(study, 5)
    assert (counts.total, counts.done, counts.queued, counts.undrawn) == (6, 3, 1, 2)
    # fewer than there are: nothing is lost
    assert storage.counts(study, 2).total == 4


def test_another_search_in_the_same_study_is_refused(begin):
    begin(training='a1')
    with pytest.raises(InputError, match=r"small was begun .*: training 'a1' there"):
        begin(training='b2')


@pytest.mark.parametrize(
    ('url', 'reason'),
    [
        ('sqlite:////no/such/folder/study.db', 'unable to open database file'),
        ('postgresql+psycopg://me:secret@127.0.0.1:1/x', r'refused|No module'),
        ('postgres', 'Could not parse'),
        ('nodb://x', 'nodb'),
    ],
)
def test_a_storage_out_of_reach_is_refused_without_its_password(url, reason):
    with pytest.raises(InputError, match=reason) as caught:
        open_storage(url)
    assert 'secret' not in str(caught.value)


def test_a_study_is_read_by_its_name(begin, plan, tmp_path):
    study = begin()
    trials = tuple(work(plan(2), study))
    url = f'sqlite:///{tmp_path}/study.db'
    assert storage.read_study(url).trials == trials
    assert storage.read_study(url, 'small').trials == trials
    with pytest.raises(InputError, match=r'holds 1 studies: small'):
        storage.read_study(url, 'large')
