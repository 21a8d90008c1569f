"""Small networks with random weights whose outputs are spread like trained ones'."""

from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope
from torch import nn

import tinydet.models  # noqa: F401  (registers)

REPO = Path(__file__).parents[1]
CLASSES = ('ant', 'bee', 'cat')
MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]

_DETECTOR = f"""
_base_ = {str(REPO / 'configs/ssdlite_tinynet_e.py')!r}
model = dict(
    bbox_head=dict(num_classes={{classes}}, anchor_generator=dict(input_size={{side}})),
    test_cfg=dict({{test_cfg}}),
)
"""
_CLASSIFIER = f"""
default_scope = 'mmpretrain'
model = dict(
    type='Classifier',
    backbone=dict(type='TinyNet', variant='e'),
    head=dict(num_classes={len(CLASSES)}),
    data_preprocessor=dict(mean={MEAN}, std={STD}, to_rgb=True),
)
test_dataloader = dict(
    dataset=dict(pipeline=[dict(type='CenterCrop', crop_size={{side}})])
)
"""


def write_detector(
    folder: Path,
    side: int = 96,
    classes: int = len(CLASSES),
    **test_cfg,
) -> tuple[Path, Path]:
    """Write a config and a checkpoint of SSDLite-TinyNet-E.

    At 96 pixels its levels have 216, 54, 24, 6, 6 and 6 boxes.
    """
    settings = ', '.join(f'{name}={value!r}' for name, value in test_cfg.items())
    text = _DETECTOR.format(side=side, classes=classes, test_cfg=settings)
    names = CLASSES if classes == len(CLASSES) else ()
    return _write(folder / 'detector.py', text, 'mmdet', side, names)


def write_classifier(folder: Path, side: int = 64) -> tuple[Path, Path]:
    """Write a config and a checkpoint of TinyNet-E."""
    text = _CLASSIFIER.format(side=side)
    return _write(folder / 'classifier.py', text, 'mmpretrain', side, CLASSES)


def pictures(number: int, side: int) -> np.ndarray:
    """Images of colours that flow into each other.

    Returns:
        (number, side, side, 3), uint8.
    """
    generator = torch.Generator().manual_seed(0)
    cells = torch.rand(number, 3, 6, 6, generator=generator) * 255
    images = nn.functional.interpolate(cells, (side, side), mode='bicubic')
    return images.clamp(0, 255).byte().permute(0, 2, 3, 1).numpy().copy()


def settle(model: nn.Module, images: torch.Tensor, eps: float = 0.1) -> nn.Module:
    """Give batch norms the statistics of a batch, so that features keep their size.

    Args:
        model: Any network.
        images: What it takes, (N, 3, S, S).
        eps: Of the batch norms. Channels that are all but dead blow up the rounding,
            the more the smaller it is.
    """
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
            module.eps = eps
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    with torch.no_grad():
        model.train()(images)
    return model.eval()


def _write(
    config: Path, text: str, scope: str, side: int, names: tuple[str, ...]
) -> tuple[Path, Path]:
    config.write_text(text)
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope(scope):
        model = MODELS.build(Config.fromfile(config).model)
    images = torch.from_numpy(pictures(8, side)).permute(0, 3, 1, 2)
    settle(model, (images - 120.0) / 60, eps=0.03)
    _spread(model)
    # A network of the config has another eps.
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_var += module.eps
    checkpoint = config.with_suffix('.pth')
    meta = {'dataset_meta': {'classes': names}} if names else {}
    torch.save({'meta': meta, 'state_dict': model.state_dict()}, checkpoint)
    return config, checkpoint


def _spread(model: nn.Module) -> None:
    """Spread probabilities over 0 to 1, and boxes around their default boxes."""
    head = getattr(model, 'bbox_head', None)
    layers = [model.head.fc] if head is None else [c[-1] for c in head.cls_convs]
    for layer in layers:
        nn.init.normal_(layer.weight, std=4 / layer.weight[0].numel() ** 0.5)
        nn.init.normal_(layer.bias)
    for convs in head.reg_convs if head else ():
        nn.init.normal_(convs[-1].weight, std=1 / convs[-1].weight[0].numel() ** 0.5)
