"""Time the training of TinyNet-D at 152 pixels, from JPEG files, against mmpretrain.

Ours is ``configs/classification/tinynet_d_in1k.py``, with its data set and pipeline, as
``tools/train.py`` runs it. Stock is mmpretrain's ImageClassifier with TIMMBackbone in
NCHW, its CustomDataset, its pipeline and loader settings for ImageNet, and the C
library's default allocator. Both have the same initial weights, optimizer, batch size,
loader workers and threads. Neither has dropout, which the stock head lacks, or averages
weights. Ours does more: the recipe's colour jitter, which the stock pipeline lacks.

An epoch never ends, since 512 files stand for a million. Iterations from files are
timed in blocks that take turns, and a side that waits is stopped with its workers. It
cannot load ahead in that time, so a block pays for as many batches as it trains on, but
for what the loader's queue of two batches a worker holds more or less at its end than
at its start. A block that does not count comes first and brings the queue to the level
at which it stays.

Two workers are one for each of two cores. One would do: a core loads several times as
many images as either side trains on (``image_pipeline.py``). For two cores of a larger
machine: ``taskset -c 0,1 python benchmarks/classifier_training.py``.
"""

import argparse
import itertools
import statistics
import tempfile
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from photos import SIZE, make_photos
from sides import (
    Side,
    loss_difference,
    report,
    share_weights,
    start_sides,
    take_requests,
    take_turns,
)

from tinydet.files import make_room

CONFIG = Path(__file__).parents[1] / 'configs' / 'classification' / 'tinynet_d_in1k.py'
WARMUP = 2  # iterations on the given batch


def set_up_ours(cfg) -> tuple[dict, dict]:
    """Our start-up; configs of our model and loader."""
    from tinydet.engine.startup import keep_memory

    keep_memory()
    cfg.model.head.dropout = 0.0
    return cfg.model, cfg.train_dataloader


def set_up_stock(cfg) -> tuple[dict, dict]:
    """Configs of the same network from mmpretrain's own parts, and of its loader."""
    import mmpretrain.datasets
    import mmpretrain.models  # noqa: F401 (both register what they hold)

    model = dict(
        type='ImageClassifier',
        backbone=dict(type='TIMMBackbone', model_name='tinynet_d'),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(
            type='LinearClsHead',
            num_classes=cfg.model.head.num_classes,
            in_channels=1280,
            loss=dict(type='CrossEntropyLoss', loss_weight=1.0),
        ),
        data_preprocessor=dict(
            num_classes=cfg.model.head.num_classes, **cfg.model.data_preprocessor
        ),
    )
    loader = dict(
        # What mmpretrain's tools/train.py adds; pinning needs a GPU.
        persistent_workers=True,
        collate_fn=dict(type='default_collate'),
        dataset=dict(
            type='CustomDataset',
            data_prefix='train',
            pipeline=stock_pipeline(cfg.train_dataloader.dataset.input_size),
        ),
    )
    return model, loader


def stock_pipeline(side: int) -> list[dict]:
    """That of mmpretrain's ``configs/_base_/datasets/imagenet_bs32.py``."""
    return [
        dict(type='LoadImageFromFile'),
        dict(type='RandomResizedCrop', scale=side),
        dict(type='RandomFlip', prob=0.5, direction='horizontal'),
        dict(type='PackInputs'),
    ]


def serve(
    kind: str, root: str, batch_size: int, workers: int, pipe: Connection
) -> None:
    """In a side's process: build it, then train whenever asked."""
    import cv2
    import torch
    from mmengine.config import Config
    from mmengine.optim import build_optim_wrapper
    from mmengine.registry import MODELS, init_default_scope
    from mmengine.runner import Runner

    cfg = Config.fromfile(CONFIG)
    init_default_scope('mmpretrain')
    cv2.setNumThreads(0)  # the default of both, for the workers
    torch.manual_seed(0)
    model, loader = {'ours': set_up_ours, 'stock': set_up_stock}[kind](cfg)
    model = MODELS.build(model).train()
    share_weights(model, pipe)
    cfg.optim_wrapper.optimizer.lr *= batch_size / cfg.auto_scale_lr.base_batch_size
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    loader.update(
        batch_size=batch_size,
        num_workers=workers,
        multiprocessing_context='fork',
        sampler=dict(type='InfiniteSampler', shuffle=True),
    )
    loader['dataset']['data_root'] = root
    loader = Runner.build_dataloader(loader, seed=0)
    side, classes = cfg.train_dataloader.dataset.input_size, cfg.model.head.num_classes
    sources = dict(
        given=itertools.repeat(
            loader.collate_fn(make_samples(batch_size, side, classes))
        ),
        files=endless(loader),
    )

    def train(source: str, iterations: int) -> dict[str, float]:
        """Train on batches of a source; the losses of the last."""
        for batch in itertools.islice(sources[source], iterations):
            losses = model.train_step(batch, optim_wrapper)
        return {name: value.item() for name, value in losses.items()}

    take_requests(train, pipe)


def make_samples(number: int, side: int, classes: int) -> list[dict]:
    """Random images, as the pipelines pack them."""
    import torch
    from mmpretrain.structures import DataSample

    generator = torch.Generator().manual_seed(0)
    shape = (3, side, side)
    return [
        dict(
            inputs=torch.randint(0, 256, shape, generator=generator).byte(),
            data_samples=DataSample().set_gt_label(
                torch.randint(0, classes, (1,), generator=generator)
            ),
        )
        for _ in range(number)
    ]


def endless(loader) -> Iterator[dict]:
    """The batches of a loader, whose workers start when the first is asked for."""
    yield from loader


def measure(sides: dict[str, Side], batch: int, blocks: int, iterations: int) -> dict:
    """Train both sides in turns, on a given batch, then from files.

    Args:
        sides: From :func:`sides.start_sides`.
        batch: Number of images in a batch.
        blocks: Number of turns that count.
        iterations: Length of a turn from files; on the given batch it is one.

    Returns:
        Of each kind the median images a second from files (``ours_images_s``) and on
        the given batch (``ours_step_images_s``), and of the page faults of an iteration
        from files (``ours_page_faults``); ``ratio`` and ``step_ratio`` of ours to
        stock, and ``loss_difference`` in the first iteration.
    """
    steps = take_turns(sides, ('given', 1), WARMUP + blocks, 'given batch')
    files = take_turns(sides, ('files', iterations), 1 + blocks, 'from files')
    result = {}
    for kind in sides:
        block = statistics.median(work.seconds for work in files[kind][1:])
        step = statistics.median(work.seconds for work in steps[kind][WARMUP:])
        faults = statistics.median(work.page_faults for work in files[kind][1:])
        result[f'{kind}_images_s'] = iterations * batch / block
        result[f'{kind}_step_images_s'] = batch / step
        result[f'{kind}_page_faults'] = faults / iterations
    return dict(
        ratio=result['ours_images_s'] / result['stock_images_s'],
        step_ratio=result['ours_step_images_s'] / result['stock_step_images_s'],
        **result,
        loss_difference=loss_difference(
            steps['stock'][0].result, steps['ours'][0].result
        ),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--batch-size', type=int, default=128)
    parser.add_argument('--workers', type=int, default=2, help='loader workers a side')
    parser.add_argument('--blocks', type=int, default=5, help='counted turns')
    parser.add_argument('--iterations', type=int, default=8, help='of a turn')
    parser.add_argument('--images', type=int, default=512, help='number of files')
    parser.add_argument(
        '--image-size', type=int, nargs=2, default=SIZE, metavar=('WIDTH', 'HEIGHT')
    )
    parser.add_argument('--json', type=Path, help='write the figures to this file')
    args = parser.parse_args()
    make_room(args.json)
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root, 'train')
        folder.mkdir()
        kilobytes = make_photos(folder, args.images, args.image_size)
        with start_sides(serve, root, args.batch_size, args.workers) as sides:
            result = measure(sides, args.batch_size, args.blocks, args.iterations)
    result.update(
        batch_size=args.batch_size,
        workers=args.workers,
        blocks=args.blocks,
        iterations=args.iterations,
        images=args.images,
        image_kB=kilobytes,
    )
    report(result, args.json)


if __name__ == '__main__':
    main()
