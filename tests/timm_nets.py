"""timm's networks, with weights in which every mistake shows."""

import timm
import torch
from torch import nn


def timm_net(name: str, **settings) -> nn.Module:
    """A network as after training, in evaluation mode.

    With its first weights, a swap of two batch norms or biases would go unseen.
    """
    torch.manual_seed(0)
    net = timm.create_model(name, **settings).eval()
    randomise(net)
    return net


def randomise(net: nn.Module) -> None:
    """Draw the batch norms and biases of any network."""
    for module in net.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.8, 1.2)
            nn.init.uniform_(module.weight, 0.8, 1.2)
            module.num_batches_tracked.fill_(7)
        if getattr(module, 'bias', None) is not None:
            nn.init.normal_(module.bias, std=0.1)
