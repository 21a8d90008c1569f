"""The results of a run as files: tables, curves and figures."""

import csv
import math
import time
from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.evaluator import Evaluator
from mmengine.hooks import Hook
from mmengine.logging import HistoryBuffer
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from tinydet.checks import check_choice
from tinydet.files import replacing, write_json, write_rows
from tinydet.viz.curves import EVALUATIONS, draw_curves


@HOOKS.register_module()
class ResultsHook(Hook):
    """Writes what a run found to its work directory, on the main process.

    Training writes ``results.csv``, one row an epoch with the learning rate of its last
    iteration, the means of the losses, the seconds spent training and the figures of
    the evaluation, and ``curves.png``. A resumed run goes on in the same table.
    ``metrics.json`` and ``per_class.csv`` hold the figures of the best epoch so far
    during training, and those of the evaluation otherwise.

    Args:
        best: The figure, higher is better, that picks the best epoch: a key of
            ``tinydet.viz.curves.EVALUATIONS``.

    Raises:
        InputError: If there is no such figure.
    """

    # before the checkpoint: an epoch that can be resumed from has its row
    priority = 'LOW'

    def __init__(self, best: str = 'bbox_mAP') -> None:
        check_choice('figure', best, EVALUATIONS)
        self.best = best
        self.rows: list[dict] = []
        self.training = False
        self.start = 0.0

    def before_train(self, runner: Runner) -> None:
        """Take up the rows of the run that is resumed."""
        self.training = True
        table = _path(runner, 'results.csv')
        if is_main_process() and runner.epoch > 0 and table.exists():
            self.rows = [r for r in read_rows(table) if r['epoch'] <= runner.epoch]

    def before_train_epoch(self, runner: Runner) -> None:
        """Draw the epochs before this one, and start this one's clock."""
        self._draw(runner)
        self.start = time.monotonic()

    def after_train_epoch(self, runner: Runner) -> None:
        """Write the epoch's row."""
        scalars = runner.message_hub.log_scalars
        iterations = len(runner.train_dataloader)
        for name, history in scalars.items():
            # MMEngine copies the whole history whenever it adds to one.
            last = [part[-iterations:] for part in history.data]
            scalars[name] = HistoryBuffer(*last)
        if not is_main_process():
            return
        losses = {
            name.removeprefix('train/'): float(history.mean(iterations))
            for name, history in scalars.items()
            if name.startswith('train/loss')
        }
        self.rows.append(
            {
                'epoch': runner.epoch + 1,
                'iter': runner.iter,
                'lr': float(scalars['train/lr'].current()),
                'seconds': round(time.monotonic() - self.start, 2),
                **losses,
            }
        )
        write_rows(_path(runner, 'results.csv'), self.rows)

    def after_train(self, runner: Runner) -> None:
        """Draw all epochs; from here on an evaluation stands for itself."""
        self._draw(runner)
        self.training = False

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Add the figures to the epoch's row, and write them if they are the best."""
        if not is_main_process():
            return
        figures = without_prefix(metrics)
        if not self.training:
            _write_figures(runner, figures, runner.val_evaluator)
            return
        earlier = (row[self.best] for row in self.rows if self.best in row)
        best = max(earlier, default=-math.inf)
        self.rows[-1].update(figures)
        write_rows(_path(runner, 'results.csv'), self.rows)
        if figures[self.best] > best:
            _write_figures(runner, figures, runner.val_evaluator)

    def after_test_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Write the figures."""
        if is_main_process():
            _write_figures(runner, without_prefix(metrics), runner.test_evaluator)

    def _draw(self, runner: Runner) -> None:
        if self.rows:
            with replacing(_path(runner, 'curves.png')) as partial:
                draw_curves(self.rows, partial, self.best)


def read_rows(path: Path) -> list[dict]:
    """Read a ``results.csv``; empty cells are left out of their rows."""
    with open(path, newline='', encoding='utf-8') as file:
        return [
            {
                name: int(text) if name in ('epoch', 'iter') else float(text)
                for name, text in row.items()
                if text
            }
            for row in csv.DictReader(file)
        ]


def without_prefix(metrics: dict[str, float]) -> dict[str, float]:
    """The metrics by the names of the files: ``bbox_mAP``, not ``coco/bbox_mAP``."""
    return {name.rpartition('/')[2]: value for name, value in metrics.items()}


def _write_figures(
    runner: Runner, figures: dict[str, float], evaluator: Evaluator
) -> None:
    write_json(_path(runner, 'metrics.json'), figures)
    for metric in evaluator.metrics:
        if hasattr(metric, 'per_class'):
            rows = [{'class': name, **ap} for name, ap in metric.per_class.items()]
            write_rows(_path(runner, 'per_class.csv'), rows)


def _path(runner: Runner, name: str) -> Path:
    return Path(runner.work_dir) / name
