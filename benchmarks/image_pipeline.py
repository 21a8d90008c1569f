"""Time what one core loads for a classifier at 152 pixels from JPEG files, by part.

Ours are the pipelines of ``configs/classification``: with colour jitter, with
RandAugment, and the former with every image decoded whole, which shows what decoding at
a reduced size saves. Stock is mmpretrain's for ImageNet. The reading of files alone,
whole and reduced, comes last.

Time is that of the processor: other programs disturb little, and a slow disk does not
show. All pipelines take turns, in rounds, so that a machine that drifts slows all.
"""

import argparse
import math
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import mmpretrain.datasets  # noqa: F401 (registers its transforms)
import torch
from classifier_training import CONFIG, stock_pipeline
from mmengine.config import Config
from mmengine.registry import TRANSFORMS, init_default_scope
from photos import SIZE, make_photos

from tinydet.files import make_room, write_json
from tinydet.images.files import read_bytes
from tinydet.images.opencv import decode
from tinydet.progress import track

REDUCTIONS = (1, 2, 4, 8)

Parts = dict[str, Callable]


def build_pipelines(cfg: Config, side: int) -> dict[str, Parts]:
    """The transforms of each pipeline, by name."""
    pipelines = {
        'ours': cfg.train_pipeline,
        'ours + RA': cfg.ra_train_pipeline,
        'ours, whole images': [dict(type='LoadImage'), *cfg.train_pipeline],
        'stock': stock_pipeline(side),
    }
    return {
        name: {part['type']: TRANSFORMS.build(part) for part in parts}
        for name, parts in pipelines.items()
    }


def build_readers() -> dict[str, Parts]:
    """Reading and decoding alone, at each reduction."""

    def reader(reduction: int) -> Callable:
        def read(sample: dict):
            return decode(read_bytes(sample['img_path']), sample['img_path'], reduction)

        return read

    return {f'read, decode 1/{k}': {'all': reader(k)} for k in REDUCTIONS}


def time_parts(parts: Parts, samples: list[dict]) -> dict[str, float]:
    """Run a pipeline on all samples.

    Returns:
        Milliseconds an image of each part.
    """
    spent = dict.fromkeys(parts, 0.0)
    for sample in samples:
        results = dict(sample)
        for name, part in parts.items():
            start = time.process_time()
            results = part(results)
            spent[name] += time.process_time() - start
    return {name: seconds / len(samples) * 1e3 for name, seconds in spent.items()}


def measure(
    pipelines: dict[str, Parts], samples: list[dict], rounds: int, rate: float
) -> list[dict]:
    """Time all pipelines in turns, after a round that does not count.

    Args:
        pipelines: Parts by name, for each pipeline.
        samples: What the first parts take.
        rounds: How often each is timed.
        rate: Images a second that a GPU trains on.

    Returns:
        For each pipeline a row of each part and one of ``part='all'``: median ``ms`` an
        image, ``images_s`` of one core, and the ``cores`` for ``rate``.
    """
    times = {name: [] for name in pipelines}
    for _ in track(range(1 + rounds), desc='rounds'):
        for name, parts in pipelines.items():
            times[name].append(time_parts(parts, samples))
    rows = []
    for name, parts in pipelines.items():
        counted = times[name][1:]
        spent = {
            part: statistics.median(round_[part] for round_ in counted)
            for part in parts
        }
        spent['all'] = statistics.median(sum(round_.values()) for round_ in counted)
        for part, ms in spent.items():
            rows.append(
                dict(
                    pipeline=name,
                    part=part,
                    ms=ms,
                    images_s=1e3 / ms,
                    cores=rate * ms / 1e3,
                )
            )
    return rows


def print_table(rows: list[dict], rate: float) -> None:
    """Print the rows; the cores of whole pipelines alone, rounded up."""
    print(
        f'{"pipeline":<18}  {"part":<17}  {"ms/image":>8}  {"images/s":>8}  '
        f'cores for {rate:g} images/s'
    )
    for row in rows:
        cores = math.ceil(row['cores']) if row['part'] == 'all' else ''
        print(
            f'{row["pipeline"]:<18}  {row["part"]:<17}  {row["ms"]:>8.3f}  '
            f'{row["images_s"]:>8.0f}  {cores:>8}'
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--images', type=int, default=128, help='number of files')
    parser.add_argument(
        '--image-size', type=int, nargs=2, default=SIZE, metavar=('WIDTH', 'HEIGHT')
    )
    parser.add_argument('--rounds', type=int, default=5, help='counted rounds')
    parser.add_argument(
        '--rate', type=float, default=1000, help='images/s that a GPU trains on'
    )
    parser.add_argument('--json', type=Path, help='write the table to this file')
    args = parser.parse_args()
    make_room(args.json)
    cfg = Config.fromfile(CONFIG)
    init_default_scope('mmpretrain')
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    side = cfg.train_dataloader.dataset.input_size
    with tempfile.TemporaryDirectory() as root:
        kilobytes = make_photos(Path(root), args.images, args.image_size)
        samples = [
            dict(img_path=str(path), gt_label=0, input_size=side)
            for path in sorted(Path(root).rglob('*.jpg'))
        ]
        pipelines = build_pipelines(cfg, side) | build_readers()
        rows = measure(pipelines, samples, args.rounds, args.rate)
    width, height = args.image_size
    print(f'{args.images} files of {width} x {height} pixels, {kilobytes:.0f} kB each')
    print_table(rows, args.rate)
    if args.json:
        write_json(args.json, rows)


if __name__ == '__main__':
    main()
