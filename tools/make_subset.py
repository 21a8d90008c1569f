"""Sample classes and images of a data set in class folders, such as ImageNet-100.

The defaults are the paper's (section 4.1): 100 classes, 500 training images of each,
and all their validation images. No image is copied: lists or links point to them.
"""

import argparse
from pathlib import Path

from tinydet.cli import run
from tinydet.data.subset import Subset, sample_subset, write_links, write_lists
from tinydet.errors import some
from tinydet.files import make_room, write_json


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'root',
        type=Path,
        metavar='ROOT',
        help='folder with train/CLASS/*.jpg and val/CLASS/*.jpg',
    )
    parser.add_argument(
        '--out',
        type=Path,
        required=True,
        metavar='DIR',
        help='write DIR/train.txt, DIR/val.txt and DIR/classes.txt',
    )
    parser.add_argument(
        '--links',
        action='store_true',
        help='make folders DIR/train and DIR/val with links to the images instead',
    )
    parser.add_argument(
        '--classes', type=int, default=100, metavar='N', help='default: %(default)s'
    )
    parser.add_argument(
        '--train-images',
        type=int,
        default=500,
        metavar='N',
        help='training images of each class (default: %(default)s)',
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='same seed, same choice (default: 0)'
    )
    parser.add_argument(
        '--train',
        default='train',
        metavar='FOLDER',
        help='training images within ROOT (default: %(default)s)',
    )
    parser.add_argument(
        '--val',
        default='val',
        metavar='FOLDER',
        help='validation images within ROOT (default: %(default)s)',
    )
    parser.add_argument('--json', type=Path, help='write the table to this file')
    args = parser.parse_args()
    make_room(args.json)
    subset = sample_subset(
        args.root, args.classes, args.train_images, args.seed, args.train, args.val
    )
    written = (write_links if args.links else write_lists)(subset, args.out)
    rows = table(subset)
    print(f'{"split":<5} {"classes":>7} {"images":>8}')
    for row in rows:
        print(f'{row["split"]:<5} {row["classes"]:>7} {row["images"]:>8}')
    for split in subset.splits:
        if split.ignored:
            print(
                f'not images of a class in {split.folder}, left out: '
                f'{some(split.ignored)}'
            )
    print('written: ' + ', '.join(map(str, written)))
    if args.json:
        write_json(args.json, rows)


def table(subset: Subset) -> list[dict]:
    return [
        dict(split=split.name, classes=len(subset.classes), images=len(split.images))
        for split in subset.splits
    ]


if __name__ == '__main__':
    raise SystemExit(run(main))
