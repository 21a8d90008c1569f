import json
import math
import os
import re
import shutil
import signal
import sys

import pytest
import torch
from mmengine.config import Config
from PIL import Image
from tiny_runs import CLASSES, REPO, call, log_of, read_table, start, terminal

from tinydet.scoring.boxes import FIGURES


def test_a_run_ends_well_and_says_so_in_plain_lines(trained):
    assert trained.code == 0, trained.stderr
    assert 'Traceback' not in trained.stdout + trained.stderr
    for line in (r'Epoch\(train\) \[2\]\[2/2\].* loss: ', r'Epoch\(val\) \[2\]\[2/2\]'):
        assert re.search(line, trained.stdout)
    assert 'Average Precision  (AP) @[ IoU=0.50:0.95' in trained.stdout
    # neither bars nor colours
    assert not re.search('[\r\x1b]', trained.stdout + trained.stderr)


def test_a_run_leaves_its_checkpoints(trained):
    work_dir = trained.work_dir
    assert {path.name for path in work_dir.glob('*.pth')} == {
        'epoch_1.pth',
        'epoch_2.pth',
        'best.pth',
    }
    rows = read_table(work_dir / 'results.csv')
    best = max(rows, key=lambda row: float(row['bbox_mAP']))
    for name, epoch in (('epoch_2.pth', 2), ('best.pth', int(best['epoch']))):
        checkpoint = torch.load(work_dir / name, weights_only=True)
        assert checkpoint['meta']['epoch'] == epoch
        assert all(w.isfinite().all() for w in checkpoint['state_dict'].values())


def test_a_run_leaves_its_results(trained):
    work_dir = trained.work_dir
    rows = read_table(work_dir / 'results.csv')
    assert [row['epoch'] for row in rows] == ['1', '2']
    assert all(math.isfinite(float(row['loss'])) for row in rows)
    figures = json.loads((work_dir / 'metrics.json').read_text())
    assert list(figures) == list(FIGURES)
    assert figures['bbox_mAP'] == max(float(row['bbox_mAP']) for row in rows)
    per_class = read_table(work_dir / 'per_class.csv')
    assert [row['class'] for row in per_class] == list(CLASSES)
    for name in ('curves.png', 'mosaic.jpg'):
        with Image.open(work_dir / name) as picture:
            picture.load()
    assert 'Epoch(train) [2][2/2]' in log_of(work_dir)


def test_a_run_leaves_its_config_with_the_options(trained):
    cfg = Config.fromfile(trained.work_dir / 'tiny.py')
    assert cfg.optim_wrapper.optimizer.lr == 0.001
    assert cfg.train_dataloader.num_workers == 1
    assert cfg.model.backbone.variant == 'e'


def test_resume_goes_on_from_the_last_whole_checkpoint(trained, tmp_path):
    work_dir = shutil.copytree(trained.work_dir, tmp_path / 'work')
    rows = read_table(work_dir / 'results.csv')
    newest = work_dir / 'epoch_2.pth'
    newest.write_bytes(newest.read_bytes()[:1_000_000])

    assert call('train.py', trained.config, '--work-dir', work_dir, '--resume') == 0
    assert f'Load checkpoint from {work_dir / "epoch_1.pth"}' in log_of(work_dir)
    resumed = read_table(work_dir / 'results.csv')
    assert [row['epoch'] for row in resumed] == ['1', '2']
    assert [row['iter'] for row in resumed] == ['2', '4']
    assert resumed[0] == rows[0]
    assert torch.load(newest, weights_only=True)['meta']['iter'] == 4


def test_resume_without_a_checkpoint_starts_anew(derive, tmp_path):
    config = derive('train_cfg = dict(max_epochs=1)')
    work_dir = tmp_path / 'work'
    assert call('train.py', config, '--work-dir', work_dir, '--resume') == 0
    assert [row['iter'] for row in read_table(work_dir / 'results.csv')] == ['2']


def test_resume_of_a_finished_run_leaves_it_alone(trained, tmp_path):
    work_dir = shutil.copytree(trained.work_dir, tmp_path / 'work')
    kept = {
        path: path.read_bytes()
        for path in (
            *work_dir.glob('*.pth'),
            *(work_dir / name for name in ('results.csv', 'metrics.json')),
        )
    }
    assert call('train.py', trained.config, '--work-dir', work_dir, '--resume') == 0
    assert {path: path.read_bytes() for path in kept} == kept


def test_resume_of_another_model_is_an_input_error(trained, derive, tmp_path, capsys):
    work_dir = shutil.copytree(trained.work_dir, tmp_path / 'work')
    config = derive("model = dict(backbone=dict(variant='d'))")
    assert call('train.py', config, '--work-dir', work_dir, '--resume') == 2
    assert re.match(
        r'error: \S*epoch_2\.pth: a checkpoint of another model; ',
        capsys.readouterr().err,
    )


def test_a_killed_run_on_a_terminal_shows_a_bar_and_resumes(derive, tmp_path):
    epochs = 3
    config = derive(f'train_cfg = dict(max_epochs={epochs})')
    work_dir = tmp_path / 'work'
    arguments = (config, '--work-dir', work_dir)
    screen, side = terminal()
    process = start(
        [sys.executable, REPO / 'tools/train.py', *arguments],
        cwd=tmp_path,
        stdout=side,
        stderr=side,
    )
    os.close(side)
    shown = ''
    try:
        while f'epoch 2/{epochs}' not in shown:
            shown += os.read(screen, 65536).decode(errors='replace')
    except OSError:  # the other side is closed
        pytest.fail(f'ended before the second epoch: {shown[-2000:]}')
    finally:
        process.kill()
        process.wait()
        os.close(screen)
    assert process.returncode == -signal.SIGKILL
    assert re.search(r'\repoch 1/3: 100%\|[^\r]*2/2.*loss \d.*left', shown)
    saved = len(list(work_dir.glob('epoch_*.pth')))
    assert 1 <= saved < epochs

    assert call('train.py', *arguments, '--resume') == 0
    log = log_of(work_dir)
    assert re.search(rf'resumed epoch: [1-{epochs - 1}]', log)
    assert 'Epoch(train) [1]' not in log
    rows = read_table(work_dir / 'results.csv')
    assert [(row['epoch'], row['iter']) for row in rows] == [
        (f'{n}', f'{2 * n}') for n in range(1, epochs + 1)
    ]
    newest = torch.load(work_dir / f'epoch_{epochs}.pth', weights_only=True)
    assert newest['meta']['epoch'] == epochs
    assert not list(work_dir.glob('.*'))  # nothing half written
