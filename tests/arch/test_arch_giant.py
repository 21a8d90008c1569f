import pytest

from tinydet.arch import (
    EFFICIENTNET_B0,
    EFFICIENTNET_MINUS,
    classifier_cost,
    efficientnet_minus,
    nearest_to_powers,
    scale,
)
from tinydet.errors import InputError

# "Model Rubik's Cube", Table 3: parameters and FLOPs in millions. The known counts of
# B^-1 and B^-2 are finer than the table.
PAPER = {0: (5.3, 387), 1: (3.57, 199.7), 2: (2.98, 97.5), 3: (2.0, 51), 4: (1.3, 24)}
TOLERANCE = {0: 0.01, 1: 0.01, 2: 0.01, 3: 0.03, 4: 0.03}


@pytest.mark.parametrize('phi', PAPER)
def test_cost_is_the_paper_s(phi):
    cost = classifier_cost(efficientnet_minus(phi))
    params, macs = PAPER[phi]
    assert cost.params / 1e6 == pytest.approx(params, rel=TOLERANCE[phi])
    assert cost.macs / 1e6 == pytest.approx(macs, rel=TOLERANCE[phi])


def test_phi_0_is_the_baseline():
    assert efficientnet_minus(0).stages == EFFICIENTNET_B0.stages
    assert efficientnet_minus(0).name == 'efficientnet_b0'


@pytest.mark.parametrize('phi', [3, 4])
def test_the_search_finds_what_the_table_holds(phi):
    params, macs = (1e6 * figure for figure in PAPER[phi])
    assert nearest_to_powers(phi, params, macs) == EFFICIENTNET_MINUS[phi]


@pytest.mark.parametrize(('phi', 'params', 'macs'), [(3, 2.18, 61.4), (4, 1.68, 31.9)])
def test_powers_alone_miss_the_paper_s_cost(phi, params, macs):
    powers = scale(EFFICIENTNET_B0, 0.89**phi, 0.8**phi, EFFICIENTNET_B0.scaling)
    side = int(224 * 0.86**phi) // 8 * 8
    cost = classifier_cost(powers, side)
    assert cost.params / 1e6 == pytest.approx(params, abs=0.01)
    assert cost.macs / 1e6 == pytest.approx(macs, abs=0.1)
    assert cost.macs / 1e6 > 1.2 * PAPER[phi][1]


def test_a_cost_that_nothing_near_has():
    with pytest.raises(InputError, match='phi=3 has 9M parameters and 51M FLOPs'):
        nearest_to_powers(3, 9e6, 51e6)


@pytest.mark.parametrize('phi', [-1, 5, 1.5, '1', None])
def test_unknown_phi_names_the_range(phi):
    with pytest.raises(InputError, match=f'phi={phi!r}: .* from 0 .B0. to 4'):
        efficientnet_minus(phi)
