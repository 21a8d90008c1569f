"""Write a trained network as ONNX: tools/export.py CONFIG CHECKPOINT OUT.onnx

Of a detector or a classifier. The file takes uint8 RGB images of the network's input
size: of a detector resized to it, of a classifier the crops of its evaluation, with the
shorter side resized to 1/0.875 of the input (bicubic) and the centre cut out. It has in
it the normalisation, the softmax, the decoding of boxes and, with --nms, their
suppression. Its metadata have the classes and all else that one needs to use it. It is
run once beside PyTorch.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
import onnx
from mmengine.config import DictAction

from tinydet.cli import run
from tinydet.datasets.crops import LoadCenterCrop
from tinydet.deploy.calibration import calibration_files, read_calibration
from tinydet.deploy.export import (
    Exportable,
    exportable_classifier,
    exportable_detector,
    is_classifier,
    with_metadata,
)
from tinydet.deploy.verify import Agreement, random_image, verify
from tinydet.engine.jobs import load_config
from tinydet.errors import InputError
from tinydet.files import make_room, replacing, write_json
from tinydet.images import resize
from tinydet.progress import track


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', metavar='CONFIG')
    parser.add_argument('checkpoint', metavar='CHECKPOINT')
    parser.add_argument('out', type=Path, metavar='OUT.onnx')
    parser.add_argument(
        '--nms', action='store_true', help='of a detector: give the final boxes'
    )
    parser.add_argument(
        '--batch',
        choices=('1', 'dynamic'),
        default='1',
        help='how many images it takes at once (default: %(default)s)',
    )
    parser.add_argument(
        '--int8',
        type=Path,
        metavar='FOLDER',
        help='quantise to 8 bits; the images in this folder calibrate it',
    )
    parser.add_argument('--json', type=Path, help='write the table to this file')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='override values of the config',
    )
    args = parser.parse_args()
    if args.out.suffix != '.onnx':
        parser.error(f'{args.out}: give the name of an .onnx file')
    make_room(args.out, args.json)
    files = calibration_files(args.int8) if args.int8 else []
    cfg = load_config(args.config, options=args.cfg_options)
    classifier = is_classifier(cfg)
    if classifier and args.nms:
        raise InputError(
            f'--nms is for a detector, but {args.config} is of a classifier: leave it '
            'out'
        )
    network = (
        exportable_classifier(cfg, args.checkpoint)
        if classifier
        else exportable_detector(cfg, args.checkpoint, args.nms)
    )
    side = network.metadata.input_size
    crop = partial(center_crop if classifier else stretch, side=side)
    images = calibration_images(files, crop) if files else []
    model = network.to_onnx(dynamic_batch=args.batch == 'dynamic')
    if images:
        network, model = to_int8(network, model, images)
    image = images[0] if images else random_image(side)
    agreement = verify(model, network.graph, image)
    with replacing(args.out) as written:
        written.write_bytes(model)
    if not images and not agreement.is_rounding:
        print(
            f'warning: {args.out} differs from PyTorch by more than rounding: compare '
            'the two on images of yours with tools/compare.py',
            file=sys.stderr,
        )
    table = describe(args.out, network, model, agreement, len(images))
    print_table(table)
    if args.json:
        write_json(args.json, table)


def stretch(image: np.ndarray, side: int) -> np.ndarray:
    """What a detector sees of an image."""
    return resize(image, side, side)


def center_crop(image: np.ndarray, side: int) -> np.ndarray:
    """What a classifier sees of an image."""
    return LoadCenterCrop().transform({'img': image, 'input_size': side})['img']


def calibration_images(
    files: list[Path], crop: Callable[[np.ndarray], np.ndarray]
) -> list[np.ndarray]:
    """Read images, naming on standard error those that cannot be."""
    bad: list[str] = []
    images = read_calibration(track(files, desc='calibration'), crop, bad.append)
    for reason in bad:
        print(f'skipped: {reason}', file=sys.stderr)
    if not images:
        raise InputError(
            f'none of {len(files)} images can be read, such as {files[0]}: give a '
            'folder with images to calibrate by'
        )
    if bad:
        print(f'skipped {len(bad)} of {len(files)} images', file=sys.stderr)
    return images


def to_int8(
    network: Exportable, model: bytes, images: list[np.ndarray]
) -> tuple[Exportable, bytes]:
    """Quantise, and say so in the metadata."""
    from tinydet.deploy.quantise import quantise

    metadata = replace(network.metadata, precision='int8')
    model = with_metadata(quantise(model, images), metadata)
    return replace(network, metadata=metadata), model


def describe(
    path: Path, network: Exportable, model: bytes, agreement: Agreement, images: int
) -> dict:
    """What is printed and written of a file."""
    graph = onnx.load_from_string(model).graph
    return {
        'file': str(path),
        'bytes': len(model),
        'inputs': [tensor(value) for value in graph.input],
        'outputs': [tensor(value) for value in graph.output],
        'calibration_images': images,
        'agreement': asdict(agreement),
        'metadata': asdict(network.metadata),
    }


def tensor(value: onnx.ValueInfoProto) -> dict:
    kind = value.type.tensor_type
    dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)
    shape = [size.dim_param or size.dim_value for size in kind.shape.dim]
    return {'name': value.name, 'dtype': str(dtype), 'shape': shape}


def print_table(table: dict) -> None:
    metadata, images = table['metadata'], table['calibration_images']
    rows = [
        ('file', table['file']),
        *(('input', f'{as_text(value)}, RGB') for value in table['inputs']),
        *(('output', as_text(value)) for value in table['outputs']),
        ('size', f'{table["bytes"] / 1e6:.2f} MB'),
        (
            'precision',
            metadata['precision']
            + (f', {images} calibration images' if images else ''),
        ),
        ('classes', len(metadata['classes'])),
        ('parameters', f'{metadata["parameters"] / 1e6:.3f} M'),
        ('MACs', f'{metadata["macs"] / 1e6:.2f} M'),
        ('revision', metadata['revision']),
        ('to PyTorch', differences(table['agreement'])),
    ]
    for name, value in rows:
        print(f'{name:<11} {value}')


def as_text(value: dict) -> str:
    shape = ', '.join(map(str, value['shape']))
    return f'{value["name"]} {value["dtype"]} ({shape})'


def differences(agreement: dict) -> str:
    """How far the file is from PyTorch, in words."""
    found = f'scores within {agreement["scores"]:.1e}'
    if agreement['boxes'] is not None:
        found += f', boxes within {agreement["boxes"]:.1e} pixels'
    if agreement['found'] is None:
        return found
    return (
        f'{agreement["matched"]} detections alike, of {agreement["found"]} here and '
        f'{agreement["expected"]} there: {found}'
    )


if __name__ == '__main__':
    raise SystemExit(run(main))
