"""What is checked between building a run and its first step."""

from pathlib import Path

from mmengine.config import Config
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import DataLoader

from tinydet.errors import InputError, some


def bare_model(runner: Runner) -> nn.Module:
    """The model of a run, out of what distributes it."""
    return runner.model.module if is_model_wrapper(runner.model) else runner.model


def check_weights(runner: Runner, checkpoint: dict, path: str | Path) -> None:
    """Refuse to resume another model; MMEngine would load what fits of it."""
    here, there = (
        {name: tuple(weight.shape) for name, weight in weights.items()}
        for weights in (bare_model(runner).state_dict(), checkpoint['state_dict'])
    )
    wrong = [name for name in here | there if here.get(name) != there.get(name)]
    if wrong:
        name = wrong[0]
        raise InputError(
            f'{path}: a checkpoint of another model; {len(wrong)} of the weights '
            f'differ, such as {name}: {here.get(name, "none")} in the config, '
            f'{there.get(name, "none")} in the checkpoint: give the config that it was '
            'trained with'
        )


def check_trained_classes(
    loader: DataLoader, trained: tuple[str, ...], path: str | Path
) -> None:
    """Refuse a checkpoint of other classes than a data set's, where it names them."""
    classes = tuple(loader.dataset.metainfo['classes'])
    if trained and trained != classes:
        raise InputError(
            f'{path}: trained for other classes than {_name(loader)} has: '
            f'{_differences(classes, trained)}: give the data set or the checkpoint of '
            'the other'
        )


def check_iterations(loader: DataLoader, meta: dict, path: str | Path) -> None:
    """Refuse to resume with another batch, which the learning rate would not follow."""
    before, now = meta['iter'] / meta['epoch'], len(loader)
    if before != now:
        raise InputError(
            f'{path}: trained with {before:g} iterations an epoch, and this run has '
            f'{now}: resume with the batch size, processes and data set of before, or '
            'start anew from its weights by init_cfg'
        )


def check_classes(cfg: Config, loaders: list[DataLoader]) -> None:
    """Refuse data sets whose classes are not those of the model or of each other."""
    expected = None
    for loader in loaders:
        classes = tuple(loader.dataset.metainfo['classes'])
        if expected not in (None, classes):
            raise InputError(
                f'{_name(loader)}: its classes are not those of training: '
                f'{_differences(classes, expected)}: give both data sets the same '
                'classes, in the same order'
            )
        # A model of another library may have a head that the config does not show.
        head = next((part for part in ('bbox_head', 'head') if part in cfg.model), None)
        number = cfg.model[head].num_classes if head else len(classes)
        if len(classes) != number:
            raise InputError(
                f'{_name(loader)}: {len(classes)} classes ({some(classes)}), but the '
                f'config says model.{head}.num_classes={number}: set it to '
                f'{len(classes)}, or name the classes to use in metainfo'
            )
        expected = classes


def check_batches(loader: DataLoader) -> None:
    """Refuse a batch size that no training iteration can be made with."""
    # A config's own batch sampler hides the loader's batch size.
    size = getattr(loader.batch_sampler, 'batch_size', loader.batch_size)
    if size < 2:
        raise InputError(
            f'train_dataloader.batch_size={size}, but batch norm on the last 1x1 map '
            'trains on at least 2 images: set it to 2 or more'
        )
    if len(loader) == 0:
        raise InputError(
            f'{_name(loader)}: {len(loader.dataset)} images to train on make '
            f'no batch of {size}: set train_dataloader.batch_size to at most '
            f'{len(loader.dataset)}'
        )


def _differences(classes: tuple[str, ...], expected: tuple[str, ...]) -> str:
    """What one data set has and the other has not."""
    more = [name for name in classes if name not in expected]
    fewer = [name for name in expected if name not in classes]
    found = [f'{some(more)} only there'] * bool(more)
    found += [f'{some(fewer)} only in training'] * bool(fewer)
    return ' and '.join(found) or f'{some(classes)} instead of {some(expected)}'


def _name(loader: DataLoader) -> str:
    """What to call a data set in a message; MMEngine's wrappers have no file."""
    return getattr(loader.dataset, 'source', type(loader.dataset).__name__)
