"""Accuracy against cost."""

from itertools import combinations, pairwise

import pytest
from matplotlib.text import Text
from PIL import Image

from tinydet.viz.models import MOST_MODELS
from tinydet.viz.tradeoff import Cost, draw_tradeoff

MODELS = {
    'first': Cost(0.42, 266_000_000, 1_900_000, (10, 11, 13)),
    'second': Cost(0.40, 2_660_000_000, 2_100_000, (5, 6, 7)),
}


def draw(models, path, figures):
    draw_tradeoff(models, path)
    return figures[-1].axes


def points(axes) -> list[tuple[float, float]]:
    """The markers of a panel."""
    return [
        tuple(line.get_xydata()[0])
        for line in axes.lines
        if line.get_marker() != 'None'
    ]


def test_points_bars_and_axes(tmp_path, figures):
    path = tmp_path / 'tradeoff.png'
    macs, parameters, latency = draw(MODELS, path, figures)
    assert points(macs) == [(266, 0.42), (2660, 0.40)]
    assert points(parameters) == [(1.9, 0.42), (2.1, 0.40)]
    assert points(latency) == [(11, 0.42), (6, 0.40)]
    bars = [
        line.get_xdata().tolist()
        for line in latency.lines
        if len(line.get_xdata()) == 2 and line.get_linewidth() == 2
    ]
    assert bars == [[10, 13], [5, 7]]
    # ten times the MACs need a logarithm, 10% more parameters are drawn as 10% more
    assert [axes.get_xscale() for axes in (macs, parameters)] == ['log', 'linear']
    assert parameters.get_xlim()[0] == 0
    with Image.open(path) as image:
        assert image.size == (1500, 585)


@pytest.mark.parametrize(
    'values, limits',
    [
        ([0.36621, 0.36630], (0.356255, 0.376255)),
        ([0.3], (0.29, 0.31)),
        ([0.0, 0.001], (0, 0.02)),
        ([1.0], (0.98, 1)),
        ([0.1, 0.3], (0.07, 0.33)),
        ([0.0, 0.5], (0, 0.575)),
    ],
)
def test_small_differences_look_small(tmp_path, figures, values, limits):
    models = {
        f'net{n}': Cost(value, 10**8, 10**6, (4, 5, 6))
        for n, value in enumerate(values)
    }
    for axes in draw(models, tmp_path / 'tradeoff.png', figures):
        assert axes.get_ylim() == pytest.approx(limits)


@pytest.mark.parametrize('ratios', [(1.2, 3.9, 4.1), (9.9, 11, 39), (41, 100, 900)])
@pytest.mark.parametrize('start', [5, 100, 300])
def test_ticks_stand_apart_beside_long_names(tmp_path, figures, ratios, start):
    models = {}
    for name, shares in (('a', (1, 1, 1)), ('b', ratios)):
        macs, parameters, latency = (start * share for share in shares)
        models[f'ssdlite_tinynet_d_of_the_bccd_512_int8_{name}'] = Cost(
            0.3, int(macs * 1e6), int(parameters * 1e6), (latency,) * 3
        )
    for axes in draw(models, tmp_path / 'tradeoff.png', figures):
        low, high = axes.get_xlim()
        boxes = [
            text.get_window_extent()
            for text in axes.get_xticklabels()
            if low <= text.get_position()[0] <= high
        ]
        assert len(boxes) >= 2
        assert all(one.x1 + 2 < other.x0 for one, other in pairwise(boxes))


@pytest.mark.parametrize('number', [1, MOST_MODELS])
@pytest.mark.parametrize('least', [0.0, 0.4, 0.998])
def test_names_stand_apart_and_in_order(tmp_path, figures, number, least):
    models = {
        f'ssdlite_of_the_model_{n}': Cost(
            least + 0.001 * (n % 3), 10**8 + n, 10**6 + n, (4, 5, 6)
        )
        for n in range(number)
    }
    *_, last = draw(models, tmp_path / 'tradeoff.png', figures)
    figure = last.figure
    # without the lines to their points
    extents = {text: Text.get_window_extent(text) for text in last.texts}
    names = sorted(last.texts, key=lambda text: extents[text].y0)
    assert {text.get_text() for text in names} == set(models)
    heights = [models[text.get_text()].mean_ap for text in names]
    assert heights == sorted(heights)
    boxes = list(extents.values())
    # the boxes of texts have air above and below the letters
    for one, other in combinations([box.padded(-1.5) for box in boxes], 2):
        assert not one.overlaps(other)
    for box in boxes:
        assert box.x0 > last.get_window_extent().x1
        assert box.x1 <= figure.bbox.x1
        assert box.y0 >= 0 and box.y1 <= figure.bbox.y1
