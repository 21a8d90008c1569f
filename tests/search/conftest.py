from collections.abc import Callable
from pathlib import Path

import pytest
from optuna.storages import RDBStorage

from tinydet.engine.jobs import load_config
from tinydet.search.job import Job
from tinydet.search.study import CubeSampler, open_storage, open_study

REPO = Path(__file__).parents[2]
SETTINGS = {'baseline': 'efficientnet_b0', 'figure': 'top1'}
# Seconds: of a sign of life, and after which a worker is dead.
HEARTBEAT, GRACE = 1, 2


@pytest.fixture(scope='session')
def job() -> Job:
    """EfficientNet-B0 at 64 px; nothing is trained with it."""
    return Job(
        load_config(REPO / 'configs/classification/efficientnet_b0_cifar10_short.py')
    )


@pytest.fixture
def storage(tmp_path) -> RDBStorage:
    return open_storage(f'sqlite:///{tmp_path}/study.db', HEARTBEAT, GRACE)


@pytest.fixture
def begin(job, storage) -> Callable:
    """Begin or join a study."""

    def begin(share: float | None = None, seed: int = 0, **settings):
        sampler = CubeSampler(job.cube, seed, share)
        return open_study(storage, 'small', sampler, {**SETTINGS, **settings})

    return begin
