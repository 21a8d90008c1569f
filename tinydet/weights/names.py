"""Names of weights: timm's and torchvision's on one side, a ``Classifier``'s on ours.

Within the backbone the names are those of timm's EfficientNet family. What differs is
written as pairs of prefixes, so that each pair serves both ways.
"""

import re
from collections.abc import Iterable, Sequence

from torch import Tensor

from tinydet.errors import InputError

BACKBONE = 'backbone.'
HEAD = 'head.'
_LAST = f'{HEAD}fc.'
_HIDDEN = f'{HEAD}hidden.'

# (theirs, ours); the first that fits is taken.
_EFFICIENTNET = (('classifier.', _LAST), ('', BACKBONE))
_RESNET = (
    *((f'layer{k + 1}.', f'{BACKBONE}blocks.{k}.') for k in range(4)),
    ('conv1.', f'{BACKBONE}conv_stem.'),
    ('fc.', _LAST),
    ('', BACKBONE),
)
# Backbones of other libraries keep the names of their classifiers, but for the last.
_ELSEWHERE = (
    ('fc.', _LAST),
    ('classifier.', _LAST),
    (HEAD, HEAD),
    ('', BACKBONE),
)
_BLOCK = re.compile(r'blocks\.(\d+)\.(\d+)\.')


def to_tinydet(
    state: dict[str, Tensor], repeats: Sequence[int] = ()
) -> dict[str, Tensor]:
    """Give weights the names that they have in a ``Classifier``.

    Args:
        state: Weights under timm's names, torchvision's (ResNet), or those of one of
            our backbones or models, which stay as they are.
        repeats: Blocks of each stage of our network. timm groups the blocks of some
            networks (MobileNetV3) otherwise; their order is the same.

    Returns:
        Weights under ``backbone.`` and ``head.``, in the same order.
    """
    if has_part(state, BACKBONE):
        return state
    if 'layer1.0.conv3.weight' in state:  # of a bottleneck
        return _rename(state, _RESNET)
    places = _places(state)
    pairs = []
    if places and 'conv_head.bias' in state:
        # The layer between pooling and classifier, a 1x1 convolution in timm; its last
        # "block" is the convolution before pooling.
        last = places.pop()
        pairs += [
            ('conv_head.', _HIDDEN),
            (f'{_prefix(last)}conv.', f'{BACKBONE}conv_head.'),
            (f'{_prefix(last)}bn1.', f'{BACKBONE}bn2.'),
        ]
    if len(places) == sum(repeats):
        ours = [(s, b) for s, count in enumerate(repeats) for b in range(count)]
        pairs += [
            (_prefix(their), f'{BACKBONE}{_prefix(our)}')
            for their, our in zip(places, ours, strict=True)
        ]
    renamed = _rename(state, (*pairs, *_EFFICIENTNET))
    if f'{_HIDDEN}weight' in renamed:
        renamed[f'{_HIDDEN}weight'] = renamed[f'{_HIDDEN}weight'].flatten(1)
    return renamed


def of_elsewhere(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Give weights of a backbone without a table its names in a ``Classifier``.

    Args:
        state: Weights of a classifier whose backbone has the names that it has here,
            as torchvision's ResNets have those of mmdet's, or of a whole model.

    Returns:
        Weights under ``backbone.`` and ``head.``, in the same order.
    """
    return state if has_part(state, BACKBONE) else _rename(state, _ELSEWHERE)


def has_part(names: Iterable[str], prefix: str) -> bool:
    """Whether weights of a part, such as ``'backbone.'``, are among these."""
    return any(name.startswith(prefix) for name in names)


def parts_of(names: Iterable[str]) -> list[str]:
    """The parts of a model that weights belong to, such as ``'backbone'``, in order."""
    return list(dict.fromkeys(name.partition('.')[0] for name in names))


def to_timm(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Give the weights of a ``Classifier``, or of a model's backbone, timm's names.

    Args:
        state: Weights under ``backbone.`` and ``head.fc.``. Other parts of a model have
            no place in timm's network and are left out.

    Returns:
        A state dict for timm's network, in the same order.

    Raises:
        InputError: If timm groups the blocks of this network otherwise, so that names
            alone do not tell where they belong.
    """
    if has_part(state, _HIDDEN):
        raise InputError(
            'networks with a hidden layer in the classifier (MobileNetV3, GhostNet) '
            'have their blocks in other groups at timm, and cannot be converted by '
            'their names'
        )
    bottlenecks = f'{BACKBONE}blocks.0.0.conv3.weight' in state
    pairs = _RESNET if bottlenecks else _EFFICIENTNET
    return _rename(
        {k: v for k, v in state.items() if k.startswith((BACKBONE, _LAST))},
        [(ours, theirs) for theirs, ours in pairs],
    )


def _places(names: Iterable[str]) -> list[tuple[int, int]]:
    """Stage and number within it of every block, in order."""
    found = filter(None, map(_BLOCK.match, names))
    return sorted({(int(block[1]), int(block[2])) for block in found})


def _prefix(place: tuple[int, int]) -> str:
    return f'blocks.{place[0]}.{place[1]}.'


def _rename(
    state: dict[str, Tensor], pairs: Iterable[tuple[str, str]]
) -> dict[str, Tensor]:
    """Replace the first of the prefixes that fits each name."""
    renamed = {}
    for name, value in state.items():
        old, new = next(pair for pair in pairs if name.startswith(pair[0]))
        renamed[new + name.removeprefix(old)] = value
    return renamed
