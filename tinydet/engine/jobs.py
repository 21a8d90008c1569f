"""The two jobs of the command line: train a config, test a checkpoint."""

import json
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from tinydet.engine.checkpoint import (
    latest_whole_checkpoint,
    load_weights_only,
    refuse_code_in_checkpoints,
)
from tinydet.engine.startup import keep_memory
from tinydet.errors import InputError


def load_config(
    path: str | Path,
    work_dir: str | Path | None = None,
    options: dict | None = None,
    launcher: str = 'none',
) -> Config:
    """Read a config and settle what depends on the command line and the machine.

    Args:
        path: A Python config file.
        work_dir: Where the run's files go; ``work_dirs/NAME`` if neither this nor the
            config says.
        options: Values that override the config's, by dotted name.
        launcher: ``'none'``, ``'pytorch'`` or ``'slurm'``.

    Returns:
        The config.

    Raises:
        InputError: If the file is missing or is no valid config.
    """
    if not Path(path).is_file():
        raise InputError(
            f'config {path} does not exist: give the path of a file such as '
            'configs/ssdlite_tinynet_d.py'
        )
    try:
        cfg = Config.fromfile(path)
        cfg.merge_from_dict(options or {})
    except (SyntaxError, KeyError, TypeError, FileNotFoundError) as error:
        raise InputError(f'config {path} cannot be read: {error}') from error
    if work_dir is not None:
        cfg.work_dir = str(work_dir)
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs') / Path(path).stem)
    cfg.launcher = launcher
    if not torch.cuda.is_available():
        cfg.env_cfg.dist_cfg.backend = 'gloo'
    return cfg


def train(cfg: Config, resume: bool = False, amp: bool = False) -> None:
    """Train a config, evaluating as it says.

    Leaves in ``cfg.work_dir`` the config, the last and the best checkpoint,
    ``results.csv``, ``curves.png``, ``mosaic.jpg``, ``metrics.json`` and
    ``per_class.csv``.

    Args:
        cfg: From :func:`load_config`.
        resume: Go on from the last whole checkpoint in the work directory; start anew
            where there is none.
        amp: Train in mixed precision.

    Raises:
        InputError: If the data set, a checkpoint or an argument is unusable.
    """
    if amp:
        if not torch.cuda.is_available():
            raise InputError(
                '--amp needs a CUDA device, and there is none: leave it out'
            )
        cfg.optim_wrapper.update(type='AmpOptimWrapper', loss_scale='dynamic')
    if resume:
        checkpoint = latest_whole_checkpoint(cfg.work_dir)
        cfg.resume, cfg.load_from = (
            checkpoint is not None,
            checkpoint and str(checkpoint),
        )
    runner = _start(cfg)
    loaders = [runner.train_loop.dataloader]
    if runner.val_loop is not None:
        loaders.append(runner.val_loop.dataloader)
    _check_classes(cfg, loaders)
    runner.train()


def test(
    cfg: Config,
    checkpoint: str | Path,
    out: str | Path | None = None,
    json_file: str | Path | None = None,
) -> None:
    """Evaluate a checkpoint on the config's test set.

    Leaves ``metrics.json`` with the 12 COCO figures, ``per_class.csv`` and
    ``mosaic.jpg`` in ``cfg.work_dir``.

    Args:
        cfg: From :func:`load_config`.
        checkpoint: The weights.
        out: Write the detections there as COCO results JSON: a list of ``image_id``,
            ``category_id``, ``bbox`` (xywh, pixels of the image) and ``score``.
        json_file: Write the 12 figures there as well.

    Raises:
        InputError: If the checkpoint or the data set is unusable.
    """
    load_weights_only(checkpoint)
    cfg.load_from, cfg.resume = str(checkpoint), False
    runner = _start(cfg)
    _check_classes(cfg, [runner.test_loop.dataloader])
    figures = runner.test()
    if is_main_process():
        if out is not None:
            Path(out).write_text(
                json.dumps(runner.test_evaluator.metrics[0].detections)
            )
        if json_file is not None:
            Path(json_file).write_text(json.dumps(figures, indent=2) + '\n')


def _start(cfg: Config) -> Runner:
    """Prepare this process and build the runner."""
    keep_memory()
    refuse_code_in_checkpoints()
    return Runner.from_cfg(cfg)


def _check_classes(cfg: Config, loaders: list[DataLoader]) -> None:
    """Refuse data sets whose classes are not those of the model or of each other."""
    expected = None
    for loader in loaders:
        classes = tuple(loader.dataset.metainfo['classes'])
        number = cfg.model.bbox_head.num_classes
        if len(classes) != number:
            raise InputError(
                f'{loader.dataset.ann_file}: {len(classes)} classes '
                f'({", ".join(classes)}), but the config says '
                f'model.bbox_head.num_classes={number}: set it to {len(classes)}, or '
                'name the classes to use in metainfo'
            )
        if expected not in (None, classes):
            raise InputError(
                f'{loader.dataset.ann_file}: the classes {", ".join(classes)} are not '
                f'those of training, {", ".join(expected)}: give both data sets the '
                'same metainfo'
            )
        expected = classes
