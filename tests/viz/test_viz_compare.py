"""Learning curves of groups of runs."""

import math
from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from PIL import Image

from tinydet.errors import InputError
from tinydet.viz.compare import COLOURS, PANELS, draw_comparison
from tinydet.viz.curves import EVALUATIONS


def classifier(top1: float, epochs: int = 4, every: int = 1) -> list[dict]:
    return [
        {'epoch': epoch, 'loss': 3 / epoch}
        | ({'top1': top1 + epoch, 'val_loss': 2 / epoch} if epoch % every == 0 else {})
        for epoch in range(1, epochs + 1)
    ]


GROUPS = {
    'TinyNet-D': [classifier(70), classifier(73), classifier(71)],
    'EfficientNet-B^-3': [classifier(65), classifier(66)],
}


@pytest.fixture
def draw(figures, tmp_path):
    """Draw, and return the figure."""

    def draw(groups: dict, panels=PANELS['top1']) -> Figure:
        draw_comparison(groups, panels, tmp_path / 'plot.png')
        return figures[-1]

    return draw


def lines(axes, colour: str, dashes: str = '-') -> list:
    """The lines of a colour, the strongest last."""
    found = [
        line
        for line in axes.lines
        if (to_hex(line.get_color()), line.get_linestyle()) == (colour.lower(), dashes)
    ]
    return sorted(found, key=lambda line: line.get_linewidth())


def test_runs_mean_and_range(draw):
    accuracy = draw(GROUPS).axes[0]
    *runs, mean = lines(accuracy, COLOURS[0])
    epochs = np.arange(1, 5)
    assert [list(line.get_ydata()) for line in runs] == [
        list(top1 + epochs) for top1 in (70, 73, 71)
    ]
    assert list(mean.get_xdata()) == list(epochs)
    assert mean.get_ydata() == pytest.approx((70 + 73 + 71) / 3 + epochs)
    assert mean.get_linewidth() > 2 * runs[0].get_linewidth()
    corners = accuracy.collections[0].get_paths()[0].vertices
    assert {tuple(corner) for corner in corners} == {
        (epoch, top1 + epoch) for epoch in epochs for top1 in (70, 73)
    }
    assert len(lines(accuracy, COLOURS[1])) == 3


def test_losses_of_validation_solid_and_of_training_dashed(draw):
    losses = draw(GROUPS).axes[1]
    assert losses.get_ylabel() == 'validation loss (solid)\ntraining loss (dashed)'
    for colour in COLOURS[:2]:
        (training,) = lines(losses, colour, '--')
        assert training.get_ydata() == pytest.approx([3, 1.5, 1, 0.75])
        assert lines(losses, colour)[-1].get_ydata() == pytest.approx(
            [2, 1, 2 / 3, 0.5]
        )


def test_one_run_is_its_own_mean(draw):
    figure = draw({'net': [classifier(70)]})
    (line,) = lines(figure.axes[0], COLOURS[0])
    assert line.get_linewidth() > 1
    assert not figure.axes[0].collections
    assert [text.get_text() for text in figure.legends[0].texts] == ['net (1 run)']


def test_epochs_without_evaluation_and_undefined_values_are_left_out(draw):
    rows = classifier(70, epochs=8, every=2)
    rows[3]['val_loss'] = math.nan
    figure = draw({'net': [rows]})
    (line,) = lines(figure.axes[0], COLOURS[0])
    assert list(line.get_xdata()) == [2, 4, 6, 8]
    (line,) = lines(figure.axes[1], COLOURS[0])
    assert np.isnan(line.get_ydata()).tolist() == [False, True, False, False]
    assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim()


def test_one_epoch_is_a_marker(draw, tmp_path):
    draw({'net': [classifier(70, epochs=1)]}, [['top1']])
    with Image.open(tmp_path / 'plot.png') as picture:
        pixels = np.asarray(picture.convert('RGB')).astype(int)
    blue = np.abs(pixels - [0x00, 0x72, 0xB2]).max(axis=2) < 8
    assert blue[150:].any()


def test_ap_starts_at_zero(draw):
    rows = [{'epoch': 1, 'bbox_mAP': 0.4}, {'epoch': 2, 'bbox_mAP': 0.5}]
    (axes,) = draw({'net': [rows]}, [['bbox_mAP']]).axes
    low, high = axes.get_ylim()
    assert low == 0
    assert 0.5 < high < 0.6
    assert axes.get_ylabel() == 'AP'


def test_there_are_panels_for_every_task():
    assert PANELS.keys() == EVALUATIONS.keys()


NAMES = {
    'short': ['TinyNet-D', 'EfficientNet-B^-3'],
    'long': [
        'SSDLite-TinyNet-D, from scratch, in $',
        'SSDLite-TinyNet-D, pretrained on ImageNet-100 for 90 epochs',
        'SSDLite-EfficientNet-B^-3',
    ],
    'many': [f'TinyNet_{letter}' for letter in 'abcdefg'],
}


@pytest.mark.parametrize('panels', [1, 2, 3])
@pytest.mark.parametrize('names', NAMES.values(), ids=NAMES)
def test_nothing_is_clipped_or_covered(draw, tmp_path, names, panels):
    groups = {
        name: [classifier(70 + 2 * number), classifier(71 + 2 * number)]
        for number, name in enumerate(names)
    }
    figure = draw(groups, [['val_loss', 'loss'], ['top1'], ['top1']][:panels])
    with Image.open(tmp_path / 'plot.png') as picture:
        assert picture.width == 1200
    (legend,) = figure.legends
    assert len(legend.texts) == len(names)
    shown = [axes for axes in figure.axes if axes.axison]
    assert len(shown) == panels
    boxes = [part.get_tightbbox() for part in (legend, *shown)]
    for box in boxes:
        assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1
    for one, other in combinations(boxes, 2):
        assert not one.overlaps(other)
    assert all(axes.get_window_extent().height > 250 for axes in shown)
    assert all(float(tick).is_integer() for tick in shown[0].get_xticks())


def test_a_power_in_a_name(draw):
    names = [text.get_text() for text in draw(GROUPS).legends[0].texts]
    assert names == [
        'TinyNet-D (mean and range of 3 runs)',
        'EfficientNet-B$^{-3}$ (mean and range of 2 runs)',
    ]


def test_more_groups_than_colours(draw):
    groups = {str(number): [classifier(number)] for number in range(len(COLOURS) + 1)}
    with pytest.raises(InputError, match='^8 groups .* at most 7$'):
        draw(groups)
