"""Evaluate a checkpoint: tools/test.py CONFIG CHECKPOINT"""

import argparse

from mmengine.config import DictAction

from tinydet.cli import run
from tinydet.engine import jobs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config')
    parser.add_argument('checkpoint')
    parser.add_argument('--work-dir', help='default: work_dirs/NAME_OF_THE_CONFIG')
    parser.add_argument(
        '--out',
        help='write the predictions to this file: COCO results JSON of a detector',
    )
    parser.add_argument('--json', help='write the figures to this file as well')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='override values of the config',
    )
    parser.add_argument(
        '--launcher', choices=('none', 'pytorch', 'slurm'), default='none'
    )
    args = parser.parse_args()
    cfg = jobs.load_config(args.config, args.work_dir, args.cfg_options, args.launcher)
    jobs.test(cfg, args.checkpoint, out=args.out, json_file=args.json)


if __name__ == '__main__':
    raise SystemExit(run(main))
