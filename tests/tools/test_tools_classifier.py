"""Training and testing of classifiers, by the tools that serve detectors as well."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from PIL import Image
from tiny_runs import REPO, TREE_IMAGES, call, log_of, read_table
from tiny_runs import TREE_CLASSES as CLASSES

TRAIN, VAL = TREE_IMAGES.values()
EPOCHS, BATCH = 2, 4

_CONFIG = """
_base_ = {base!r}
model = dict(head=dict(num_classes=3))
loader = dict(
    batch_size={batch},
    num_workers=0,
    dataset=dict(data_root={root!r}, input_size=32),
)
train_dataloader = val_dataloader = test_dataloader = loader
train_cfg = dict(max_epochs={epochs})
param_scheduler = dict(warmup=0.5)
default_hooks = dict(logger=dict(interval=1), ema=dict(decay=0.6))
"""


@pytest.fixture
def configure(tree, tmp_path):
    """Write a config for a tree."""

    def write(root: Path = tree, lines: str = '', base: str = 'tinynet_e_in1k') -> Path:
        path = tmp_path / f'{base}_tiny.py'
        base = str(REPO / f'configs/classification/{base}.py')
        text = _CONFIG.format(base=base, root=f'{root}/', batch=BATCH, epochs=EPOCHS)
        path.write_text(f'{text}{lines}\n')
        return path

    return write


@pytest.fixture(scope='module')
def trained(tree, tmp_path_factory) -> tuple[Path, Path]:
    """A config and the work directory of its run; for reading only."""
    folder = tmp_path_factory.mktemp('trained')
    path = folder / 'tiny.py'
    base = str(REPO / 'configs/classification/tinynet_e_in1k.py')
    path.write_text(
        _CONFIG.format(base=base, root=f'{tree}/', batch=BATCH, epochs=EPOCHS)
    )
    assert call('train.py', path, '--work-dir', folder / 'work') == 0
    return path, folder / 'work'


def error_of(capsys, *args) -> str:
    """What a refused training says, in one line."""
    code = call('train.py', *args)
    errors = capsys.readouterr().err
    assert code == 2
    assert errors.startswith('error: ')
    assert errors.count('\n') == 1
    return errors


def test_a_run_leaves_what_a_detector_s_leaves(trained):
    work_dir = trained[1]
    rows = read_table(work_dir / 'results.csv')
    iterations = len(CLASSES) * TRAIN // BATCH
    assert [(row['epoch'], row['iter']) for row in rows] == [
        ('1', f'{iterations}'),
        ('2', f'{2 * iterations}'),
    ]
    best = max(rows, key=lambda row: float(row['top1']))
    figures = json.loads((work_dir / 'metrics.json').read_text())
    assert figures == {
        'top1': float(best['top1']),
        'val_loss': float(best['val_loss']),
    }
    per_class = read_table(work_dir / 'per_class.csv')
    assert [(row['class'], row['images']) for row in per_class] == [
        (name, f'{VAL}') for name in CLASSES
    ]
    assert sum(float(row['top1']) for row in per_class) / 3 == pytest.approx(
        figures['top1']
    )
    with Image.open(work_dir / 'curves.png') as picture:
        picture.load()
    checkpoint = torch.load(work_dir / 'best.pth', weights_only=True)
    assert checkpoint['message_hub']['log_scalars'] == {}
    assert checkpoint['meta']['epoch'] == int(best['epoch'])
    assert tuple(checkpoint['meta']['dataset_meta']['classes']) == CLASSES
    assert checkpoint['meta']['averaged']


def test_the_learning_rate_follows_the_batch_and_the_closed_form(trained):
    rows = read_table(trained[1] / 'results.csv')
    length = len(CLASSES) * TRAIN // BATCH
    # the last iteration of each epoch; half an epoch of warm-up, no step before 2.4
    assert [float(row['lr']) for row in rows] == [
        pytest.approx(0.048 * BATCH / 1024)
    ] * EPOCHS
    lines = re.findall(r'Epoch\(train\) .* lr: (\S+) ', log_of(trained[1]))
    expected = [min(i / (0.5 * length), 1) * 0.048 * BATCH / 1024 for i in range(8)]
    assert [float(lr) for lr in lines] == pytest.approx(expected, rel=1e-3)


def test_gradients_summed_over_steps_count_as_a_batch(configure, tmp_path):
    config = configure(lines='optim_wrapper = dict(accumulative_counts=2)')
    work_dir = tmp_path / 'work'
    assert call('train.py', config, '--work-dir', work_dir) == 0
    rows = read_table(work_dir / 'results.csv')
    assert float(rows[-1]['lr']) == pytest.approx(0.048 * 2 * BATCH / 1024)
    # the config that is left gives the same rate when it is run again
    cfg = Config.fromfile(work_dir / config.name)
    assert cfg.auto_scale_lr.base_batch_size == 1024


def test_a_test_gives_the_figures_of_training(trained, tree, tmp_path):
    config, work_dir = trained
    out, figures = tmp_path / 'predictions.json', tmp_path / 'figures.json'
    code = call(
        *('test.py', config, work_dir / 'best.pth', '--work-dir', tmp_path / 'work'),
        *('--out', out, '--json', figures),
    )
    assert code == 0
    expected = json.loads((work_dir / 'metrics.json').read_text())
    found = json.loads(figures.read_text())
    assert found == pytest.approx(expected, rel=1e-5)
    predictions = json.loads(out.read_text())
    assert {item['image'] for item in predictions} == {
        str(path) for path in tree.glob('val/*/*.jpg')
    }
    hits = [Path(item['image']).parent.name == item['class'] for item in predictions]
    assert 100 * sum(hits) / len(hits) == pytest.approx(found['top1'])
    assert all(1 / 3 <= item['score'] <= 1 for item in predictions)


def test_a_resumed_run_ends_as_one_in_a_piece(trained, tmp_path):
    work_dir = shutil.copytree(trained[1], tmp_path / 'work')
    (work_dir / 'epoch_2.pth').unlink()
    assert call('train.py', trained[0], '--work-dir', work_dir, '--resume') == 0
    resumed = read_table(work_dir / 'results.csv')
    assert [row['epoch'] for row in resumed] == ['1', '2']
    whole = read_table(trained[1] / 'results.csv')
    assert resumed[0] == whole[0]
    assert float(resumed[1]['lr']) == float(whole[1]['lr'])
    newest = torch.load(work_dir / 'epoch_2.pth', weights_only=True)
    assert newest['ema_state_dict']['steps'] == 2 * (len(CLASSES) * TRAIN // BATCH)


def test_weights_under_timm_s_names_are_tested(trained, tmp_path):
    config, work_dir = trained
    source, figures = tmp_path / 'timm.pth', tmp_path / 'figures.json'
    assert (
        call('convert_weights.py', work_dir / 'best.pth', source, '--to', 'timm') == 0
    )
    arguments = ('--work-dir', tmp_path / 'work', '--json', figures)
    assert call('test.py', config, source, *arguments) == 0
    expected = json.loads((work_dir / 'metrics.json').read_text())
    assert json.loads(figures.read_text()) == pytest.approx(expected, rel=1e-5)


def test_a_checkpoint_of_other_classes(trained, tree, tmp_path, capsys):
    root = shutil.copytree(tree, tmp_path / 'tree')
    (root / 'val/red').rename(root / 'val/rot')
    config = tmp_path / 'other.py'
    root = f'{root}/'
    config.write_text(
        f'_base_ = {str(trained[0])!r}\n'
        f'test_dataloader = dict(dataset=dict(data_root={root!r}))\n'
    )
    checkpoint = trained[1] / 'best.pth'
    code = call('test.py', config, checkpoint, '--work-dir', tmp_path / 'work')
    errors = capsys.readouterr().err
    assert code == 2
    assert re.fullmatch(
        r'error: \S*best\.pth: trained for other classes than \S*/val has: rot only '
        r'there and red only in training: give .*\n',
        errors,
    )


def test_resuming_with_another_batch_is_refused(trained, tmp_path, capsys):
    work_dir = shutil.copytree(trained[1], tmp_path / 'work')
    options = ('--resume', '--cfg-options', 'train_dataloader.batch_size=2')
    code = call('train.py', trained[0], '--work-dir', work_dir, *options)
    errors = capsys.readouterr().err
    assert code == 2
    assert re.search(
        r'epoch_2\.pth: trained with 4 iterations an epoch, and this run has 9: ',
        errors,
    )


def test_load_from_is_as_strict_as_init_cfg(trained, tmp_path, capsys):
    checkpoint = trained[1] / 'best.pth'
    arguments = ('--work-dir', tmp_path / 'work', '--cfg-options')
    error = error_of(
        capsys,
        trained[0],
        *arguments,
        f'load_from={checkpoint}',
        'model.backbone.variant=d',
    )
    assert re.search(r'best\.pth: not the weights of Classifier \(tinynet_d\)', error)
    code = call('train.py', trained[0], *arguments, f'load_from={checkpoint}')
    assert code == 0
    log = log_of(tmp_path / 'work')
    assert f'{checkpoint}: its averaged weights (EMA) are taken' in log
    assert f'{checkpoint}: 228 of 228 tensors loaded into Classifier' in log


@pytest.mark.parametrize(
    ('lines', 'message'),
    [
        ("model = dict(backbone=dict(variant='d'))", r'not the weights of Classifier'),
        (
            "model = dict(backbone=dict(_delete_=True, type='TinyNet', w=0.6, d=0.6))",
            r'not the weights of Classifier .* of another shape \(.* for ',
        ),
        (
            'model = dict(head=dict(num_classes=2))',
            r'of another shape \(head\.fc\.weight',
        ),
    ],
    ids=['another network', 'another width', 'other classes'],
)
def test_a_checkpoint_of_another_network(trained, tmp_path, capsys, lines, message):
    config = tmp_path / 'other.py'
    config.write_text(f'_base_ = {str(trained[0])!r}\n{lines}\n')
    checkpoint = trained[1] / 'best.pth'
    code = call('test.py', config, checkpoint, '--work-dir', tmp_path / 'work')
    errors = capsys.readouterr().err
    assert code == 2
    assert re.fullmatch(rf'error: \S*best\.pth: .*{message}.*\n', errors)


def test_an_empty_class_folder(tree, configure, tmp_path, capsys):
    root = shutil.copytree(tree, tmp_path / 'tree')
    (root / 'train/yellow').mkdir()
    error = error_of(capsys, configure(root), '--work-dir', tmp_path / 'work')
    assert re.search(r'/train: class folders without an image: yellow: ', error)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda root: shutil.rmtree(root / 'val/red'), r'red only in training'),
        (
            lambda root: (root / 'val/red').rename(root / 'val/rot'),
            r'rot only there and red only in training',
        ),
    ],
)
def test_classes_that_differ(tree, configure, tmp_path, capsys, change, message):
    root = shutil.copytree(tree, tmp_path / 'tree')
    change(root)
    error = error_of(capsys, configure(root), '--work-dir', tmp_path / 'work')
    assert re.search(
        rf'/val: its classes are not those of training: {message}: ', error
    )


def test_another_number_of_classes(configure, tmp_path, capsys):
    config = configure(lines="model['head']['num_classes'] = 1000")
    error = error_of(capsys, config, '--work-dir', tmp_path / 'work')
    assert re.search(
        r'/train: 3 classes \(blue, green, red\), but the config says '
        r'model\.head\.num_classes=1000: set it to 3',
        error,
    )


def test_corrupt_images_are_skipped_counted_and_named(tree, configure, tmp_path):
    root = shutil.copytree(tree, tmp_path / 'tree')
    for name in ('train/red/3.jpg', 'val/blue/1.jpg'):
        whole = (root / name).read_bytes()
        (root / name).write_bytes(whole[: len(whole) // 2])
    (root / 'train/green/notes.txt').write_text('no image')
    work_dir = tmp_path / 'work'
    assert call('train.py', configure(root), '--work-dir', work_dir) == 0
    log = log_of(work_dir)
    assert re.search(r'/train/red/3\.jpg could not be read .*; 1 images of ', log)
    assert log.count('red/3.jpg could not be read') == 1
    assert re.search(r'blue/1\.jpg is skipped: .*; 1 of the 9 images of .*/val', log)
    assert re.search(r'/train: 1 files that are no images left out, .*notes\.txt', log)
    per_class = {row['class']: row for row in read_table(work_dir / 'per_class.csv')}
    assert per_class['blue']['images'] == f'{VAL - 1}'


def test_a_subset_is_trained_by_its_lists(tree, configure, tmp_path):
    subset = tmp_path / 'subset'
    arguments = ('--out', subset, '--classes', 2, '--train-images', 4)
    assert call('make_subset.py', tree, *arguments) == 0
    config = configure(
        lines=f"""
model['head']['num_classes'] = 2
for split in (train_dataloader := {{**loader}}, val_dataloader := {{**loader}}):
    split['dataset'] = {{**loader['dataset']}}
train_dataloader['dataset'] |= dict(
    ann_file={str(subset / 'train.txt')!r}, data_prefix='train'
)
val_dataloader['dataset'] |= dict(
    ann_file={str(subset / 'val.txt')!r}, data_prefix='val'
)
test_dataloader = val_dataloader
del split
"""
    )
    work_dir = tmp_path / 'work'
    assert call('train.py', config, '--work-dir', work_dir) == 0
    names = (subset / 'classes.txt').read_text().split()
    assert [row['class'] for row in read_table(work_dir / 'per_class.csv')] == names
    assert read_table(work_dir / 'results.csv')[0]['iter'] == f'{2 * 4 // BATCH}'


def test_a_resnet_trains_without_an_average(configure, tmp_path):
    config = configure(
        base='resnet50_b_in1k',
        lines="""
param_scheduler = dict(_delete_=True, type='StepLR', step_size=1, gamma=0.1)
default_hooks = dict(logger=dict(interval=1))
""",
    )
    work_dir = tmp_path / 'work'
    assert call('train.py', config, '--work-dir', work_dir) == 0
    rates = [float(row['lr']) for row in read_table(work_dir / 'results.csv')]
    assert rates == pytest.approx([0.4 * BATCH / 1024, 0.04 * BATCH / 1024])
    cfg = Config.fromfile(work_dir / config.name)
    assert cfg.optim_wrapper.optimizer.type == 'SGD'
    assert 'ema' not in cfg.default_hooks
