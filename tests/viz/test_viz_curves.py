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

OF_A_CLASSIFIER = [
    {'epoch': 1, 'loss': 2.2, 'lr': 0.1},
    {'epoch': 2, 'loss': 1.9, 'top1': 31.0, 'top5': 80.5, 'val_loss': 2.0},
    {'epoch': 3, 'loss': 1.7, 'top1': None, 'top5': None, 'val_loss': None},
    {'epoch': 4, 'loss': 1.6, 'top1': 45.678, 'top5': 91.0, 'val_loss': 1.5},
    {'epoch': 5, 'loss': 1.5, 'top1': 44.0, 'top5': 92.0, 'val_loss': float('nan')},
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


def test_lines_of_a_classifier(figures):
    draw_curves(OF_A_CLASSIFIER, 'curves.png', 'top1')
    losses, evaluation = figures[0].axes
    assert points(losses) == {
        'loss': [(1, 2.2), (2, 1.9), (3, 1.7), (4, 1.6), (5, 1.5)],
        'validation loss': [(2, 2.0), (4, 1.5)],
    }
    assert points(evaluation) == {
        'top-1': [(2, 31.0), (4, 45.678), (5, 44.0)],
        'top-5': [(2, 80.5), (4, 91.0), (5, 92.0)],
        'best top-1 45.68, epoch 4': [(4, 45.678)],
    }
    assert evaluation.get_ylim()[1] > 100
    assert '%' in evaluation.get_ylabel()


def test_lines_of_a_classifier_of_few_classes(figures):
    rows = [{n: v for n, v in row.items() if n != 'top5'} for row in OF_A_CLASSIFIER]
    draw_curves(rows, 'curves.png', 'top1')
    assert set(points(figures[0].axes[1])) == {'top-1', 'best top-1 45.68, epoch 4'}


@pytest.mark.parametrize(
    ('rows', 'best'), [(ROWS, 'bbox_mAP'), (OF_A_CLASSIFIER, 'top1')]
)
def test_axes_are_labelled(figures, rows, best):
    draw_curves(rows, 'curves.png', best)
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
