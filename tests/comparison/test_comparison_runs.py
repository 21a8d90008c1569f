"""Groups of finished runs."""

import re
from pathlib import Path

import pytest

from tinydet.comparison.runs import (
    check_columns,
    check_figure,
    main_figure,
    read_groups,
)
from tinydet.errors import InputError
from tinydet.files import write_rows


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write the work directory of a run: a figure an epoch, None where it is empty."""
    monkeypatch.chdir(tmp_path)

    def write(name: str, *values: float | None, figure: str = 'top1', **columns) -> str:
        Path(name).mkdir()
        rows = [
            {'epoch': epoch, 'seconds': len(name), **columns}
            | ({} if value is None else {figure: value})
            for epoch, value in enumerate(values, 1)
        ]
        write_rows(Path(name, 'results.csv'), rows)
        return name

    return write


def test_figures_of_the_last_and_the_best_epoch(write):
    runs = write('a', 10, 30, None, 20), write('b', 40, 15, None, 25)
    (group,) = read_groups([('net', runs)])
    assert group.name == 'net'
    assert [str(run.folder) for run in group.runs] == ['a', 'b']
    assert group.last('top1') == [20, 25]
    assert group.best('top1') == [30, 40]
    assert group.runs[0].epochs('top1') == (1, 2, 4)


def test_the_best_loss_is_the_lowest(write):
    (group,) = read_groups([('net', [write('a', 3, 1, 2, figure='val_loss')])])
    assert group.best('val_loss') == [1]


@pytest.mark.parametrize('figure', ['top1', 'bbox_mAP'])
def test_what_a_run_is_judged_by(write, figure):
    groups = read_groups([('net', [write('a', None, 0.5, figure=figure, loss=1)])])
    assert main_figure(groups) == figure


def test_a_run_without_a_figure(write):
    groups = read_groups([('net', [write('a', None, None, loss=1)])])
    with pytest.raises(
        InputError, match=r'^a/results\.csv has no column .*top1.*: choose one of epoch'
    ):
        main_figure(groups)


def test_a_missing_column(write):
    groups = read_groups([('net', [write('a', 1, val_loss=1), write('b', 2)])])
    check_columns(groups, ['top1'])
    message = 'b/results.csv has no column val_loss: choose one of epoch, seconds, top1'
    with pytest.raises(InputError, match=f'^{re.escape(message)}$'):
        check_figure(groups, 'val_loss')


@pytest.mark.parametrize(
    'shorter',
    [(1, 2), (1, 2, None), (None, None, 3), (1, None, 3)],
    ids=['stopped', 'stopped before its evaluation', 'evaluated late', 'a gap'],
)
def test_runs_of_different_lengths(write, shorter):
    groups = read_groups(
        [
            ('one', [write('a', 1, 2, 3), write('b', 2, 3, 4)]),
            ('other', [write('c', *shorter), write('d', 5, 6, 7)]),
        ]
    )
    with pytest.raises(InputError, match=r'\(a, b, d: 3 epochs, .*; c: ') as caught:
        check_figure(groups, 'top1')
    assert '--resume' in str(caught.value)


@pytest.mark.parametrize('value', [-1, float('nan')])
def test_an_undefined_figure(write, value):
    groups = read_groups([('net', [write('a', value, 0.5, figure='bbox_mAP_s')])])
    with pytest.raises(
        InputError, match=r'^a/results\.csv: bbox_mAP_s is (-1|nan) in epoch 1'
    ):
        check_figure(groups, 'bbox_mAP_s')


@pytest.mark.parametrize('again', ['a', './a', 'link'])
@pytest.mark.parametrize('groups', [1, 2])
def test_a_directory_given_twice(write, again, groups):
    first = write('a', 1)
    Path('link').symlink_to('a')
    given = [('one', [first, again]), ('one', [first]), ('two', [again])]
    with pytest.raises(InputError, match='is given twice.*: give every run once'):
        read_groups(given[:1] if groups == 1 else given[1:])


def test_one_seed_twice_in_a_group(write):
    runs = write('a', 1, 2), write('other', 1, 2)
    with pytest.raises(InputError, match='^a and other found the same in every epoch'):
        read_groups([('net', runs)])
    # between groups it is a finding
    assert len(read_groups([('one', runs[:1]), ('two', runs[1:])])) == 2


@pytest.mark.parametrize(
    ('groups', 'message'),
    [
        ([('a', ['b'])], 'a is the work directory of a run: give the name .* first'),
        ([('net', [])], "'net' has no runs: give work directories"),
        ([('net', ['a']), ('net', ['b'])], "'net' is given twice"),
        ([('net', ['no'])], r'no/results\.csv cannot be read: No such file'),
        ([('net', ['a/results.csv'])], r'cannot be read: Not a directory'),
        ([('net', ['words'])], r'words/results\.csv is no table of numbers'),
        ([('net', ['long'])], r'long/results\.csv is no table of numbers'),
        ([('net', ['empty'])], r'empty/results\.csv has no epoch yet'),
        ([('net', ['other'])], r'other/results\.csv has no column epoch'),
    ],
)
def test_what_is_no_run(write, groups, message):
    write('a', 1, 2)
    write('b', 2, 3)
    for name, text in {
        'words': 'epoch,top1\n1,high\n',
        'long': 'epoch,top1\n1,2,3\n',
        'empty': '',
        'other': 'step,top1\n1,2\n',
    }.items():
        Path(name).mkdir()
        Path(name, 'results.csv').write_text(text)
    with pytest.raises(InputError, match=f'^.*{message}') as caught:
        read_groups(groups)
    assert '\n' not in str(caught.value)
