"""A worker: takes networks of a study, trains them and records how good they are."""

import shutil
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from tinydet.errors import InputError
from tinydet.files import replacing
from tinydet.formula.cube import Net
from tinydet.formula.study import RANDOM, Trial
from tinydet.search import study as storage
from tinydet.search.job import Job, as_python
from tinydet.search.training import TrainingError, train, work_dir_of

# Seconds between looks at whether the others are alive.
_LOOK = 5
# The rules whose networks scale their ends as their authors do.
_BY_AUTHORS = ('giant',)


@dataclass(frozen=True)
class Plan:
    """What a search is to do.

    Attributes:
        job: Trains a network.
        trials: How many random networks there are to be in the study.
        folder: Takes a config and a folder of each network.
        grace: Seconds after which a silent worker is dead, as the storage has it.
        train: Takes a config and the name of a figure; gives the figure and the
            seconds.
    """

    job: Job
    trials: int
    folder: Path
    grace: float = storage.GRACE
    train: Callable[[Path, str], tuple[float, float]] = train


def work(plan: Plan, study: optuna.Study) -> Iterator[Trial]:
    """Train networks of a study until none is left to begin.

    Networks that others are training may still be under way at the end; those of
    workers that have died are found and trained again.

    Args:
        plan: What to do.
        study: Shared with other workers.

    Yields:
        Each network that this worker has trained or that failed.

    Raises:
        InputError: If the config or the data set is found unusable before any network
            is done; from then on that is a failure of the network.
    """
    silent_since = time.monotonic()
    while True:
        storage.mend(study, plan.grace)
        counts = storage.counts(study, plan.trials)
        if counts.queued or counts.undrawn:
            attempt = _attempt(plan, study, first=not counts.done)
            silent_since = time.monotonic()
            if storage.is_done(attempt):
                yield storage.record(attempt)
        elif counts.running and time.monotonic() - silent_since < plan.grace:
            # A worker that has died is noticed after that long.
            time.sleep(_LOOK)
        else:
            return


def _attempt(plan: Plan, study: optuna.Study, first: bool) -> FrozenTrial:
    """Take the next network and train it."""
    attempts = []

    def objective(trial: optuna.Trial) -> float:
        attempt = study.get_trials(deepcopy=False)[trial.number]
        attempts.append(attempt)
        if storage.is_surplus(study, attempt, plan.trials):
            raise optuna.TrialPruned
        net = _net(plan, trial)
        try:
            score, seconds = _train(plan, net, trial, storage.key(attempt))
        except Exception as error:
            if first and isinstance(error, InputError):
                raise
            trial.set_user_attr(storage.FAILURE, str(error) or type(error).__name__)
            raise TrainingError from error
        trial.set_user_attr('seconds', round(seconds, 2))
        return score

    try:
        study.optimize(objective, n_trials=1, catch=(TrainingError,))
    except (ValueError, UpdateFinishedTrialError) as error:
        # Out of touch with the storage for so long that others took it for dead: the
        # network is theirs now.
        if isinstance(error, InputError):
            raise
    attempt = study.get_trials(deepcopy=False)[attempts[0].number]
    if attempt.state == TrialState.COMPLETE:
        # Not before the score is recorded: to resume from.
        folder = work_dir_of(_config(plan, storage.key(attempt)))
        for checkpoint in folder.glob('epoch_*.pth'):
            checkpoint.unlink()
    return attempt


def _train(
    plan: Plan, net: Net, trial: optuna.Trial, key: int | str
) -> tuple[float, float]:
    """Train a network; the figure and the seconds."""
    attrs = trial.user_attrs
    cfg = plan.job.place(net, attrs['rule'] in _BY_AUTHORS, attrs['seed'])
    config, text = _config(plan, key), as_python(cfg)
    if not config.exists() or config.read_text() != text:
        # What another study has left there is nothing to go on from.
        shutil.rmtree(work_dir_of(config), ignore_errors=True)
        config.parent.mkdir(parents=True, exist_ok=True)
        with replacing(config) as partial:
            partial.write_text(text)
    return plan.train(config, plan.job.figure)


def _config(plan: Plan, key: int | str) -> Path:
    return plan.folder / f'{key}.py'


def _net(plan: Plan, trial: optuna.Trial) -> Net:
    """The network of an attempt, recorded in the study."""
    cube = plan.job.cube
    space = storage.RANGE
    r, d, w = (
        trial.suggest_float(name, space.low, space.high) for name in storage.PLACE
    )
    rule = trial.user_attrs.get('rule', RANDOM)
    net = cube.net(r, d, w, cube.arch.scaling if rule in _BY_AUTHORS else None)
    attrs = {
        'rule': rule,
        'seed': trial.user_attrs.get('seed', plan.job.seed),
        'input': net.input,
        'params': net.params,
        'macs': net.macs,
        'c': net.macs / cube.baseline.macs,
    }
    for name, value in attrs.items():
        trial.set_user_attr(name, value)
    return net


def stop_on_sigterm() -> None:
    """Treat SIGTERM as Ctrl-C: what was in training is trained again later."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
