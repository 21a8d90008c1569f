import logging
import os
import pickle
import re
from pathlib import Path

import pytest
import torch
from bad_files import RunsCode, truncate
from mmengine.runner import CheckpointLoader

from tinydet.engine import checkpoint as checkpoints
from tinydet.engine.checkpoint import (
    AtomicCheckpointHook,
    latest_whole_checkpoint,
    refuse_code_in_checkpoints,
)
from tinydet.errors import InputError
from tinydet.weights import load_weights_only

HOOK = {'type': 'AtomicCheckpointHook'}


class Kill(BaseException):
    """Stands for SIGKILL: nothing in the code under test may catch it."""


def names(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir() if p.suffix == '.pth'}


@pytest.fixture
def weights_only_process(monkeypatch):
    """`refuse_code_in_checkpoints` for one test."""
    monkeypatch.setenv('TORCH_FORCE_WEIGHTS_ONLY_LOAD', '0')
    monkeypatch.setattr(CheckpointLoader, '_schemes', dict(CheckpointLoader._schemes))
    refuse_code_in_checkpoints()


def test_keeps_the_newest_epochs_and_the_best(make_runner):
    runner = make_runner(epochs=4, hooks=[HOOK])
    runner.train()
    work_dir = Path(runner.work_dir)
    assert names(work_dir) == {'epoch_3.pth', 'epoch_4.pth', 'best.pth'}
    best = load_weights_only(work_dir / 'best.pth')
    assert best['meta']['epoch'] == 4
    assert 0 < best['meta']['best_score'] <= 1
    assert 'optimizer' not in best
    assert (work_dir / 'last_checkpoint').read_text() == str(work_dir / 'epoch_4.pth')


def test_the_interval_never_skips_the_last_epoch(make_runner):
    runner = make_runner(epochs=3, hooks=[{**HOOK, 'interval': 2}])
    runner.train()
    assert names(Path(runner.work_dir)) == {'epoch_2.pth', 'epoch_3.pth', 'best.pth'}


def test_a_worse_evaluation_leaves_the_best(make_runner):
    runner = make_runner(epochs=1, hooks=[HOOK])
    runner.train()
    path = Path(runner.work_dir) / 'best.pth'
    before = path.read_bytes()
    hook = next(h for h in runner.hooks if isinstance(h, AtomicCheckpointHook))
    hook.after_val_epoch(runner, {'coco/bbox_mAP': hook.best_score - 0.01})
    assert path.read_bytes() == before


def test_resumes_from_the_last_whole_checkpoint(make_runner, weights_only_process):
    whole = make_runner(epochs=4, hooks=[HOOK])
    whole.train()
    expected = load_weights_only(Path(whole.work_dir) / 'epoch_4.pth')

    make_runner(epochs=3, hooks=[HOOK]).train()
    truncate(Path(whole.work_dir) / 'epoch_3.pth')
    latest = latest_whole_checkpoint(whole.work_dir)
    assert latest.name == 'epoch_2.pth'
    resumed = make_runner(epochs=4, hooks=[HOOK], load_from=str(latest), resume=True)
    resumed.train()

    assert (resumed.epoch, resumed.iter) == (4, 12)
    found = load_weights_only(Path(whole.work_dir) / 'epoch_4.pth')
    assert found['state_dict'] == expected['state_dict']
    assert found['optimizer']['state'] == expected['optimizer']['state']
    assert found['optimizer']['state'][0]['step'] == 12
    assert found['param_schedulers'] == expected['param_schedulers']
    losses = found['message_hub']['log_scalars']['train/loss']['values']
    assert len(losses) == 12


def test_a_resumed_run_remembers_the_best_score(make_runner):
    make_runner(epochs=1, hooks=[HOOK]).train()
    runner = make_runner(epochs=2, hooks=[HOOK])
    work_dir = Path(runner.work_dir)
    best = torch.load(work_dir / 'best.pth', weights_only=False)
    best['meta']['best_score'] = 2.0
    torch.save(best, work_dir / 'best.pth')
    latest = latest_whole_checkpoint(work_dir)
    runner = make_runner(epochs=2, hooks=[HOOK], load_from=str(latest), resume=True)
    runner.train()
    assert runner.epoch == 2
    assert load_weights_only(work_dir / 'best.pth')['meta']['best_score'] == 2.0


@pytest.mark.parametrize('keep', [1, 2])
@pytest.mark.parametrize('moment', ['half written', 'written', 'renamed'])
@pytest.mark.parametrize('victim', ['epoch_3.pth', 'best.pth'])
def test_a_kill_leaves_whole_files(make_runner, monkeypatch, keep, moment, victim):
    """Stop the third epoch while it saves, at three moments of the write."""
    runner = make_runner(epochs=3, hooks=[{**HOOK, 'max_keep_ckpts': keep}])
    work_dir = Path(runner.work_dir)
    os_replace, runner_save = os.replace, runner.save_checkpoint

    def is_third(path) -> bool:
        return Path(path).name == victim and (runner.epoch >= 3 or 'epoch' in victim)

    def replace(source, target):
        if moment == 'renamed' or not is_third(target):
            os_replace(source, target)
        if moment != 'half written' and is_third(target):
            raise Kill

    def save(folder, name, **settings):
        runner_save(folder, name, **settings)
        if moment == 'half written' and is_third(
            re.sub(r'\.[^.]*\.partial', '', name)[1:]
        ):
            truncate(Path(folder) / name)
            raise Kill

    monkeypatch.setattr(checkpoints.os, 'replace', replace)
    monkeypatch.setattr(runner, 'save_checkpoint', save)
    # A killed process tidies nothing up.
    monkeypatch.setattr(Path, 'unlink', unlink_unless_partial(Path.unlink))
    with pytest.raises(Kill):
        runner.train()
    monkeypatch.undo()

    for name in names(work_dir):
        if not name.startswith('.'):
            load_weights_only(work_dir / name)
    latest = latest_whole_checkpoint(work_dir)
    renamed = moment == 'renamed' or victim == 'best.pth'
    assert latest.name == ('epoch_3.pth' if renamed else 'epoch_2.pth')
    best = load_weights_only(work_dir / 'best.pth')
    assert best['meta']['epoch'] == (
        3 if victim == 'best.pth' and moment == 'renamed' else 2
    )

    again = make_runner(epochs=4, hooks=[HOOK], load_from=str(latest), resume=True)
    again.train()
    assert names(work_dir) == {'epoch_3.pth', 'epoch_4.pth', 'best.pth'}


def unlink_unless_partial(unlink):
    def patched(path, missing_ok=False):
        if '.partial' not in path.name:
            unlink(path, missing_ok=missing_ok)

    return patched


def test_a_second_run_in_the_same_folder_is_the_newest(make_runner):
    make_runner(epochs=3, hooks=[HOOK]).train()
    runner = make_runner(epochs=1, hooks=[HOOK])
    runner.train()
    assert latest_whole_checkpoint(runner.work_dir).name == 'epoch_1.pth'


def test_skipped_checkpoints_are_named(tmp_path, caplog, monkeypatch):
    for epoch in (1, 2, 10):
        torch.save(
            {'state_dict': {'w': torch.ones(9)}}, tmp_path / f'epoch_{epoch}.pth'
        )
        os.utime(tmp_path / f'epoch_{epoch}.pth', (0, 0))
    (tmp_path / 'epoch_last.pth').write_bytes(b'not ours')
    assert latest_whole_checkpoint(tmp_path).name == 'epoch_10.pth'

    truncate(tmp_path / 'epoch_10.pth')
    messages = []
    monkeypatch.setattr(
        checkpoints, 'print_log', lambda m, logger, level: messages.append((m, level))
    )
    os.utime(tmp_path / 'epoch_10.pth', (0, 0))
    assert latest_whole_checkpoint(tmp_path).name == 'epoch_2.pth'
    [(message, level)] = messages
    assert 'epoch_10.pth' in message
    assert level == logging.WARNING


def test_no_checkpoint_to_resume_from(tmp_path):
    assert latest_whole_checkpoint(tmp_path) is None
    assert latest_whole_checkpoint(tmp_path / 'nowhere') is None


def test_mmengine_runs_code_by_default(tmp_path):
    """The reason for `refuse_code_in_checkpoints`; when it fails, that can go."""
    path, proof = tmp_path / 'evil.pth', tmp_path / 'proof'
    torch.save({'state_dict': {'w': torch.ones(1)}, 'meta': RunsCode(proof)}, path)
    CheckpointLoader.load_checkpoint(str(path))
    assert proof.exists()


def test_mmengine_runs_no_code_when_told(tmp_path, weights_only_process):
    path, proof = tmp_path / 'evil.pth', tmp_path / 'proof'
    torch.save({'state_dict': {'w': torch.ones(1)}, 'meta': RunsCode(proof)}, path)
    with pytest.raises(InputError, match='refused'):
        CheckpointLoader.load_checkpoint(str(path))
    with pytest.raises(pickle.UnpicklingError):
        torch.load(path, weights_only=False)
    assert not proof.exists()
