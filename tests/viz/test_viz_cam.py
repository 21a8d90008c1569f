from contextlib import nullcontext

import numpy as np
import pytest
import torch
from matplotlib import colormaps
from matplotlib.figure import Figure
from PIL import Image

import tinydet.viz.cam
from tinydet.viz.cam import (
    COLOURS,
    DPI,
    GAP,
    MOST_ROWS,
    OPACITY,
    PANEL,
    SHOWN,
    TITLE,
    CamRow,
    Overlay,
    draw_cams,
    strength,
)

GREY = np.full((SHOWN, SHOWN, 3), 100, np.uint8)


def row(*evidence, name: str = 'street.jpg', prediction: str = 'bus') -> CamRow:
    overlays = [
        Overlay(f'net{number}', prediction, 0.25, np.array(item, float))
        for number, item in enumerate(evidence)
    ]
    return CamRow(name, GREY, overlays)


def test_strength_is_the_positive_part_on_the_grid_of_the_image():
    evidence = np.random.default_rng(0).normal(size=(4, 4))
    found = strength(evidence, 106)
    positive = torch.from_numpy(evidence).clamp(min=0)
    expected = torch.nn.functional.interpolate(
        (positive / positive.max())[None, None], size=106, mode='bilinear'
    )
    np.testing.assert_allclose(found, expected[0, 0].numpy(), atol=1e-5)
    assert 0.9 < found.max() <= 1 and found.min() >= 0


def test_nothing_for_the_class():
    assert not strength(-np.ones((3, 3)), 20).any()


def panels(figure: Figure) -> list:
    return [axes for axes in figure.axes if axes.images]


@pytest.fixture
def figures(monkeypatch) -> list[Figure]:
    """The figures saved in a test, as files too."""
    saved, save = [], Figure.savefig

    def savefig(figure, path):
        saved.append(figure)
        save(figure, path)

    monkeypatch.setattr(Figure, 'savefig', savefig)
    return saved


def test_names_and_predictions(figures, tmp_path):
    long = 'a_very_long_name_of_an_image_file_with_a_number_0042.png'
    rows = [
        row([[1]], [[1]]),
        row([[1]], [[1]], name=long, prediction='cost of $x and $y'),
    ]
    draw_cams(rows, tmp_path / 'cam.png')
    titles = [axes.get_title().split('\n') for axes in panels(figures[0])]
    assert titles[:3] == [['street.jpg', ' '], ['net0', 'bus 25%'], ['net1', 'bus 25%']]
    assert titles[3][0].startswith('a_very') and titles[3][0].endswith('0042.png')
    assert titles[4] == ['net0', 'cost of $x and $y 25%']
    # no title runs into the panel beside it
    for axes in panels(figures[0]):
        assert axes.title.get_window_extent().width < PANEL * DPI


@pytest.mark.parametrize('nets', [1, 2])
def test_nothing_is_drawn_outside_the_picture(figures, tmp_path, nets):
    path = tmp_path / 'cam.png'
    draw_cams([row(*[[[1]]] * nets)], path)
    (figure,) = figures
    size = Image.open(path).size
    (bar,) = (axes for axes in figure.axes if not axes.images)
    titles = [axes.title for axes in panels(figure)]
    for text in (*titles, *bar.get_xticklabels()):
        box = text.get_window_extent()
        assert text.get_text() and box.width > 20
        assert box.x0 >= 0 and box.x1 <= size[0]
        assert box.y0 >= 0 and box.y1 <= size[1]


def test_the_map_lies_over_the_image(tmp_path):
    path = tmp_path / 'cam.png'
    draw_cams([row([[1, -1], [-1, -1]], [[0, 0], [0, 2]])], path)
    assert [item.name for item in tmp_path.iterdir()] == ['cam.png']
    pixels = np.asarray(Image.open(path).convert('RGB')).astype(float)
    cold, hot = (
        100 * (1 - OPACITY) + 255 * OPACITY * np.array(colormaps[COLOURS](end)[:3])
        for end in (0.0, 1.0)
    )
    top, left, step = (round(d * DPI) for d in (TITLE, GAP, PANEL + GAP))
    # between the middles of the maps' cells and the corners
    near, far = 40, SHOWN - 40
    for y, x in ((near, near), (near, far), (far, near), (far, far)):
        first = hot if (y, x) == (near, near) else cold
        second = hot if (y, x) == (far, far) else cold
        for panel, colour in enumerate((np.full(3, 100), first, second)):
            found = pixels[top + y, left + panel * step + x]
            np.testing.assert_allclose(found, colour, atol=2)


def test_matplotlib_draws_as_many_images_as_are_allowed(monkeypatch, tmp_path):
    sizes = []
    monkeypatch.setattr(
        Figure, 'savefig', lambda figure, path: sizes.append(figure.bbox.size)
    )
    monkeypatch.setattr(tinydet.viz.cam, 'replacing', nullcontext)
    draw_cams([row()] * MOST_ROWS, tmp_path / 'cam.png')
    assert sizes[0].max() < 2**16
