"""Parameters, multiply-accumulates and activations."""

from pathlib import Path

import pytest
import timm
import torch
from mmengine.config import Config
from torchvision.models import MobileNet_V2_Weights, mobilenet_v2, resnet50

from tinydet.errors import InputError
from tinydet.models.complexity import build, count, count_model, input_side

CONFIGS = Path(__file__).parents[2] / 'configs'
CLASSIFIER = dict(
    type='Classifier',
    backbone=dict(type='TinyNet', variant='e'),
    head=dict(num_classes=10),
)
PIPELINE = [
    dict(type='ResizeEdge', scale=128, edge='short'),
    dict(type='CenterCrop', crop_size=112),
    dict(type='PackInputs'),
]


@pytest.fixture
def detector() -> Config:
    return Config.fromfile(CONFIGS / 'ssdlite_tinynet_d.py')


def classifier() -> Config:
    return Config(
        dict(
            model=CLASSIFIER,
            default_scope='mmpretrain',
            test_dataloader=dict(dataset=dict(pipeline=PIPELINE)),
        )
    )


def test_mobilenet_v2_costs_what_torchvision_documents():
    with torch.device('meta'):
        cost = count(mobilenet_v2(), 224)
    documented = MobileNet_V2_Weights.IMAGENET1K_V2.meta
    assert cost.params == documented['num_params']
    assert cost.macs / 1e9 == pytest.approx(documented['_ops'], abs=5e-4)


def test_activations_of_resnet_50_are_the_published():
    # Radosavovic et al., "Designing Network Design Spaces", Table 4: 11.1M.
    with torch.device('meta'):
        cost = count(resnet50(), 224)
    assert round(cost.activations / 1e6, 1) == 11.1


def test_activations_are_the_outputs_of_convolutions_and_linear_layers():
    with torch.device('meta'):
        net = torch.nn.Sequential(
            torch.nn.Conv2d(3, 4, 3, stride=2, padding=1),
            torch.nn.BatchNorm2d(4),
            torch.nn.ReLU(),
            torch.nn.AdaptiveAvgPool2d(1),
            torch.nn.Flatten(),
            torch.nn.Linear(4, 7),
        )
    assert count(net, 64).activations == 4 * 32 * 32 + 7
    assert not net[0]._forward_hooks


def test_the_lighter_taps_of_the_detector(detector):
    full = count_model(detector)
    detector.model.backbone.out_indices = (4, 6)
    light = count_model(detector)
    assert (full.input, light.input) == (512, 512)
    # Known from an independent prototype of the same network: 0.579 GMACs.
    assert light.macs / 1e9 == pytest.approx(0.579, abs=5e-4)
    assert light.macs < 0.6 * full.macs
    assert light.params < full.params


def test_a_classifier_counts_to_its_logits():
    cost = count_model(classifier())
    with torch.device('meta'):
        net = timm.create_model('tinynet_e', num_classes=10)
        assert cost == count(net, 112)


def test_a_backbone_counts_alone(detector):
    whole = count_model(detector, 256)
    alone = count_model(detector, 256, part='backbone')
    with torch.device('meta'):
        net = timm.create_model('tinynet_d', num_classes=0)
        assert alone == count(net, 256)
    assert alone.macs < whole.macs


def test_another_input_leaves_the_config_as_it_is(detector):
    assert count_model(detector, 320).input == 320
    assert input_side(detector) == 512


@pytest.mark.parametrize('side', [-1, 0, 31])
@pytest.mark.parametrize('part', ['model', 'backbone'])
def test_an_input_below_the_stride(detector, side, part):
    with pytest.raises(InputError, match=f'^input {side} .* at least 32 pixels$'):
        count_model(detector, side, part)


def test_an_input_below_the_stride_of_a_library_network():
    net = build(dict(type='mmpretrain.MobileNetV2'), scope=None)
    with pytest.raises(InputError, match=r'MobileNetV2: give .* at least 32 pixels$'):
        count(net, 20)


def test_a_config_without_a_model():
    with pytest.raises(InputError, match='no model'):
        count_model(Config(dict(default_scope='mmdet')))


def test_a_config_that_does_not_say_its_input():
    cfg = classifier()
    cfg.pop('test_dataloader')
    with pytest.raises(InputError, match='give --input SIDE'):
        count_model(cfg)
    assert count_model(cfg, 64).input == 64


def test_a_model_without_a_backbone():
    model = dict(type='mmpretrain.TimmClassifier', model_name='tinynet_e')
    with pytest.raises(InputError, match='TimmClassifier .* has no backbone'):
        count_model(Config(dict(model=model)), 64, part='backbone')
