"""Files of weights, read without running code that they may hold."""

import argparse
import pickletools
import re
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from mmengine.logging import print_log
from torch import Tensor

from tinydet.errors import InputError
from tinydet.weights.hub import fetch

TIMM_SCHEME = 'timm://'
# Where training scripts keep the weights in a checkpoint, averaged ones first: MMEngine
# and timm, then torchvision.
_WEIGHTS_KEYS = ('state_dict_ema', 'model_ema', 'state_dict', 'model')
# Of those, and MMEngine's sign that its ``state_dict`` is averaged: it keeps what was
# averaged under this name.
_AVERAGED = ('state_dict_ema', 'model_ema', 'ema_state_dict')
# What DistributedDataParallel and torch.compile put before a name.
_WRAPPERS = re.compile(r'^(module\.|_orig_mod\.)+')


def read_weights(source: str | Path) -> dict[str, Tensor]:
    """Read the weights of a network, under the names that they have there.

    Args:
        source: See :func:`read_checkpoint`. Averaged weights (EMA) are preferred, as
            timm does, and logged.

    Returns:
        Tensors on the CPU, without what DistributedDataParallel or torch.compile put
        before their names.

    Raises:
        InputError: As for :func:`read_checkpoint`.
    """
    return weights_in(read_checkpoint(source))


def read_checkpoint(source: str | Path) -> dict:
    """Read a checkpoint by name; :func:`weights_in` gives what it holds.

    Args:
        source: ``'timm://MODEL'`` or ``'timm://MODEL.TAG'`` for timm's hub, such as
            ``'timm://tinynet_d.in1k'``, else a path: a ``.safetensors`` file, a
            pickled state dict, or a checkpoint of MMEngine, timm or torchvision that
            holds one.

    Returns:
        The checkpoint, its tensors on the CPU. It is logged where its weights are an
        average.

    Raises:
        InputError: timm has no such weights, they cannot be fetched, or the file is
            unusable (see :func:`load_weights_only`).
    """
    source = str(source)
    if source.startswith(TIMM_SCHEME):
        source = fetch(source.removeprefix(TIMM_SCHEME))
    elif '://' in source:
        raise InputError(
            f'{source}: weights are read from {TIMM_SCHEME} or from a path: download '
            'the file and give its path'
        )
    checkpoint = load_weights_only(source)
    if is_averaged(checkpoint):
        print_log(f'{source}: its averaged weights (EMA) are taken', logger='current')
    return checkpoint


def class_names(checkpoint: Mapping) -> tuple[str, ...]:
    """The classes that a checkpoint of MMEngine was trained for; empty for none."""
    meta = checkpoint.get('meta', {})
    return tuple(meta.get('dataset_meta', {}).get('classes', ()))


def is_averaged(checkpoint: Mapping) -> bool:
    """Whether the weights of a checkpoint are an average over its training."""
    return bool(checkpoint.get('meta', {}).get('averaged')) or any(
        checkpoint.get(key) is not None for key in _AVERAGED
    )


def weights_in(checkpoint: object) -> dict[str, Tensor]:
    """The weights that a checkpoint holds, whoever wrote it; empty for none."""
    if not isinstance(checkpoint, dict):
        return {}
    held = (checkpoint[key] for key in _WEIGHTS_KEYS if checkpoint.get(key) is not None)
    weights = next(held, checkpoint)
    if not isinstance(weights, dict):
        return {}
    return {
        _WRAPPERS.sub('', name): value
        for name, value in weights.items()
        if isinstance(value, Tensor)
    }


def load_weights_only(path: str | Path) -> dict:
    """Load a checkpoint without running code that it may hold.

    Args:
        path: A checkpoint of this project, or a file of weights from elsewhere.

    Returns:
        The checkpoint, its tensors on the CPU.

    Raises:
        InputError: There is no such file, it is damaged or empty, it is no checkpoint,
            or it cannot be read without running code from it.
    """
    try:
        if Path(path).suffix == '.safetensors':
            checkpoint = safetensors.torch.load_file(path)
        else:
            # timm's training script keeps its arguments in one; it is plain data.
            with torch.serialization.safe_globals([argparse.Namespace]):
                checkpoint = torch.load(path, map_location='cpu', weights_only=True)
    except OSError as error:
        raise InputError(
            f'{path}: cannot be opened as a checkpoint: {error.strerror or error}'
        ) from error
    except Exception as error:  # damaged bytes can raise anything in the reader
        code = re.search(r'nsupported (?:global: )?GLOBAL (\S+)', str(error))
        if code or _is_pickle_of_code(path):
            raise InputError(
                f'{path}: refused, since reading it would run '
                f'{code[1] if code else "code from it"}; take a '
                'checkpoint that holds nothing but weights'
            ) from error
        raise InputError(
            f'{path}: not a whole checkpoint; it is truncated, damaged or of another '
            'format: fetch or write it again'
        ) from error
    if not weights_in(checkpoint):
        raise InputError(f'{path}: holds no weights; give a checkpoint of a model')
    return checkpoint


def _is_pickle_of_code(path: str | Path) -> bool:
    """Whether a file is a whole pickle that calls something; nothing of it is run.

    The weights-only reader knows two versions of the format and names what it refuses
    in those alone.
    """
    with open(path, 'rb') as file:
        try:
            names = {opcode.name for opcode, *_ in pickletools.genops(file)}
        except Exception:  # whatever else the file is, it is no pickle
            return False
    return not names.isdisjoint({'GLOBAL', 'STACK_GLOBAL', 'INST'})
