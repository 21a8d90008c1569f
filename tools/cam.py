"""Draw where classifiers look: tools/cam.py CONFIG CHECKPOINT IMAGE...

A row an image: the image, and over it the class activation map of the class that the
network predicts, of one network or of two side by side. Networks see the middle of the
image as in a test (a square of 0.875 of its shorter side), each at its own input size.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch

from tinydet.cli import run
from tinydet.datasets.crops import LoadCenterCrop
from tinydet.engine.jobs import load_config
from tinydet.errors import InputError
from tinydet.files import make_room
from tinydet.images import ImageReadError, read_image
from tinydet.models.activation_map import activation_map
from tinydet.models.trained import TrainedClassifier, load_classifier
from tinydet.progress import track
from tinydet.viz.cam import MOST_ROWS, SHOWN, CamRow, Overlay, draw_cams


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', metavar='CONFIG', help='of a classifier')
    parser.add_argument(
        'checkpoint', metavar='CHECKPOINT', help='its weights, or timm://MODEL.TAG'
    )
    parser.add_argument('images', nargs='+', metavar='IMAGE')
    parser.add_argument(
        '--beside',
        nargs=2,
        metavar=('CONFIG', 'CHECKPOINT'),
        help='a second network to compare with',
    )
    parser.add_argument(
        '--out', type=Path, default=Path('cam.png'), help='default: %(default)s'
    )
    args = parser.parse_intermixed_args()
    if args.out.suffix != '.png':
        parser.error(f'--out {args.out}: give the name of a .png file')
    if len(args.images) > MOST_ROWS:
        parser.error(f'{len(args.images)} images: give at most {MOST_ROWS}')
    make_room(args.out)
    nets = [load_net(args.config, args.checkpoint)]
    if args.beside:
        nets.append(load_net(*args.beside))
    rows = [
        row_of(path, image, nets)
        for path, image in readable(track(args.images, desc='images'))
    ]
    if not rows:
        raise InputError(
            f'none of {len(args.images)} images can be read: give image files'
        )
    draw_cams(rows, args.out)
    names = ' and '.join(f'{net.name} at {net.side} pixels' for net in nets)
    skipped = len(args.images) - len(rows)
    if skipped:
        print(f'skipped {skipped} of {len(args.images)} images', file=sys.stderr)
    print(f'{args.out}: {len(rows)} of {len(args.images)} images, {names}')


def load_net(config: str, checkpoint: str) -> TrainedClassifier:
    return load_classifier(load_config(config), checkpoint)


def readable(paths: Iterable[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Read images, naming those that cannot be on standard error."""
    for path in paths:
        try:
            yield path, read_image(path)
        except ImageReadError as error:
            print(f'skipped: {error}', file=sys.stderr)


def row_of(path: str, image: np.ndarray, nets: list[TrainedClassifier]) -> CamRow:
    overlays = []
    for net in nets:
        pixels = torch.from_numpy(square(image, net.side)).permute(2, 0, 1)
        found = activation_map(net.model, pixels)
        overlays.append(
            Overlay(
                net=net.name,
                prediction=net.class_name(found.label),
                probability=found.probability,
                evidence=found.evidence.numpy(),
            )
        )
    return CamRow(Path(path).name, square(image, SHOWN)[:, :, ::-1], overlays)


def square(image: np.ndarray, side: int) -> np.ndarray:
    """The middle of an image at another size, its channels as they are."""
    return LoadCenterCrop().transform(dict(img=image, input_size=side))['img']


if __name__ == '__main__':
    raise SystemExit(run(main))
