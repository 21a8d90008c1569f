"""The shell scripts that start several processes."""

import os
import subprocess

import pytest
from free_port import free_port
from tiny_runs import REPO, read_table, start


@pytest.mark.parametrize(
    ('script', 'arguments'),
    [('dist_train.sh', ['CONFIG']), ('slurm_train.sh', ['PARTITION', 'NAME'])],
)
def test_a_missing_argument_shows_the_usage(script, arguments):
    done = subprocess.run(
        [REPO / 'tools' / script, *arguments], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr.startswith('usage: ')
    assert done.stderr.count('\n') == 1
    assert done.stdout == ''


def test_two_processes_train_as_one(tiny_config, tmp_path):
    process = start(
        [
            *('env', f'MASTER_PORT={free_port()}', 'CUDA_VISIBLE_DEVICES='),
            *(REPO / 'tools/dist_train.sh', tiny_config, 2, '--work-dir', 'work'),
            *('--cfg-options', 'train_cfg.max_epochs=1'),
        ],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    output = process.communicate()[0]
    assert process.returncode == 0, output
    assert 'Traceback' not in output
    # 8 images at most, 2 processes, 3 a batch: one step and one voice
    assert output.count('Epoch(train) [1][1/1]') == 1
    assert {path.name for path in (tmp_path / 'work').glob('*.pth')} == {
        'epoch_1.pth',
        'best.pth',
    }
    rows = read_table(tmp_path / 'work/results.csv')
    assert [(row['epoch'], row['iter']) for row in rows] == [('1', '1')]
    assert -1 < float(rows[0]['bbox_mAP']) <= 1


def test_slurm_starts_one_task_a_gpu(tmp_path):
    srun = tmp_path / 'srun'
    srun.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    srun.chmod(0o755)
    done = subprocess.run(
        [
            *(REPO / 'tools/slurm_train.sh', 'queue', 'a job', 'config.py'),
            *('--cfg-options', 'x=a b'),
        ],
        env={
            'PATH': f'{tmp_path}{os.pathsep}{os.environ["PATH"]}',
            'PYTHON': 'python3.x',
            'GPUS': '4',
            'SRUN_ARGS': '--time 60 --exclusive',
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    words = done.stdout.splitlines()
    options, command = words[: words.index('python3.x')], words[-8:]
    for name, value in (
        ('--partition', 'queue'),
        ('--job-name', 'a job'),
        ('--ntasks', '4'),
        ('--ntasks-per-node', '4'),
        ('--gres', 'gpu:4'),
        ('--time', '60'),
    ):
        assert options[options.index(name) + 1] == value
    assert '--exclusive' in options
    assert command == [
        *('python3.x', '-u', f'{REPO}/tools/train.py', 'config.py'),
        *('--launcher', 'slurm', '--cfg-options', 'x=a b'),
    ]
