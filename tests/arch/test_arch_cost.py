"""The cost of a table against counts of the libraries' own networks."""

import pytest
import timm
import torch
import torchvision
from timm.models.ghostnet import GhostNet
from torch.utils.flop_counter import FlopCounterMode

from tinydet.arch import ARCHS, classifier_cost, efficientnet_minus, scale, tinynet


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
