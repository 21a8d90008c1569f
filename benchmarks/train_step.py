"""Time one training iteration of SSDLite-TinyNet-D against the stock OpenMMLab path.

Both detectors are the same network with the same weights, batch and optimizer; the
second feature level and the first are stage outputs, since the stock backbone cannot
tap the expansion. Stock is mmdet's SingleStageDetector with mmpretrain's
TIMMBackbone in NCHW and the C library's default allocator. Each side lives in its own
process, and their iterations take turns, so that a machine that drifts slows both.
"""

import argparse
import statistics
from multiprocessing.connection import Connection
from pathlib import Path

from sides import (
    loss_difference,
    report,
    share_weights,
    start_sides,
    take_requests,
    take_turns,
)

from tinydet.files import make_room

CONFIG = Path(__file__).parents[1] / 'configs' / 'ssdlite_tinynet_d.py'
WARMUP = 3
LR = 1e-3


def build_ours(cfg):
    """Our detector with the stage outputs as taps, and our start-up."""
    from mmengine.registry import MODELS

    from tinydet.engine.startup import keep_memory

    keep_memory()
    cfg.model.backbone.out_indices = (4, 6)
    return MODELS.build(cfg.model)


def build_stock(cfg):
    """The same network from mmdet's and mmpretrain's own parts."""
    from mmengine.registry import MODELS, TASK_UTILS

    size = cfg.model.bbox_head.anchor_generator.input_size
    ours = TASK_UTILS.build(cfg.model.bbox_head.anchor_generator)
    light = dict(norm_cfg=dict(type='BN'), act_cfg=dict(type='ReLU6'))
    stock = dict(cfg.model)
    stock.update(
        type='SingleStageDetector',
        backbone=dict(
            type='mmpretrain.TIMMBackbone',
            model_name='tinynet_d',
            features_only=True,
            out_indices=(3, 4),
        ),
        neck=dict(
            type='SSDNeck',
            in_channels=(64, 176),
            out_channels=(64, 176, 512, 256, 256, 128),
            level_strides=(2, 2, 2, 2),
            level_paddings=(1, 1, 1, 1),
            l2_norm_scale=None,
            use_depthwise=True,
            **light,
        ),
        bbox_head=dict(
            type='SSDHead',
            num_classes=cfg.model.bbox_head.num_classes,
            in_channels=(64, 176, 512, 256, 256, 128),
            use_depthwise=True,
            anchor_generator=dict(
                type='SSDAnchorGenerator',
                scale_major=False,
                strides=[stride[0] for stride in ours.strides],
                ratios=[[2, 3]] * 6,
                min_sizes=list(ours.base_sizes),
                max_sizes=[*ours.base_sizes[1:], size],
            ),
            bbox_coder=dict(
                type='DeltaXYWHBBoxCoder', target_stds=(0.1, 0.1, 0.2, 0.2)
            ),
            **light,
        ),
    )
    return MODELS.build(stock)


def make_batch(batch_size: int, size: int, classes: int) -> dict:
    """Random images and ten boxes each, as the data loader would give them."""
    import torch
    from mmdet.structures import DetDataSample
    from mmengine.structures import InstanceData

    generator = torch.Generator().manual_seed(0)
    images, samples = [], []
    for _ in range(batch_size):
        images.append(
            torch.randint(0, 256, (3, size, size), generator=generator).byte()
        )
        corner = torch.rand(10, 2, generator=generator) * size * 0.7
        side = (0.05 + 0.25 * torch.rand(10, 2, generator=generator)) * size
        sample = DetDataSample(
            metainfo=dict(
                img_shape=(size, size),
                pad_shape=(size, size),
                batch_input_shape=(size, size),
                scale_factor=(1.0, 1.0),
            )
        )
        sample.gt_instances = InstanceData(
            bboxes=torch.cat([corner, corner + side], 1),
            labels=torch.randint(0, classes, (10,), generator=generator),
        )
        samples.append(sample)
    return dict(inputs=images, data_samples=samples)


def serve(kind: str, batch_size: int, pipe: Connection) -> None:
    """In a side's process: build it, then run an iteration whenever asked."""
    import torch
    from mmengine.config import Config
    from mmengine.optim import OptimWrapper
    from mmengine.registry import init_default_scope

    cfg = Config.fromfile(CONFIG)
    init_default_scope('mmdet')
    if kind == 'stock':
        import mmpretrain.models  # noqa: F401 (registers TIMMBackbone)
    torch.manual_seed(0)
    model = {'ours': build_ours, 'stock': build_stock}[kind](cfg).train()
    share_weights(model, pipe)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR)
    wrapper = OptimWrapper(optimizer, clip_grad=dict(max_norm=10))
    head = cfg.model.bbox_head
    batch = make_batch(batch_size, head.anchor_generator.input_size, head.num_classes)

    def train() -> dict[str, float]:
        losses = model.train_step(batch, wrapper)
        return {name: value.item() for name, value in losses.items()}

    take_requests(train, pipe)


def measure(batch_size: int, runs: int) -> dict:
    """Run both sides in turns.

    Returns:
        Median seconds of an iteration (``stock_s``, ``ours_s``), their ``ratio``, the
        median page faults (``stock_page_faults``, ``ours_page_faults``), and the
        largest relative difference of a loss in the first iteration
        (``loss_difference``; later ones drift apart as rounding is amplified).
    """
    with start_sides(serve, batch_size) as sides:
        done = take_turns(sides, (), WARMUP + runs, 'iterations')
    seconds, faults = {}, {}
    for kind, works in done.items():
        seconds[kind] = statistics.median(work.seconds for work in works[WARMUP:])
        faults[kind] = statistics.median(work.page_faults for work in works[WARMUP:])
    return dict(
        stock_s=seconds['stock'],
        ours_s=seconds['ours'],
        ratio=seconds['stock'] / seconds['ours'],
        stock_page_faults=faults['stock'],
        ours_page_faults=faults['ours'],
        loss_difference=loss_difference(
            done['stock'][0].result, done['ours'][0].result
        ),
        batch_size=batch_size,
        runs=runs,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--batch-size', type=int, default=8)
    parser.add_argument('--runs', type=int, default=7, help='counted iterations')
    parser.add_argument('--json', type=Path, help='write the figures to this file')
    args = parser.parse_args()
    make_room(args.json)
    report(measure(args.batch_size, args.runs), args.json)


if __name__ == '__main__':
    main()
