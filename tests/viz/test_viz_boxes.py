import numpy as np
import pytest

from tinydet.viz.boxes import class_colour, draw_detections

CLASSES = ('ring', 'star', 'a class with a rather long name')


def draw(boxes, labels, scores=None, size=(200, 200), classes=CLASSES, **settings):
    """Pixels of a grey image of (width, height) with boxes."""
    image = np.full((size[1], size[0], 3), 90, np.uint8)
    scores = np.full(len(labels), 0.5) if scores is None else np.array(scores)
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    labels = np.array(labels, int)
    picture = draw_detections(image, boxes, scores, labels, classes, **settings)
    assert (image == 90).all()
    assert picture.size == size
    return np.asarray(picture)


def has_colour(pixels, label):
    return (pixels == class_colour(label)).all(axis=-1)


def line_and_label(width, height, scale=1):
    """Pixels that a left edge is wide and a label is high on a picture of a size."""
    top = round(height * 0.3)
    box = [width * 0.2, top, width * 0.8, height * 0.7]
    coloured = has_colour(draw([box], [0], size=(width, height), scale=scale), 0)
    edge = coloured[height // 2, : width // 2]
    # Left of the text
    column = np.flatnonzero(edge)[0]
    return edge.sum(), coloured[:top, column].sum()


def test_first_and_last_pixels_of_a_box_are_its_outline():
    pixels = draw([[40, 60, 140, 160], [20.4, 20.4, 80, 50]], [1, 0])
    outline = has_colour(pixels, 1)
    assert outline[110, 40] and outline[110, 139] and outline[159, 90]
    assert not outline[110, [39, 41, 138, 140]].any() and not outline[160, 90]
    assert has_colour(pixels, 0)[30, 20]
    assert tuple(pixels[110, 90]) == (90, 90, 90)


def test_no_boxes_leave_the_image_as_it_is():
    assert (draw([], [], size=(31, 17)) == 90).all()


def test_lines_and_letters_grow_with_the_picture():
    sizes = [line_and_label(side, side) for side in (400, 1200, 2400)]
    lines, labels = zip(*sizes, strict=True)
    assert lines == (1, 4, 7)
    # From a least size on, in proportion to the side
    assert labels[0] >= 11
    assert labels[2] / labels[1] == pytest.approx(2, rel=0.1)


def test_lines_and_letters_can_be_larger():
    assert line_and_label(800, 800, scale=1.5) == line_and_label(1200, 1200)


def test_a_strip_has_the_letters_of_a_square_of_its_area():
    assert line_and_label(3600, 400) == line_and_label(1200, 1200)


def test_lines_of_a_small_box_leave_its_middle_free():
    pixels = draw([[500, 500, 508, 508]], [0], size=(3000, 3000))
    assert has_colour(pixels, 0)[500, 500:508].all()
    assert (pixels[502:506, 502:506] == 90).all()


def test_picture_smaller_than_a_label_has_boxes_only():
    pixels = draw([[4, 4, 20, 16]], [1], size=(24, 20))
    assert has_colour(pixels, 1).sum() == 2 * 16 + 2 * 10
    assert pixels.min() >= min(90, *class_colour(1))


def test_name_and_score_are_written():
    """Letters need no check of their own: other texts make other pixels."""
    box = [[40, 60, 140, 160]]
    pictures = [
        draw(box, [1], [0.51]),
        draw(box, [1], [0.52]),
        draw(box, [1], [0.51], classes=('ring', 'moon', '')),
    ]
    differs = [(pictures[0] != other).any(axis=-1) for other in pictures[1:]]
    for other in differs:
        rows, _ = np.nonzero(other)
        assert 40 < rows.min() <= rows.max() < 60
    assert (draw(box, [1], [0.512]) == pictures[0]).all()


@pytest.mark.parametrize('scores', [[0.9, 0.2], [0.2, 0.9]])
def test_better_prediction_lies_on_top(scores):
    pixels = draw([[50, 60, 120, 160]] * 2, [0, 1], scores)
    assert has_colour(pixels, int(np.argmax(scores)))[110, 50]
    assert not has_colour(pixels, int(np.argmin(scores)))[110].any()


@pytest.mark.parametrize(
    'box',
    [
        [0, 0, 200, 200],
        [190, 0, 200, 10],
        [190, 190, 200, 200],
        [0, 195, 5, 200],
        [0, 6, 200, 195],
        [-30, -30, 400, 400],
        [150, 20, 150, 20],
    ],
)
def test_whole_label_is_in_the_picture(box):
    pixels = draw([box], [2])
    plain = draw([[20, 100, 22, 102]], [2])
    # The text and its ground are the same wherever they are, but for what a line hides.
    dark = (pixels < 30).all(axis=-1).sum()
    assert dark == (plain < 30).all(axis=-1).sum() > 100
    assert has_colour(pixels, 2).sum() > 0.9 * has_colour(plain, 2).sum()


def test_labels_lie_over_the_lines_of_all_boxes():
    alone = draw([[40, 60, 140, 160]], [1], [0.4])
    crossed = draw([[40, 60, 140, 160], [45, 20, 47, 150]], [1, 0], [0.4, 0.9])
    # The second box goes through the first label, and its own is above that.
    assert (crossed[49:60, 45:60] == alone[49:60, 45:60]).all()
