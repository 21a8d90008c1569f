"""Progress bars of training and evaluation on a terminal."""

import logging
import time
from collections.abc import Sequence
from typing import TextIO

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from tqdm import tqdm

from tinydet.progress import on_terminal


@HOOKS.register_module()
class ProgressHook(Hook):
    """Shows a bar for each epoch and evaluation when run on a terminal.

    The bar of an epoch ends with the loss and the time left for the whole training.
    While it is there, the log's lines appear above it, and the lines of
    ``LoggerHook`` for single iterations go to the log file only. Off a terminal, and
    on all but the main process, it does nothing.
    """

    # after the hooks that count and log an iteration
    priority = 'LOW'

    def __init__(self) -> None:
        self.active = False
        self.bar: tqdm | None = None
        self.streams: dict[logging.StreamHandler, TextIO] = {}
        self.start = 0.0
        self.first_iter = 0

    def before_run(self, runner: Runner) -> None:
        """Send the log's lines above the bars."""
        self.active = is_main_process() and on_terminal()
        if not self.active:
            return
        for handler in runner.logger.handlers:
            # a FileHandler is a StreamHandler too
            if type(handler) is logging.StreamHandler:
                self.streams[handler] = handler.setStream(_AboveBars(handler.stream))
                handler.addFilter(_not_of_one_iteration)

    def after_run(self, runner: Runner) -> None:
        """Leave the log as it was."""
        for handler, stream in self.streams.items():
            handler.setStream(stream)
            handler.removeFilter(_not_of_one_iteration)
        self.streams = {}

    def before_train(self, runner: Runner) -> None:
        """Start the clock of the whole training."""
        self.start = time.monotonic()
        self.first_iter = runner.iter

    def before_train_epoch(self, runner: Runner) -> None:
        """Open the bar of an epoch."""
        desc = f'epoch {runner.epoch + 1}/{runner.max_epochs}'
        self._open(len(runner.train_dataloader), desc, leave=True)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Show the loss and the time left."""
        if self.active:
            loss = runner.message_hub.get_scalar('train/loss').current()
            done = runner.iter + 1 - self.first_iter
            pace = (time.monotonic() - self.start) / done
            left = tqdm.format_interval(pace * (runner.max_iters - runner.iter - 1))
            self.bar.set_postfix_str(f'loss {loss:.3f}, all {left} left', refresh=False)
            self.bar.update()

    def after_train_epoch(self, runner: Runner) -> None:
        """Close the bar."""
        self._close()

    def before_val_epoch(self, runner: Runner) -> None:
        """Open the bar of an evaluation."""
        self._open(len(runner.val_dataloader), 'evaluation', leave=False)

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Sequence | None = None,
    ) -> None:
        """Count a batch."""
        if self.active:
            self.bar.update()

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Close the bar."""
        self._close()

    def before_test_epoch(self, runner: Runner) -> None:
        """Open the bar of a test."""
        self._open(len(runner.test_dataloader), 'test', leave=False)

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Sequence | None = None,
    ) -> None:
        """Count a batch."""
        if self.active:
            self.bar.update()

    def after_test_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Close the bar."""
        self._close()

    def _open(self, total: int, desc: str, leave: bool) -> None:
        if self.active:
            self.bar = tqdm(total=total, desc=desc, leave=leave, dynamic_ncols=True)

    def _close(self) -> None:
        if self.active:
            self.bar.close()


class _AboveBars:
    """A stream whose writes clear the bars first and redraw them after."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> None:
        with tqdm.external_write_mode(file=self.stream):
            self.stream.write(text)
            self.stream.flush()

    def flush(self) -> None:
        self.stream.flush()


def _not_of_one_iteration(record: logging.LogRecord) -> bool:
    return not (record.module == 'logger_hook' and record.funcName.endswith('_iter'))
