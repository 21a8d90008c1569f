"""Workers that share a study on a server; skipped where PostgreSQL is not installed."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from free_port import free_port
from optuna.trial import TrialState

from tinydet.search import study as storage
from tinydet.search.worker import Plan, work

INITDB, PG_CTL = shutil.which('initdb'), shutil.which('pg_ctl')
pytestmark = pytest.mark.skipif(
    not (INITDB and PG_CTL), reason='needs initdb and pg_ctl of PostgreSQL'
)
# It refuses to run as root.
UNPRIVILEGED = 'nobody'


@pytest.fixture(scope='module')
def url():
    """A server of its own with an empty database."""
    folder = Path(tempfile.mkdtemp(prefix='tinydet-postgresql-'))
    user = {}
    if os.geteuid() == 0:
        user = {'user': UNPRIVILEGED}
        os.chown(folder, pwd.getpwnam(UNPRIVILEGED).pw_uid, -1)
    data, port = folder / 'data', free_port()

    def call(*words):
        subprocess.run(
            [*map(str, words)], cwd=folder, check=True, capture_output=True, **user
        )

    options = f'-p {port} -k {folder} -c listen_addresses=127.0.0.1'
    call(INITDB, '-D', data, '-U', 'me', '--auth=trust')
    subprocess.run(
        [PG_CTL, '-D', data, '-o', options, '-l', folder / 'log', '-w', 'start'],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **user,
    )
    yield f'postgresql+psycopg://me@127.0.0.1:{port}/postgres'
    call(PG_CTL, '-D', data, '-m', 'immediate', 'stop')
    shutil.rmtree(folder)


def test_a_server_keeps_a_study_as_a_file_does(url, job, tmp_path):
    sampler = storage.CubeSampler(job.cube, 0, None)
    settings = {'baseline': job.baseline, 'figure': job.figure}
    first, second = (
        storage.open_study(storage.open_storage(url, 1, 2), 'pg', sampler, settings)
        for _ in range(2)
    )
    scores = iter(range(40, 44))
    plan = Plan(job, 3, tmp_path, 3, lambda *_: (next(scores), 1.0))
    trials = list(work(plan, first))
    assert [trial.score for trial in trials] == [40, 41, 42]
    # the other worker has nothing to do but the network that has been added
    storage.add_network(second, 'baseline_1_s0', job.cube.baseline, 'baseline', 0)
    (baseline,) = work(plan, second)
    assert (baseline.rule, baseline.score, baseline.c) == ('baseline', 43, 1)
    assert storage.read_study(url, 'pg').trials == (*trials, baseline)
    states = [trial.state for trial in first.get_trials()]
    assert states == [TrialState.COMPLETE] * 4
