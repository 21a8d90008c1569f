import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tiny_runs import CLASSES, REPO, start, write_config, write_tree

from tinydet.data.demo import make_demo


@dataclass(frozen=True)
class Trained:
    """A finished training run, for reading only."""

    config: Path
    work_dir: Path
    code: int
    stdout: str
    stderr: str


@pytest.fixture(scope='session')
def demo(tmp_path_factory) -> Path:
    """A demo set of 8 + 4 images of 128x96, for reading only."""
    folder = tmp_path_factory.mktemp('tiny') / 'demo'
    make_demo(folder, train=8, val=4, size=(128, 96), classes=len(CLASSES))
    return folder


@pytest.fixture(scope='session')
def tree(tmp_path_factory) -> Path:
    """Images of three colours, in class folders; for reading only."""
    return write_tree(tmp_path_factory.mktemp('tree'))


@pytest.fixture(scope='session')
def tiny_config(demo) -> Path:
    """A config for the demo set."""
    return write_config(demo.parent / 'tiny.py', demo)


@pytest.fixture(scope='session')
def trained(tiny_config, tmp_path_factory) -> Trained:
    """A training run in a process of its own, off a terminal, with a loader worker."""
    folder = tmp_path_factory.mktemp('trained')
    process = start(
        [
            *(sys.executable, REPO / 'tools/train.py', tiny_config),
            *('--work-dir', 'work', '--cfg-options'),
            *('train_dataloader.num_workers=1', 'optim_wrapper.optimizer.lr=0.001'),
        ],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    stdout, stderr = process.communicate()
    return Trained(tiny_config, folder / 'work', process.returncode, stdout, stderr)


@pytest.fixture
def derive(tiny_config, tmp_path) -> Callable[[str], Path]:
    """Write a config that changes the tiny one by a few lines of Python."""

    def write(lines: str) -> Path:
        path = tmp_path / 'derived.py'
        path.write_text(f'_base_ = {str(tiny_config)!r}\n{lines}\n')
        return path

    return write


@pytest.fixture
def change_annotations(demo, tmp_path) -> Callable[[Callable[[dict], None]], Path]:
    """Write a copy of the training annotations, changed by a function."""

    def write(change: Callable[[dict], None]) -> Path:
        coco = json.loads((demo / 'annotations/instances_train.json').read_text())
        change(coco)
        path = tmp_path / 'changed.json'
        path.write_text(json.dumps(coco))
        return path

    return write
