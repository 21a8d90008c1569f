"""A config and a checkpoint against mmdet's own way to run them."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmdet.apis import inference_detector
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope
from timm_nets import randomise

import tinydet.datasets  # noqa: F401  (registers)
import tinydet.models  # noqa: F401  (registers)
from tinydet.errors import InputError
from tinydet.inference import Detector

CONFIGS = Path(__file__).parents[2] / 'configs'
CLASSES = ('ant', 'bee', 'cat')
SIDE = 96
_CONFIG = f"""
_base_ = {str(CONFIGS / 'ssdlite_tinynet_e.py')!r}
model = dict(
    bbox_head=dict(num_classes=3, anchor_generator=dict(input_size={SIDE})),
    test_cfg=dict(score_thr=0.3, max_per_img=50),
)
test_pipeline = _base_.test_pipeline
test_pipeline[1]['scale'] = ({SIDE}, {SIDE})
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
"""


@pytest.fixture(scope='module')
def config(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp('config') / 'some_net.py'
    path.write_text(_CONFIG)
    return path


@pytest.fixture(scope='module')
def model(config):
    """A network that is sure of some boxes of every image, and of each class."""
    torch.manual_seed(0)
    cfg = Config.fromfile(config)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(cfg.model)
    randomise(model)
    for predict in model.bbox_head.cls_convs:
        predict[-1].weight.data *= 3
    model.cfg = cfg
    return model.eval()


@pytest.fixture(scope='module')
def checkpoint(model, config) -> Path:
    path = config.with_name('best.pth')
    meta = {'dataset_meta': {'classes': CLASSES}}
    torch.save({'meta': meta, 'state_dict': model.state_dict()}, path)
    return path


@pytest.fixture
def images(tmp_path) -> list[Path]:
    """Of several shapes, larger and smaller than the network's input."""
    rng = np.random.default_rng(0)
    paths = []
    for height, width in ((200, 130), (70, 150), (96, 96)):
        coarse = rng.integers(0, 256, (height // 8, width // 8, 3), np.uint8)
        paths.append(tmp_path / f'{width}.png')
        cv2.imwrite(str(paths[-1]), cv2.resize(coarse, (width, height)))
    return paths


def test_detections_are_mmdet_s(config, checkpoint, model, images):
    detector = Detector(config, checkpoint, score=0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        expected = [
            sample.pred_instances.numpy()
            for sample in inference_detector(model, [str(path) for path in images])
        ]
    for found, theirs in zip(detector.batch(images), expected, strict=True):
        assert 5 < len(found.boxes) <= 50
        assert np.array_equal(found.labels, theirs.labels)
        np.testing.assert_allclose(found.scores, theirs.scores, rtol=1e-5)
        np.testing.assert_allclose(found.boxes, theirs.bboxes, rtol=1e-5, atol=1e-4)
        assert [part.dtype for part in found] == [np.float32, np.float32, np.int64]


def test_what_it_says_of_itself(config, checkpoint):
    detector = Detector(str(config), str(checkpoint))
    assert detector.name == 'some_net'
    assert detector.classes == CLASSES
    assert detector.input_size == SIDE
    assert detector.metadata is None


def test_score_and_batch(config, checkpoint, images):
    detector = Detector(config, checkpoint, score=0)
    everything = detector.batch(images)
    detector.score = float(np.median(everything[0].scores))
    for path, found in zip(images, everything, strict=True):
        sure = detector(path)
        kept = found.scores > detector.score
        assert np.array_equal(sure.labels, found.labels[kept])
        np.testing.assert_allclose(sure.boxes, found.boxes[kept], rtol=1e-5, atol=1e-3)
    assert 0 < len(detector(images[0]).scores) < len(everything[0].scores)


def test_a_damaged_checkpoint_is_refused(config, checkpoint, tmp_path):
    path = tmp_path / 'cut.pth'
    path.write_bytes(checkpoint.read_bytes()[:5000])
    with pytest.raises(InputError, match=r'cut\.pth'):
        Detector(config, path)


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a CUDA device here')
def test_cuda_that_is_not_there(config, checkpoint):
    with pytest.raises(InputError, match="PyTorch finds no CUDA device: give 'cpu'"):
        Detector(config, checkpoint, device='cuda')
