import json

import pytest
from tiny_runs import call


@pytest.fixture
def cifar(tmp_path):
    """Empty images, as `tools/make_subset.py` opens none, in train and test."""
    for split, count in (('train', 5), ('test', 2)):
        for name in ('bird', 'cat', 'deer', 'ship'):
            folder = tmp_path / 'cifar' / split / name
            folder.mkdir(parents=True)
            for i in range(count):
                (folder / f'{i}.png').touch()
    (tmp_path / 'cifar/train/cat/list.csv').touch()
    return tmp_path / 'cifar'


SMALL = ('--classes', 3, '--train-images', 4, '--val', 'test')


@pytest.mark.parametrize(
    ('links', 'written'),
    [((), ('train.txt', 'val.txt', 'classes.txt')), (['--links'], ('train', 'val'))],
)
def test_the_table_and_what_was_written(cifar, tmp_path, capsys, links, written):
    out, table = tmp_path / 'sub/set', tmp_path / 'tables/subset.json'
    assert (
        call('make_subset.py', cifar, '--out', out, *SMALL, *links, '--json', table)
        == 0
    )
    assert capsys.readouterr().out.splitlines() == [
        'split classes   images',
        'train       3       12',
        'val         3        6',
        f'not images of a class in {cifar}/train, left out: cat/list.csv',
        f'written: {", ".join(str(out / name) for name in written)}',
    ]
    assert sorted(path.name for path in out.iterdir()) == sorted(written)
    assert json.loads(table.read_text()) == [
        {'split': 'train', 'classes': 3, 'images': 12},
        {'split': 'val', 'classes': 3, 'images': 6},
    ]


def test_the_defaults_are_those_of_the_paper(tmp_path, capsys):
    root = tmp_path / 'imagenet'
    for split, count in (('train', 501), ('val', 50)):
        store = tmp_path / f'{split}_store'
        store.mkdir()
        for i in range(count):
            (store / f'{i}.JPEG').touch()
        (root / split).mkdir(parents=True)
        for i in range(101):
            (root / split / f'n{i:08}').symlink_to(store)
    assert call('make_subset.py', root, '--out', tmp_path / 'out') == 0
    assert capsys.readouterr().out.splitlines()[1:3] == [
        'train     100    50000',
        'val       100     5000',
    ]


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('--classes', 3), r"has no folder 'val'; the folders there: test, train: "),
        (('--val', 'test'), 'train has 4 classes, and 100 were asked for: give'),
        (('--val', 'test', '--classes', 4), 'has fewer than 500 images of 4 of the 4'),
    ],
)
def test_the_users_mistakes_leave_nothing(cifar, tmp_path, capsys, arguments, message):
    out = tmp_path / 'out'
    assert call('make_subset.py', cifar, '--out', out, *arguments) == 2
    errors = capsys.readouterr().err
    assert errors.startswith('error: ')
    assert message in errors
    assert errors.count('\n') == 1
    assert not out.exists()
