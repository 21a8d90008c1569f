"""How compared models are told apart."""

import pytest
from matplotlib.figure import Figure

from tinydet.viz.models import MOST_MODELS, add_legend, legend_height, styles


def test_no_two_models_look_alike():
    looks = styles([f'net{n}' for n in range(MOST_MODELS)])
    assert len({look['color'] for look in looks.values()}) == MOST_MODELS
    assert len({look['marker'] for look in looks.values()}) == MOST_MODELS


@pytest.mark.parametrize('width', [5, 10])
@pytest.mark.parametrize('number', [1, MOST_MODELS])
@pytest.mark.parametrize('length', [3, 40])
def test_the_legend_fits(width, number, length):
    names = [f'{n}' + 'n' * (length - 1) for n in range(number)]
    height = legend_height(names, width)
    figure = Figure((width, 2 + height), layout='constrained')
    axes = figure.subplots()
    add_legend(figure, names)
    figure.draw_without_rendering()
    box = figure.legends[0].get_window_extent()
    assert box.x0 >= 0 and box.x1 <= figure.bbox.x1
    assert axes.get_window_extent().y1 <= box.y0
    assert box.height / figure.dpi <= height + 0.15
