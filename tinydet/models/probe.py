"""Finding out what a module gives by running it once."""

import torch
from torch import Tensor, nn


@torch.no_grad()
def run_once(module: nn.Module, inputs) -> tuple[Tensor, ...]:
    """The outputs of a module in evaluation mode; its mode and state stay."""
    training = module.training
    # Not module.eval()(...): train() of many mm backbones returns nothing.
    module.eval()
    outputs = module(inputs)
    module.train(training)
    return outputs
