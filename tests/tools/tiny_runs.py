"""The tools on a data set and a detector so small that a run takes a second."""

import csv
import fcntl
import os
import pty
import runpy
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
from mmengine.runner import CheckpointLoader
from mmengine.visualization import Visualizer
from PIL import Image

REPO = Path(__file__).parents[2]
CLASSES = ('ring', 'star', 'cross')
# Of a tree of class folders: images of each class in each split.
TREE_CLASSES = ('blue', 'green', 'red')
TREE_IMAGES = {'train': 6, 'val': 3}

_CONFIG = """
_base_ = {base!r}
input_size = (128, 128)
train_pipeline = _base_.train_pipeline
test_pipeline = _base_.test_pipeline
for step in (*train_pipeline, *test_pipeline):
    if step['type'] == 'Resize':
        step['scale'] = input_size
model = dict(
    bbox_head=dict(
        num_classes={classes}, anchor_generator=dict(input_size=input_size[0])
    )
)
loader = dict(batch_size=3, num_workers=0, persistent_workers=False)
train_dataloader = dict(
    **loader,
    dataset=dict(
        data_root={root!r},
        ann_file='annotations/instances_train.json',
        data_prefix=dict(img='train/'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    **loader,
    dataset=dict(
        data_root={root!r},
        ann_file='annotations/instances_val.json',
        data_prefix=dict(img='val/'),
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
train_cfg = dict(max_epochs=2)
default_hooks = dict(logger=dict(interval=1))
"""


def write_config(path: Path, demo: Path) -> Path:
    """Write a config of SSDLite-TinyNet-E at 128 for a demo set, 2 epochs of it."""
    path.write_text(
        _CONFIG.format(
            base=str(REPO / 'configs/ssdlite_tinynet_e.py'),
            classes=len(CLASSES),
            root=f'{demo}/',
        )
    )
    return path


def write_tree(root: Path) -> Path:
    """Write images of three colours, in class folders."""
    generator = np.random.default_rng(0)
    for split, images in TREE_IMAGES.items():
        for channel, name in enumerate(reversed(TREE_CLASSES)):
            folder = root / split / name
            folder.mkdir(parents=True)
            for i in range(images):
                pixels = generator.integers(0, 90, (40, 48, 3), np.uint8)
                pixels[..., channel] += 150
                Image.fromarray(pixels).save(folder / f'{i}.jpg')
    return root


def read_table(path: Path) -> list[dict]:
    """The rows of a CSV file."""
    with open(path, newline='') as file:
        return list(csv.DictReader(file))


def log_of(work_dir: Path) -> str:
    """The newest log file of a work directory."""
    return max(work_dir.glob('*/*.log')).read_text()


def terminal() -> tuple[int, int]:
    """Open a pseudo-terminal of 40x120 characters.

    Returns:
        Where to read what it shows, and what to give to a process.
    """
    screen, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack('HHHH', 40, 120, 0, 0))
    return screen, side


def start(command: Sequence, cwd: Path, **settings) -> subprocess.Popen:
    """Start a command in a folder of its own, on one thread."""
    return subprocess.Popen(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHON': sys.executable},
        **settings,
    )


def call(tool: str, *args) -> int:
    """Run a tool in this process, as ``python tools/NAME.py ARGS`` would.

    Returns:
        The exit code.
    """
    with pytest.MonkeyPatch.context() as patch:
        # What a tool settles for its process goes back to what it was.
        patch.setenv('TORCH_FORCE_WEIGHTS_ONLY_LOAD', '0')
        patch.setattr(CheckpointLoader, '_schemes', dict(CheckpointLoader._schemes))
        for singletons in (DefaultScope, MessageHub, MMLogger, Visualizer):
            patch.setattr(singletons, '_instance_dict', {})
        patch.setattr(sys, 'argv', [tool, *map(str, args)])
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with pytest.raises(SystemExit) as exit_:
                runpy.run_path(str(REPO / 'tools' / tool), run_name='__main__')
        finally:
            torch.set_num_threads(threads)
    return exit_.value.code
