"""Convert Pascal VOC annotations to COCO files; the images stay where they are."""

import argparse
import json
from pathlib import Path

from tinydet.cli import run
from tinydet.data.voc import voc_to_coco


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'voc_dir',
        type=Path,
        metavar='VOC_DIR',
        help='folder with ImageSets/Main, Annotations and JPEGImages',
    )
    parser.add_argument(
        '--split',
        action='append',
        required=True,
        help='convert ImageSets/Main/SPLIT.txt; may be given several times',
    )
    parser.add_argument(
        '--classes',
        nargs='+',
        metavar='NAME',
        help='classes in the order of their ids (default: all of the splits, sorted)',
    )
    parser.add_argument(
        '--out',
        type=Path,
        metavar='DIR',
        help='write DIR/annotations/instances_SPLIT.json (default: VOC_DIR)',
    )
    args = parser.parse_args()
    folder = (args.out or args.voc_dir) / 'annotations'
    converted = voc_to_coco(args.voc_dir, args.split, args.classes)
    folder.mkdir(parents=True, exist_ok=True)
    for split, coco in converted.items():
        path = folder / f'instances_{split}.json'
        path.write_text(json.dumps(coco), encoding='utf-8')
        boxes = coco['annotations']
        print(
            f'{path}: {len(coco["images"])} images, {len(boxes)} boxes, '
            f'{sum(box["ignore"] for box in boxes)} of them difficult'
        )
    names = [category['name'] for category in coco['categories']]
    print(f'classes: {", ".join(names)}')


if __name__ == '__main__':
    raise SystemExit(run(main))
