"""Say so when images fail while a run goes on, and stop when there are too many."""

from collections.abc import Iterator

from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from torch.utils.data import DataLoader, Dataset

_INTERVAL = 50


@HOOKS.register_module()
class BadImageHook(Hook):
    """Log the images that a data set had to replace, each once.

    Looks every 50 training iterations and after each epoch of training, validation and
    testing. Data sets of other types are left alone.

    Raises:
        InputError: Too many of a data set's images cannot be used, those that the check
            skipped included.
    """

    def __init__(self) -> None:
        self._logged: set[str] = set()

    def after_train_iter(self, runner: Runner, batch_idx: int, **_) -> None:
        """Look at the training set.

        Args:
            runner: The runner.
            batch_idx: Not used; the iterations of the whole run count.
        """
        if self.every_n_train_iters(runner, _INTERVAL):
            self._look(runner, runner.train_dataloader)

    def after_train_epoch(self, runner: Runner) -> None:
        """Look at the training set."""
        self._look(runner, runner.train_dataloader)

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Look at the validation set."""
        self._look(runner, runner.val_dataloader)

    def after_test_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Look at the test set."""
        self._look(runner, runner.test_dataloader)

    def _look(self, runner: Runner, dataloader: DataLoader) -> None:
        for dataset in _recording(dataloader.dataset):
            # Every rank must come to the same conclusion, or the others would wait.
            ranks = all_gather_object(dataset.bad_indices())
            bad = sorted(set().union(*ranks))
            for number, index in enumerate(bad, 1):
                path = dataset.get_data_info(index)['img_path']
                if path not in self._logged:
                    self._logged.add(path)
                    runner.logger.warning(
                        f'{path} could not be read and was replaced; {number} images '
                        f'of {dataset.source} so far'
                    )
            count = len(bad) + dataset.num_skipped
            total = len(dataset) + dataset.num_skipped
            if bad:
                dataset.refuse_too_many(count, total)


def _recording(dataset: Dataset) -> Iterator[Dataset]:
    """The data sets that record bad images, from within MMEngine's wrappers."""
    if hasattr(dataset, 'bad_indices'):
        yield dataset
    elif hasattr(dataset, 'dataset'):
        yield from _recording(dataset.dataset)
    else:
        for part in getattr(dataset, 'datasets', ()):
            yield from _recording(part)
