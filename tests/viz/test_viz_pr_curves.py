"""Precision over recall."""

import numpy as np
import pytest

from tinydet.viz.pr_curves import MOST_CLASSES, Precision, draw_pr_curves

# of two classes with objects and one without, at recalls 0, 0.5 and 1
IOU_50 = np.array([[1, 0.8, np.nan], [0.6, 0, np.nan], [0, 0, np.nan]])


def shown(axes) -> list[str]:
    return [panel.get_title() for panel in axes if panel.axison]


def test_curves_of_the_mean_and_of_classes(tmp_path, figures):
    models = {
        'one': Precision(IOU_50, IOU_50 / 2),
        'other': Precision(np.ones_like(IOU_50), IOU_50),
    }
    draw_pr_curves(models, ['ant', 'bee', 'cat'], tmp_path / 'curves.png')
    axes = figures[0].axes
    assert shown(axes) == [
        *('all classes, IoU 0.5', 'all classes, IoU 0.75'),
        *('ant, IoU 0.5', 'bee, IoU 0.5'),
    ]
    one, other = axes[0].lines
    assert one.get_xydata() == pytest.approx(np.array([(0, 0.9), (0.5, 0.3), (1, 0)]))
    assert other.get_ydata().tolist() == [1, 1, 1]
    assert axes[1].lines[0].get_ydata() == pytest.approx([0.45, 0.15, 0])
    # it goes down once, and not along the axis
    assert axes[3].lines[0].get_xydata().tolist() == [[0, 0.8], [0.5, 0]]
    legend = [text.get_text() for text in figures[0].legends[0].get_texts()]
    assert legend == ['one', 'other']


@pytest.mark.parametrize('classes, panels', [(1, 2), (2, 4), (MOST_CLASSES + 1, 2)])
def test_panels_of_few_and_of_many_classes(tmp_path, figures, classes, panels):
    curve = np.ones((101, classes))
    names = [f'class {number}' for number in range(classes)]
    draw_pr_curves({'one': Precision(curve, curve)}, names, tmp_path / 'curves.png')
    assert len(shown(figures[0].axes)) == panels
