"""A network and its weights: all of them, or a message."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope
from timm_nets import randomise, timm_net

import tinydet.models  # noqa: F401  (registers)
from tinydet.errors import InputError
from tinydet.models.trained import load_classifier, load_detector

CLASSES = ('ant', 'bee', 'cat')


_CONFIG = """
default_scope = 'mmpretrain'
model = dict(
    type='Classifier',
    backbone=dict(type='TinyNet', variant='e'),
    head=dict(num_classes=3),
)
test_dataloader = dict(
    dataset=dict(pipeline=[dict(type='CenterCrop', crop_size=106)])
)
"""


@pytest.fixture
def cfg(tmp_path) -> Config:
    path = tmp_path / 'some_net.py'
    path.write_text(_CONFIG)
    return Config.fromfile(path)


@pytest.fixture(scope='module')
def weights() -> dict:
    torch.manual_seed(0)
    backbone = dict(type='TinyNet', variant='e')
    model = MODELS.build(
        dict(type='Classifier', backbone=backbone, head=dict(num_classes=3))
    )
    randomise(model)
    return model.state_dict()


@pytest.fixture
def checkpoint(weights, tmp_path) -> Path:
    path = tmp_path / 'best.pth'
    meta = {'epoch': 3, 'dataset_meta': {'classes': CLASSES}}
    torch.save({'meta': meta, 'state_dict': weights}, path)
    return path


def same(ours: dict, theirs: dict) -> bool:
    return ours.keys() == theirs.keys() and all(
        torch.equal(ours[name], theirs[name]) for name in ours
    )


def test_a_checkpoint_of_ours(cfg, checkpoint, weights):
    net = load_classifier(cfg, str(checkpoint))
    assert same(net.model.state_dict(), weights)
    assert not net.model.training
    assert (net.name, net.side) == ('some_net', 106)
    assert [net.class_name(label) for label in range(3)] == list(CLASSES)


def test_the_weights_of_the_config_are_not_asked_for(cfg, checkpoint, weights):
    cfg.model.init_cfg = dict(type='Pretrained', checkpoint='no/such/file.pth')
    net = load_classifier(cfg, str(checkpoint))
    assert same(net.model.state_dict(), weights)


@torch.no_grad()
@pytest.mark.parametrize('from_hub', [True, False])
def test_weights_of_timm_have_no_names(cfg, tmp_path, monkeypatch, from_hub):
    theirs = timm_net('tinynet_e')
    path = tmp_path / 'tinynet_e.pth'
    torch.save(theirs.state_dict(), path)
    monkeypatch.setattr('tinydet.weights.files.fetch', lambda name: path)
    source = 'timm://tinynet_e.in1k' if from_hub else str(path)
    cfg.model.head.num_classes = 1000
    net = load_classifier(cfg, source)
    images = torch.randn(2, 3, 106, 106)
    torch.testing.assert_close(net.model(images), theirs(images), rtol=1e-5, atol=1e-5)
    assert net.class_name(285) == 'class 285'


@pytest.mark.parametrize('classes', [2, 1000])
def test_another_number_of_classes_is_refused(cfg, checkpoint, classes):
    cfg.model.head.num_classes = classes
    shapes = rf'head\.fc\.weight \(3, 1280\) for \({classes}, 1280\)'
    with pytest.raises(InputError, match=rf'best\.pth: .*{shapes}'):
        load_classifier(cfg, str(checkpoint))


def test_weights_without_a_classifier_are_refused(cfg, weights, tmp_path):
    path = tmp_path / 'backbone.pth'
    torch.save({k: v for k, v in weights.items() if k[:5] != 'head.'}, path)
    with pytest.raises(InputError, match=r'backbone\.pth: .*missing \(head\.fc'):
        load_classifier(cfg, str(path))


def test_weights_of_another_network_are_refused(cfg, checkpoint):
    cfg.model.backbone.variant = 'd'
    with pytest.raises(InputError, match=r'best\.pth: not the weights of .*tinynet_d'):
        load_classifier(cfg, str(checkpoint))


def test_what_is_no_classifier_is_refused(cfg, checkpoint):
    cfg.model = dict(type='TinyNet', variant='e')
    with pytest.raises(InputError, match='some_net.py .* TinyNet, not a Classifier'):
        load_classifier(cfg, str(checkpoint))


def test_a_config_without_a_model_is_refused(cfg, checkpoint):
    cfg.pop('model')
    with pytest.raises(InputError, match='some_net.py has no model'):
        load_classifier(cfg, str(checkpoint))


_DETECTOR = """
default_scope = 'mmdet'
model = dict(
    type='SSDLite',
    backbone=dict(type='TinyNet', variant='e', out_indices=(4, 6)),
    neck=dict(type='SSDLiteNeck'),
    bbox_head=dict(
        type='SSDLiteHead',
        num_classes=3,
        anchor_generator=dict(type='SSDLiteAnchorGenerator', input_size=96),
    ),
)
test_dataloader = dict(
    dataset=dict(pipeline=[dict(type='Resize', scale=(96, 96), keep_ratio=False)])
)
"""


@pytest.fixture
def detector_cfg(tmp_path) -> Config:
    path = tmp_path / 'some_detector.py'
    path.write_text(_DETECTOR)
    return Config.fromfile(path)


def detector_checkpoint(cfg, path, **meta) -> str:
    """Random weights of a config's detector."""
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(cfg.model)
    randomise(model)
    torch.save({'meta': meta, 'state_dict': model.state_dict()}, path)
    return str(path)


def test_a_detector_of_ours(detector_cfg, tmp_path):
    meta = {'dataset_meta': {'classes': CLASSES}}
    source = detector_checkpoint(detector_cfg, tmp_path / 'best.pth', **meta)
    detector_cfg.model.init_cfg = dict(type='Pretrained', checkpoint='no/such/file.pth')
    net = load_detector(detector_cfg, source)
    assert same(net.model.state_dict(), torch.load(source)['state_dict'])
    assert not net.model.training
    assert (net.name, net.side, net.classes) == ('some_detector', 96, CLASSES)


def test_names_of_a_detector_without_any_in_its_checkpoint(detector_cfg, tmp_path):
    source = detector_checkpoint(detector_cfg, tmp_path / 'best.pth')
    numbers = ('class 0', 'class 1', 'class 2')
    assert load_detector(detector_cfg, source).classes == numbers
    detector_cfg.test_dataloader.dataset.metainfo = dict(classes=['x', 'y', 'z'])
    assert load_detector(detector_cfg, source).classes == ('x', 'y', 'z')


def test_eighty_classes_without_names_are_coco_s(detector_cfg, tmp_path):
    detector_cfg.model.bbox_head.num_classes = 80
    source = detector_checkpoint(detector_cfg, tmp_path / 'best.pth')
    classes = load_detector(detector_cfg, source).classes
    assert (len(classes), classes[0], classes[79]) == (80, 'person', 'toothbrush')


def test_class_names_of_another_number_are_refused(detector_cfg, tmp_path):
    meta = {'dataset_meta': {'classes': ('ant', 'bee')}}
    source = detector_checkpoint(detector_cfg, tmp_path / 'best.pth', **meta)
    with pytest.raises(InputError, match=r'best\.pth names 2 classes .* has 3'):
        load_detector(detector_cfg, source)
    source = detector_checkpoint(detector_cfg, tmp_path / 'best.pth')
    detector_cfg.test_dataloader.dataset.metainfo = dict(classes=['x'])
    with pytest.raises(InputError, match=r'some_detector\.py names 1 classes'):
        load_detector(detector_cfg, source)


def test_weights_of_a_detector_of_other_classes_are_refused(detector_cfg, tmp_path):
    source = detector_checkpoint(detector_cfg, tmp_path / 'best.pth')
    detector_cfg.model.bbox_head.num_classes = 4
    with pytest.raises(InputError, match=r'best\.pth: not the weights of'):
        load_detector(detector_cfg, source)


def test_a_detector_that_keeps_the_aspect_ratio_is_refused(detector_cfg, tmp_path):
    source = detector_checkpoint(detector_cfg, tmp_path / 'best.pth')
    detector_cfg.test_dataloader.dataset.pipeline[0].keep_ratio = True
    with pytest.raises(InputError, match=r'some_detector\.py .*keep_ratio=False'):
        load_detector(detector_cfg, source)


def test_what_is_no_detector_is_refused(cfg, checkpoint):
    with pytest.raises(InputError, match=r'some_net\.py describes a Classifier, not a'):
        load_detector(cfg, str(checkpoint))
