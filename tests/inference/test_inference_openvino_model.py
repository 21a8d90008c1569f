"""OpenVINO against ONNX Runtime."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pytest
from tiny_detector import SIDE, write_detector

from tinydet.errors import InputError
from tinydet.inference import Detections, Detector
from tinydet.inference.openvino_model import openvino_core


class Precision(NamedTuple):
    """How far detections may be off."""

    pixels: float
    score: float


FLOAT32 = Precision(pixels=1e-3, score=1e-4)
# bfloat16 leaves 8 binary digits of the offsets, below 1, and of the logits, below 8.
SHORTER = Precision(pixels=0.1, score=0.02)


@pytest.fixture(params=['float32', 'own'])
def precision(request) -> Iterator[Precision]:
    """Of float32, and of what the processor chooses, which is bfloat16 on some."""
    openvino = pytest.importorskip('openvino')
    core, hint = openvino_core(), 'INFERENCE_PRECISION_HINT'
    own = core.get_property('CPU', hint)
    if request.param == 'float32':
        core.set_property('CPU', {hint: openvino.Type.f32})
    exact = core.get_property('CPU', hint) == openvino.Type.f32
    yield FLOAT32 if exact else SHORTER
    core.set_property('CPU', {hint: own})


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), np.uint8)


def assert_close(found: Detections, other: Detections, precision: Precision) -> None:
    """What is clearly above the lowest score of both is in both."""
    lowest = max(found.scores.min(), other.scores.min()) + precision.score
    for these, those in ((found, other), (other, found)):
        sure = these.scores > lowest
        assert sure.sum() > 1
        for box, score, label in zip(*(part[sure] for part in these), strict=True):
            near = np.abs(those.boxes - box).max(axis=1) <= precision.pixels
            alike = np.abs(those.scores - score) <= precision.score
            assert (near & alike & (those.labels == label)).sum() == 1


@pytest.mark.parametrize('dynamic', [False, True])
@pytest.mark.parametrize('nms', [False, True])
def test_detections_are_onnx_runtime_s(tmp_path, precision, nms, dynamic):
    # No boxes overlap so much, or rounding could decide which of two is left out.
    path = write_detector(tmp_path / 'a.onnx', nms=nms, dynamic=dynamic, iou_thr=0.9)
    images = [noise(seed) for seed in range(3)]
    found, expected = (
        Detector(path, score=0, runtime=runtime).batch(images)
        for runtime in ('openvino', 'onnxruntime')
    )
    for ours, theirs in zip(found, expected, strict=True):
        assert_close(ours, theirs, precision)
        assert [part.dtype for part in ours] == [np.float32, np.float32, np.int64]
        assert (np.diff(ours.scores) <= 0).all()


def test_one_thread_is_the_same(detector_file, precision):
    many, one = (
        Detector(detector_file, score=0, runtime='openvino', threads=threads)(noise(0))
        for threads in (None, 1)
    )
    assert_close(many, one, precision)


@pytest.mark.parametrize('runtime', ['openvino', 'onnxruntime'])
def test_threads_get_their_own_images(detector_file, runtime):
    pytest.importorskip(runtime)
    detector = Detector(detector_file, score=0, runtime=runtime, threads=1)
    images = [noise(seed) for seed in range(8)]
    expected = [detector(image) for image in images]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(detector, images * 10))
    for ours, theirs in zip(found, expected * 10, strict=True):
        np.testing.assert_array_equal(ours.boxes, theirs.boxes)


def test_openvino_that_is_not_there(detector_file, monkeypatch):
    monkeypatch.setitem(sys.modules, 'openvino', None)
    with pytest.raises(InputError, match='pip install openvino, or take ONNX Runtime'):
        Detector(detector_file, runtime='openvino')
