"""Parts of a model, of this project or of another library."""

from collections.abc import Mapping

import torch
from mmengine.model import BaseModule
from mmengine.registry import MODELS
from torch import Tensor, nn

from tinydet.errors import InputError
from tinydet.weights import strict_pretrained


def build_part(cfg: Mapping, what: str = 'model') -> nn.Module:
    """Build a part from its config.

    A ``Pretrained`` in the ``init_cfg`` of a part from another library is loaded as
    those of this project are: the right weights, read without running code, or none.

    Args:
        cfg: Its config.
        what: What it is in the model, for messages.

    Raises:
        InputError: If there is no such type, or it cannot be built with its arguments.
    """
    try:
        part = MODELS.build(cfg)
    except InputError:
        raise
    except Exception as error:  # other libraries raise anything, assertions too
        arguments = ', '.join(f'{k}={v!r}' for k, v in cfg.items() if k != 'type')
        raise InputError(
            f'the {what} {_type(cfg)} cannot be built with ({arguments}): '
            f'{_first_line(error)}: mend its arguments'
        ) from error
    if isinstance(part, BaseModule):
        part.init_cfg = strict_pretrained(part.init_cfg)
    return part


@torch.no_grad()
def run_once(module: nn.Module, inputs) -> tuple[Tensor, ...]:
    """The outputs of a module in evaluation mode; its mode and state stay.

    Raises:
        InputError: If it cannot run, as with an output that it does not have.
    """
    training = module.training
    # Not module.eval()(...): train() of many mm backbones returns nothing.
    module.eval()
    try:
        outputs = module(inputs)
    except InputError:
        raise
    except Exception as error:  # other libraries raise anything
        raise InputError(
            f'{type(module).__name__} cannot be run: {_first_line(error)}: mend its '
            'arguments'
        ) from error
    module.train(training)
    return outputs


def _type(cfg: Mapping) -> str:
    kind = cfg.get('type')
    return kind if isinstance(kind, str) else getattr(kind, '__name__', str(kind))


def _first_line(error: Exception) -> str:
    text = next(iter(str(error).splitlines()), '')
    return f'{type(error).__name__}: {text}' if text else type(error).__name__
