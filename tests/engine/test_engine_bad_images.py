import json
import multiprocessing
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.dataset import ConcatDataset
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger
from mmengine.model import BaseModel
from mmengine.runner import Runner
from PIL import Image
from torch.utils.data import DataLoader, TensorDataset

from tinydet.datasets import CocoDetection
from tinydet.engine.bad_images import BadImageHook
from tinydet.errors import InputError

SIZE = 16
_runs = count()


class Model(BaseModel):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, inputs, mode='loss'):
        return {'loss': self.weight.sum()} if mode == 'loss' else [{}] * len(inputs)


class Metric(BaseMetric):
    def process(self, data_batch, data_samples):
        self.results.extend(data_samples)

    def compute_metrics(self, results):
        return {'count': len(results)}


class Set:
    """A data set of equal images, in its own folder."""

    def __init__(self, root):
        self.root = root

    def image(self, i):
        return self.root / f'{i}.png'

    def build(self, num_images, skipped=(), test_mode=False):
        self.root.mkdir()
        first = self.image(0)
        Image.new('L', (SIZE, SIZE)).save(first)
        for i in range(1, num_images):
            self.image(i).hardlink_to(first)
        for i in skipped:
            self.image(i).unlink()
        coco = {
            'images': [
                {'id': i, 'file_name': f'{i}.png', 'width': SIZE, 'height': SIZE}
                for i in range(num_images)
            ],
            'annotations': [],
            'categories': [{'id': 1, 'name': 'a'}],
        }
        (self.root / 'ann.json').write_text(json.dumps(coco))
        return CocoDetection(
            ann_file=str(self.root / 'ann.json'),
            data_prefix={'img': str(self.root)},
            pipeline=[{'type': 'LoadImage'}, lambda sample: {'inputs': SIZE}],
            test_mode=test_mode,
        )


@pytest.fixture
def folder(tmp_path):
    return Set(tmp_path / 'set')


@pytest.fixture
def make_runner(tmp_path):
    def make(dataset, epochs=1, batch_size=1, num_workers=0):
        loader = DataLoader(dataset, batch_size, num_workers=num_workers)
        evaluation = {'dataloader': loader, 'evaluator': [Metric()], 'cfg': {}}
        return Runner(
            Model(),
            work_dir=str(tmp_path / 'work'),
            train_dataloader=loader,
            train_cfg={'by_epoch': True, 'max_epochs': epochs, 'val_interval': 99},
            optim_wrapper={'optimizer': {'type': 'SGD', 'lr': 0.1}},
            custom_hooks=[{'type': 'BadImageHook'}],
            default_hooks={'checkpoint': None},
            experiment_name=f'{tmp_path}_{next(_runs)}',
            **{
                f'{which}_{key}': value
                for which in ('val', 'test')
                for key, value in evaluation.items()
            },
        )

    return make


def log_of(runner):
    (file,) = Path(runner.log_dir).glob('*.log')
    return file.read_text()


@pytest.mark.parametrize('num_workers', [0, 1])
def test_each_path_is_logged_once(folder, make_runner, num_workers):
    runner = make_runner(folder.build(200), 2, batch_size=4, num_workers=num_workers)
    folder.image(17).unlink()
    # The images are links to one file.
    folder.image(93).unlink()
    folder.image(93).write_bytes(b'')
    runner.train()
    log = log_of(runner)
    for number, i in enumerate((17, 93), 1):
        (line,) = (x for x in log.splitlines() if str(folder.image(i)) in x)
        assert f'{number} images' in line
    assert runner.epoch == 2


def test_too_many_stop_the_run_at_the_next_look(folder, make_runner):
    runner = make_runner(folder.build(120))
    for i in (1, 2):
        folder.image(i).unlink()
    with pytest.raises(InputError, match=r'2 of the 120 images of .*ann\.json'):
        runner.train()
    assert runner.iter < 60
    assert all(str(folder.image(i)) in log_of(runner) for i in (1, 2))


def test_too_many_stop_a_short_epoch(folder, make_runner):
    runner = make_runner(folder.build(10))
    folder.image(3).unlink()
    with pytest.raises(InputError, match='1 of the 10 images'):
        runner.train()


def test_images_that_the_check_skipped_count(folder, make_runner):
    runner = make_runner(folder.build(100, skipped=[50]), batch_size=8)
    runner.train()
    folder.image(3).unlink()
    with pytest.raises(InputError, match='2 of the 100 images'):
        make_runner(runner.train_dataloader.dataset, batch_size=8).train()


@pytest.mark.parametrize('which', ['val', 'test'])
def test_evaluation(folder, make_runner, which):
    dataset = folder.build(100, test_mode=True)
    runner = make_runner(dataset, batch_size=8)
    folder.image(3).unlink()
    assert getattr(runner, which)() == {'count': 100}
    assert log_of(runner).count(str(folder.image(3))) == 1
    folder.image(4).unlink()
    with pytest.raises(InputError, match='2 of the 100 images'):
        getattr(runner, which)()


def test_wrapped_data_sets(tmp_path, make_runner):
    folders = Set(tmp_path / 'a'), Set(tmp_path / 'b')
    parts = [folder.build(100) for folder in folders]
    repeated = {'type': 'RepeatDataset', 'dataset': parts[0], 'times': 2}
    runner = make_runner(ConcatDataset([repeated, parts[1]]))
    folders[0].image(5).unlink()
    folders[1].image(6).unlink()
    runner.train()
    assert log_of(runner).count(str(folders[0].image(5))) == 1
    assert log_of(runner).count(str(folders[1].image(6))) == 1


def test_foreign_data_sets_are_left_alone(make_runner):
    data = TensorDataset(torch.zeros(60))
    runner = make_runner(data)
    BadImageHook().after_train_epoch(runner)
    assert 'could not be read' not in log_of(runner)


def _look_as_rank(rank, dataset, store, queue):
    torch.distributed.init_process_group(
        'gloo', init_method=f'file://{store}', rank=rank, world_size=2
    )
    dataset[rank]
    runner = SimpleNamespace(
        train_dataloader=DataLoader(dataset), logger=MMLogger.get_current_instance()
    )
    try:
        BadImageHook().after_train_epoch(runner)
    except InputError as error:
        queue.put(str(error))
    torch.distributed.destroy_process_group()


def test_all_ranks_stop_together(folder, tmp_path):
    """Each rank has met one bad image of 100, which alone is within the limit."""
    context = multiprocessing.get_context('fork')
    queue = context.Queue()
    datasets = []
    for rank in range(2):
        root = Set(tmp_path / f'rank{rank}')
        datasets.append(root.build(100))
        root.image(rank).unlink()
    ranks = [
        context.Process(
            target=_look_as_rank, args=(i, datasets[i], tmp_path / 'store', queue)
        )
        for i in range(2)
    ]
    for process in ranks:
        process.start()
    messages = [queue.get(timeout=30) for _ in ranks]
    for process in ranks:
        process.join()
    assert all('2 of the 100 images' in message for message in messages)
