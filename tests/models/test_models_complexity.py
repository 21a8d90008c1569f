"""Parameters and multiply-accumulates."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from torch import nn
from torchvision.models import MobileNet_V2_Weights, mobilenet_v2

from tinydet.arch import TINYNETS
from tinydet.models import TinyNet
from tinydet.models.complexity import count, count_detector

CONFIGS = Path(__file__).parents[2] / 'configs'


class _Classifier(nn.Module):
    """A backbone's last feature, pooled and classified."""

    def __init__(self, backbone: nn.Module, channels: int = 1280) -> None:
        super().__init__()
        self.backbone = backbone
        self.classifier = nn.Linear(channels, 1000)

    def forward(self, x):
        return self.classifier(self.backbone(x)[-1].mean((2, 3)))


def test_mobilenet_v2_costs_what_torchvision_documents():
    with torch.device('meta'):
        cost = count(mobilenet_v2(), 224)
    documented = MobileNet_V2_Weights.IMAGENET1K_V2.meta
    assert cost.params == documented['num_params']
    assert cost.macs / 1e9 == pytest.approx(documented['_ops'], abs=5e-4)


@pytest.mark.parametrize(
    ('variant', 'paper_macs'),
    # "Model Rubik's Cube", Table 3.
    [('a', 339e6), ('b', 202e6), ('c', 100e6), ('d', 52e6), ('e', 24e6)],
)
def test_tinynets_cost_what_the_paper_says(variant, paper_macs):
    with torch.device('meta'):
        model = _Classifier(TinyNet(variant))
    assert count(model, TINYNETS[variant].input).macs == pytest.approx(
        paper_macs, rel=0.03
    )


def test_the_lighter_taps_of_the_detector():
    cfg = Config.fromfile(CONFIGS / 'ssdlite_tinynet_d.py')
    full = count_detector(cfg)
    cfg.model.backbone.out_indices = (4, 6)
    light = count_detector(cfg)
    assert (full.input, light.input) == (512, 512)
    # Known from an independent prototype of the same network: 0.579 GMACs.
    assert light.macs / 1e9 == pytest.approx(0.579, abs=5e-4)
    assert light.macs < 0.6 * full.macs
    assert light.params < full.params
