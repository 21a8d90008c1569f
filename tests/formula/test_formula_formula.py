import json
import math

import numpy as np
import pytest

from tinydet.arch import TINYNETS
from tinydet.errors import InputError
from tinydet.formula.formula import (
    PUBLISHED,
    Formula,
    Point,
    read_formula,
    write_formula,
)
from tinydet.formula.process import fit_process

SHARES = dict(zip('abcde', (0.9, 0.5, 0.25, 0.13, 0.06), strict=True))
POINTS = (Point(0.1, 0.5, 0.6), Point(0.4, 0.8, 0.9), Point(0.8, 0.9, 1.2))


@pytest.fixture(scope='module')
def published() -> Formula:
    return read_formula()


@pytest.mark.parametrize('variant', SHARES)
def test_the_published_points_are_those_of_the_networks(published, variant):
    (point,) = [point for point in published.points if point.c == SHARES[variant]]
    net = TINYNETS[variant]
    assert point.r * 224 == pytest.approx(net.input, abs=1e-3)
    assert point.d == net.d
    assert published.baseline == 'efficientnet_b0'
    assert 'TinyNet' in published.source


@pytest.mark.parametrize('variant', SHARES)
def test_it_predicts_the_networks_that_it_was_made_of(published, variant):
    said = published.predict(SHARES[variant])
    assert said.c == SHARES[variant]
    assert said.r * 224 == pytest.approx(TINYNETS[variant].input, abs=1)
    assert said.d == pytest.approx(TINYNETS[variant].d, abs=0.03)
    assert 0 < said.r_std < 0.02
    assert 0 < said.d_std < 0.1
    assert not said.extrapolated


def test_resolution_and_depth_are_processes_of_their_own(published):
    c = [point.c for point in published.points]
    said = published.predict(0.37)
    for name in ('r', 'd'):
        values = [getattr(point, name) for point in published.points]
        (mean,), (std,) = fit_process(c, values).predict([0.37])
        assert getattr(said, name) == mean
        assert getattr(said, f'{name}_std') == std


@pytest.mark.parametrize(
    ('c', 'extrapolated'),
    [(0.0599, True), (0.06, False), (0.3, False), (0.9, False), (0.91, True)],
)
def test_extrapolation_is_flagged(published, c, extrapolated):
    assert published.range == (0.06, 0.9)
    assert published.predict(c).extrapolated is extrapolated


def test_far_from_the_points_it_is_less_sure(published):
    near, far = published.predict(0.06), published.predict(0.001)
    assert far.r_std > 5 * near.r_std
    assert far.d_std > 2 * near.d_std


@pytest.mark.parametrize('c', [-0.5, 0, 1, 1.5, math.nan, math.inf])
def test_a_share_outside_is_refused(published, c):
    with pytest.raises(InputError, match=f'c={c:g} .* between 0 and 1'):
        published.predict(c)


def test_a_formula_is_read_as_it_was_written(tmp_path):
    path = tmp_path / 'mine.json'
    formula = Formula(POINTS, 'ghostnet_a', 'the best 3 of 15 networks of größe.csv')
    write_formula(formula, path, {'spearman': {'r': 0.8}})
    assert json.loads(path.read_text())['spearman'] == {'r': 0.8}
    read = read_formula(path)
    assert read == formula
    assert read.predict(0.3) == formula.predict(0.3)


def test_the_order_of_the_points_is_nothing():
    formula = Formula(POINTS, 'resnet50', '')
    shuffled = Formula(POINTS[::-1], 'resnet50', '')
    for c in np.linspace(0.1, 0.8, 5):
        assert shuffled.predict(c).r == pytest.approx(formula.predict(c).r, abs=1e-4)


def points(*changes: dict) -> dict:
    """What a formula file holds, with changes to its first points."""
    data = json.loads(PUBLISHED.read_text())
    for point, change in zip(data['points'], changes, strict=False):
        point.update(change)
    return data


def without(name: str) -> dict:
    return {key: value for key, value in points().items() if key != name}


@pytest.mark.parametrize(
    ('data', 'problem'),
    [
        ([1, 2], 'TypeError'),
        ({}, "KeyError: 'points'"),
        (without('baseline'), "KeyError: 'baseline'"),
        (without('source'), "KeyError: 'source'"),
        ({**points(), 'points': None}, 'TypeError'),
        ({**points(), 'points': []}, '0 shares c: it takes two'),
        ({**points(), 'points': points()['points'][:1]}, '1 shares c: it takes two'),
        (points({'c': -0.1}), 'c=-0.1 is no number in \\(0, 1.1\\]'),
        (points({}, {'r': 0}), 'r=0 is no number in \\(0, 8\\]'),
        (points({'d': math.nan}), 'd=nan is no number in \\(0, 8\\]'),
        (points({'d': math.inf}), 'd=inf is no number in \\(0, 8\\]'),
        (points({'c': 15}), 'c=15 is no number in \\(0, 1.1\\]'),
        (points({'c': True}), 'c=True is no number'),
        ({**points(), 'baseline': 'tinynet_d'}, "no baseline 'tinynet_d'"),
        (points({'d': '1.2'}), "d='1.2' is no number in \\(0, 8\\]"),
        (points({'w': 1}), "TypeError: .*'w'"),
    ],
)
def test_a_file_that_holds_no_formula(tmp_path, data, problem):
    path = tmp_path / 'bad.json'
    path.write_text(json.dumps(data))
    with pytest.raises(InputError) as error:
        read_formula(path)
    assert error.match(rf'bad\.json holds no formula: .*{problem}.*fit_formula\.py')
    assert '\n' not in str(error.value)


def test_a_file_that_cannot_be_read(tmp_path):
    (tmp_path / 'text.json').write_text('{"points": [')
    (tmp_path / 'binary.json').write_bytes(b'\x80\x81\xff')
    for name in ('no.json', 'text.json', 'binary.json', '.'):
        with pytest.raises(InputError, match=r'formula .* cannot be read: .*: give'):
            read_formula(tmp_path / name)
