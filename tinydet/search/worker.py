"""A worker: takes networks of a study, trains them and records how good they are."""

import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import optuna
from optuna.trial import TrialState

from tinydet.errors import InputError
from tinydet.formula.cube import Net
from tinydet.formula.study import RANDOM, Trial
from tinydet.search import study as storage
from tinydet.search.job import Job, as_python
from tinydet.search.training import CONFIG, TrainingError, train

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
        folder: Each network's files go to a folder in it.
        grace: Seconds after which a silent worker is dead, as the storage has it.
        train: Takes a folder with a config and the name of a figure; gives the figure
            and the seconds.
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
        InputError: If the first network finds the config or the data set unusable;
            from the second on that is a failure of the network.
    """
    first, silent_since = True, time.monotonic()
    while True:
        storage.mend(study)
        counts = storage.counts(study, plan.trials)
        if counts.queued or counts.undrawn:
            number = _attempt(plan, study, first)
            silent_since = time.monotonic()
            ended = study.get_trials(deepcopy=False)[number]
            if ended.state != TrialState.PRUNED:
                first = False
                yield storage.record(ended)
        elif counts.running and time.monotonic() - silent_since < plan.grace:
            # A worker that has died is noticed after that long.
            time.sleep(_LOOK)
        else:
            return


def _attempt(plan: Plan, study: optuna.Study, first: bool) -> int:
    """Take the next network and train it; return the attempt's number."""
    numbers = []

    def objective(trial: optuna.Trial) -> float:
        numbers.append(trial.number)
        attempt = study.get_trials(deepcopy=False)[trial.number]
        if storage.is_surplus(study, attempt, plan.trials):
            raise optuna.TrialPruned
        net = _net(plan, trial)
        folder = plan.folder / str(storage.key(attempt))
        folder.mkdir(parents=True, exist_ok=True)
        rule, seed = trial.user_attrs['rule'], trial.user_attrs['seed']
        cfg = plan.job.place(net, rule in _BY_AUTHORS, seed)
        (folder / CONFIG).write_text(as_python(cfg))
        try:
            score, seconds = plan.train(folder, plan.job.figure)
        except (InputError, TrainingError) as error:
            if first and isinstance(error, InputError):
                raise
            trial.set_user_attr(storage.FAILURE, str(error))
            raise TrainingError(str(error)) from error
        trial.set_user_attr('seconds', round(seconds, 2))
        for checkpoint in folder.glob('epoch_*.pth'):  # to resume from
            checkpoint.unlink()
        return score

    study.optimize(objective, n_trials=1, catch=(TrainingError,))
    return numbers[0]


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
