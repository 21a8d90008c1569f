"""The two jobs of the command line: train a config, test a checkpoint.

Of a detector or of a classifier; the config says which.
"""

import gc
import json
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.dist import is_distributed, is_main_process
from mmengine.runner import Runner

from tinydet.engine.checkpoint import (
    latest_whole_checkpoint,
    refuse_code_in_checkpoints,
)
from tinydet.engine.preflight import (
    bare_model,
    check_batches,
    check_classes,
    check_iterations,
    check_trained_classes,
    check_weights,
)
from tinydet.engine.results import without_prefix
from tinydet.engine.startup import keep_memory
from tinydet.errors import InputError
from tinydet.files import make_room, write_json
from tinydet.weights import (
    class_names,
    load_weights_only,
    place_weights,
    read_checkpoint,
    weights_in,
)

# What a run leaves in its work directory, by pattern, in the order of interest.
_LEFT = {
    'metrics.json': 'the figures of the evaluation',
    'per_class.csv': 'those of each class',
    'mosaic.jpg': 'validation images with true and predicted boxes',
    'curves.png': 'losses and figures over the epochs',
    'results.csv': 'the same as a table',
    'best.pth': 'the checkpoint of the best evaluation',
    'epoch_*.pth': 'the last checkpoints, to resume from',
    '*.py': 'the whole config, as it ran',
}


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
    except Exception as error:  # a config is code, which can raise anything
        raise InputError(
            f'config {path} cannot be read: {type(error).__name__}: {error}'
        ) from error
    if work_dir is not None:
        cfg.work_dir = str(work_dir)
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs') / Path(path).stem)
    cfg.launcher = launcher
    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        loader = cfg.get(name) or {}
        # PyTorch refuses to keep workers where there are none.
        if loader.get('num_workers') == 0:
            loader.persistent_workers = False
        if torch.cuda.is_available():
            # else every copy to the GPU waits for the one before
            loader.setdefault('pin_memory', True)
    return cfg


def train(cfg: Config, resume: bool = False, amp: bool = False) -> None:
    """Train a config, evaluating as it says.

    Leaves in ``cfg.work_dir`` the config, the last and the best checkpoint,
    ``results.csv``, ``curves.png``, ``metrics.json`` and ``per_class.csv``, and of a
    detector ``mosaic.jpg``.

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
    if cfg.get('load_from'):
        # MMEngine would load what fits of it.
        pretrained = dict(type='Pretrained', checkpoint=cfg.load_from)
        cfg.model.init_cfg, cfg.load_from = pretrained, None
    checkpoint = latest_whole_checkpoint(cfg.work_dir) if resume else None
    if checkpoint:
        cfg.resume, cfg.load_from = True, str(checkpoint)
    runner = _start(cfg)
    _scale_to_the_real_batch(runner)
    loaders = [runner.train_loop.dataloader]
    if runner.val_loop is not None:
        loaders.append(runner.val_loop.dataloader)
    if checkpoint:
        resumed = load_weights_only(checkpoint)
        check_weights(runner, resumed, checkpoint)
        check_trained_classes(loaders[0], class_names(resumed), checkpoint)
        check_iterations(loaders[0], resumed['meta'], checkpoint)
    elif Path(cfg.work_dir, 'results.csv').exists():
        runner.logger.warning(
            f'{cfg.work_dir} holds another run, which this one will overwrite: stop it '
            'now and give --resume to go on from there, or another --work-dir'
        )
    check_classes(cfg, loaders)
    check_batches(loaders[0])
    runner.train()
    del runner
    _finish(cfg.work_dir)


def test(
    cfg: Config,
    checkpoint: str | Path,
    out: str | Path | None = None,
    json_file: str | Path | None = None,
) -> None:
    """Evaluate a checkpoint on the config's test set.

    Leaves ``metrics.json`` with the figures, ``per_class.csv`` and, of a detector,
    ``mosaic.jpg`` in ``cfg.work_dir``.

    Args:
        cfg: From :func:`load_config`.
        checkpoint: The weights: a file, or whatever else
            :func:`tinydet.weights.read_checkpoint` takes.
        out: Write the predictions there as JSON: of a detector as COCO results, a list
            of ``image_id``, ``category_id``, ``bbox`` (xywh, pixels of the image) and
            ``score``; of a classifier a list of ``image``, ``class`` and ``score``.
        json_file: Write the figures there as well.

    Raises:
        InputError: If the checkpoint or the data set is unusable.
    """
    trained = read_checkpoint(checkpoint)  # before the seconds that the rest takes
    make_room(out, json_file)
    cfg.load_from, cfg.resume = None, False
    runner = _start(cfg)
    weights = weights_in(trained)
    place_weights(bare_model(runner), weights, checkpoint, with_classifier=True)
    loader = runner.test_loop.dataloader
    check_classes(cfg, [loader])
    check_trained_classes(loader, class_names(trained), checkpoint)
    figures = runner.test()
    if is_main_process():
        if out is not None:
            Path(out).write_text(
                json.dumps(runner.test_evaluator.metrics[0].predictions)
            )
        if json_file is not None:
            write_json(Path(json_file), without_prefix(figures))
    del runner
    _finish(cfg.work_dir)


def _scale_to_the_real_batch(runner: Runner) -> None:
    """Have MMEngine, which scales the learning rate by the batch, count summed steps.

    It counts the images of one step of all processes. The runner has written its config
    by now, which stays as it was given.
    """
    steps = runner.cfg.optim_wrapper.get('accumulative_counts', 1)
    if runner.auto_scale_lr:
        settings = dict(runner.auto_scale_lr)
        settings['base_batch_size'] /= steps
        runner.auto_scale_lr = settings


def _start(cfg: Config) -> Runner:
    """Prepare this process and build the runner."""
    keep_memory()
    refuse_code_in_checkpoints()
    if cfg.launcher == 'pytorch' and not torch.cuda.is_available():
        # What MMEngine does by itself needs a CUDA device in both places.
        torch.distributed.init_process_group('gloo')
        cfg.model_wrapper_cfg = dict(
            type='MMDistributedDataParallel', device_ids=None, broadcast_buffers=False
        )
    return Runner.from_cfg(cfg)


def _finish(work_dir: str) -> None:
    """Say what the run left, and let its processes end together."""
    if is_main_process():
        print('left by this run and those before it:')
        for pattern, meaning in _LEFT.items():
            for path in sorted(Path(work_dir).glob(pattern)):
                print(f'  {path}  {meaning}')
    if is_distributed():
        # The group's threads abort a process that ends around them: none may leave
        # before the others are done, and the model, which holds the group, goes first.
        torch.distributed.barrier()
        gc.collect()
        torch.distributed.destroy_process_group()
