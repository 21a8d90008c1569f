"""Networks with random weights as ONNX, to be measured: from pixels to raw outputs."""

from collections.abc import Sequence

import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import nn

from tinydet.arch import Arch
from tinydet.deploy.trace import trace
from tinydet.errors import InputError
from tinydet.models import Classifier, SSDLite
from tinydet.models.complexity import input_side
from tinydet.models.parts import build_part

IMAGE = 'image'
LOGITS = 'logits'


def untrained_onnx(cfg: Config) -> bytes:
    """The network of a config.

    Args:
        cfg: Of a classifier or a detector.

    Returns:
        A model from ``image``, (1, 3, side, side), to its logits or raw predictions.

    Raises:
        InputError: If the config has no model, or does not say how large its input is.
    """
    if cfg.get('model') is None:
        raise InputError(f'{cfg.filename} has no model: give the config of a network')
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope')):
        model = build_part(cfg.model)
    return to_onnx(model, input_side(cfg), ())


def classifier_onnx(arch: Arch, side: int, classes: int) -> bytes:
    """A classifier with random weights, to measure.

    Args:
        arch: The table of its backbone.
        side: Of its square input, in pixels.
        classes: Number of classes.

    Returns:
        A model from ``image``, (1, 3, side, side), to ``logits``, (1, classes).
    """
    return to_onnx(build_classifier(arch, classes), side, [LOGITS])


def detector_onnx(
    arch: Arch, side: int, classes: int, outputs: Sequence[int | str]
) -> bytes:
    """An SSDLite detector with random weights, to its raw predictions, to measure.

    Args:
        arch: The table of its backbone.
        side: Of its square input, in pixels.
        classes: Number of classes without the background.
        outputs: The two outputs of the backbone, as in its ``out_indices``.

    Returns:
        A model from ``image``, (1, 3, side, side), to ``scores0``, ... and ``boxes0``,
        ..., one of both a level, as ``SSDLiteHead.forward`` gives them.
    """
    model = build_detector(arch, side, classes, outputs)
    levels = range(model.bbox_head.prior_generator.num_levels)
    names = [f'{what}{level}' for what in ('scores', 'boxes') for level in levels]
    return to_onnx(model, side, names)


def build_classifier(arch: Arch, classes: int) -> Classifier:
    """The classifier of a table."""
    return Classifier(
        backbone=dict(type='ConvNet', arch=arch), head=dict(num_classes=classes)
    )


def build_detector(
    arch: Arch, side: int, classes: int, outputs: Sequence[int | str]
) -> SSDLite:
    """The SSDLite detector of a table, without settings for training or boxes."""
    return SSDLite(
        backbone=dict(type='ConvNet', arch=arch, out_indices=outputs),
        neck=dict(type='SSDLiteNeck'),
        bbox_head=dict(
            type='SSDLiteHead',
            num_classes=classes,
            anchor_generator=dict(type='SSDLiteAnchorGenerator', input_size=side),
        ),
    )


def to_onnx(model: nn.Module, side: int, outputs: Sequence[str]) -> bytes:
    """Export what a model computes in evaluation, for one image of one size.

    Args:
        model: Takes (1, 3, side, side); is put into evaluation mode.
        side: Of the square input, in pixels.
        outputs: Names for the tensors that it returns, nested ones flattened; they have
            names of the exporter where there are none.
    """
    image = torch.zeros(1, 3, side, side)
    return trace(model, image, IMAGE, outputs).SerializeToString()
