"""Checkpoints that survive a kill, and a process that runs no code from any."""

import logging
import math
import os
import re
from pathlib import Path

import numpy as np
import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.logging import HistoryBuffer, print_log
from mmengine.registry import HOOKS
from mmengine.runner import CheckpointLoader, Runner
from mmengine.utils import apply_to

from tinydet.engine.results import ResultsHook, read_rows
from tinydet.errors import InputError
from tinydet.files import replacing
from tinydet.weights import load_weights_only

BEST_NAME = 'best.pth'


@HOOKS.register_module()
class AtomicCheckpointHook(Hook):
    """Keeps the last epochs as ``epoch_N.pth`` and the best one as ``best.pth``.

    Each file appears whole or not at all, and an old one goes only after the new one
    is there, so a kill at any moment leaves a checkpoint to resume from and the best
    one so far. ``best.pth`` holds the weights, averaged ones where a hook averages
    them, without what only a resumed run needs, and its score under
    ``meta.best_score``. The files hold tensors and plain values only, so that
    ``torch.load(weights_only=True)`` reads them anywhere.

    Args:
        interval: Epochs between two saves; the last epoch is always saved.
        max_keep_ckpts: How many ``epoch_N.pth`` stay. Two, so that a damaged disk
            block in the newest costs one epoch and not the run.
        save_best: The evaluation figure, higher is better, that picks ``best.pth``;
            None for no best checkpoint.
    """

    priority = 'VERY_LOW'

    def __init__(
        self,
        interval: int = 1,
        max_keep_ckpts: int = 2,
        save_best: str | None = 'coco/bbox_mAP',
    ) -> None:
        self.interval = interval
        self.max_keep_ckpts = max_keep_ckpts
        self.save_best = save_best
        self.best_score = -math.inf

    def before_train(self, runner: Runner) -> None:
        """Take up a resumed run's best score, and an evaluation that it missed."""
        best = Path(runner.work_dir) / BEST_NAME
        if runner.epoch > 0 and best.exists():
            try:
                self.best_score = load_weights_only(best)['meta']['best_score']
            except InputError as error:
                runner.logger.warning(f'{error}; the next evaluation replaces it')
        if is_main_process():
            for partial in best.parent.glob('.*.partial.pth'):
                partial.unlink()
        if runner.epoch > 0 and self._evaluation_is_missing(runner):
            runner.val_loop.run()

    def _evaluation_is_missing(self, runner: Runner) -> bool:
        """Whether a kill came between the last epoch's checkpoint and its figures."""
        table = Path(runner.work_dir) / 'results.csv'
        figure = next(
            (hook.best for hook in runner.hooks if isinstance(hook, ResultsHook)), None
        )
        if figure is None or runner.val_loop is None or not table.exists():
            return False
        loop = runner.train_loop
        due = runner.epoch % loop.val_interval == 0 or runner.epoch == loop.max_epochs
        found = {row['epoch'] for row in read_rows(table) if figure in row}
        return due and runner.epoch not in found

    def after_train_epoch(self, runner: Runner) -> None:
        """Save ``epoch_N.pth``, then remove the oldest ones."""
        if not (
            self.every_n_epochs(runner, self.interval)
            or self.is_last_train_epoch(runner)
        ):
            return
        path = Path(runner.work_dir) / f'epoch_{runner.epoch + 1}.pth'
        _save(runner, path, {'epoch': runner.epoch + 1, 'iter': runner.iter})
        if is_main_process():
            with replacing(path.with_name('last_checkpoint')) as partial:
                partial.write_text(str(path))
            for old in _epoch_checkpoints(path.parent)[self.max_keep_ckpts :]:
                old.unlink()

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Save ``best.pth`` if this evaluation is the best so far."""
        if self.save_best is None or not metrics:
            return
        score = float(metrics[self.save_best])
        if score <= self.best_score:
            return
        self.best_score = score
        meta = {'epoch': runner.epoch, 'iter': runner.iter, 'best_score': score}
        path = Path(runner.work_dir) / BEST_NAME
        _save(runner, path, meta, resumable=False)
        runner.logger.info(
            f'best so far: {self.save_best} {score:.4f} at epoch {runner.epoch}, '
            f'saved to {BEST_NAME}'
        )

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Turn the histories of logged scalars into tensors.

        MMEngine pickles them as objects with methods, which takes code to read.
        """
        hub = checkpoint['message_hub']
        if 'optimizer' not in checkpoint:  # nothing to resume from
            # MMEngine's name for the weights that were averaged, not for the average.
            checkpoint.pop('ema_state_dict', None)
            hub['log_scalars'] = {}
        hub['log_scalars'] = {
            name: {
                'values': torch.from_numpy(history.data[0]),
                'counts': torch.from_numpy(history.data[1]),
            }
            for name, history in hub['log_scalars'].items()
        }
        hub['runtime_info'] = apply_to(
            hub['runtime_info'],
            lambda value: isinstance(value, np.generic),
            lambda value: value.item(),
        )

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Turn the tensors back into histories, where the file is one of ours."""
        if 'message_hub' in checkpoint:
            hub = checkpoint['message_hub']
            hub['log_scalars'] = {
                name: HistoryBuffer(saved['values'].numpy(), saved['counts'].numpy())
                for name, saved in hub['log_scalars'].items()
            }


def _save(runner: Runner, path: Path, meta: dict, resumable: bool = True) -> None:
    if not is_main_process():
        return
    with replacing(path) as partial:
        runner.save_checkpoint(
            str(partial.parent),
            partial.name,
            save_optimizer=resumable,
            save_param_scheduler=resumable and runner.param_schedulers is not None,
            meta=meta,
        )
        # better now than when it is needed
        load_weights_only(partial)


def _epoch_checkpoints(work_dir: Path) -> list[Path]:
    """The ``epoch_N.pth`` of a folder, the newest first.

    By the time of writing: a second run in the same folder starts again at epoch 1.
    """

    def age(path: Path) -> tuple[int, int]:
        return path.stat().st_mtime_ns, int(path.stem.removeprefix('epoch_'))

    found = [p for p in work_dir.iterdir() if re.fullmatch(r'epoch_\d+\.pth', p.name)]
    return sorted(found, key=age, reverse=True)


def latest_whole_checkpoint(work_dir: str | Path) -> Path | None:
    """Find the newest checkpoint to resume from.

    Args:
        work_dir: Where a training run keeps its ``epoch_N.pth``.

    Returns:
        The newest that can be read; None where there is none. Those that cannot be
        read are named in a warning.
    """
    work_dir = Path(work_dir)
    if not work_dir.is_dir():
        return None
    for path in _epoch_checkpoints(work_dir):
        try:
            load_weights_only(path)
        except InputError as error:
            print_log(f'skipped: {error}', logger='current', level=logging.WARNING)
        else:
            return path
    return None


def refuse_code_in_checkpoints() -> None:
    """Make every load of a checkpoint in this process weights-only.

    MMEngine would else load a file that is refused as weights a second time with code
    allowed. Local files, such as those of ``load_from``, ``--resume`` and ``init_cfg``,
    go through :func:`tinydet.weights.load_weights_only`.
    """
    os.environ['TORCH_FORCE_WEIGHTS_ONLY_LOAD'] = '1'
    CheckpointLoader.register_scheme('', _load_from_local, force=True)


def _load_from_local(filename: str, map_location: object) -> dict:
    # the optimizer and the model copy from the CPU to where their parameters are
    return load_weights_only(filename)
