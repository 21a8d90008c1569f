"""Several processes train as one does, on the CPU with gloo."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from free_port import free_port
from PIL import Image

REPO = Path(__file__).parents[2]
STEPS, BATCH, CLASSES = 10, 4, 2

# The whole batch norm is frozen: PyTorch synchronises them on GPUs only. Without
# dropout and random crops both sides see the same.
_CONFIG = """
_base_ = {base!r}
model = dict(backbone=dict(norm_eval={frozen}), head=dict(num_classes=2, dropout=0.0))
loader = dict(
    num_workers=0, dataset=dict(data_root={root!r}, data_prefix='', input_size=32)
)
train_dataloader = dict(
    batch_size={batch},
    sampler=dict(seed=0),
    dataset=dict(pipeline=_base_.test_pipeline, **loader.pop('dataset')),
    **loader,
)
val_dataloader = val_cfg = val_evaluator = None
test_dataloader = test_cfg = test_evaluator = None
train_cfg = dict(max_epochs=1)
optim_wrapper = dict(optimizer=dict(lr=2.0))
param_scheduler = dict(warmup=0)
default_hooks = dict(ema=dict(decay=0.6), checkpoint=dict(save_best=None))
"""
_SCRIPT = """
import json, sys
from mmengine.dist import all_gather_object, all_reduce, is_main_process
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from tinydet.engine import jobs

@HOOKS.register_module()
class Losses(Hook):
    priority = 'LOWEST'
    found = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        loss = outputs['loss'].detach().double()
        all_reduce(loss, 'mean')
        self.found.append(loss.item())

    def after_train_epoch(self, runner):
        ema = next(h for h in runner.hooks if type(h).__name__ == 'AveragedWeightsHook')
        own = {'plain': runner.model.module if hasattr(runner.model, 'module')
               else runner.model, 'average': ema.ema_model.module}
        own = {k: m.state_dict()['backbone.bn1.running_mean'].tolist()
               for k, m in own.items()}
        ranks = all_gather_object(own)
        if is_main_process():
            with open('found.json', 'w') as file:
                json.dump(dict(losses=self.found, statistics=ranks,
                    lr=runner.optim_wrapper.get_lr()['lr'][0]), file)

launcher = sys.argv[2] if len(sys.argv) > 2 else 'none'
cfg = jobs.load_config(sys.argv[1], 'work', launcher=launcher)
cfg.custom_hooks.append(dict(type='Losses'))
jobs.train(cfg)
"""


@pytest.fixture
def start(tmp_path):
    """Start a training of 10 steps on 40 images, 4 images a step over all processes."""
    generator = np.random.default_rng(0)
    for name in ('cat', 'dog'):
        (tmp_path / 'images' / name).mkdir(parents=True)
        for i in range(STEPS * BATCH // CLASSES):
            pixels = generator.integers(0, 256, (32, 32, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / 'images' / name / f'{i}.png')
    (tmp_path / 'script.py').write_text(_SCRIPT)

    def begin(name: str, processes: int, frozen: bool) -> subprocess.Popen:
        folder = tmp_path / name
        folder.mkdir()
        (folder / 'config.py').write_text(
            _CONFIG.format(
                base=str(REPO / 'configs/classification/tinynet_e_in1k.py'),
                root=str(tmp_path / 'images'),
                batch=BATCH // processes,
                frozen=frozen,
            )
        )
        command = [sys.executable]
        arguments = [str(tmp_path / 'script.py'), 'config.py']
        if processes > 1:
            port = f'--master-port={free_port()}'
            command += ['-m', 'torch.distributed.run', port]
            command += [f'--nproc-per-node={processes}']
            arguments.append('pytorch')
        return subprocess.Popen(
            [*command, *arguments],
            cwd=folder,
            env={**os.environ, 'OMP_NUM_THREADS': '1', 'CUDA_VISIBLE_DEVICES': ''},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return begin


def result(process: subprocess.Popen, folder: Path) -> dict:
    output = process.communicate()[0]
    assert process.returncode == 0, output
    return json.loads((folder / 'found.json').read_text())


def test_two_processes_of_half_the_batch_train_as_one(start, tmp_path):
    runs = {n: start(f'{n}', n, frozen=True) for n in (1, 2)}
    one, two = (result(run, tmp_path / f'{n}') for n, run in runs.items())
    assert len(one['losses']) == STEPS
    assert two['losses'] == pytest.approx(one['losses'], abs=1e-5)
    # training moved far enough to show a difference
    assert abs(one['losses'][-1] - one['losses'][0]) > 0.01
    # the batch of all processes
    assert one['lr'] == two['lr'] == pytest.approx(2.0 * BATCH / 1024)
    weights = [
        torch.load(tmp_path / f'{n}/work/epoch_1.pth', weights_only=True)['state_dict']
        for n in (1, 2)
    ]
    for name, value in weights[0].items():
        assert torch.allclose(value, weights[1][name], rtol=0, atol=1e-5), name


def test_the_processes_end_an_epoch_with_the_same_statistics(start, tmp_path):
    two = result(start('2', 2, frozen=False), tmp_path / '2')
    first, second = two['statistics']
    assert first['plain'] == second['plain']
    assert first['average'] == pytest.approx(second['average'], abs=1e-7)
    assert first['plain'] != pytest.approx(first['average'], abs=1e-6)
    assert any(first['plain'])
