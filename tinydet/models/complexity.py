"""What a model costs: parameters, multiply-accumulates and activations."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from tinydet.arch import table_of
from tinydet.errors import InputError
from tinydet.models.parts import build_part

# Of the last feature, in every network here that has no table to say otherwise.
_USUAL_STRIDE = 32


@dataclass(frozen=True)
class Complexity:
    """The cost of one model on one image.

    Attributes:
        input: Side of the square input, in pixels.
        params: Number of parameters.
        macs: Multiply-accumulates of convolutions and matrix products of a forward
            pass, which papers on small networks call FLOPs. Normalisation,
            activation functions and box decoding are not counted.
        activations: Output elements of convolutions and linear layers, as Radosavovic
            et al. define them ("Designing Network Design Spaces", section 3.2).
    """

    input: int
    params: int
    macs: int
    activations: int


def count(model: nn.Module, input_size: int) -> Complexity:
    """Count a model that was built on the meta device.

    Args:
        model: Takes a (1, 3, H, W) tensor.
        input_size: H and W, in pixels.

    Raises:
        InputError: If the input is smaller than the model's stride.
    """
    stride = _stride(model)
    if input_size < stride:
        raise InputError(
            f'input {input_size} is smaller than the stride of '
            f'{type(model).__name__}: give a side of at least {stride} pixels'
        )
    outputs = []
    hooks = [
        module.register_forward_hook(
            lambda module, args, output: outputs.append(output.numel())
        )
        for module in model.modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
    ]
    image = torch.empty(1, 3, input_size, input_size, device='meta')
    model.eval()  # not model.eval()(image): train() of many mm backbones returns None
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(image)
    for hook in hooks:
        hook.remove()
    return Complexity(
        input=input_size,
        params=sum(parameter.numel() for parameter in model.parameters()),
        # The counter counts a multiplication and an addition as two.
        macs=counter.get_total_flops() // 2,
        activations=sum(outputs),
    )


def build(model: Mapping, scope: str | None) -> nn.Module:
    """Build a model on the meta device, without memory for its weights.

    Args:
        model: Its config.
        scope: Where types without a prefix are looked up, beside the root registry.
    """
    with DefaultScope.overwrite_default_scope(scope), torch.device('meta'):
        return build_part(model)


def count_model(
    cfg: Config, input_size: int | None = None, part: str = 'model'
) -> Complexity:
    """Count the model of a config.

    Args:
        cfg: Of a classifier, counted to its logits, or of a detector, counted to its
            raw predictions, without suppression.
        input_size: Side of the input in pixels, if not the config's.
        part: ``'model'`` or ``'backbone'``.

    Raises:
        InputError: If the config has no model or no such part, says nothing of its
            input, or the input is smaller than the model's stride.
    """
    model = cfg.get('model')
    if model is None:
        raise InputError(f'{cfg.filename} has no model: give the config of a network')
    side = input_side(cfg) if input_size is None else input_size
    if part == 'backbone':
        if 'backbone' not in model:
            raise InputError(f'the {model.type} of {cfg.filename} has no backbone')
        model = model.backbone
    return count(build(model, cfg.get('default_scope')), side)


def input_side(cfg: Config) -> int:
    """Side of a config's input, in pixels: of its default boxes or its test set.

    Raises:
        InputError: If neither says.
    """
    boxes = cfg.model.get('bbox_head', {}).get('anchor_generator', {})
    if 'input_size' in boxes:
        return boxes.input_size
    dataset = cfg.get('test_dataloader', {}).get('dataset', {})
    if 'input_size' in dataset:
        return dataset.input_size
    for step in reversed(dataset.get('pipeline', [])):
        size = step.get('crop_size', step.get('scale'))
        if size is not None:
            return size if isinstance(size, int) else min(size)
    raise InputError(
        f'{cfg.filename} does not say how large its input is: set '
        'test_dataloader.dataset.input_size in it, or give --input SIDE'
    )


def _stride(model: nn.Module) -> int:
    """Input pixels over pixels of the last feature, along a side."""
    table = table_of(model)
    return table.stride if table else _USUAL_STRIDE
