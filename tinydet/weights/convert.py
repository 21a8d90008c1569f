"""One file of weights into another, under the names of timm or of this project."""

from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

import tinydet
from tinydet.errors import InputError
from tinydet.weights.files import read_weights
from tinydet.weights.names import BACKBONE, HEAD, to_timm, to_tinydet

SUFFIXES = ('.pth', '.pt', '.safetensors')


@dataclass(frozen=True)
class Converted:
    """What a conversion gives.

    Attributes:
        content: What to save: a state dict for timm; ours is a checkpoint, the weights
            of a ``Classifier`` under ``state_dict`` and their source under ``meta``.
        backbone: Number of tensors of the backbone.
        classifier: Number of tensors of the classifier.
        left_out: Names of the rest, such as a detector's neck and head.
    """

    content: dict
    backbone: int
    classifier: int
    left_out: list[str]


def convert(source: str, to: str) -> Converted:
    """Read weights and give them other names.

    Args:
        source: See :func:`tinydet.weights.read_weights`.
        to: ``'timm'`` or ``'tinydet'``.

    Raises:
        InputError: If the source cannot be read, is of no network whose names are
            known, or of one that names alone do not convert.
    """
    state = read_weights(source)
    ours = to_tinydet(state)
    if f'{BACKBONE}conv_stem.weight' not in ours:
        raise InputError(
            f"{source}: neither a network of ours, nor of timm's EfficientNet family "
            '(conv_stem.weight), nor a ResNet of bottlenecks (layer1.0.conv3.weight)'
        )
    if f'{HEAD}hidden.weight' in ours and (to == 'timm' or ours is not state):
        raise InputError(
            f'{source}: a network with a hidden layer in its classifier (MobileNetV3, '
            'GhostNet), whose blocks are in other groups at timm, as names alone do '
            'not tell; init_cfg, which knows the network, takes the file of timm as it '
            'is'
        )
    kept = {n: v for n, v in ours.items() if n.startswith((BACKBONE, HEAD))}
    if to == 'timm':
        content = to_timm(kept)
    else:
        meta = {'source': source, 'tinydet_version': tinydet.__version__}
        content = {'meta': meta, 'state_dict': kept}
    return Converted(
        content,
        backbone=sum(name.startswith(BACKBONE) for name in kept),
        classifier=sum(name.startswith(HEAD) for name in kept),
        left_out=[name for name in ours if name not in kept],
    )


def check_suffix(path: Path) -> None:
    """Refuse a file name that does not say how to write it."""
    if path.suffix not in SUFFIXES:
        raise InputError(
            f'{path}: the name of a file of weights ends with {", ".join(SUFFIXES)}'
        )


def save(content: dict, path: Path) -> None:
    """Write weights as the suffix says; ``.safetensors`` holds the bare weights."""
    if path.suffix == '.safetensors':
        weights = content.get('state_dict', content)
        safetensors.torch.save_file(_packed(weights), path, metadata={'format': 'pt'})
    elif 'state_dict' in content:
        torch.save({**content, 'state_dict': _packed(content['state_dict'])}, path)
    else:
        torch.save(_packed(content), path)


def _packed(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Copies in plain memory format that share nothing, as safetensors wants them."""
    return {
        name: value.clone(memory_format=torch.contiguous_format)
        for name, value in weights.items()
    }
