import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from tinydet.viz.curves import draw_curves

ROWS = [
    {'epoch': 1, 'loss': 3.0, 'loss_cls': 2.0, 'lr': 0.1},
    {'epoch': 2, 'loss': 2.0, 'loss_cls': 1.5, 'bbox_mAP': 0.4, 'bbox_mAP_50': 0.7},
    {'epoch': 3, 'loss': float('nan'), 'loss_cls': 1.0, 'bbox_mAP': None},
    {
        'epoch': 4,
        'loss': 1.0,
        'loss_cls': 0.5,
        'bbox_mAP': 0.3,
        'bbox_mAP_50': 0.6,
        'bbox_mAP_s': -1.0,
        'bbox_mAP_l': 0.5,
    },
]


@pytest.fixture
def figures(monkeypatch) -> list[Figure]:
    """The figures saved in a test."""
    saved = []
    monkeypatch.setattr(Figure, 'savefig', lambda self, path: saved.append(self))
    return saved


def points(axes) -> dict[str, list[tuple[float, float]]]:
    return {
        line.get_label(): list(zip(line.get_xdata(), line.get_ydata(), strict=True))
        for line in axes.lines
    }


def test_lines_hold_the_defined_values(figures):
    draw_curves(ROWS, 'curves.png')
    losses, evaluation = figures[0].axes
    assert points(losses) == {
        'loss': [(1, 3.0), (2, 2.0), (4, 1.0)],
        'loss_cls': [(1, 2.0), (2, 1.5), (3, 1.0), (4, 0.5)],
    }
    assert points(evaluation) == {
        'mAP': [(2, 0.4), (4, 0.3)],
        'AP50': [(2, 0.7), (4, 0.6)],
        'mAP large': [(4, 0.5)],
        'best mAP 0.400, epoch 2': [(2, 0.4)],
    }


def test_axes_are_labelled(figures):
    draw_curves(ROWS, 'curves.png')
    for axes in figures[0].axes:
        assert axes.get_xlabel() == 'epoch'
        assert axes.get_ylabel()
        assert axes.get_title()
        names = {text.get_text() for text in axes.get_legend().get_texts()}
        assert names == set(points(axes))
        assert all(float(tick).is_integer() for tick in axes.get_xticks())


@pytest.mark.parametrize('rows', [ROWS, ROWS[:1], ROWS[1:2], []])
def test_any_number_of_epochs_gives_a_picture(tmp_path, rows):
    path = tmp_path / 'curves.png'
    draw_curves(rows, path)
    with Image.open(path) as picture:
        assert picture.size == (1200, 500)
        pixels = np.asarray(picture.convert('RGB')).astype(int)
    blue = np.abs(pixels - [31, 119, 180]).max(axis=2) < 8
    assert blue[:, :600].any() == ('loss' in (rows or [{}])[0])
    assert blue[:, 600:].any() == any(row.get('bbox_mAP') for row in rows)
