"""Accuracy against cost."""

from itertools import combinations

import numpy as np
from counted_zoo import zoo
from matplotlib.colors import to_hex
from PIL import Image

from tinydet.viz.zoo import Point, digest, draw_zoo, drawn_digest

POINTS = [
    Point('Net', '', 'S', 50_000_000, 60.0),
    Point('Net', '', 'L', 200_000_000, 70.0),
    Point('Net', 'RA', '', 200_000_000, 71.5),
    Point('Other', '', '1.0×', 200_000_000, 70.2),
]


def test_lines_markers_and_legend(tmp_path, figures):
    draw_zoo(POINTS, tmp_path / 'zoo.png')
    (axes,) = figures[0].axes
    net, with_ra, other = axes.lines
    assert net.get_xydata().tolist() == [[50, 60], [200, 70]]
    assert with_ra.get_xydata().tolist() == [[200, 71.5]]
    assert to_hex(net.get_color()) == to_hex(with_ra.get_color())
    assert to_hex(net.get_color()) != to_hex(other.get_color())
    assert with_ra.get_markerfacecolor() == 'white'
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend == ['Net', 'Net + RA', 'Other']
    assert axes.get_xscale() == 'log'


def test_the_file_says_what_it_shows(tmp_path):
    path = tmp_path / 'zoo.png'
    draw_zoo(POINTS, path)
    assert drawn_digest(path) == digest(POINTS)
    assert digest(POINTS) != digest(POINTS[:-1])
    Image.new('RGB', (2, 2)).save(path)
    assert drawn_digest(path) is None


def test_no_label_of_the_zoo_covers_another_or_a_marker(tmp_path, figures):
    path = tmp_path / 'zoo.png'
    draw_zoo(zoo().points, path)
    with Image.open(path) as image:
        assert image.size == (1500, 1020)
        pixels = np.asarray(image.convert('RGB'))
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 100
    (axes,) = figures[0].axes
    labels = [text for text in axes.texts if text.get_text()]
    assert len(labels) > 30
    boxes = [label.get_window_extent() for label in labels]
    for (first, one), (second, other) in combinations(
        zip(labels, boxes, strict=True), 2
    ):
        assert not one.overlaps(other), (first, second)
    frame, legend = axes.get_window_extent(), axes.get_legend().get_window_extent()
    markers = np.concatenate(
        [axes.transData.transform(line.get_xydata()) for line in axes.lines]
    )
    for label, box in zip(labels, boxes, strict=True):
        assert frame.x0 <= box.x0 and box.x1 <= frame.x1, label
        assert frame.y0 <= box.y0 and box.y1 <= frame.y1, label
        assert not box.overlaps(legend), label
        assert not box.count_contains(markers), label
