import numpy as np
import pytest

from tinydet.viz.boxes import class_colour
from tinydet.viz.mosaic import TRUE_COLOUR, Tile, draw_mosaic

CLASSES = ('ring', 'star', 'a class with a rather long name')


def grey_tile(boxes, labels, side=200, **predictions):
    image = np.full((side, side, 3), 90, np.uint8)
    return Tile(image, np.array(boxes, float), np.array(labels), **predictions)


def has_colour(pixels, colour):
    return (pixels == colour).all(axis=-1)


def test_true_boxes_without_predictions_have_their_class_colour():
    tile = grey_tile([[40, 60, 140, 160], [20, 20, 80, 50]], [1, 0])
    pixels = np.asarray(draw_mosaic([tile], CLASSES, tile=200))
    # A box's first and last pixels are its outline; those beside them are not.
    for row, column in ((110, 40), (110, 139), (159, 90)):
        assert tuple(pixels[row, column]) == class_colour(1)
    for row, column in ((110, 39), (110, 140), (160, 90), (110, 90)):
        assert tuple(pixels[row, column]) == (90, 90, 90)
    assert tuple(pixels[30, 20]) == class_colour(0)


def test_boxes_follow_the_scale_of_the_tile():
    tile = grey_tile([[40, 60, 140, 160]], [1])
    pixels = np.asarray(draw_mosaic([tile], CLASSES, tile=400))
    outline = has_colour(pixels[:400, :400], class_colour(1))
    assert outline[200, [80, 279]].all()
    assert outline[319, 180]
    assert not outline[200, [78, 281]].any()


def test_predictions_stand_out_from_true_boxes():
    tile = grey_tile(
        [[40, 60, 140, 160]],
        [1],
        pred_boxes=np.array([[44, 66, 150, 170]]),
        pred_labels=np.array([0]),
        pred_scores=np.array([0.87]),
    )
    pixels = np.asarray(draw_mosaic([tile], CLASSES, tile=200))
    assert tuple(pixels[110, 40]) == TRUE_COLOUR
    assert tuple(pixels[110, 41]) == (90, 90, 90)
    assert tuple(pixels[110, 149]) == class_colour(0)
    assert not has_colour(pixels[:200], class_colour(1)).any()


def test_no_class_looks_like_a_true_box_or_its_neighbour():
    colours = np.array([class_colour(label) for label in range(80)])
    assert np.abs(colours - TRUE_COLOUR).sum(axis=1).min() > 100
    assert np.abs(np.diff(colours, axis=0)).sum(axis=1).min() > 100


def test_better_prediction_lies_on_top():
    boxes = np.array([[50, 60, 120, 160], [50, 60, 120, 160]])
    tile = grey_tile(
        [],
        [],
        pred_boxes=boxes,
        pred_labels=np.array([0, 1]),
        pred_scores=np.array([0.9, 0.2]),
    )
    pixels = np.asarray(draw_mosaic([tile], CLASSES, tile=200))
    assert tuple(pixels[110, 50]) == class_colour(0)


@pytest.mark.parametrize(
    'box',
    [
        [0, 0, 200, 200],
        [190, 0, 200, 10],
        [190, 190, 200, 200],
        [0, 195, 5, 200],
        [-30, -30, 400, 400],
        [150, 20, 150, 20],
    ],
)
def test_labels_stay_inside_their_tile(box):
    left = grey_tile([box], [2])
    right = grey_tile([], [])
    pixels = np.asarray(draw_mosaic([left, right], CLASSES, tile=200))
    label = has_colour(pixels, class_colour(2))
    # The name is long and black: a label of full width has many dark pixels too.
    assert label[:200, :200].sum() > 300
    assert (pixels[:200, :200] < 30).all(axis=-1).sum() > 100
    assert label.sum() == label[:200, :200].sum()


def test_legend_says_which_boxes_are_predicted():
    plain = grey_tile([[40, 60, 140, 160]], [1])
    asked = grey_tile(
        [[40, 60, 140, 160]],
        [1],
        pred_boxes=np.zeros((0, 4)),
        pred_labels=np.zeros(0, int),
        pred_scores=np.zeros(0),
    )
    truth = np.asarray(draw_mosaic([plain], CLASSES, tile=200))[204:]
    both = np.asarray(draw_mosaic([plain, asked], CLASSES, tile=200))[204:]
    assert not has_colour(truth, TRUE_COLOUR).any()
    assert has_colour(both, TRUE_COLOUR).any()
    assert has_colour(both, class_colour(0)).any()


def test_tiles_fill_a_grid_row_by_row():
    images = [np.full((60, 120, 3), 40 * number, np.uint8) for number in range(1, 6)]
    tiles = [Tile(image, np.zeros((0, 4)), np.zeros(0)) for image in images]
    mosaic = draw_mosaic(tiles, CLASSES, columns=3, tile=120)
    pixels = np.asarray(mosaic)
    assert mosaic.width == 3 * 124 - 4
    for number in range(1, 6):
        row, column = divmod(number - 1, 3)
        middle = pixels[row * 64 + 30, column * 124 + 60]
        assert tuple(middle) == (40 * number,) * 3


def test_high_tile_is_fitted_and_centred():
    tile = Tile(np.full((200, 100, 3), 90, np.uint8), np.zeros((0, 4)), np.zeros(0))
    pixels = np.asarray(draw_mosaic([tile], CLASSES, tile=100))
    grey = has_colour(pixels[:100, :100], (90, 90, 90))
    assert grey[:, 25:75].all()
    assert not grey[:, :25].any() and not grey[:, 75:].any()


def test_grey_image_is_drawn_with_coloured_boxes():
    tile = Tile(np.full((200, 200), 90, np.uint8), np.array([[40, 60, 140, 160]]), [1])
    pixels = np.asarray(draw_mosaic([tile], CLASSES, tile=200))
    assert tuple(pixels[110, 40]) == class_colour(1)
    assert tuple(pixels[5, 5]) == (90, 90, 90)


def test_no_tiles_are_refused():
    with pytest.raises(ValueError, match='at least one tile'):
        draw_mosaic([], CLASSES)
