"""AP of every class."""

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from tinydet.viz.models import MOST_MODELS
from tinydet.viz.per_class import MOST_CLASSES, draw_per_class


def names(axes) -> list[str]:
    """From above."""
    return [text.get_text() for text in axes.get_yticklabels()]


def test_classes_from_the_best_to_the_worst(tmp_path, figures):
    models = {'one': [0.1, np.nan, 0.5, 0.3], 'other': [0.4, np.nan, 0.45, 0.0]}
    draw_per_class(models, ['ant', 'bee', 'cat', 'dog'], tmp_path / 'ap.png')
    (axes,) = figures[0].axes
    assert names(axes) == ['cat', 'ant', 'dog']
    one, other = axes.lines
    assert one.get_xdata().tolist() == [0.5, 0.1, 0.3]
    assert other.get_xdata().tolist() == [0.45, 0.4, 0.0]
    assert (one.get_ydata() < other.get_ydata()).all()  # y goes down
    assert np.abs(one.get_ydata() - range(3)).max() < 0.5
    assert axes.yaxis_inverted()


@pytest.mark.parametrize('classes, number', [(1, 1), (80, MOST_MODELS), (300, 1)])
def test_many_classes(tmp_path, figures, classes, number):
    all_names = [f'class {n}' for n in range(classes)]
    values = np.linspace(0.9, 0, classes)
    path = tmp_path / 'ap.png'
    draw_per_class({f'net{n}': values for n in range(number)}, all_names, path)
    drawn = [name for axes in figures[0].axes for name in names(axes)]
    assert drawn == all_names[-MOST_CLASSES:]
    note = figures[0].get_supxlabel()
    assert note == (
        'AP: the 80 of 300 classes with the lowest means' if classes == 300 else 'AP'
    )
    for axes in figures[0].axes:
        texts = [text.get_window_extent() for text in axes.get_yticklabels()]
        assert all(below.y1 <= above.y0 + 1 for above, below in pairwise(texts))
    with Image.open(path) as image:
        assert max(image.size) <= 1500


@pytest.mark.parametrize('best, most', [(0.0, 0.1), (0.002, 0.1), (0.5, 0.53)])
def test_low_values_do_not_fill_the_axis(tmp_path, figures, best, most):
    draw_per_class({'net': [best, 0.0]}, ['ant', 'bee'], tmp_path / 'ap.png')
    assert figures[0].axes[0].get_xlim() == pytest.approx((0, most))
