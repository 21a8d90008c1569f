"""Weights by name: reading files and timm's hub, names, loading whole or not at all."""

from tinydet.weights.files import (
    class_names,
    load_weights_only,
    read_checkpoint,
    read_weights,
    weights_in,
)
from tinydet.weights.loading import (
    PretrainedStrictly,
    load_pretrained,
    load_weights,
    place_weights,
    strict_pretrained,
)
from tinydet.weights.names import to_timm, to_tinydet

__all__ = [
    'PretrainedStrictly',
    'class_names',
    'load_pretrained',
    'load_weights',
    'load_weights_only',
    'place_weights',
    'read_checkpoint',
    'read_weights',
    'strict_pretrained',
    'to_timm',
    'to_tinydet',
    'weights_in',
]
