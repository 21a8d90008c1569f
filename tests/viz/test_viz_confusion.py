"""Which classes are taken for which."""

import numpy as np
from PIL import Image

from tinydet.viz.confusion import MOST_CLASSES, draw_confusion


def cells(axes) -> dict[tuple[int, int], str]:
    """What is written, by row and column."""
    return {
        (int(text.get_position()[1]), int(text.get_position()[0])): text.get_text()
        for text in axes.texts
    }


def labels(axes) -> tuple[list[str], list[str]]:
    return tuple(
        [text.get_text() for text in ticks]
        for ticks in (axes.get_yticklabels(), axes.get_xticklabels())
    )


def test_percent_of_each_row(tmp_path, figures):
    matrix = np.array([[6, 2, 2], [1, 399, 0], [3, 0, 0]])
    draw_confusion(matrix, ['ant', 'bee'], 'net', tmp_path / 'matrix.png')
    (axes,) = figures[0].axes
    rows, columns = labels(axes)
    assert rows == ['ant (10)', 'bee (400)', 'nothing there (3)']
    assert columns == ['ant', 'bee', 'missed']
    # a share below half a percent is not written
    assert cells(axes) == {
        (0, 0): '60',
        (0, 1): '20',
        (0, 2): '20',
        (1, 1): '100',
        (2, 0): '100',
    }
    assert axes.images[0].get_array()[0].tolist() == [0.6, 0.2, 0.2]


def test_the_most_confused_of_many_classes(tmp_path, figures):
    number = 80
    matrix = np.diag(np.full(number + 1, 50))
    matrix[-1, -1] = 0
    for row in range(MOST_CLASSES // 2):  # each with its neighbour
        matrix[3 * row + 20, 3 * row + 21] = 10
    matrix[20, 5] = 2  # of a class that is not drawn
    matrix[20, -1] = matrix[-1, 6] = 38
    path = tmp_path / 'matrix.png'
    draw_confusion(matrix, [f'class{n}' for n in range(number)], 'net', path)
    (axes,) = figures[0].axes
    rows, columns = labels(axes)
    pairs = [20 + 3 * row + k for row in range(MOST_CLASSES // 2) for k in (0, 1)]
    assert columns == [*(f'class{n}' for n in pairs), 'others', 'missed']
    assert rows[0] == 'class20 (100)' and rows[-1] == 'nothing there (38)'
    written = cells(axes)
    first = [written.get((0, column), '') for column in range(len(columns))]
    assert first == ['50', '10', *[''] * (MOST_CLASSES - 2), '2', '38']
    assert written[len(pairs), len(pairs)] == '100'
    assert '20 most confused of 80 classes' in figures[0].get_suptitle()
    with Image.open(path) as image:
        assert max(image.size) < 2000


def test_a_class_without_objects(tmp_path, figures):
    matrix = np.array([[0, 0], [0, 0]])
    draw_confusion(matrix, ['ant'], 'net', tmp_path / 'matrix.png')
    assert not cells(figures[0].axes[0])
    assert np.isfinite(figures[0].axes[0].images[0].get_array()).all()
