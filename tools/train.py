"""Train a detector or classifier: tools/train.py configs/ssdlite_tinynet_d.py"""

import argparse

from mmengine.config import DictAction

from tinydet.cli import run
from tinydet.engine import jobs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config')
    parser.add_argument('--work-dir', help='default: work_dirs/NAME_OF_THE_CONFIG')
    parser.add_argument(
        '--resume',
        action='store_true',
        help='go on from the last whole checkpoint in the work directory',
    )
    parser.add_argument('--amp', action='store_true', help='mixed precision (CUDA)')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='override values of the config, such as train_cfg.max_epochs=5',
    )
    parser.add_argument(
        '--launcher', choices=('none', 'pytorch', 'slurm'), default='none'
    )
    args = parser.parse_args()
    cfg = jobs.load_config(args.config, args.work_dir, args.cfg_options, args.launcher)
    jobs.train(cfg, resume=args.resume, amp=args.amp)


if __name__ == '__main__':
    raise SystemExit(run(main))
