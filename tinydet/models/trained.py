"""Networks with the weights that they were trained to."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmdet.datasets import CocoDataset
from mmdet.models.detectors import SingleStageDetector
from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import nn

from tinydet.errors import InputError, some
from tinydet.models.classifier import Classifier
from tinydet.models.complexity import input_side
from tinydet.models.parts import build_part
from tinydet.weights import (
    class_names,
    place_weights,
    read_checkpoint,
    weights_in,
)


@dataclass(frozen=True)
class TrainedClassifier:
    """A network and what is needed to ask it about an image.

    Attributes:
        name: That of the config's file.
        model: In evaluation mode.
        side: Of its square input, in pixels.
        classes: Names of the classes in the order of their labels; empty where the
            weights come without.
    """

    name: str
    model: Classifier
    side: int
    classes: Sequence[str]

    def class_name(self, label: int) -> str:
        """The name of a class, or its number where it has none."""
        return self.classes[label] if self.classes else f'class {label}'


@dataclass(frozen=True)
class TrainedDetector:
    """A network that finds objects.

    Attributes:
        name: That of the config's file.
        model: In evaluation mode.
        side: Of its square input, in pixels.
        classes: Names of the classes in the order of their labels.
    """

    name: str
    model: SingleStageDetector
    side: int
    classes: tuple[str, ...]


def load_classifier(cfg: Config, source: str) -> TrainedClassifier:
    """Build the classifier of a config and load its weights, all of them or none.

    Args:
        cfg: Of a :class:`Classifier`.
        source: A checkpoint of ours, which may hold the names of the classes, or
            whatever else :func:`tinydet.weights.read_weights` takes.

    Raises:
        InputError: If the config is of no classifier or does not say how large its
            input is, or the weights cannot be read or are not of this network with
            this classifier.
    """
    model = _build(cfg, Classifier, 'classifier')
    side = input_side(cfg)
    checkpoint = read_checkpoint(source)
    place_weights(model, weights_in(checkpoint), source, with_classifier=True)
    return TrainedClassifier(
        Path(cfg.filename).stem, model.eval(), side, class_names(checkpoint)
    )


def load_detector(cfg: Config, source: str | Path) -> TrainedDetector:
    """Build the detector of a config and load its weights, all of them or none.

    Args:
        cfg: Of a detector of one stage, such as :class:`tinydet.models.SSDLite`.
        source: A checkpoint of ours, or whatever else
            :func:`tinydet.weights.read_checkpoint` takes. The names of the classes are
            the checkpoint's, else those of the config's test set, else COCO's where
            there are 80, else numbers.

    Raises:
        InputError: If the config is of no such detector, does not say how large its
            input is or keeps the aspect ratio of images, or the weights cannot be read,
            are not of this network or name another number of classes.
    """
    model = _build(cfg, SingleStageDetector, 'detector')
    side = input_side(cfg)
    dataset = cfg.get('test_dataloader', {}).get('dataset', {})
    if any(step.get('keep_ratio') for step in dataset.get('pipeline', [])):
        raise InputError(
            f'{cfg.filename} resizes with keep_ratio=True, but images are stretched to '
            'a square here: train and test with keep_ratio=False'
        )
    checkpoint = read_checkpoint(source)
    place_weights(model, weights_in(checkpoint), source, with_classifier=True)
    number = model.bbox_head.num_classes
    found = {
        source: class_names(checkpoint),
        cfg.filename: tuple(dataset.get('metainfo', {}).get('classes', ())),
    }
    for file, names in found.items():
        if names and len(names) != number:
            raise InputError(
                f'{file} names {len(names)} classes ({some(names)}), but the network '
                f'of {cfg.filename} has {number}: give the config and the checkpoint '
                'of one training'
            )
    classes = next(filter(None, found.values()), None) or _usual_names(number)
    return TrainedDetector(Path(cfg.filename).stem, model.eval(), side, classes)


def _usual_names(number: int) -> tuple[str, ...]:
    """Names for the classes of a detector that comes without."""
    coco = CocoDataset.METAINFO['classes']
    if number == len(coco):
        return coco
    return tuple(f'class {label}' for label in range(number))


def _build(cfg: Config, kind: type[nn.Module], what: str) -> nn.Module:
    """Build the model of a config, which must be of a kind."""
    if cfg.get('model') is None:
        raise InputError(f'{cfg.filename} has no model: give the config of a network')
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope')):
        model = build_part(cfg.model)
    if not isinstance(model, kind):
        raise InputError(
            f'{cfg.filename} describes a {type(model).__name__}, not a '
            f'{kind.__name__}: give the config of a {what}'
        )
    return model
