"""Detectors as ONNX files against NumPy, and arguments that are refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_detector import CLASSES, KEPT, METADATA, SIDE, raw_outputs, write_detector

from tinydet.errors import InputError
from tinydet.images import ImageReadError
from tinydet.inference import Detector, Timings
from tinydet.inference.suppress import suppress

SIZES = [(SIDE, SIDE), (50, 70), (20, 17), (64, 64)]


def noise(seed=0, size=(50, 70)):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)


def expected_of(image):
    """What the tiny detector finds in an image of the network's size."""
    return suppress(
        *raw_outputs(image),
        METADATA.level_sizes,
        METADATA.score_thr,
        METADATA.iou_thr,
        METADATA.nms_pre,
        METADATA.max_per_img,
    )


def assert_same(found, expected, atol=1e-3):
    assert np.array_equal(found.labels, expected.labels)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-4)
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=atol)


def test_what_it_says_of_itself(detector_file):
    detector = Detector(detector_file)
    assert detector.name == 'tiny'
    assert detector.classes == CLASSES
    assert detector.input_size == SIDE
    assert detector.metadata == METADATA


@pytest.mark.parametrize('dynamic', [False, True])
def test_detections_are_numpy_s(tmp_path, dynamic):
    detector = Detector(write_detector(tmp_path / 'a.onnx', dynamic=dynamic), score=0)
    image = noise(size=(SIDE, SIDE))
    found = detector(image)
    assert len(found.boxes) > 10
    assert_same(found, expected_of(image))
    assert [part.dtype for part in found] == [np.float32, np.float32, np.int64]
    assert (np.diff(found.scores) <= 0).all()


@pytest.mark.parametrize('dynamic', [False, True])
def test_suppression_in_the_graph(tmp_path, dynamic):
    path = write_detector(tmp_path / 'a.onnx', nms=True, dynamic=dynamic)
    images = [noise(seed, (SIDE, SIDE)) for seed in range(3)]
    for image, found in zip(images, Detector(path, score=0).batch(images), strict=True):
        boxes, scores = raw_outputs(image)
        best = np.argsort(-scores.max(axis=1))[:KEPT]
        assert np.array_equal(found.labels, scores[best].argmax(axis=1))
        np.testing.assert_allclose(found.boxes, boxes[best], atol=1e-3)


def test_padding_of_the_graph_is_left_out(tmp_path):
    """Fewer boxes than the graph has room for; the rest is 0, 0 and -1."""
    image = noise(size=(SIDE, SIDE))
    scores = raw_outputs(image)[1].max(axis=1)
    above = np.sort(scores)[-3:].mean().item()
    path = write_detector(tmp_path / 'a.onnx', nms=True, score_thr=above)
    found = Detector(path, score=0)(image)
    assert 0 < (scores > above).sum() == len(found.boxes) < KEPT
    assert (found.scores > above).all()
    assert (found.labels >= 0).all()


def test_boxes_are_in_the_pixels_of_the_image(detector_file):
    """An image of constant blocks is the same at every whole multiple of its size."""
    small = noise(size=(SIDE, SIDE))
    wide = np.repeat(np.repeat(small, 3, axis=0), 5, axis=1)
    detector = Detector(detector_file, score=0)
    found, expected = detector(wide), expected_of(small)
    np.testing.assert_allclose(
        found.boxes, expected.boxes * [5, 3, 5, 3], rtol=1e-4, atol=1e-2
    )
    assert found.boxes[:, 2].max() == 5 * SIDE
    assert found.boxes[:, 3].max() == 3 * SIDE


def test_score_leaves_out_the_unsure(detector_file):
    image = noise()
    everything = Detector(detector_file, score=0)(image)
    few = Detector(detector_file, score=0.5)(image)
    kept = everything.scores > 0.5
    assert 0 < kept.sum() < len(kept)
    for part, whole in zip(few, everything, strict=True):
        assert np.array_equal(part, whole[kept])
    assert everything.scores.min() > METADATA.score_thr


def test_score_that_is_set_later(detector_file):
    detector = Detector(detector_file, score=0)
    detector.score = 0.5
    expected = Detector(detector_file, score=0.5)(noise())
    assert_same(detector(noise()), expected, atol=0)
    with pytest.raises(InputError, match=r'score=1\.5'):
        detector.score = 1.5
    assert detector.score == 0.5


@pytest.mark.parametrize('dynamic', [False, True])
def test_a_batch_is_its_images(tmp_path, dynamic):
    detector = Detector(write_detector(tmp_path / 'a.onnx', dynamic=dynamic), score=0.1)
    images = [noise(seed, size) for seed, size in enumerate(SIZES)]
    for found, image in zip(detector.batch(images), images, strict=True):
        assert_same(found, detector(image), atol=1e-4)
    assert detector.batch([]) == []


def test_a_batch_as_an_array(detector_file):
    images = np.stack([noise(seed) for seed in range(3)])
    detector = Detector(detector_file, score=0.1)
    for found, image in zip(detector.batch(images), images, strict=True):
        assert_same(found, detector(image), atol=0)


@pytest.mark.parametrize('images', ['a.png', Path('a.png'), (noise() for _ in 'ab')])
def test_a_batch_that_is_no_list(detector_file, images):
    message = f'the images are a {type(images).__name__}: give a list'
    with pytest.raises(InputError, match=message):
        Detector(detector_file).batch(images)


def test_a_file_and_its_pixels(tmp_path, detector_file):
    path = tmp_path / 'a.png'
    Image.fromarray(noise()).save(path)
    detector = Detector(str(detector_file), score=0)
    expected = detector(noise())
    for given in (path, str(path), Image.open(path)):
        assert_same(detector(given), expected, atol=0)


def test_one_thread_is_the_same(detector_file):
    expected = Detector(detector_file, score=0)(noise())
    assert_same(Detector(detector_file, score=0, threads=1)(noise()), expected)


def test_time_of_each_stage(tmp_path, detector_file, monkeypatch):
    path = tmp_path / 'a.png'
    Image.fromarray(noise()).save(path)
    detector = Detector(detector_file, score=0.1)
    expected = detector(noise())
    # Seconds since the start, at the beginning and the end of each stage.
    clock = iter([5, 5.25, 6.25, 6.375])
    monkeypatch.setattr('time.perf_counter', lambda: next(clock))
    found, timings = detector.timed(path)
    assert_same(found, expected, atol=0)
    assert timings == Timings(prepare_ms=250, network_ms=1000, select_ms=125)


def test_a_bad_image_is_refused(tmp_path, detector_file):
    detector = Detector(detector_file)
    with pytest.raises(ImageReadError, match=r'none\.jpg'):
        detector.batch([noise(), tmp_path / 'none.jpg'])
    with pytest.raises(InputError, match='float64'):
        detector(noise() / 255)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(score=1.5), r'score=1\.5'),
        (dict(score=-0.1), r'score=-0\.1'),
        (dict(device='gpu'), "no device 'gpu': choose one of cpu, cuda"),
        (dict(threads=0), 'threads=0'),
        (dict(runtime='tvm'), "no runtime 'tvm': choose one of onnxruntime, openvino"),
        (dict(runtime='openvino', device='cuda'), "is for device='cpu', not 'cuda'"),
        (dict(checkpoint='best.pth'), r'tiny\.onnx .* leave out best\.pth'),
    ],
)
def test_bad_arguments_are_refused(detector_file, arguments, message):
    with pytest.raises(InputError, match=message):
        Detector(detector_file, **arguments)


def test_a_config_is_not_for_openvino():
    with pytest.raises(InputError, match=r'some\.py .* give an \.onnx file'):
        Detector('some.py', 'best.pth', runtime='openvino')


def test_a_config_needs_a_checkpoint():
    with pytest.raises(InputError, match=r'some\.py .* give its checkpoint'):
        Detector('some.py')
