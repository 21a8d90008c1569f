"""Compare detectors: tools/compare.py --model NAME CONFIG_OR_ONNX [CHECKPOINT] ...

Runs all of them over one data set, and measures their latency beside each other: ONNX
Runtime, one thread, one image. Leaves tables and pictures of mAP over cost, precision
over recall, AP of each class, what each kind of error costs, and which classes each
model takes for which.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tinydet.cli import run
from tinydet.comparison.costs import read_metadata, read_onnx
from tinydet.comparison.detectors import find_objects, load_detectors, name_models
from tinydet.comparison.findings import examine
from tinydet.comparison.ground_truth import (
    check_ids,
    check_objects,
    class_names,
    leave_out,
)
from tinydet.comparison.report import report_paths, to_dict, write_report
from tinydet.comparison.table import Compared, to_markdown
from tinydet.data.check import check_coco, clean_coco
from tinydet.data.images import BadImage
from tinydet.deploy.latency import measure
from tinydet.errors import some
from tinydet.files import make_room, write_json


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        '--model',
        action='append',
        nargs='+',
        required=True,
        metavar=('NAME', 'PATH'),
        help='a name, and an ONNX file of tools/export.py, or a config and its '
        'checkpoint; may be given several times',
    )
    parser.add_argument(
        '--ann', required=True, metavar='FILE', help='instances in COCO format'
    )
    parser.add_argument(
        '--images', required=True, metavar='DIR', help='where their images lie'
    )
    parser.add_argument(
        '--out', type=Path, required=True, metavar='DIR', help='for all results'
    )
    parser.add_argument('--json', type=Path, help='write all figures to this file')
    parser.add_argument(
        '--device',
        default='cpu',
        help='finds the objects, cpu or cuda (default: %(default)s); latency is always '
        "the CPU's",
    )
    args = parser.parse_args()
    models = name_models(args.model)
    make_room(args.json, *report_paths(args.out, [model.name for model in models]))
    report = check_coco(args.ann, args.images, most_bad=1)
    coco = clean_coco(report)
    check_objects(coco, args.ann)
    check_ids(coco, args.ann)
    classes = class_names(coco)
    detectors = load_detectors(models, args.device, classes, args.ann)
    files = {model.name: read_onnx(model) for model in models}

    for image in report.bad_images:
        print(f'left out: {image}', file=sys.stderr)
    found, unread = find_objects(detectors, coco, args.images)
    coco = leave_out(coco, unread)
    check_objects(coco, args.ann)
    latencies = measure(files)
    compared = [
        Compared(
            name=model.name,
            findings=examine(coco, found[model.name]),
            metadata=read_metadata(files[model.name], model.path),
            file_bytes=len(files[model.name]),
            latency=latencies[model.name],
        )
        for model in models
    ]

    left_out = [*report.bad_images, *unread]
    notes = describe(compared, coco, left_out)
    write_report(args.out, compared, classes, notes)
    if args.json:
        data = {
            'ann_file': args.ann,
            'images': len(coco['images']),
            'left_out': [str(image) for image in left_out],
            'classes': classes,
            'models': [to_dict(model) for model in compared],
        }
        write_json(args.json, data)
    print(to_markdown(compared), notes, f'tables and pictures: {args.out}', sep='\n\n')


def describe(
    compared: Sequence[Compared], coco: dict, left_out: Sequence[BadImage]
) -> str:
    """What a reader of the table has to know."""
    images = f'{len(coco["images"])} images'
    if left_out:
        paths = some([image.path for image in left_out])
        images += f'; {len(left_out)} that cannot be used were left out: {paths}'
    suppressed = [model.name for model in compared if model.metadata.nms]
    latency = 'latency: ONNX Runtime on a CPU, one thread, one image, '
    if suppressed:
        latency += f'with suppression of {some(suppressed)}'
        latency += ', without it of the others' * (len(suppressed) < len(compared))
    else:
        latency += 'without suppression'
    notes = [images, latency]
    blind = [
        model.name
        for model in compared
        if model.findings.boxes.figures['bbox_mAP_50'] == 0
    ]
    if blind:
        notes.append(
            f'{some(blind)} found none of the objects: errors.png has no loss by '
            'missed ones where nothing is found'
        )
    return '; '.join(notes)


if __name__ == '__main__':
    raise SystemExit(run(main))
