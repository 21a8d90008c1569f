"""Print parameters and MACs of detectors: tools/complexity.py CONFIG..."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from mmengine.config import DictAction

from tinydet.cli import run
from tinydet.engine.jobs import load_config
from tinydet.models.complexity import count_detector


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('configs', nargs='+')
    parser.add_argument('--json', type=Path, help='write the table to this file')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='override values of the configs',
    )
    args = parser.parse_args()
    rows = []
    print(f'{"config":<28} {"input":>5} {"params M":>9} {"GMACs":>7}')
    for path in args.configs:
        cost = count_detector(load_config(path, options=args.cfg_options))
        rows.append({'name': Path(path).stem, **asdict(cost)})
        print(
            f'{Path(path).stem:<28} {cost.input:>5} {cost.params / 1e6:>9.2f} '
            f'{cost.macs / 1e9:>7.3f}'
        )
    if args.json:
        args.json.write_text(json.dumps(rows, indent=2) + '\n')


if __name__ == '__main__':
    raise SystemExit(run(main))
