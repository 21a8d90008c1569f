import csv
import math
from dataclasses import replace

import pytest
from synthetic_study import random_study, trial

from tinydet.errors import InputError
from tinydet.formula.rules import RULES
from tinydet.formula.study import KINDS, Study, read_table, write_table

FAILURE = 'OutOfMemoryError: tried "64" GiB, 2 more\nthan there are; größer'
TRIALS = (
    trial(0, 71.25, r=0.1 + 0.2, c=1 / 3, macs=128_604_917),
    trial(1, None, rule='giant', failure=FAILURE),
    trial(2, 0.0, rule='baseline', seed=3, w=1.0, c=1.0, seconds=1e-3),
    *(trial(number, 50.5, rule=rule) for number, rule in enumerate(KINDS, 3)),
)


def study(*trials, figure: str = 'top1') -> Study:
    return Study('ghostnet_a', figure, trials or TRIALS, 'here')


@pytest.fixture
def table(tmp_path):
    """A table of three networks, its rows as dicts, and a way to write them back."""
    path = tmp_path / 'study.csv'
    write_table(study(trial(0, 70.5), trial(1, None), trial(2, 60.25)), path)
    with open(path, newline='', encoding='utf-8') as file:
        rows = list(csv.DictReader(file))

    def write(rows):
        with open(path, 'w', newline='', encoding='utf-8') as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return path

    return rows, write


@pytest.mark.parametrize(('figure', 'most'), [('top1', 100), ('bbox_mAP', 1)])
def test_a_table_is_read_as_it_was_written(tmp_path, figure, most):
    path = tmp_path / 'study.csv'
    trials = tuple(
        replace(trial, score=trial.score and trial.score / 100 * most)
        for trial in TRIALS
    )
    write_table(replace(study(figure=figure), trials=trials), path)
    read = read_table(path)
    assert read == Study('ghostnet_a', figure, trials, str(path))
    # to the last bit
    assert read.trials[0].r.hex() == TRIALS[0].r.hex()
    assert read.trials[0].c == 1 / 3
    again = tmp_path / 'again.csv'
    write_table(read, again)
    assert again.read_bytes() == path.read_bytes()


def test_the_columns_of_a_table(tmp_path):
    path = tmp_path / 'study.csv'
    write_table(study(figure='bbox_mAP'), path)
    with open(path, newline='', encoding='utf-8') as file:
        complete, failed, *_ = csv.DictReader(file)
    assert 'score' not in complete
    assert complete['bbox_mAP'] == '71.25'
    assert complete['baseline'] == failed['baseline'] == 'ghostnet_a'
    assert (failed['state'], failed['bbox_mAP'], failed['seconds']) == (
        'failed',
        '',
        '',
    )
    assert failed['failure'] == FAILURE


def test_other_columns_and_their_order_are_nothing(table):
    rows, write = table
    path = write(
        [{'note': 'x', **dict(reversed(row.items())), 'more': ''} for row in rows]
    )
    assert [t.score for t in read_table(path).trials] == [70.5, None, 60.25]


def test_what_other_programs_save(tmp_path):
    path = tmp_path / 'study.csv'
    write_table(study(), path)
    # a byte order mark, as spreadsheets write it
    path.write_bytes(b'\xef\xbb\xbf' + path.read_bytes())
    assert read_table(path).trials == TRIALS


def test_finished_networks_of_some_rules():
    found = study()
    assert [t.number for t in found.complete('random')] == [0, 3]
    # number 1 failed
    assert {t.rule for t in found.complete(*RULES)} == set(RULES)
    assert 1 not in [t.number for t in found.complete(*KINDS)]
    assert study(trial(0, None)).complete(*KINDS) == []


@pytest.mark.parametrize(
    ('change', 'problem'),
    [
        ({'state': 'running'}, "no state 'running'"),
        ({'rule': 'guess'}, "of a rule 'guess'"),
        ({'c': '-0.5'}, 'c=-0.5 is no number above 0'),
        ({'c': 'nan'}, 'c=nan is no number above 0'),
        ({'c': 'inf'}, 'c=inf is no number above 0'),
        ({'r': '0'}, 'r=0 is no number above 0'),
        ({'r': 'inf'}, 'r=inf is no number above 0'),
        ({'d': 'deep'}, "'deep'"),
        ({'w': ''}, "''"),
        ({'macs': '1.5'}, "'1.5'"),
        ({'input': ''}, "''"),
        ({'top1': ''}, "''"),
        ({'top1': 'nan'}, 'top1=nan is no score'),
        ({'top1': '-1'}, 'top1=-1.0 is no score'),
        ({'top1': 'inf'}, 'top1=inf is no score'),
        ({'seconds': 'long'}, "'long'"),
    ],
    ids=str,
)
def test_a_malformed_line_is_named(table, change, problem):
    rows, write = table
    rows[2].update(change)
    with pytest.raises(InputError) as error:
        read_table(write(rows))
    assert error.match(rf'study\.csv, line 4: ValueError: .*{problem}.*: mend the line')


def test_a_line_is_counted_as_editors_count_it(tmp_path):
    path = tmp_path / 'study.csv'
    write_table(study(trial(0, None, failure='two\nlines'), trial(1, 5.0)), path)
    text = path.read_text().replace('complete', 'unknown')
    path.write_text(text)
    (number,) = [i for i, line in enumerate(text.splitlines(), 1) if 'unknown' in line]
    assert number == 4
    with pytest.raises(InputError, match=r'study\.csv, line 4: '):
        read_table(path)


def test_a_line_that_is_cut_off(tmp_path):
    path = tmp_path / 'study.csv'
    write_table(random_study(0, 5), path)
    path.write_bytes(path.read_bytes()[:-70])
    with pytest.raises(InputError, match=r'study\.csv, line 6: .*: mend the line'):
        read_table(path)


@pytest.mark.parametrize('name', ['r', 'macs', 'state', 'failure', 'baseline'])
def test_a_column_that_is_missing(table, name):
    rows, write = table
    for row in rows:
        del row[name]
    with pytest.raises(InputError, match=rf'study\.csv.*{name}'):
        read_table(write(rows))


@pytest.mark.parametrize(
    'content',
    [
        b'',
        b'number,top1\n',
        b'number,state\n0,complete\n',
        b'number;top1\n0;1\n',
    ],
)
def test_what_is_no_table_of_a_study(tmp_path, content):
    path = tmp_path / 'study.csv'
    path.write_bytes(content)
    with pytest.raises(InputError, match=r'no table of a study: .*fit_formula\.py'):
        read_table(path)


@pytest.mark.parametrize(
    'content', [None, b'\x80\xff', b'top1\n"' + b'x' * 200_000 + b'"\n']
)
def test_what_cannot_be_read(tmp_path, content):
    path = tmp_path / 'study.csv'
    if content:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r'study \S*study\.csv cannot be read: '):
        read_table(path)


def test_trials_of_several_baselines(table):
    rows, write = table
    rows[1]['baseline'] = 'resnet50'
    with pytest.raises(InputError, match='several baselines: ghostnet_a, resnet50'):
        read_table(write(rows))


def test_numbers_of_a_synthetic_study_are_a_search_s():
    trials = random_study(0, 40).trials
    for found in trials:
        assert found.c == pytest.approx(found.r**2 * found.d * found.w**2)
        assert 0.03 <= found.c <= 1.05
    assert max(t.c for t in trials) > 10 * min(t.c for t in trials)
    assert not any(math.isnan(t.score) for t in trials)
