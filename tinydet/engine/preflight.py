"""What is checked between building a run and its first step."""

from pathlib import Path

from mmengine.config import Config
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from tinydet.errors import InputError


def check_weights(runner: Runner, checkpoint: dict, path: str | Path) -> None:
    """Refuse a checkpoint of another model; MMEngine would load what fits of it."""
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    here, there = (
        {name: tuple(weight.shape) for name, weight in weights.items()}
        for weights in (model.state_dict(), checkpoint.get('state_dict', checkpoint))
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


def check_classes(cfg: Config, loaders: list[DataLoader]) -> None:
    """Refuse data sets whose classes are not those of the model or of each other."""
    expected = None
    for loader in loaders:
        classes = tuple(loader.dataset.metainfo['classes'])
        number = cfg.model.bbox_head.num_classes
        if len(classes) != number:
            raise InputError(
                f'{_name(loader)}: {len(classes)} classes '
                f'({", ".join(classes)}), but the config says '
                f'model.bbox_head.num_classes={number}: set it to {len(classes)}, or '
                'name the classes to use in metainfo'
            )
        if expected not in (None, classes):
            raise InputError(
                f'{_name(loader)}: the classes {", ".join(classes)} are not '
                f'those of training, {", ".join(expected)}: give both data sets the '
                'same metainfo'
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


def _name(loader: DataLoader) -> str:
    """What to call a data set in a message; MMEngine's wrappers have no file."""
    return getattr(loader.dataset, 'ann_file', type(loader.dataset).__name__)
