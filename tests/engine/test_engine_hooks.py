import csv
import fcntl
import json
import math
import os
import pty
import re
import struct
import sys
import termios
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.model import BaseModel
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from PIL import Image
from torch.utils.data import DataLoader
from toy_runner import CLASSES

import tinydet.evaluation.classification  # noqa: F401  registers the metric
from tinydet.engine import mosaic, progress, results
from tinydet.engine.checkpoint import latest_whole_checkpoint
from tinydet.scoring.boxes import FIGURES
from tinydet.viz.mosaic import draw_mosaic
from tinydet.weights import load_weights_only

RESULTS = {'type': 'ResultsHook'}
CHECKPOINT = {'type': 'AtomicCheckpointHook'}
PROGRESS = {'type': 'ProgressHook'}


class Recorder(results.Hook):
    """Keeps each iteration's losses and each evaluation's figures."""

    def __init__(self) -> None:
        self.losses = []
        self.figures = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.losses.append({name: float(value) for name, value in outputs.items()})

    def after_val_epoch(self, runner, metrics=None):
        self.figures.append(metrics)


def read_csv(path: Path) -> list[dict]:
    with open(path, newline='') as file:
        return list(csv.DictReader(file))


def test_results_of_a_training(make_runner):
    recorder = Recorder()
    runner = make_runner(epochs=4, hooks=[RESULTS, CHECKPOINT, recorder])
    runner.train()
    work_dir = Path(runner.work_dir)
    rows = read_csv(work_dir / 'results.csv')
    assert [(r['epoch'], r['iter']) for r in rows] == [
        ('1', '3'),
        ('2', '6'),
        ('3', '9'),
        ('4', '12'),
    ]
    for i, row in enumerate(rows):
        for name in ('loss', 'loss_cls', 'loss_bbox'):
            mean = np.mean([step[name] for step in recorder.losses[3 * i : 3 * i + 3]])
            assert float(row[name]) == pytest.approx(mean, rel=1e-6)
        for name in FIGURES:
            assert float(row[name]) == recorder.figures[i][f'coco/{name}']
        assert float(row['seconds']) >= 0
    # LinearLR from 0.5 to 1 over 8 epochs
    lrs = [float(row['lr']) for row in rows]
    assert lrs == pytest.approx([1.5 * (0.5 + 0.5 * e / 7) for e in range(4)])

    best = load_weights_only(work_dir / 'best.pth')['meta']
    figures = json.loads((work_dir / 'metrics.json').read_text())
    assert list(figures) == list(FIGURES)
    assert figures['bbox_mAP'] == best['best_score']
    expected = recorder.figures[best['epoch'] - 1]
    assert figures == {name: expected[f'coco/{name}'] for name in FIGURES}
    with Image.open(work_dir / 'curves.png') as picture:
        assert picture.size == (1200, 500)


def test_a_worse_epoch_leaves_the_metrics_of_the_best(make_runner):
    runner = make_runner(epochs=1, hooks=[RESULTS])
    runner.train()
    hook = next(h for h in runner.hooks if isinstance(h, results.ResultsHook))
    path = Path(runner.work_dir) / 'metrics.json'
    before = path.read_text()
    hook.training = True
    for change in (-0.01, 0.0):
        figures = {**json.loads(before)}
        figures['bbox_mAP'] += change
        hook.rows.append({'epoch': len(hook.rows) + 1})
        hook.after_val_epoch(runner, {f'coco/{k}': v for k, v in figures.items()})
        assert path.read_text() == before


def test_an_epoch_without_evaluation_has_empty_cells(make_runner):
    runner = make_runner(epochs=2, hooks=[RESULTS], val_interval=2)
    runner.train()
    first, second = read_csv(Path(runner.work_dir) / 'results.csv')
    assert first['bbox_mAP'] == ''
    assert float(first['loss']) > 0
    assert float(second['bbox_mAP']) >= 0


def test_a_resumed_run_goes_on_in_the_same_table(make_runner):
    hooks = [RESULTS, CHECKPOINT]
    make_runner(epochs=4, hooks=hooks).train()
    runner = make_runner(epochs=4, hooks=hooks)
    table = Path(runner.work_dir) / 'results.csv'
    whole = read_csv(table)
    # the third epoch was logged, then its checkpoint was lost
    make_runner(epochs=3, hooks=hooks).train()
    (Path(runner.work_dir) / 'epoch_3.pth').unlink()
    latest = latest_whole_checkpoint(runner.work_dir)
    assert latest.name == 'epoch_2.pth'
    make_runner(epochs=4, hooks=hooks, load_from=str(latest), resume=True).train()
    rows = read_csv(table)
    for row in (*whole, *rows):
        del row['seconds']
    assert rows == whole


def test_a_run_killed_in_its_last_evaluation_makes_up_for_it(make_runner):
    hooks = [RESULTS, CHECKPOINT]
    runner = make_runner(epochs=2, hooks=hooks)
    runner.train()
    work_dir = Path(runner.work_dir)
    table, best = work_dir / 'results.csv', work_dir / 'best.pth'
    whole = read_csv(table)
    # as the kill leaves it: the row of the epoch is there, its figures are not
    cut = {name: v for name, v in whole[-1].items() if not name.startswith('bbox_')}
    results.write_rows(table, [whole[0], cut])
    best.unlink()
    latest = latest_whole_checkpoint(work_dir)
    assert latest.name == 'epoch_2.pth'
    make_runner(epochs=2, hooks=hooks, load_from=str(latest), resume=True).train()
    assert read_csv(table) == whole
    assert best.exists()


def test_a_new_run_starts_a_new_table(make_runner):
    make_runner(epochs=2, hooks=[RESULTS]).train()
    runner = make_runner(epochs=1, hooks=[RESULTS])
    runner.train()
    assert len(read_csv(Path(runner.work_dir) / 'results.csv')) == 1


class ToyClassifier(BaseModel):
    """Is right about a few more images, all of class 0, after every iteration."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.gain, self.right = gain, 0

    def forward(self, inputs, data_samples, mode='loss'):
        if mode == 'loss':
            self.right += self.gain
            return {'loss': 2 + self.weight.sum()}
        for sample in data_samples:
            right = sample.number < self.right
            sample.pred_score = torch.tensor([0.75, 0.25] if right else [0.25, 0.75])
        return data_samples


def make_classifier_runner(
    folder: Path, epochs: int, gain: float = 1, **settings
) -> Runner:
    """One iteration an epoch, evaluated on four images."""
    data = [
        {
            'inputs': torch.zeros(1),
            'data_samples': BaseDataElement(
                metainfo={'img_path': f'{i}.jpg', 'number': i},
                gt_label=torch.tensor([0]),
            ),
        }
        for i in range(4)
    ]
    loader = DataLoader(
        ListedImages(data),
        batch_size=4,
        collate_fn=lambda items: {k: [item[k] for item in items] for k in items[0]},
    )
    return Runner(
        model=ToyClassifier(gain),
        work_dir=str(folder / 'work'),
        train_dataloader=loader,
        train_cfg={'by_epoch': True, 'max_epochs': epochs, 'val_interval': 2},
        optim_wrapper={'optimizer': {'type': 'SGD', 'lr': 0.0}},
        val_dataloader=loader,
        val_evaluator={'type': 'ClassificationMetric'},
        val_cfg={},
        default_hooks={'checkpoint': {**CHECKPOINT, 'save_best': 'accuracy/top1'}},
        custom_hooks=[{**RESULTS, 'best': 'top1'}],
        default_scope='mmengine',
        experiment_name=f'{folder.name}_{epochs}',
        **settings,
    )


class ListedImages(list):
    metainfo = {'classes': ('fox', 'owl')}


def test_results_of_a_classifier(tmp_path):
    make_classifier_runner(tmp_path, epochs=4).train()
    work_dir = tmp_path / 'work'
    rows = results.read_rows(work_dir / 'results.csv')
    assert [row.get('top1') for row in rows] == [None, 50.0, None, 100.0]
    # The loss of four right images is -log 0.75, that of a wrong one -log 0.25.
    losses = [row['val_loss'] for row in rows if 'val_loss' in row]
    assert losses == pytest.approx([-math.log(0.75 * 0.25) / 2, -math.log(0.75)])
    assert all(row['loss'] == 2 for row in rows)
    figures = json.loads((work_dir / 'metrics.json').read_text())
    assert figures == {name: rows[-1][name] for name in ('top1', 'val_loss')}
    assert read_csv(work_dir / 'per_class.csv') == [
        {'class': 'fox', 'images': '4', 'top1': '100.0'},
        {'class': 'owl', 'images': '0', 'top1': ''},
    ]
    best = load_weights_only(work_dir / 'best.pth')['meta']
    assert (best['epoch'], best['best_score']) == (4, 100)
    assert best['dataset_meta']['classes'] == ('fox', 'owl')


def test_a_resumed_classifier_goes_on_in_the_same_table(tmp_path):
    make_classifier_runner(tmp_path, epochs=2).train()
    table = tmp_path / 'work/results.csv'
    before = read_csv(table)
    figures = (tmp_path / 'work/metrics.json').read_text()
    latest = latest_whole_checkpoint(tmp_path / 'work')
    make_classifier_runner(
        tmp_path, epochs=4, gain=0.5, load_from=str(latest), resume=True
    ).train()
    rows = read_csv(table)
    assert rows[:2] == before
    assert [row['top1'] for row in rows] == ['', '50.0', '', '25.0']
    # The best epoch is still that of the first run.
    assert (tmp_path / 'work/metrics.json').read_text() == figures
    best = load_weights_only(tmp_path / 'work/best.pth')['meta']
    assert (best['epoch'], best['best_score']) == (2, 50)


@pytest.mark.parametrize('action', ['val', 'test'])
def test_results_of_an_evaluation_alone(make_runner, action):
    runner = make_runner(hooks=[RESULTS])
    metrics = getattr(runner, action)()
    work_dir = Path(runner.work_dir)
    figures = json.loads((work_dir / 'metrics.json').read_text())
    assert figures == {name: metrics[f'coco/{name}'] for name in FIGURES}
    classes = read_csv(work_dir / 'per_class.csv')
    assert [row['class'] for row in classes] == list(CLASSES)
    mean = np.mean([float(row['AP']) for row in classes])
    assert mean == pytest.approx(metrics['coco/bbox_mAP'])
    assert not (work_dir / 'results.csv').exists()


def test_a_test_after_training_replaces_the_metrics(make_runner):
    make_runner(epochs=4, hooks=[RESULTS, CHECKPOINT]).train()
    runner = make_runner(hooks=[RESULTS])
    work_dir = Path(runner.work_dir)
    of_training = json.loads((work_dir / 'metrics.json').read_text())
    runner.test()
    of_untrained = json.loads((work_dir / 'metrics.json').read_text())
    assert of_untrained['bbox_mAP'] < of_training['bbox_mAP']
    make_runner(hooks=[RESULTS], load_from=str(work_dir / 'best.pth')).test()
    assert json.loads((work_dir / 'metrics.json').read_text()) == of_training
    assert len(read_csv(work_dir / 'results.csv')) == 4


def test_other_processes_write_nothing(make_runner, monkeypatch):
    for module in (results, mosaic, progress):
        monkeypatch.setattr(module, 'is_main_process', lambda: False)
    hooks = [RESULTS, PROGRESS, {'type': 'MosaicHook'}]
    runner = make_runner(epochs=1, hooks=hooks)
    runner.train()
    runner.test()
    written = {path.suffix for path in Path(runner.work_dir).iterdir()}
    assert not written & {'.csv', '.json', '.png', '.jpg'}


@pytest.fixture
def drawn(monkeypatch) -> list[tuple]:
    """The tiles and class names of the mosaics of a test."""
    calls = []

    def draw(tiles, classes):
        calls.append((list(tiles), classes))
        return draw_mosaic(tiles, classes)

    monkeypatch.setattr(mosaic, 'draw_mosaic', draw)
    return calls


@pytest.mark.parametrize('action', ['val', 'test'])
def test_the_mosaic_shows_images_spread_over_the_set(make_runner, drawn, action):
    runner = make_runner(hooks=[{'type': 'MosaicHook', 'images': 3}])
    getattr(runner, action)()
    [(tiles, classes)] = drawn
    assert classes == CLASSES
    # the blue of an image is 40 times its index: the first, a middle one and the last
    assert [tile.image[0, 0].tolist() for tile in tiles] == [
        [0, 0, 200],
        [0, 80, 200],
        [0, 200, 200],
    ]
    assert tiles[1].boxes.tolist() == [[12, 20, 72, 70]]
    assert tiles[1].labels.tolist() == [0]
    assert tiles[1].pred_boxes.tolist() == [[24, 32, 84, 82]]
    assert tiles[1].pred_scores == pytest.approx([0.9])
    with Image.open(Path(runner.work_dir) / 'mosaic.jpg') as picture:
        assert picture.size[0] > 3 * 300


def test_the_mosaic_leaves_out_unreadable_images(make_runner, drawn, tmp_path):
    runner = make_runner(hooks=[{'type': 'MosaicHook'}])
    (tmp_path / '3.png').write_bytes(b'')
    runner.val()
    [(tiles, _)] = drawn
    assert [tile.image[0, 0, 1] for tile in tiles] == [0, 40, 80, 160, 200]


def test_the_mosaic_leaves_out_weak_predictions(make_runner, drawn):
    make_runner(hooks=[{'type': 'MosaicHook', 'min_score': 0.95}]).val()
    [(tiles, _)] = drawn
    assert len(tiles) == 6
    assert all(len(tile.pred_boxes) == 0 and len(tile.boxes) == 1 for tile in tiles)


class Terminal:
    """Standard output and error of this process on a terminal of 40x120 characters."""

    def __init__(self, monkeypatch) -> None:
        self.reading, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack('HHHH', 40, 120, 0, 0))
        self.stream = os.fdopen(child, 'w', buffering=1)
        for name in ('stdout', 'stderr'):
            monkeypatch.setattr(sys, name, self.stream)
        self.chunks = []
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        try:
            while chunk := os.read(self.reading, 65536):
                self.chunks.append(chunk)
        except OSError:  # how Linux says that the other side is closed
            pass

    def close(self) -> str:
        """Close the terminal and return all that was written to it."""
        self.stream.close()
        self.reader.join()
        os.close(self.reading)
        return b''.join(self.chunks).decode()


def lines_left_on_screen(output: str) -> list[str]:
    """A terminal that knows new lines and carriage returns."""
    screen = []
    for line in output.replace('\r\n', '\n').split('\n'):
        shown = ''
        for part in line.split('\r'):
            shown = part + shown[len(part) :]
        screen.append(re.sub(r'\x1b\[[0-9;]*[mA]', '', shown).rstrip())
    return screen


def test_a_terminal_gets_bars_and_whole_log_lines(make_runner, monkeypatch):
    terminal = Terminal(monkeypatch)
    try:
        runner = make_runner(hooks=[PROGRESS])
        runner.train()
        runner.logger.info('a line after the training')
    finally:
        output = terminal.close()
        monkeypatch.undo()
    assert output.count('epoch 1/2:') > 1  # redrawn
    assert 'evaluation:' in output
    screen = lines_left_on_screen(output)
    bars = [line for line in screen if 'it/s' in line]
    assert len(bars) == 2
    assert re.match(r'epoch 2/2: 100%.* 3/3 .*loss \d+\.\d+, all 00:00 left', bars[1])
    # no log line begins or ends within a bar
    for line in screen:
        assert not ('INFO' in line and ('it/s' in line or 'evaluation:' in line))
    assert any(re.fullmatch(r'.* - INFO - COCO box figures', line) for line in screen)
    assert any(line.endswith(' - a line after the training') for line in screen)
    # single iterations are in the log file only
    assert 'Epoch(train)' not in output
    [log] = Path(runner.work_dir).rglob('*.log')
    assert log.read_text().count('Epoch(train)') == 6


def test_plain_lines_off_a_terminal(make_runner, capsys):
    make_runner(hooks=[PROGRESS]).train()
    captured = capsys.readouterr()
    assert captured.out.count('Epoch(train)') == 6
    assert 'it/s' not in captured.out + captured.err
