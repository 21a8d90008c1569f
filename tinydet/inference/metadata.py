"""What an exported network says about itself, inside its ONNX file."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields

from tinydet.errors import InputError, some

TASKS = ('detection', 'classification')
PRECISIONS = ('float32', 'int8')
# Before every name, so that no other tool's property is taken for ours.
_PREFIX = 'tinydet.'
# The mend of a file that is not such.
EXPORT_AGAIN = 'write it with tools/export.py'


@dataclass(frozen=True)
class Metadata:
    """Properties of an exported network.

    Attributes:
        task: ``'detection'`` or ``'classification'``.
        name: Of the config that it was made from.
        classes: Names in the order of the labels.
        input_size: Side of the square input, in pixels.
        mean: Of the R, G and B that the graph subtracts, 0 to 255.
        std: Likewise, what it divides by.
        nms: Whether suppression is in the graph. This and all down to ``level_sizes``
            is None for a classifier.
        score_thr: Boxes of at most this score are left out.
        iou_thr: So is a box that overlaps a better one of its class by more than this.
        nms_pre: At most so many boxes of a level go into the suppression.
        max_per_img: At most so many come out of it.
        level_sizes: Number of default boxes of each level, in the graph's order.
        macs: Multiply-accumulates of an image.
        parameters: Number of weights.
        precision: ``'float32'`` or ``'int8'``.
        revision: Git revision of the exporting checkout, with ``-dirty`` where files
            were changed; ``'unknown'`` outside a checkout.
        version: Of the exporting TinyDet.
    """

    task: str
    name: str
    classes: tuple[str, ...]
    input_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    nms: bool | None
    score_thr: float | None
    iou_thr: float | None
    nms_pre: int | None
    max_per_img: int | None
    level_sizes: tuple[int, ...] | None
    macs: int
    parameters: int
    precision: str
    revision: str
    version: str

    def to_properties(self) -> dict[str, str]:
        """What goes into the file's ``metadata_props``: JSON by name."""
        return {
            f'{_PREFIX}{name}': json.dumps(value)
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_properties(cls, properties: Mapping[str, str], path: object) -> 'Metadata':
        """Read them back.

        Args:
            properties: The file's ``metadata_props``.
            path: The file, for messages.

        Raises:
            InputError: If they are not a network's of this project, or cannot be read.
        """
        if not any(name.startswith(_PREFIX) for name in properties):
            raise InputError(
                f'{path} has no metadata of TinyDet, so its classes and input are '
                f'unknown: {EXPORT_AGAIN}'
            )
        keys = {field.name: f'{_PREFIX}{field.name}' for field in fields(cls)}
        missing = [key for key in keys.values() if key not in properties]
        if missing:
            raise InputError(
                f'{path} lacks the metadata {some(missing)}: {EXPORT_AGAIN}'
            )
        values = {
            name: _read(path, key, properties[key], _VALID[name])
            for name, key in keys.items()
        }
        if values['task'] == 'detection':
            absent = [keys[name] for name, value in values.items() if value is None]
            if absent:
                raise InputError(
                    f'{path} is a detector with {some(absent)}=null: {EXPORT_AGAIN}'
                )
        return cls(**values)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _size(value: object) -> bool:
    return _whole(value) and value > 0


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: object) -> bool:
    return isinstance(value, str)


def _list(valid: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: (
        isinstance(value, list) and len(value) > 0 and all(map(valid, value))
    )


def _colour(value: object) -> bool:
    return _list(_number)(value) and len(value) == 3


def _or_none(valid: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: value is None or valid(value)


# What a value may be, as JSON has it.
_VALID: dict[str, Callable[[object], bool]] = {
    'task': lambda value: value in TASKS,
    'name': _text,
    'classes': _list(_text),
    'input_size': _size,
    'mean': _colour,
    'std': _colour,
    'nms': _or_none(lambda value: isinstance(value, bool)),
    'score_thr': _or_none(_number),
    'iou_thr': _or_none(_number),
    'nms_pre': _or_none(_size),
    'max_per_img': _or_none(_size),
    'level_sizes': _or_none(_list(_size)),
    'macs': _whole,
    'parameters': _whole,
    'precision': lambda value: value in PRECISIONS,
    'revision': _text,
    'version': _text,
}


def _read(path: object, key: str, text: str, valid: Callable[[object], bool]) -> object:
    """Parse one property; a list becomes a tuple."""
    try:
        value = json.loads(text)
    except ValueError:
        value = ...
    if not valid(value):
        raise InputError(
            f'{path} has the metadata {key}={text}, which cannot be read: '
            f'{EXPORT_AGAIN}'
        )
    return tuple(value) if isinstance(value, list) else value
