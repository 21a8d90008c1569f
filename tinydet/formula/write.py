"""A network of the formula as a config that ``tools/train.py`` takes."""

import os
from pathlib import Path

from tinydet.arch import detector_outputs
from tinydet.errors import InputError
from tinydet.files import replacing
from tinydet.formula.cube import (
    COCO_CLASSES,
    DETECTOR_SIDE,
    IMAGENET_CLASSES,
    Net,
)

# The recipes of section 4.1, by the operator of a baseline's stages.
_RECIPES = {'bottleneck': 'resnet_in1k.py'}
_RECIPE = 'efficientnet_in1k.py'
# The paper's detector.
_DETECTOR = 'ssdlite_tinynet_d.py'
_RESIZED = """\
input_size = ({side}, {side})
train_pipeline = _base_.train_pipeline
short_train_pipeline = _base_.short_train_pipeline
test_pipeline = _base_.test_pipeline
for step in [*train_pipeline, *short_train_pipeline, *test_pipeline]:
    if step['type'] == 'Resize':
        step['scale'] = input_size
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
"""


def check_new(path: Path) -> None:
    """Refuse to write over a config, which may be someone's work.

    Raises:
        InputError: If the file exists, or is no Python file.
    """
    if path.suffix != '.py':
        raise InputError(f'{path} is no config: give a name that ends in .py')
    if path.exists():
        raise InputError(f'{path} exists: remove it, or give another name')


def write_classifier(
    path: Path, net: Net, baseline: str, classes: int, title: str, configs: Path
) -> None:
    """Write the config of a classifier for ImageNet, or for a tree laid out as it.

    Args:
        path: The file to write.
        net: The network.
        baseline: What it was made of, a name in ``tinydet.arch.ARCHS``.
        classes: Number of classes.
        title: What it is, for the first line.
        configs: The folder of this project's configs, which the file builds on.
    """
    recipe = _RECIPES.get(net.arch.stages[0].operator, _RECIPE)
    head = '' if classes == IMAGENET_CLASSES else f', head=dict(num_classes={classes})'
    _write(
        path,
        title,
        configs,
        f'_base_/{recipe}',
        f'backbone = {_backbone(net, baseline)}\n'
        f'model = dict(backbone=backbone{head})\n'
        f'loader = dict(dataset=dict(input_size={net.input}))\n'
        'train_dataloader = val_dataloader = test_dataloader = loader\n',
    )


def write_detector(
    path: Path,
    net: Net,
    baseline: str,
    side: int,
    classes: int,
    title: str,
    configs: Path,
) -> None:
    """Write the config of an SSDLite detector for COCO, or for a set laid out as it.

    Args:
        path: The file to write.
        net: Its backbone.
        baseline: What that was made of, a name in ``tinydet.arch.ARCHS``.
        side: Of the detector's square input, in pixels.
        classes: Number of classes.
        title: What it is, for the first line.
        configs: The folder of this project's configs, which the file builds on.
    """
    head = [f'num_classes={classes}'] * (classes != COCO_CLASSES)
    resized = side != DETECTOR_SIDE
    head += [f'anchor_generator=dict(input_size={side})'] * resized
    bbox_head = f', bbox_head=dict({", ".join(head)})' if head else ''
    outputs = detector_outputs(net.arch)
    _write(
        path,
        title,
        configs,
        _DETECTOR,
        f'backbone = {_backbone(net, baseline)}\n'
        f'backbone.update(_delete_=True, out_indices={outputs!r})\n'
        f'model = dict(backbone=backbone{bbox_head})\n'
        + (_RESIZED.format(side=side) if resized else ''),
    )


def _backbone(net: Net, baseline: str) -> str:
    return f'dict(type={"TinyNet"!r}, baseline={baseline!r}, w={net.w:g}, d={net.d:g})'


def _write(path: Path, title: str, configs: Path, name: str, body: str) -> None:
    folder, configs = Path(os.path.abspath(path.parent)), configs.resolve()
    base = configs / name
    # A config in the project moves with it. From elsewhere, and where a folder on the
    # way is a link, MMEngine would not find the way back by '..'.
    if folder == folder.resolve() and folder.is_relative_to(configs.parent):
        base = Path(os.path.relpath(base, folder))
    with replacing(path) as partial:
        partial.write_text(f'# {title}\n_base_ = {base.as_posix()!r}\n{body}')
