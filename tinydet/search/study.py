"""The study in its storage: many workers on many machines share it by Optuna.

A trial of Optuna is one attempt to train one network. An attempt whose worker was
killed or interrupted is failed without a reason, and the network is attempted again
under the same *key*; one whose training failed carries the reason, and is not. So every
network has at most one attempt that counts.
"""

import time
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import optuna
from optuna.distributions import FloatDistribution
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import RDBStorage, fail_stale_trials
from optuna.trial import FrozenTrial, TrialState, create_trial
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, SQLAlchemyError

from tinydet.arch import WIDEST
from tinydet.errors import InputError, some
from tinydet.formula.cube import Cube, Net
from tinydet.formula.study import COMPLETE, FAILED, RANDOM, Study, Trial
from tinydet.search.space import draw

# A worker tells in this interval that it lives, in seconds, and is taken for dead when
# it has not for that long.
HEARTBEAT, GRACE = 30, 120
PLACE = ('r', 'd', 'w')
# One range for all trials; which places are drawn is the sampler's matter.
RANGE = FloatDistribution(0.01, WIDEST)
# What a storage raises that is out of reach.
LOST = (SQLAlchemyError, StorageInternalError)
# What is kept of a study and of its attempts beside Optuna's own.
_SETTINGS = 'settings'
_KEY, FAILURE = 'key', 'failure'
_ROW = ('rule', 'seed', 'input', 'params', 'macs', 'c')
_TRIES = 3
_UNDER_WAY = (TrialState.RUNNING, TrialState.WAITING)


class CubeSampler(optuna.samplers.BaseSampler):
    """Draws the network of a key: the same on every machine and at every attempt.

    Args:
        cube: Of the baseline.
        seed: Of all draws.
        share: Of the baseline's cost, as :func:`tinydet.search.space.draw` takes it.
    """

    def __init__(self, cube: Cube, seed: int, share: float | None) -> None:
        self.cube = cube
        self.seed = seed
        self.share = share

    def infer_relative_search_space(self, study, trial) -> dict:
        """r, d and w, which are drawn together."""
        return dict.fromkeys(PLACE, RANGE)

    def sample_relative(self, study, trial: FrozenTrial, search_space) -> dict:
        """Draw r, d and w."""
        rng = np.random.default_rng([self.seed, key(trial)])
        net = draw(self.cube, rng, self.share)
        return {name: getattr(net, name) for name in PLACE}

    def sample_independent(self, study, trial, param_name, param_distribution) -> float:
        """Nothing is drawn alone."""
        raise NotImplementedError(param_name)


class _Storage(RDBStorage):
    """A storage whose workers outlive a sign of life that does not arrive."""

    def record_heartbeat(self, trial_id: int) -> None:
        """Tell that a worker lives; the next time if not this one."""
        with suppress(*LOST):
            super().record_heartbeat(trial_id)


def open_storage(
    url: str, heartbeat: int = HEARTBEAT, grace: int = GRACE
) -> RDBStorage:
    """Reach the storage of a study.

    Args:
        url: SQLAlchemy's: ``sqlite:///study.db``,
            ``postgresql+psycopg://user:password@host/database``.
        heartbeat: Seconds between the signs of life of a worker.
        grace: Seconds without one after which a worker is taken for dead.

    Raises:
        InputError: If it cannot be reached.
    """
    tries = _TRIES
    while True:
        tries -= 1
        try:
            return _connect(url, heartbeat, grace)
        except (*LOST, ImportError, ValueError) as error:
            if not tries or not isinstance(error, DatabaseError):
                # The driver's own first line; the rest is about SQL.
                cause = str(error.__cause__ or error).strip().splitlines()[0]
                raise InputError(
                    f'the storage {_without_password(url)} cannot be reached: {cause}: '
                    'give a URL such as sqlite:///study.db, or that of a server with '
                    'its driver, postgresql+psycopg://user:password@host/database'
                ) from error
        # Workers that start together make the tables together; all but one fail.
        time.sleep(1)


def _connect(url: str, heartbeat: int, grace: int) -> RDBStorage:
    # A writer of SQLite waits for the others; a server may drop idle connections.
    sqlite = make_url(url).get_backend_name() == 'sqlite'
    kwargs = {'connect_args': {'timeout': 60}} if sqlite else {'pool_pre_ping': True}
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', ExperimentalWarning)
        return _Storage(
            url, engine_kwargs=kwargs, heartbeat_interval=heartbeat, grace_period=grace
        )


def open_study(
    storage: RDBStorage, name: str, sampler: CubeSampler, settings: Mapping
) -> optuna.Study:
    """Join a study, or begin it.

    Args:
        storage: From :func:`open_storage`.
        name: Of the study.
        sampler: Draws its networks.
        settings: What all its workers share: JSON values.

    Raises:
        InputError: If it was begun with other settings.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        storage=storage,
        study_name=name,
        sampler=sampler,
        direction='maximize',
        load_if_exists=True,
    )
    begun = study.user_attrs.get(_SETTINGS)
    if begun is None:
        study.set_user_attr(_SETTINGS, dict(settings))
    elif begun != settings:
        other = [field for field in settings if begun.get(field) != settings[field]]
        differences = ', '.join(
            f'{field} {begun.get(field)!r} there and {settings[field]!r} here'
            for field in other
        )
        raise InputError(
            f'the study {name} was begun with another search: {differences}: give the '
            'config and options of before, or another --study or --work-dir'
        )
    return study


def read_study(url: str, name: str | None = None) -> Study:
    """Read the finished trials of a study from its storage.

    Args:
        url: Of the storage.
        name: Of the study; not needed where there is one.

    Raises:
        InputError: If it cannot be reached, or holds no such study.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    _check_file(url)
    storage = open_storage(url)
    names = optuna.get_all_study_names(storage)
    if name is None and len(names) == 1:
        name = names[0]
    if name not in names:
        raise InputError(
            f'{_without_password(url)} holds {len(names)} studies'
            f'{": " + some(names) if names else ""}: give the name of one as --study'
        )
    study = optuna.load_study(study_name=name, storage=storage)
    if _SETTINGS not in study.user_attrs:
        raise InputError(
            f'the study {name} of {_without_password(url)} is none of tools/search.py'
        )
    return finished(study)


def _check_file(url: str) -> None:
    """Refuse a SQLite file that is not there, which reading would make.

    Raises:
        InputError: If there is none.
    """
    start = 'sqlite:///'
    if url.startswith(start):
        path = Path(url.removeprefix(start))
        if not path.is_file() or not path.stat().st_size:
            raise InputError(
                f'there is no study in {path}: give the study.db of tools/search.py'
            )


def finished(study: optuna.Study) -> Study:
    """The finished trials of a study, as what is fitted and drawn."""
    settings = study.user_attrs[_SETTINGS]
    trials = tuple(
        record(trial) for trial in study.get_trials(deepcopy=False) if is_done(trial)
    )
    return Study(settings['baseline'], settings['figure'], trials, study.study_name)


def key(trial: FrozenTrial) -> int | str:
    """What names the network of an attempt; a number if it was drawn."""
    return trial.user_attrs.get(_KEY, trial.number)


def is_random(trial: FrozenTrial) -> bool:
    """Whether its network was drawn."""
    return trial.user_attrs.get('rule', RANDOM) == RANDOM


def is_surplus(study: optuna.Study, trial: FrozenTrial, trials: int) -> bool:
    """Whether an attempt is one too many, as when two workers began the last one.

    Args:
        study: Of all attempts.
        trial: The attempt.
        trials: How many random networks there are to be.
    """
    attempts = [
        attempt
        for attempt in study.get_trials(deepcopy=False)
        if attempt.state != TrialState.PRUNED
    ]
    earlier = (
        attempt.number < trial.number and key(attempt) == key(trial)
        for attempt in attempts
        if _counts(attempt)
    )
    if any(earlier):
        return True
    if not is_random(trial) or key(trial) != trial.number:
        # Nothing that is asked for, or was begun before, is one too many.
        return False
    drawn = sorted({key(attempt) for attempt in attempts if is_random(attempt)})
    return drawn.index(trial.number) >= trials


def add_network(study: optuna.Study, name: str, net: Net, rule: str, seed: int) -> None:
    """Queue a network that is not drawn, unless it has been.

    Args:
        study: Takes it.
        name: Its key.
        net: The network.
        rule: How it was chosen, as in :class:`tinydet.formula.study.Trial`.
        seed: Of its training.

    Raises:
        InputError: If the study has another network of that key.
    """
    place = {multiplier: getattr(net, multiplier) for multiplier in PLACE}
    for trial in study.get_trials(deepcopy=False):
        if key(trial) == name and trial.params != place:
            raise InputError(
                f'the study has another network as {name}, as of another formula: give '
                'another --study'
            )
        if key(trial) == name:
            return
    _queue(study, place, {_KEY: name, 'rule': rule, 'seed': seed})


def mend(study: optuna.Study, grace: float = GRACE) -> None:
    """Queue again what a worker began that was killed or interrupted.

    Args:
        study: Of all attempts.
        grace: Seconds after which a silent worker is dead.
    """
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', ExperimentalWarning)
        fail_stale_trials(study)
    for attempt in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        # Optuna passes over one that was killed before its first sign of life.
        age = (datetime.now() - attempt.datetime_start).total_seconds()
        if age > grace and 'macs' not in attempt.user_attrs:
            study.tell(attempt.number, state=TrialState.FAIL, skip_if_finished=True)
    attempts = study.get_trials(deepcopy=False)
    counting = {key(attempt) for attempt in attempts if _counts(attempt)}
    for attempt in attempts:
        lost = attempt.state == TrialState.FAIL and not _counts(attempt)
        if lost and key(attempt) not in counting:
            counting.add(key(attempt))
            attrs = {**attempt.user_attrs, _KEY: key(attempt)}
            _queue(study, attempt.params, attrs)


def counts(study: optuna.Study, trials: int) -> 'Counts':
    """Where a study stands.

    Args:
        study: Of all attempts.
        trials: How many random networks there are to be.
    """
    attempts = study.get_trials(deepcopy=False)
    chosen = {key(attempt) for attempt in attempts if not is_random(attempt)}
    drawn = {
        key(attempt)
        for attempt in attempts
        if is_random(attempt) and attempt.state != TrialState.PRUNED
    }
    return Counts(
        total=max(trials, len(drawn)) + len(chosen),
        done=sum(map(is_done, attempts)),
        running=sum(attempt.state == TrialState.RUNNING for attempt in attempts),
        queued=sum(attempt.state == TrialState.WAITING for attempt in attempts),
        undrawn=max(0, trials - len(drawn)),
    )


@dataclass(frozen=True)
class Counts:
    """Where a study stands, in networks.

    Attributes:
        total: That there are to be.
        done: Trained, or failed for a reason.
        running: In training, on any machine.
        queued: Waiting for a worker.
        undrawn: Still to draw.
    """

    total: int
    done: int
    running: int
    queued: int
    undrawn: int


def _queue(study: optuna.Study, place: Mapping[str, float], attrs: Mapping) -> None:
    study.add_trial(
        create_trial(
            state=TrialState.WAITING,
            params=dict(place),
            distributions=dict.fromkeys(place, RANGE),
            user_attrs=dict(attrs),
        )
    )


def is_done(trial: FrozenTrial) -> bool:
    """Whether it has come to an end that stands."""
    failed = trial.state == TrialState.FAIL and FAILURE in trial.user_attrs
    return failed or trial.state == TrialState.COMPLETE


def _counts(trial: FrozenTrial) -> bool:
    """Whether its network needs no other attempt, so far."""
    return is_done(trial) or trial.state in _UNDER_WAY


def record(trial: FrozenTrial) -> Trial:
    """A finished trial as what is fitted and drawn."""
    attrs = trial.user_attrs
    complete = trial.state == TrialState.COMPLETE
    return Trial(
        number=trial.number,
        state=COMPLETE if complete else FAILED,
        **{name: attrs[name] for name in _ROW},
        **{name: trial.params[name] for name in PLACE},
        score=trial.value,
        seconds=attrs.get('seconds'),
        failure=attrs.get(FAILURE, ''),
    )


def _without_password(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        # no URL at all: then it may hold anything
        return 'of --storage'
