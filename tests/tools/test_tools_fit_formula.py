"""The tool that learns a formula from the table of a study."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from synthetic_study import random_study, trial
from tiny_runs import call

from tinydet.formula.fit import fit_formula
from tinydet.formula.formula import read_formula
from tinydet.formula.study import Study, read_table, write_table

FIGURES = tuple(f'figure{number}.png' for number in (1, 2, 3, 6))


def learn(*args) -> int:
    return call('fit_formula.py', *args)


def with_others(study: Study) -> Study:
    """With the networks of --rules and failures."""
    others = [
        trial(0, score, rule=rule, seed=seed, c=c)
        for rule, scores in {
            'baseline': (88.0, 89.0),
            'giant': (80.0, 81.5),
            'width': (78.0, 78.5),
            'tiny': (82.0, 82.5),
        }.items()
        for c in ((1.0,) if rule == 'baseline' else (0.25, 0.5))
        for seed, score in enumerate(scores)
    ]
    trials = (*study.trials, *others, trial(0, None), trial(0, None, rule='giant'))
    return replace(
        study, trials=tuple(replace(t, number=i) for i, t in enumerate(trials))
    )


@pytest.fixture(scope='module')
def table(tmp_path_factory):
    """The table of a study of 60 random networks, for reading only."""
    path = tmp_path_factory.mktemp('study') / 'study.csv'
    write_table(with_others(random_study(0, 60)), path)
    return path


def error_of(capsys, *args) -> str:
    """What a refused call says, in one line."""
    assert learn(*args) == 2
    error = capsys.readouterr().err
    assert error.startswith('error: ')
    assert error.count('\n') == 1
    return error.removeprefix('error: ').rstrip()


def test_a_study_becomes_a_formula(table, tmp_path, capsys):
    out, summary = tmp_path / 'mine.json', tmp_path / 'fit.json'
    figures = tmp_path / 'figures'
    files = '--out', out, '--json', summary, '--figures', figures
    assert learn(table, *files, '--csv', tmp_path / 'again.csv') == 0
    text = capsys.readouterr().out
    expected = fit_formula(read_table(table))
    # the formula
    assert read_formula(out) == expected.formula
    written = json.loads(out.read_text())
    assert written['spearman'] == expected.spearman
    assert (written['figure'], written['trials']) == ('top1', 60)
    # the table and its JSON
    data = json.loads(summary.read_text())
    assert data['spearman'] == expected.spearman
    assert (data['baseline'], data['trials'], data['failed']) == (
        *('efficientnet_b0', 60, 2),
    )
    assert [t['number'] for t in data['front']] == [t.number for t in expected.front]
    assert [t['number'] for t in data['selected']] == [
        t.number for t in expected.selected
    ]
    assert len(data['selected']) == 12
    assert text.startswith(
        f'60 random networks of efficientnet_b0, 2 failed; {len(expected.front)} on '
        'the front, 12 selected\n'
    )
    for name, value in expected.spearman.items():
        assert re.search(rf'\b{name} {value:.2f}\b', text)
    rows = [line.split() for line in text.splitlines() if re.match(r' *0\.\d', line)]
    assert [float(row[0]) for row in rows] == [0.9, 0.5, 0.25, 0.13, 0.06]
    for row, said in zip(rows, data['predictions'], strict=True):
        assert vars(expected.formula.predict(float(row[0]))) == said
        figures_ = [said[name] for name in ('r', 'r_std', 'd', 'd_std')]
        assert [float(cell) for cell in row[1:5]] == pytest.approx(figures_, abs=6e-4)
        assert ('extrapolated' in row) is said['extrapolated']
    # the trials
    assert read_table(tmp_path / 'again.csv').trials == read_table(table).trials
    # the figures
    assert sorted(path.name for path in figures.iterdir()) == sorted(FIGURES)
    for name in FIGURES:
        with Image.open(figures / name) as picture:
            assert np.asarray(picture.convert('L')).std() > 5
    # and another tool takes the formula
    args = '--baseline', 'efficientnet_b0', '--macs', '100M', '--formula', out
    assert call('tiny_formula.py', *args) == 0
    assert f'formula: the best 12 of 60 networks of {table}' in capsys.readouterr().out


def test_figure_6_needs_other_networks(tmp_path, capsys):
    table, figures = tmp_path / 'study.csv', tmp_path / 'figures'
    write_table(random_study(1, 30), table)
    assert learn(table, '--figures', figures) == 0
    assert f'{figures / FIGURES[3]} needs the networks' in capsys.readouterr().out
    assert sorted(path.name for path in figures.iterdir()) == sorted(FIGURES[:3])


def test_nothing_is_written_unasked(table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert learn(table) == 0
    assert list(tmp_path.iterdir()) == []


def one_cost(count: int) -> Study:
    """Networks as --fixed-cost 0.5 draws them."""
    study = random_study(0, count)
    shares = np.linspace(0.486, 0.514, count)
    trials = zip(study.trials, shares, strict=True)
    return replace(study, trials=tuple(replace(t, c=float(c)) for t, c in trials))


def test_a_search_at_a_fixed_cost_is_figure_2_alone(tmp_path, capsys):
    table, figures = tmp_path / 'study.csv', tmp_path / 'figures'
    write_table(one_cost(30), table)
    assert learn(table, '--figures', figures) == 0
    assert 'Figure 2 alone' in capsys.readouterr().out
    assert [path.name for path in figures.iterdir()] == ['figure2.png']


@pytest.mark.parametrize('option', ['--out', '--json'])
def test_a_search_at_a_fixed_cost_is_no_formula(tmp_path, capsys, option):
    table, out = tmp_path / 'study.csv', tmp_path / 'mine.json'
    write_table(one_cost(30), table)
    figures = '--figures', tmp_path / 'figures'
    error = error_of(capsys, table, option, out, *figures)
    assert error.startswith(f'{table}: all networks have one cost')
    assert '--fixed-cost' in error
    assert not out.exists()


def test_too_few_networks(tmp_path, capsys):
    table, out = tmp_path / 'study.csv', tmp_path / 'mine.json'
    study = random_study(0, 20)
    write_table(replace(study, trials=(*study.trials, trial(20, None))), table)
    error = error_of(capsys, table, '--out', out)
    assert error == (
        f'{table}: 20 random networks are finished (1 failed), and a formula takes 25 '
        'and more: go on with tools/search.py'
    )
    assert not out.exists()


def test_a_malformed_line(table, tmp_path, capsys):
    lines = table.read_text().splitlines()
    lines[4] = lines[4].replace('random', 'guessed')
    path = tmp_path / 'study.csv'
    path.write_text('\n'.join(lines))
    assert error_of(capsys, path).startswith(f'{path}, line 5: ValueError: ')


@pytest.mark.parametrize('name', ['no.csv', 'no.db'])
def test_a_study_that_is_not_there(tmp_path, capsys, name):
    path = tmp_path / name
    error = error_of(capsys, path, '--out', tmp_path / 'mine.json')
    assert str(path) in error
    assert not (tmp_path / 'mine.json').exists()


@pytest.mark.parametrize('option', ['--out', '--csv', '--json', '--figures'])
def test_a_file_that_cannot_be_written_is_refused_first(
    table, tmp_path, capsys, option
):
    (tmp_path / 'file').touch()
    error = error_of(capsys, table, option, tmp_path / 'file/made')
    assert 'cannot be written' in error
