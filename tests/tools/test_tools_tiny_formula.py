"""The tiny formula tool, by multiply-accumulates and parameters."""

import json

import pytest
from tiny_runs import CLASSES, TREE_CLASSES, call, read_table

from tinydet.engine.jobs import load_config
from tinydet.formula.budget import Budget
from tinydet.formula.cube import classifier_cube, detector_cube
from tinydet.formula.formula import Formula, Point, read_formula, write_formula
from tinydet.formula.solve import solve_budget
from tinydet.models.complexity import count_model

NAMES = {
    'tiny formula': 'tiny',
    "EfficientNet's rule": 'giant',
    'resolution alone': 'resolution',
    'depth alone': 'depth',
    'width alone': 'width',
}
FIGURES = ('r', 'd', 'w', 'input', 'params', 'macs')
TINY = ('--baseline', 'efficientnet_b0', '--macs', '9M', '--input', 64)


def solve_(*args) -> int:
    return call('tiny_formula.py', *args)


def printed(out: str) -> tuple[str, dict[str, list[str]]]:
    """What is printed above the table, and the cells of its rows by their rule."""
    text, table, *_ = out.split('\n\n')
    header, *lines = table.splitlines()
    assert header.split() == ['r', 'd', 'w', 'input', 'params', 'M', 'MMACs']
    return text, {NAMES[line[:20].strip()]: line[20:].split() for line in lines}


def error_of(capsys, *args) -> str:
    """What a refused call says, in one line and nothing else."""
    assert solve_(*args) == 2
    out, error = capsys.readouterr()
    assert out == ''
    assert error.startswith('error: ')
    assert error.count('\n') == 1
    return error.removeprefix('error: ').rstrip()


@pytest.mark.parametrize(
    ('args', 'cube', 'budget'),
    [
        (
            ('--baseline', 'efficientnet_b0', '--macs', '50M'),
            classifier_cube('efficientnet_b0'),
            Budget('macs', 50e6),
        ),
        (
            ('--baseline', 'resnet50', '--params', '5M', '--classes', 10),
            classifier_cube('resnet50', 10),
            Budget('params', 5e6),
        ),
        (
            *(('--baseline', 'ghostnet_a', '--macs', '100M', '--task', 'detector'),),
            classifier_cube('ghostnet_a'),
            Budget('macs', 100e6),
        ),
        (
            ('--baseline', 'ghostnet_a', '--macs', '0.4G', '--task', 'detector')
            + ('--budget-for', 'detector', '--classes', 3, '--input', 320),
            detector_cube('ghostnet_a', 3, 320),
            Budget('macs', 400e6),
        ),
    ],
    ids=['classifier', 'parameters', 'backbone', 'detector'],
)
def test_the_table_is_the_solution_and_the_json_is_the_table(
    tmp_path, capsys, args, cube, budget
):
    path = tmp_path / 'new/table.json'
    assert solve_(*args, '--json', path) == 0
    text, rows = printed(capsys.readouterr().out)
    data = json.loads(path.read_text())
    solution = solve_budget(cube, read_formula(), budget)
    assert {name: data[name] for name in FIGURES} == {
        name: getattr(solution.net, name) for name in FIGURES
    }
    assert budget.of(solution.net) == pytest.approx(budget.value, rel=0.03)
    assert list(rows) == list(NAMES.values())
    assert list(data['alternatives']) == list(rows)[1:]
    for rule, cells in rows.items():
        row = data if rule == 'tiny' else data['alternatives'][rule]
        if cells[0] == '-':
            assert ' '.join(cells[1:]) == row['reason']
            continue
        r, d, w, side, params, macs = cells
        for name, cell in (('r', r), ('d', d), ('w', w)):
            assert row[name] == pytest.approx(float(cell), abs=5.01e-4)
        assert row['input'] == int(side)
        assert row['r'] == row['input'] / cube.side
        assert row['params'] / 1e6 == pytest.approx(float(params), abs=5.01e-4)
        assert row['macs'] / 1e6 == pytest.approx(float(macs), abs=5.01e-3)
    said = solution.prediction
    assert data['predicted'] == pytest.approx(vars(said))
    assert f'r = {said.r:.3f} +- {said.r_std:.3f}, d = {said.d:.3f}' in text
    assert f'is c = {said.c:.3f} of {budget.text(solution.whole)}' in text
    assert data['baseline_cost'] == solution.whole
    assert data['budget'] == {'kind': budget.kind, 'value': budget.value}
    assert data['formula'] in text
    assert ('EXTRAPOLATED' in text) is said.extrapolated


def test_extrapolation_is_said(tmp_path, capsys):
    path = tmp_path / 'table.json'
    args = '--baseline', 'efficientnet_b0', '--macs', '15M', '--json', path
    assert solve_(*args) == 0
    warning = 'EXTRAPOLATED: the formula was fitted from c = 0.06 to 0.9'
    assert warning in capsys.readouterr().out
    assert json.loads(path.read_text())['predicted']['extrapolated'] is True


def test_a_formula_of_one_s_own(tmp_path, capsys):
    path = tmp_path / 'mine.json'
    points = Point(0.05, 0.9, 0.4), Point(0.5, 0.92, 0.42), Point(1, 0.95, 0.45)
    write_formula(Formula(points, 'efficientnet_b0', 'my own networks'), path)
    args = '--baseline', 'efficientnet_b0', '--macs', '50M', '--json'
    assert solve_(*args, tmp_path / 'mine.out', '--formula', path) == 0
    assert 'formula: my own networks' in capsys.readouterr().out
    assert solve_(*args, tmp_path / 'published.out') == 0
    mine, published = (
        json.loads((tmp_path / f'{name}.out').read_text())
        for name in ('mine', 'published')
    )
    assert mine['input'] > published['input'] + 10
    assert mine['d'] < published['d']
    assert mine['alternatives'] == published['alternatives']


@pytest.mark.parametrize(
    ('args', 'part'),
    [
        (('--classes', 10), 'classifier'),
        (('--task', 'detector', '--classes', 3), 'backbone'),
        (('--task', 'detector', '--budget-for', 'detector'), 'detector'),
    ],
    ids=lambda value: value if isinstance(value, str) else '',
)
def test_the_written_config_costs_what_is_printed(tmp_path, capsys, args, part):
    config, table = tmp_path / 'mine.py', tmp_path / 'table.json'
    budget = '--baseline', 'efficientnet_b0', '--macs', '250M'
    assert solve_(*budget, *args, '--write', config, '--json', table) == 0
    assert f'train it with tools/train.py {config}' in capsys.readouterr().out
    data, cfg = json.loads(table.read_text()), load_config(config)
    assert data['budget_for'] == ('detector' if part == 'detector' else 'backbone')
    assert (cfg.model.backbone.w, cfg.model.backbone.d) == (data['w'], data['d'])
    cost = count_model(cfg)
    if part == 'backbone':
        assert cost.input == 512
        assert cfg.model.bbox_head.num_classes == 3
    else:
        assert cost.input == data['input']
        assert (cost.params, cost.macs) == (data['params'], data['macs'])


def loaders(**settings) -> list[str]:
    """Options for both loaders."""
    return [
        f'{split}_dataloader.{name.replace("__", ".")}={value}'
        for split in ('train', 'val')
        for name, value in settings.items()
    ]


def test_a_written_classifier_trains(tree, tmp_path):
    config = tmp_path / 'mine.py'
    assert solve_(*TINY, '--classes', len(TREE_CLASSES), '--write', config) == 0
    options = loaders(
        batch_size=4, num_workers=0, persistent_workers=False, dataset__data_root=tree
    )
    work = '--work-dir', tmp_path / 'work'
    options += ['train_cfg.max_epochs=1', 'param_scheduler.warmup=0.5']
    assert call('train.py', config, *work, '--cfg-options', *options) == 0
    (row,) = read_table(tmp_path / 'work/results.csv')
    assert 0 <= float(row['top1']) <= 100


def test_a_written_detector_trains(demo, tmp_path):
    config = tmp_path / 'mine.py'
    whole = '--task', 'detector', '--budget-for', 'detector'
    budget = '--baseline', 'efficientnet_b0', '--macs', '60M', '--input', 128
    classes = '--classes', len(CLASSES)
    assert solve_(*budget, *whole, *classes, '--write', config) == 0
    options = loaders(
        batch_size=4, num_workers=0, persistent_workers=False, dataset__data_root=demo
    )
    for split in ('train', 'val'):
        data = f'{split}_dataloader.dataset'
        options += [
            f'{data}.ann_file=annotations/instances_{split}.json',
            f'{data}.data_prefix.img={split}/',
        ]
    work = '--work-dir', tmp_path / 'work'
    options += ['train_cfg.max_epochs=1']
    assert call('train.py', config, *work, '--cfg-options', *options) == 0
    (row,) = read_table(tmp_path / 'work/results.csv')
    assert float(row['loss']) > 0


B0 = ('--baseline', 'efficientnet_b0')
UNITS = 'is no number above 0 with one of the units k, m, g, b: give one such as 50M'


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (
            (*B0, '--macs', '1G'),
            'a budget of 1000M MACs is not below what the baseline costs: give one for '
            'efficientnet_b0 from 8.839M MACs to less than 385.8M MACs',
        ),
        (
            (*B0, '--macs', '5M'),
            'a budget of 5M MACs is below the least that this formula reaches: give '
            'one for efficientnet_b0 from 8.839M MACs to less than 385.8M MACs',
        ),
        (
            (*B0, '--params', '1M'),
            'a budget of 1M parameters is below the least that this formula reaches: '
            'give one for efficientnet_b0 from 1.328M parameters to less than 5.289M '
            'parameters',
        ),
        ((*B0, '--macs', '5ms'), f"--macs '5ms' {UNITS}"),
        ((*B0, '--params', '0'), f"--params '0' {UNITS}"),
        ((*B0, '--macs=-5M'), f"--macs '-5M' {UNITS}"),
        ((*B0, '--macs', '5M', '--classes', 0), '--classes=0 is not a whole number'),
        (
            (*B0, '--macs', '50M', '--task', 'detector', '--classes', 0),
            '--classes=0 is not a whole number',
        ),
        ((*B0, '--macs', '5M', '--input', 31), '--input=31 is not a whole number'),
        ((*B0, '--macs', '5M', '--input', 0), '--input=0 is not a whole number'),
        ((*B0, '--macs', '5M', '--input', -64), '--input=-64 is not a whole number'),
        (
            ('--baseline', 'vgg16', '--macs', '5M'),
            "there is no baseline 'vgg16': choose one of efficientnet_b0, ",
        ),
        (
            (*B0, '--macs', '50M', '--formula', 'nowhere.json'),
            'formula nowhere.json cannot be read: ',
        ),
        (
            (*B0, '--macs', '50M', '--formula', __file__),
            f'formula {__file__} cannot be read: ',
        ),
    ],
    ids=lambda value: ' '.join(map(str, value)) if isinstance(value, tuple) else '',
)
def test_bad_input_is_refused_before_anything_is_written(
    tmp_path, capsys, args, message
):
    written = '--write', tmp_path / 'mine.py', '--json', tmp_path / 'table.json'
    assert error_of(capsys, *args, *written).startswith(message)
    assert list(tmp_path.iterdir()) == []


def test_a_formula_file_without_a_formula(tmp_path, capsys):
    path = tmp_path / 'list.json'
    path.write_text('[1, 2]')
    error = error_of(capsys, *B0, '--macs', '50M', '--formula', path)
    assert error.startswith(f'{path} holds no formula: TypeError')


def test_a_config_is_not_written_over(tmp_path, capsys):
    config = tmp_path / 'mine.py'
    config.write_text('precious')
    written = '--write', config, '--json', tmp_path / 'table.json'
    error = error_of(capsys, *B0, '--macs', '50M', *written)
    assert error == f'{config} exists: remove it, or give another name'
    assert config.read_text() == 'precious'
    assert not (tmp_path / 'table.json').exists()


@pytest.mark.parametrize(
    ('option', 'name', 'message'),
    [
        ('--write', 'mine', 'is no config: give a name that ends in .py'),
        ('--write', 'file/mine.py', 'cannot be written: '),
        ('--json', 'file/table.json', 'cannot be written: '),
    ],
)
def test_a_file_that_cannot_be_written(tmp_path, capsys, option, name, message):
    (tmp_path / 'file').touch()
    error = error_of(capsys, *B0, '--macs', '50M', option, tmp_path / name)
    assert error.startswith(f'{tmp_path / name} {message}')


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (B0, 'one of the arguments --macs --params --latency is required'),
        ((*B0, '--macs', '5M', '--params', '1M'), 'not allowed with argument --macs'),
        (('--macs', '5M'), 'required: --baseline'),
        ((*B0, '--macs', '5M', '--task', 'segmenter'), "invalid choice: 'segmenter'"),
        (
            (*B0, '--macs', '5M', '--budget-for', 'detector'),
            '--budget-for is for --task detector',
        ),
    ],
)
def test_arguments_that_do_not_fit_together(capsys, args, message):
    assert solve_(*args) == 2
    assert message in capsys.readouterr().err
