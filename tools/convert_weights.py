"""Convert a file of weights once: tools/convert_weights.py IN OUT --to timm|tinydet"""

import argparse
from pathlib import Path

from tinydet.cli import run
from tinydet.files import make_room, replacing
from tinydet.weights.convert import check_suffix, convert, save
from tinydet.weights.names import parts_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'source',
        metavar='IN',
        help='a .pth or .safetensors file, or timm://MODEL.TAG for the hub of timm',
    )
    parser.add_argument(
        'out', type=Path, metavar='OUT', help='the .pth or .safetensors file to write'
    )
    parser.add_argument(
        '--to',
        choices=('timm', 'tinydet'),
        required=True,
        help="a state dict for timm's network, or a checkpoint of a Classifier",
    )
    args = parser.parse_args()
    check_suffix(args.out)
    make_room(args.out)
    converted = convert(args.source, args.to)
    with replacing(args.out) as partial:
        save(converted.content, partial)
    print(f'{args.out}: written for {args.to} from {args.source}')
    print(f'  backbone    {converted.backbone:>5} tensors')
    print(f'  classifier  {converted.classifier:>5} tensors')
    if converted.left_out:
        parts = ', '.join(parts_of(converted.left_out))
        print(f'  left out    {len(converted.left_out):>5} tensors ({parts})')


if __name__ == '__main__':
    raise SystemExit(run(main))
