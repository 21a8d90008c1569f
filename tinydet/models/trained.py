"""A classifier with the weights that it was trained to."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import DefaultScope

from tinydet.errors import InputError
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
    if cfg.get('model') is None:
        raise InputError(f'{cfg.filename} has no model: give the config of a network')
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope')):
        model = build_part(cfg.model)
    if not isinstance(model, Classifier):
        raise InputError(
            f'{cfg.filename} describes a {type(model).__name__}, not a Classifier: '
            'give the config of a classifier'
        )
    side = input_side(cfg)
    checkpoint = read_checkpoint(source)
    place_weights(model, weights_in(checkpoint), source, with_classifier=True)
    return TrainedClassifier(
        Path(cfg.filename).stem, model.eval(), side, class_names(checkpoint)
    )
