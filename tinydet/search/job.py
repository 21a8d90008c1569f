"""A classifier or detector config as what trains the networks of a cube."""

import copy
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pprint import pformat

from mmengine.config import Config

from tinydet.arch import EFFICIENTNET_B0, SSDLITE_EXTRA_CHANNELS
from tinydet.errors import InputError
from tinydet.formula.cube import Cube, Net, classifier_cube, detector_cube
from tinydet.models.complexity import input_side

# Arguments of our backbones that say what network it is; others are kept.
_PLACE = ('type', 'variant', 'w', 'd', 'baseline', 'phi', 'arch', '_scope_')
_LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
# What differs between machines and does not change a training.
_LOCAL = (
    *(
        'data_root',
        'num_workers',
        'persistent_workers',
        'pin_memory',
        'prefetch_factor',
    ),
    *('work_dir', 'launcher', 'logger', 'log_level', 'filename', 'env_cfg', 'resume'),
)
# By the type of the model: the figure that a network is judged by.
_FIGURES = {'Classifier': 'top1', 'SSDLite': 'bbox_mAP'}
_HEADS = {'Classifier': 'head', 'SSDLite': 'bbox_head'}


@dataclass(frozen=True)
class Job:
    """A config whose network is the baseline: r = d = w = 1.

    Attributes:
        cfg: From :func:`tinydet.engine.jobs.load_config`.

    Raises:
        InputError: If its model is no Classifier or SSDLite with a backbone of ours.
    """

    cfg: Config

    def __post_init__(self) -> None:
        model = self.cfg.get('model') or {}
        if model.get('type') not in _FIGURES:
            raise InputError(
                f'{self.cfg.filename}: its model is {model.get("type")!r}, and a '
                'search twists a Classifier or an SSDLite: give a config of one'
            )
        for part in ('backbone', _HEADS[model.type]):
            if part not in model:
                raise InputError(f'{self.cfg.filename}: its model has no {part}')
        if not self.cfg.get('train_dataloader'):
            raise InputError(f'{self.cfg.filename} has no train_dataloader')
        if self.baseline is None:
            raise InputError(
                f'{self.cfg.filename}: its backbone {model.backbone.get("type")!r} has '
                "no table to twist: give type='ConvNet' with the name of a baseline "
                "as arch, such as 'efficientnet_b0'"
            )

    @property
    def figure(self) -> str:
        """What a network is judged by, a column of results.csv."""
        return _FIGURES[self.cfg.model.type]

    @property
    def baseline(self) -> str | None:
        """The name of the network that is twisted."""
        backbone = self.cfg.model.backbone
        if backbone.get('type') in ('TinyNet', 'EfficientNetMinus'):
            return backbone.get('baseline', EFFICIENTNET_B0.name)
        arch = backbone.get('arch') if backbone.get('type') == 'ConvNet' else None
        return arch if isinstance(arch, str) else None

    @property
    def seed(self) -> int:
        """Of a training, as the config has it."""
        return self.cfg.get('randomness', {}).get('seed', 0)

    @property
    def digest(self) -> str:
        """What identifies how networks are trained, and on which data."""
        text = json.dumps(_decisive(self.cfg.to_dict()), sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @cached_property
    def cube(self) -> Cube:
        """The networks of the config, and what they cost."""
        model, side = self.cfg.model, input_side(self.cfg)
        if model.type == 'Classifier':
            return classifier_cube(self.baseline, model.head.num_classes, side)
        return detector_cube(
            self.baseline,
            model.bbox_head.num_classes,
            side,
            model.backbone.get('out_indices'),
            model.neck.get('extra_channels', SSDLITE_EXTRA_CHANNELS),
        )

    def place(self, net: Net, by_authors: bool, seed: int) -> Config:
        """The config that trains another network.

        Args:
            net: Of the cube.
            by_authors: Whether the width scales the network's ends by the rule of its
                authors, as the giant rule does, instead of that of the tiny formula.
            seed: Of the training.

        Returns:
            A config of its own.
        """
        cfg = copy.deepcopy(self.cfg)
        old = cfg.model.backbone
        kept = {name: value for name, value in old.items() if name not in _PLACE}
        name = 'arch' if by_authors else 'baseline'
        kind = 'ConvNet' if by_authors else 'TinyNet'
        place = {'type': kind, name: self.baseline, 'w': net.w, 'd': net.d}
        # A plain assignment would merge the new backbone into the old one.
        del cfg.model['backbone']
        cfg.model.backbone = {**place, **kept}
        cfg.randomness = {**cfg.get('randomness', {}), 'seed': seed}
        self._resize(cfg, net.input)
        return cfg

    def _resize(self, cfg: Config, side: int) -> None:
        """Give the networks an input of another side, in pixels."""
        if cfg.model.type == 'SSDLite':
            cfg.model.bbox_head.anchor_generator.input_size = side
        for part in _parts([cfg.get(name) for name in _LOADERS]):
            kind = str(part.get('type')).rpartition('.')[2]
            if kind == 'ImageFolder':
                part['input_size'] = side
            elif kind == 'Resize' and cfg.model.type == 'SSDLite':
                part['scale'] = (side, side)


def _decisive(part: object) -> object:
    """A config without what is local to a machine."""
    if isinstance(part, Mapping):
        return {k: _decisive(value) for k, value in part.items() if k not in _LOCAL}
    if isinstance(part, list | tuple):
        return [_decisive(item) for item in part]
    return part


def as_python(cfg: Config) -> str:
    """A config as a file; MMEngine's own dump takes seconds to format it."""
    settings = cfg.to_dict().items()
    return ''.join(f'{name} = {pformat(value)}\n' for name, value in settings)


def _parts(part: object) -> Iterator[Mapping]:
    """Every dict in a nest of lists and dicts: data sets, steps of pipelines."""
    if isinstance(part, Mapping):
        yield part
        part = list(part.values())
    if isinstance(part, list | tuple):
        for item in part:
            yield from _parts(item)
