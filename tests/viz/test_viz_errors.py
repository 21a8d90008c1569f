"""What errors cost."""

from itertools import pairwise

import pytest
from matplotlib.colors import to_hex

from tinydet.viz.errors import draw_errors
from tinydet.viz.models import styles


@pytest.mark.parametrize('number', [1, 6])
def test_a_bar_for_each_error_of_each_model(tmp_path, figures, number):
    models = {
        f'net{n}': {'missed': 0.1 * n, 'both': 0.05, 'background': 0.0}
        for n in range(number)
    }
    draw_errors(models, tmp_path / 'errors.png')
    (axes,) = figures[0].axes
    assert [text.get_text() for text in axes.get_xticklabels()] == list(models['net0'])
    looks = styles(models)
    for (name, errors), bars in zip(models.items(), axes.containers, strict=True):
        assert [bar.get_height() for bar in bars] == list(errors.values())
        assert {to_hex(bar.get_facecolor()) for bar in bars} == {
            looks[name]['color'].lower()
        }
        # beside each other, around the tick of their error
        for place, bar in enumerate(bars):
            assert abs(bar.get_x() + bar.get_width() / 2 - place) < 0.5
    edges = sorted(
        (bar.get_x(), bar.get_x() + bar.get_width())
        for bars in axes.containers
        for bar in bars
    )
    assert all(one[1] <= other[0] for one, other in pairwise(edges))
    legend = [text.get_text() for text in figures[0].legends[0].get_texts()]
    assert legend == list(models)
