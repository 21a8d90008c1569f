"""The comparison of runs."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import stats
from tiny_runs import call

from tinydet.files import write_rows

D, B = [[50, 61.5, 61], [52, 60, 62.25], [55, 60, 61.5]], [[48, 58, 59], [49, 60, 58.5]]
JSON_PAIR = 'first', 'second', 'difference', 'low', 'high', 'p', 'untested', 'verdict'


@pytest.fixture
def runs(tmp_path, monkeypatch) -> list:
    """Arguments for two groups of classifiers in the current folder."""
    monkeypatch.chdir(tmp_path)
    groups = {'TinyNet-D': write('d', D), 'B^-3': write('b', B)}
    return [
        word for name, folders in groups.items() for word in ('--runs', name, *folders)
    ]


def write(prefix: str, accuracies: list[list[float]], **columns: float) -> list[str]:
    folders = [f'{prefix}_s{seed}' for seed in range(len(accuracies))]
    for folder, values in zip(folders, accuracies, strict=True):
        Path(folder).mkdir()
        rows = [
            dict(epoch=epoch, loss=9 / value, top1=value, val_loss=8 / value, **columns)
            for epoch, value in enumerate(values, 1)
        ]
        write_rows(Path(folder, 'results.csv'), rows)
    return folders


def strict(path: str) -> list[dict]:
    """Read JSON without the NaN and Infinity that only Python knows."""
    return json.loads(Path(path).read_text(), parse_constant=pytest.fail)


def test_the_table_and_its_json(runs, capsys):
    assert call('compare_runs.py', *runs, '--json', 'table.json') == 0
    (table,) = strict('table.json')
    assert (table['figure'], table['epoch']) == ('top1', 3)
    first, second = table['groups']
    assert first['name'] == 'TinyNet-D'
    assert second['work_dirs'] == ['b_s0', 'b_s1']
    assert first['last']['values'] == [61, 62.25, 61.5]
    assert first['best']['values'] == [61.5, 62.25, 61.5]
    assert second['best']['values'] == [59, 60]
    assert first['last']['std'] == pytest.approx(np.std([61, 62.25, 61.5], ddof=1))
    (pair,) = table['pairs']
    assert tuple(pair) == JSON_PAIR
    test = stats.ttest_ind([61, 62.25, 61.5], [59, 58.5], equal_var=False)
    low, high = test.confidence_interval(0.95)
    assert [pair['low'], pair['high'], pair['p']] == pytest.approx(
        [low, high, test.pvalue]
    )

    lines = capsys.readouterr().out.splitlines()
    cells = [line.split() for line in lines]
    assert 'top1 in percent' in lines
    last, best = ([row for row in cells if row[:1] == ['TinyNet-D']])[:2]
    assert last == ['TinyNet-D', '3', '61.58', '0.63', '61.00', '62.25']
    assert best == ['TinyNet-D', '3', '61.75', '0.43', '61.50', '62.25']
    test_row = ['TinyNet-D', '-', 'B^-3', '2.83', f'{low:.2f}', f'{high:.2f}']
    assert [*test_row, f'{test.pvalue:.3g}'] in cells
    assert (
        f'TinyNet-D is higher than B^-3 by 2.83 points (95% CI {low:.2f} to '
        f'{high:.2f}, p = {test.pvalue:.3g}).'
    ) in lines
    assert pair['verdict'] in lines


def test_several_figures(runs, capsys):
    figures = '--figure', 'val_loss', 'top1', '--json', 'table.json'
    assert call('compare_runs.py', *runs, *figures) == 0
    losses, accuracies = strict('table.json')
    assert [losses['figure'], accuracies['figure']] == ['val_loss', 'top1']
    group = losses['groups'][0]
    assert group['last']['values'] == pytest.approx([8 / 61, 8 / 62.25, 8 / 61.5])
    assert group['best']['values'][0] == pytest.approx(8 / 61.5)
    assert losses['pairs'][0]['verdict'].startswith('B^-3 is higher than TinyNet-D by')
    assert '2 tests: their p-values are not corrected' in capsys.readouterr().out


@pytest.mark.parametrize('other', [[[60, 61]], [[60, 61], [59, 61]]], ids=len)
def test_groups_without_spread(tmp_path, monkeypatch, capsys, other):
    monkeypatch.chdir(tmp_path)
    groups = '--runs', 'A', *write('a', [[1, 60], [2, 60]]), '--runs', 'B'
    folders = write('b', other)
    assert call('compare_runs.py', *groups, *folders, '--json', 'table.json') == 0
    (table,) = strict('table.json')
    (pair,) = table['pairs']
    assert (pair['difference'], pair['p'], pair['low']) == (-1, None, None)
    output = capsys.readouterr().out
    assert f'A and B: no test, as {pair["untested"]}.' in output
    assert ['A', '-', 'B', '-1.00', '-', '-', '-'] in map(
        str.split, output.splitlines()
    )
    assert 'nan' not in output


def test_one_group(runs, capsys):
    assert call('compare_runs.py', *runs[:5], '--json', 'table.json') == 0
    assert strict('table.json')[0]['pairs'] == []
    assert 'difference' not in capsys.readouterr().out


@pytest.mark.parametrize(
    ('figure', 'height'), [((), 1), (('--figure', 'top1', 'loss', 'val_loss'), 2)]
)
def test_the_plot(runs, figure, height):
    assert call('compare_runs.py', *runs, *figure, '--plot', 'plots/fig4.png') == 0
    with Image.open('plots/fig4.png') as picture:
        assert picture.width == 1200
        assert 400 * height < picture.height < 550 * height
        colours = {colour for _, colour in picture.convert('RGB').getcolors(1 << 20)}
    assert {(0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)} <= colours


def test_what_cannot_be_compared_leaves_no_file(runs, capsys):
    rows = Path('d_s1/results.csv').read_text().splitlines()
    Path('d_s1/results.csv').write_text('\n'.join(rows[:-1]))
    files = '--plot', 'plot.png', '--json', 'table.json'
    assert call('compare_runs.py', *runs, *files) == 2
    out, error = capsys.readouterr()
    assert error.startswith('error: runs of different lengths cannot be compared')
    assert 'd_s1: 2 epochs' in error
    assert error.count('\n') == 1
    assert 'top1' not in out
    assert not Path('plot.png').exists() and not Path('table.json').exists()


def test_a_plot_of_columns_that_are_not_there(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path('a').mkdir()
    write_rows(Path('a/results.csv'), [{'epoch': 1, 'loss': 2, 'top1': 3}])
    assert call('compare_runs.py', '--runs', 'A', 'a') == 0
    assert call('compare_runs.py', '--runs', 'A', 'a', '--plot', 'plot.png') == 2
    assert 'a/results.csv has no column val_loss' in capsys.readouterr().err


@pytest.mark.parametrize('option', ['--json', '--plot'])
def test_a_file_that_cannot_be_written_is_refused_first(capsys, tmp_path, option):
    (tmp_path / 'file').touch()
    path = tmp_path / 'file/out'
    assert call('compare_runs.py', '--runs', 'A', 'nowhere', option, path) == 2
    assert capsys.readouterr().err.startswith(f'error: {path} cannot be written')
