"""Weights go into a network whole or not at all; only the classifier may differ."""

import logging
from collections.abc import Sequence
from pathlib import Path

from mmengine.logging import print_log
from mmengine.model import BaseModule
from mmengine.model.weight_init import PretrainedInit, update_init_info
from torch import Tensor, nn

from tinydet.arch import table_of
from tinydet.errors import LISTED, InputError
from tinydet.weights.files import read_weights
from tinydet.weights.names import (
    BACKBONE,
    HEAD,
    has_part,
    of_elsewhere,
    parts_of,
    to_tinydet,
)

_DETECTION_HEAD = 'bbox_head.'
# Of another shape where a detector's classes are others.
_DETECTION_CLASSES = f'{_DETECTION_HEAD}cls_convs.'


def strict_pretrained(init_cfg: dict | list[dict] | None) -> list[dict] | None:
    """Put this project's loader where an ``init_cfg`` asks for MMEngine's.

    MMEngine's loads what fits of a file and goes on with the rest as it is.

    Args:
        init_cfg: MMEngine's.

    Returns:
        The same with :class:`PretrainedStrictly` in place of ``'Pretrained'``, last as
        MMEngine has it.
    """
    if not init_cfg:
        return init_cfg
    cfgs = [init_cfg] if isinstance(init_cfg, dict) else init_cfg
    pretrained = [c for c in cfgs if c['type'] in ('Pretrained', PretrainedInit)]
    others = [c for c in cfgs if c not in pretrained]
    return others + [{**c, 'type': PretrainedStrictly} for c in pretrained]


class PretrainedStrictly:
    """An initializer of MMEngine: weights by name, whole or not at all.

    Args:
        checkpoint: See :func:`tinydet.weights.read_weights`.
        prefix: Take what lies under this name, such as ``'backbone.'``.
    """

    def __init__(self, checkpoint: str, prefix: str | None = None) -> None:
        self.checkpoint = checkpoint
        self.prefix = prefix

    def __call__(self, module: BaseModule) -> None:
        """Initialise the module's parts, then load over them."""
        for part in module.children():
            # Now, as MMEngine would do it afterwards and draw over what is loaded.
            if isinstance(part, BaseModule) and not part.is_init:
                part.init_weights()
        load_pretrained(module, self.checkpoint, self.prefix)
        if hasattr(module, '_params_init_info'):
            update_init_info(module, f'Pretrained: loaded from {self.checkpoint}')


def load_pretrained(
    module: nn.Module, source: str | Path, prefix: str | None = None
) -> None:
    """Load published weights, or those of a checkpoint, into one of our networks.

    Args:
        module: See :func:`place_weights`.
        source: See :func:`tinydet.weights.read_weights`.
        prefix: Take what lies under this name, such as ``'backbone.'``.

    Raises:
        InputError: If the source cannot be read, or is not of this network.
    """
    state = read_weights(source)
    if prefix is not None:
        state = _under(state, prefix, source)
    place_weights(module, state, source)


def place_weights(
    module: nn.Module,
    state: dict[str, Tensor],
    source: str | Path,
    with_classifier: bool = False,
) -> None:
    """Load weights under whatever names into one of our networks.

    Args:
        module: A backbone, or a classifier or detector, which has one as its
            ``backbone``. A backbone names in ``unbuilt`` the prefixes of weights that
            its network has but it was not built with. A bare backbone takes its part of
            a file with a classifier and of a detector's checkpoint.
        state: The weights.
        source: Where they are from, for messages.
        with_classifier: Refuse a classifier for other classes as well.

    Raises:
        InputError: If they are not of this network.
    """
    arch = table_of(module)
    if arch is None:
        state = of_elsewhere(state)
    else:
        state = to_tinydet(state, [stage.repeats for stage in arch.stages])
    if hasattr(module, 'bbox_head') and not has_part(state, _DETECTION_HEAD):
        raise InputError(
            f'{source}: has no {_DETECTION_HEAD.rstrip(".")}, so it is no detector: '
            'give it in the init_cfg of model.backbone to load a backbone'
        )
    backbone = getattr(module, 'backbone', module)
    unused = list(getattr(backbone, 'unbuilt', ()))
    if backbone is module:
        others = (name for name in state if not name.startswith(BACKBONE))
        unused += [f'{part}.' for part in parts_of(others)]
        state = {name.removeprefix(BACKBONE): value for name, value in state.items()}
    else:
        unused = [BACKBONE + part for part in unused]
    load_weights(module, state, source, unused, with_classifier)


def load_weights(
    module: nn.Module,
    state: dict[str, Tensor],
    source: str | Path,
    unused: Sequence[str] = (),
    with_classifier: bool = False,
) -> None:
    """Load weights under the module's own names.

    What is missing, unexpected or of another shape is refused. Three exceptions: the
    classifier (``head.``, or the class predictions of a detector for another number of
    classes), which then stays as it is; the counters of batch norms, which may be
    missing; and what is ``unused``. All but the counters is logged.

    Args:
        module: The network.
        state: The weights.
        source: Where they are from, for messages.
        unused: Prefixes of weights that the module was built without.
        with_classifier: Make no exception of the classifier.

    Raises:
        InputError: If anything does not fit; the message lists it.
    """
    here = module.state_dict()
    network = _network(module)
    left = [n for n in state if n not in here and n.startswith(tuple(unused))]
    misfits = {
        'missing': [
            n for n in here if n not in state and not n.endswith('num_batches_tracked')
        ],
        'unexpected': [n for n in state if n not in here and n not in left],
        'of another shape': [
            n for n in here if n in state and here[n].shape != state[n].shape
        ],
    }
    classifier = []
    if not with_classifier:
        misfit = [n for names in misfits.values() for n in names]
        classifier += [n for n in misfit if n.startswith(HEAD)]
        classifier += [
            n for n in misfits['of another shape'] if n.startswith(_DETECTION_CLASSES)
        ]
    refused = {
        problem: [n for n in names if n not in classifier]
        for problem, names in misfits.items()
    }
    if any(refused.values()):
        found = [
            f'{len(names)} {problem} ({_listed(names, state, here)})'
            for problem, names in refused.items()
            if names
        ]
        raise InputError(
            f'{source}: not the weights of {network}: {"; ".join(found)}: give the '
            'file of this network, or configure the network of this file'
        )

    fitting = {n: state[n] for n in state if n not in left and n not in classifier}
    module.load_state_dict(fitting, strict=False)
    print_log(
        f'{source}: {len(fitting)} of {len(state)} tensors loaded into {network}'
        + (f', {len(left)} not used: {_rest(left, unused)}' if left else ''),
        logger='current',
    )
    if classifier:
        print_log(
            f'{source}: the classifier is another one and stays as it was initialised: '
            + _listed(classifier, state, here),
            logger='current',
            level=logging.WARNING,
        )


def _under(
    state: dict[str, Tensor], prefix: str, source: str | Path
) -> dict[str, Tensor]:
    prefix = prefix if prefix.endswith('.') else f'{prefix}.'
    found = {
        name.removeprefix(prefix): value
        for name, value in state.items()
        if name.startswith(prefix)
    }
    if not found:
        raise InputError(
            f'{source}: has no weights under prefix={prefix!r}; it has '
            + ', '.join(parts_of(state))
        )
    return found


def _network(module: nn.Module) -> str:
    """What to call a network in a message."""
    arch = table_of(module)
    name = type(module).__name__
    return f'{name} ({arch.name})' if arch else name


def _rest(left: list[str], unused: Sequence[str]) -> str:
    """Names of weights that stay out; of many, the parts that they belong to."""
    if len(left) <= LISTED:
        return ', '.join(left)
    return ', '.join(
        part.rstrip('.') for part in unused if any(n.startswith(part) for n in left)
    )


def _listed(names: list[str], state: dict[str, Tensor], here: dict[str, Tensor]) -> str:
    """The first of the names, with the shapes of what is on both sides."""
    shown = [
        f'{n} {tuple(state[n].shape)} for {tuple(here[n].shape)}'
        if n in state and n in here
        else n
        for n in names[:LISTED]
    ]
    return ', '.join(shown) + (', ...' if len(names) > LISTED else '')
