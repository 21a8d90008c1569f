"""The cost of a table against counts of the libraries' own networks."""

from pathlib import Path

import pytest
import timm
import torch
import torchvision
from mmengine.config import Config
from timm.models.ghostnet import GhostNet
from torch.utils.flop_counter import FlopCounterMode

from tinydet.arch import (
    ARCHS,
    classifier_cost,
    detector_outputs,
    efficientnet_minus,
    scale,
    ssdlite_cost,
    table_of,
    tinynet,
)
from tinydet.arch.cost import Cost, features, last_output
from tinydet.models.complexity import build, count

CONFIGS = Path(__file__).parents[2] / 'configs'


def counted(model, side):
    with FlopCounterMode(display=False) as counter:
        model.eval()(torch.empty(1, 3, side, side, device='meta'))
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return parameters, counter.get_total_flops() // 2


def wide_ghostnet():
    return GhostNet(timm.create_model('ghostnet_100').cfgs, width=1.5)


def by_width(name, w):
    return scale(ARCHS[name], w, 1, ARCHS[name].scaling)


@pytest.mark.parametrize(
    ('arch', 'theirs'),
    [
        *((tinynet(variant), f'tinynet_{variant}') for variant in 'abcde'),
        (efficientnet_minus(0), 'efficientnet_b0'),
        (ARCHS['mobilenet_v1'], 'mobilenetv1_100'),
        (ARCHS['mobilenet_v2'], 'mobilenetv2_100'),
        (by_width('mobilenet_v2', 0.5), 'mobilenetv2_050'),
        (by_width('mobilenet_v2', 0.35), 'mobilenetv2_035'),
        (ARCHS['mobilenet_v3_large'], 'mobilenetv3_large_100'),
        (ARCHS['mobilenet_v3_small'], 'mobilenetv3_small_100'),
        (by_width('mobilenet_v3_small', 0.75), 'mobilenetv3_small_075'),
        (ARCHS['mnasnet_a1'], 'semnasnet_100'),
        (ARCHS['ghostnet_100'], 'ghostnet_100'),
        (by_width('ghostnet_100', 0.5), 'ghostnet_050'),
        (by_width('ghostnet_100', 1.5), wide_ghostnet),
        (ARCHS['resnet50'], torchvision.models.resnet50),
    ],
    ids=lambda value: value if isinstance(value, str) else getattr(value, 'name', None),
)
@pytest.mark.parametrize('side', [None, 225])
@torch.no_grad()
def test_cost_is_that_of_the_library(arch, theirs, side):
    side = side or arch.input
    with torch.device('meta'):
        model = timm.create_model(theirs) if isinstance(theirs, str) else theirs()
    params, macs = counted(model, side)
    cost = classifier_cost(arch, side)
    assert cost.params == params
    assert cost.macs == macs


@pytest.mark.parametrize(('name', 'classes'), [('tinynet_e', 10), ('resnet50', 1)])
@torch.no_grad()
def test_cost_with_other_classes(name, classes):
    arch = tinynet('e') if name == 'tinynet_e' else ARCHS[name]
    with torch.device('meta'):
        model = timm.create_model(name, num_classes=classes)
    cost = classifier_cost(arch, classes=classes)
    assert (cost.params, cost.macs) == counted(model, arch.input)


@pytest.mark.parametrize(
    ('config', 'outputs', 'side'),
    # 225 pixels halve to odd sides, to one pixel in the end.
    [
        ('ssdlite_tinynet_d', None, 512),
        ('ssdlite_tinynet_d', (4, 6), 512),
        ('ssdlite320_tinynet_d_bccd', None, 320),
        ('ssdlite_ghostnet_d', None, 225),
        ('ssdlite_resnet50_b', None, 225),
    ],
)
def test_cost_of_a_detector_is_that_of_its_config(config, outputs, side):
    cfg = Config.fromfile(CONFIGS / f'{config}.py')
    if outputs:
        cfg.model.backbone.out_indices = outputs
    model = build(cfg.model, cfg.default_scope)
    arch = table_of(model)
    named = tuple(cfg.model.backbone.out_indices)
    if not outputs:
        assert detector_outputs(arch) == named
    classes = cfg.model.bbox_head.num_classes
    cost = ssdlite_cost(arch, side, classes, named)
    whole = count(model, side)
    assert (cost.params, cost.macs) == (whole.params, whole.macs)


@pytest.mark.parametrize(
    'path', sorted(CONFIGS.glob('ssdlite*.py')), ids=lambda path: path.stem
)
def test_what_a_detector_taps_is_what_the_configs_say(path):
    backbone = Config.fromfile(path).model.backbone
    if 'resnet' in path.stem and backbone.type == 'ResNet':
        return  # mmdet's, without a table
    kind = {
        'TinyNet': lambda: tinynet(backbone.get('variant', 'a')),
        'EfficientNetMinus': lambda: efficientnet_minus(backbone.phi),
        'ConvNet': lambda: ARCHS[backbone.arch],
    }[backbone.type]
    assert detector_outputs(kind()) == tuple(backbone.out_indices)


@pytest.mark.parametrize('name', ARCHS)
def test_what_a_detector_taps_has_strides_16_and_32(name):
    arch = ARCHS[name]
    found = features(arch, 512)
    first, second = (found[tap] for tap in detector_outputs(arch))
    assert (first.side, second.side) == (32, 16)
    assert first.cost.macs < second.cost.macs
    assert second == found[last_output(arch)]


def test_features_are_those_of_the_network():
    features_ = features(ARCHS['resnet50'], 224)
    with torch.device('meta'):
        net = timm.create_model(
            'resnet50', features_only=True, out_indices=(1, 2, 3, 4)
        )
        maps = net.eval()(torch.empty(1, 3, 224, 224))
    for stage, made in enumerate(maps):
        assert (features_[stage].channels, features_[stage].side) == made.shape[1:3]


def test_costs_add():
    assert Cost(1, 2) + Cost(10, 20) == Cost(11, 22)
