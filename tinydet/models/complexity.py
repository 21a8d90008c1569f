"""What a model costs: parameters and multiply-accumulates."""

from dataclasses import dataclass

import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class Complexity:
    """The cost of one model on one image.

    Attributes:
        input: Side of the square input, in pixels.
        params: Number of parameters.
        macs: Multiply-accumulates of convolutions and matrix products of a forward
            pass, which papers on small networks call FLOPs. Normalisation,
            activations and box decoding are not counted.
    """

    input: int
    params: int
    macs: int


def count(model: nn.Module, input_size: int) -> Complexity:
    """Count a model that was built on the meta device.

    Args:
        model: Takes a (1, 3, H, W) tensor.
        input_size: H and W, in pixels.
    """
    image = torch.empty(1, 3, input_size, input_size, device='meta')
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.eval()(image)
    return Complexity(
        input=input_size,
        params=sum(parameter.numel() for parameter in model.parameters()),
        # The counter counts a multiplication and an addition as two.
        macs=counter.get_total_flops() // 2,
    )


def count_detector(cfg: Config) -> Complexity:
    """Count the detector of a config, raw predictions without suppression.

    Args:
        cfg: An SSDLite config.
    """
    init_default_scope(cfg.default_scope)
    with torch.device('meta'):
        detector = MODELS.build(cfg.model)
    return count(detector, cfg.model.bbox_head.anchor_generator.input_size)
