import cv2
import numpy as np
import pytest

from tinydet.data.demo import draw_scene, painting, scene
from tinydet.data.demo.difficulty import KINDS, SceneKind


@pytest.fixture(scope='module')
def scenes():
    """Two rounds of every kind of image, at the default size."""
    return [draw_scene((400, 320), 6, 0, 0, index) for index in range(2 * len(KINDS))]


def test_drawing_order_does_not_matter(scenes):
    for index in (7, 3):
        again = draw_scene((400, 320), 6, 0, 0, index)
        assert np.array_equal(again.image, scenes[index].image)
        assert np.array_equal(again.owner, scenes[index].owner)


def test_paint_lies_where_the_owner_map_says(monkeypatch):
    kind = SceneKind((6, 6), (0, 0.3, 0.2, 0.2, 0.3), (0, 0))
    monkeypatch.setattr(scene, 'KINDS', [kind])
    monkeypatch.setattr(painting, '_shade_below', lambda rng, canvas, item: None)
    monkeypatch.setattr(scene, 'photograph', lambda rng, canvas: canvas)
    painted = draw_scene((400, 320), 6, 0, 0, 0)
    monkeypatch.setattr(scene, 'paint', lambda rng, canvas, item: None)
    bare = draw_scene((400, 320), 6, 0, 0, 0)
    changed = np.abs(painted.image - bare.image).max(axis=2) > 0
    owned = painted.owner > 0
    assert changed[owned].mean() > 0.999
    # Soft edges reach no further than the next pixel, but for the sharpest tips.
    near = cv2.dilate(owned.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert changed[~near].sum() <= 6


def test_sizes_spread_over_small_medium_and_large(scenes):
    areas = np.concatenate([scene.areas() for scene in scenes])
    small, large = np.mean(areas < 32**2), np.mean(areas > 96**2)
    assert 0.1 < small < 0.35
    assert 0.2 < large < 0.5
    assert 0.3 < 1 - small - large < 0.7
    longest = np.concatenate([scene.boxes()[:, 2:].max(axis=1) for scene in scenes])
    assert longest.min() < 0.05 * 320
    assert longest.max() > 0.7 * 320


def test_there_are_empty_and_crowded_images(scenes):
    counts = np.array([len(scene.labels) for scene in scenes])
    assert (counts == 0).sum() == 2
    assert (counts >= 20).sum() >= 3
    assert np.median(counts) < 8


def test_every_class_occurs_evenly(scenes):
    counts = np.bincount(np.concatenate([scene.labels for scene in scenes]).astype(int))
    assert len(counts) == 6
    assert counts.min() > counts.mean() / 2


def test_no_object_is_mostly_hidden_and_some_are_partly(scenes):
    full = np.concatenate([scene.full_areas for scene in scenes])
    share = np.concatenate([scene.areas() for scene in scenes]) / full
    assert share.min() >= 0.35
    assert share.max() == 1
    assert (share < 0.9).mean() > 0.2
