"""Generate the demo data set: COCO-format images to train and evaluate on."""

import argparse
from pathlib import Path

from tinydet.cli import run
from tinydet.data.demo import make_demo


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument('--out', type=Path, default='data/demo', help='folder to make')
    parser.add_argument('--train', type=int, default=600, help='training images')
    parser.add_argument('--val', type=int, default=150, help='validation images')
    parser.add_argument(
        '--size',
        type=int,
        nargs=2,
        default=(400, 320),
        metavar=('W', 'H'),
        help='image width and height, pixels',
    )
    parser.add_argument('--classes', type=int, default=6, help='number of classes')
    parser.add_argument('--seed', type=int, default=0, help='same seed, same files')
    args = parser.parse_args()
    written = make_demo(
        args.out,
        train=args.train,
        val=args.val,
        size=tuple(args.size),
        classes=args.classes,
        seed=args.seed,
    )
    print(f'{args.out}: ' + ('written' if written else 'stands already, left as it is'))
    print(f'  train/           {args.train} images')
    print(f'  val/             {args.val} images')
    print('  annotations/     instances_train.json, instances_val.json')
    print('  mosaic.jpg       some validation images with their boxes')


if __name__ == '__main__':
    raise SystemExit(run(main))
