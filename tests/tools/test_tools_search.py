"""A search from its command to a formula, with trainings of a second."""

import json

import pytest
from tiny_runs import REPO, call, read_table

from tinydet.arch import ARCHS
from tinydet.formula.study import read_table as read_study

_CONFIG = """
_base_ = {base!r}
model = dict(head=dict(num_classes=3))
loader = dict(
    batch_size=6,
    num_workers=0,
    dataset=dict(data_root={root!r}, input_size=64),
)
train_dataloader = val_dataloader = test_dataloader = loader
train_cfg = dict(max_epochs=1)
param_scheduler = dict(warmup=0.5)
"""


@pytest.fixture(scope='module')
def config(tree, tmp_path_factory):
    """EfficientNet-B0 at 64 px, one epoch on 18 images."""
    path = tmp_path_factory.mktemp('search') / 'small.py'
    base = str(REPO / 'configs/classification/efficientnet_b0_in1k.py')
    path.write_text(_CONFIG.format(base=base, root=f'{tree}/'))
    return path


@pytest.fixture(scope='module')
def searched(config):
    """A search of two networks, and of one rule's; for reading only."""
    folder = config.parent / 'work'
    code = call(
        'search.py',
        *(config, '--trials', 2, '--work-dir', folder),
        *('--rules', 0.3, '--json', folder / 'trials.json'),
    )
    assert code == 0
    return folder


def test_a_search_leaves_a_table_of_its_networks(searched):
    study = read_study(searched / 'study.csv')
    assert (study.baseline, study.figure) == ('efficientnet_b0', 'top1')
    rules = sorted(trial.rule for trial in study.trials)
    # the depth alone cannot reach it, and the resolution comes not close
    assert rules == ['baseline', 'giant', 'published', 'random', 'random', 'width']
    assert all(trial.state == 'complete' for trial in study.trials)
    scores = [
        float(read_table(searched / f'trials/{name}/results.csv')[-1]['top1'])
        for name in ('baseline_1_s0', 'giant_0.3_s0')
    ]
    recorded = {trial.rule: trial.score for trial in study.trials}
    assert [recorded['baseline'], recorded['giant']] == scores
    shares = {trial.rule: trial.c for trial in study.trials}
    assert shares['baseline'] == 1
    for rule in ('giant', 'published', 'width'):
        assert shares[rule] == pytest.approx(0.3, rel=0.06)


def test_json_is_the_table(searched):
    rows = json.loads((searched / 'trials.json').read_text())
    table = read_study(searched / 'study.csv')
    assert [row['macs'] for row in rows] == [trial.macs for trial in table.trials]
    assert [row['score'] for row in rows] == [trial.score for trial in table.trials]


def test_a_finished_search_trains_nothing_more(config, searched, capsys):
    before = (searched / 'study.csv').read_text()
    assert call('search.py', config, '--trials', 2, '--work-dir', searched) == 0
    assert '6 of 6 networks are done' in capsys.readouterr().out
    assert (searched / 'study.csv').read_text() == before


def test_too_few_networks_make_no_formula(searched, capsys):
    for study in ('study.csv', 'study.db'):
        assert call('fit_formula.py', searched / study) == 2
        assert '2 random networks are finished' in capsys.readouterr().err


def test_a_study_of_another_config_is_refused(config, searched, capsys):
    code = call(
        'search.py',
        *(config, '--trials', 3, '--work-dir', searched),
        *('--cfg-options', 'optim_wrapper.optimizer.lr=0.1'),
    )
    assert code == 2
    assert 'small was begun with another search: training' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('options', 'reason'),
    [
        (['--trials', '-1'], '--trials=-1'),
        (['--fixed-cost', '1.5'], '1.5 is not a number above 0 and at most 1'),
        (['--rules', '0.5', '--formula', 'none.json'], 'none.json'),
        (['--storage', 'sqlite:////no/folder/x.db'], 'cannot be reached'),
        (['--cfg-options', 'model.type=ImageClassifier'], "'ImageClassifier'"),
        (['--cfg-options', 'model.backbone.type=ResNet'], 'no table to twist'),
    ],
)
def test_bad_input_is_refused_before_anything_is_trained(
    config, tmp_path, capsys, options, reason
):
    code = call('search.py', config, '--trials', 1, '--work-dir', tmp_path, *options)
    assert code == 2
    errors = capsys.readouterr().err
    assert errors.startswith('error: ')
    assert errors.count('\n') == 1
    assert reason in errors
    assert not list(tmp_path.glob('trials/*'))


def test_a_data_set_that_is_not_there_stops_the_search(config, tmp_path, capsys):
    options = [
        f'{name}_dataloader.dataset.data_root=none/' for name in ('train', 'val')
    ]
    code = call(
        'search.py',
        *(config, '--trials', 2, '--work-dir', tmp_path, '--cfg-options', *options),
    )
    assert code == 2
    assert 'none/train' in capsys.readouterr().err


def test_a_network_of_the_study_is_one_of_the_baseline(searched):
    study = read_study(searched / 'study.csv')
    assert study.baseline in ARCHS
    for trial in study.complete('random'):
        assert 0.03 <= trial.c <= 1.05
        assert trial.r == trial.input / 64
