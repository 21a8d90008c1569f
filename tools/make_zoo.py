"""Write the zoo: docs/zoo.md and .png, model-index.yml and the metafiles it lists."""

import argparse
from pathlib import Path

from tinydet.cli import run
from tinydet.zoo.files import count_zoo, stale_files, write_zoo

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--check',
        action='store_true',
        help='write nothing; name the files that are not up to date and exit with 1',
    )
    args = parser.parse_args()
    zoo = count_zoo(ROOT)
    if not args.check:
        print(f'wrote {", ".join(write_zoo(zoo, ROOT))}')
    elif stale := stale_files(zoo, ROOT):
        print(f'not up to date: {", ".join(stale)}; run python tools/make_zoo.py')
        raise SystemExit(1)


if __name__ == '__main__':
    raise SystemExit(run(main))
