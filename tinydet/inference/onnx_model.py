"""Detectors as ONNX files, run by ONNX Runtime or OpenVINO."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from tinydet.errors import InputError, some
from tinydet.inference.detections import Detections
from tinydet.inference.metadata import EXPORT_AGAIN, Metadata
from tinydet.inference.openvino_model import RunGraph, openvino_graph
from tinydet.inference.suppress import suppress

OPENVINO = 'openvino'
RUNTIMES = ('onnxruntime', OPENVINO)

IMAGES = 'images'
# By whether suppression is in the graph.
_OUTPUTS = {
    False: ['boxes', 'scores'],
    True: ['boxes', 'scores', 'labels', 'count'],
}
_CUDA = 'CUDAExecutionProvider'
_PROVIDERS = {'cpu': ['CPUExecutionProvider'], 'cuda': [_CUDA, 'CPUExecutionProvider']}


class OnnxModel:
    """A detector that ``tools/export.py`` wrote.

    Args:
        path: The file.
        device: ``'cpu'`` or ``'cuda'``.
        threads: That an operator may use; None leaves it to the runtime.
        runtime: One of :data:`RUNTIMES`.

    Attributes:
        metadata: The file's.
        name: Of the config that it was made from.
        classes: Names in the order of the labels.
        input_size: Side of the square input, in pixels.

    Raises:
        InputError: The file is missing, is no ONNX model, has no metadata of TinyDet or
            such that its graph contradicts, is no detector, or the device or the
            runtime is not there.
    """

    def __init__(
        self, path: str | Path, device: str, threads: int | None, runtime: str
    ) -> None:
        session = open_session(path, device, threads)
        properties = session.get_modelmeta().custom_metadata_map
        self.metadata = Metadata.from_properties(properties, path)
        if self.metadata.task != 'detection':
            raise InputError(
                f'{path} is a model of task {self.metadata.task!r}: give a detector'
            )
        _check_graph(session, self.metadata, path)
        self.name = self.metadata.name
        self.classes = self.metadata.classes
        self.input_size = self.metadata.input_size
        self._outputs = _OUTPUTS[self.metadata.nms]
        self._one_by_one = session.get_inputs()[0].shape[0] == 1
        self._graph: RunGraph = session.run
        if runtime == OPENVINO:
            self._graph = openvino_graph(path, threads)

    def run(self, images: np.ndarray) -> list[tuple[np.ndarray, ...]]:
        """Run the graph.

        Args:
            images: (N, input_size, input_size, 3), uint8, RGB.

        Returns:
            The outputs for each image, for :meth:`select`.
        """
        groups = images[:, None] if self._one_by_one else [images]
        return [
            outputs
            for group in groups
            for outputs in zip(
                *self._graph(self._outputs, {IMAGES: group}), strict=True
            )
        ]

    def select(self, outputs: tuple[np.ndarray, ...]) -> Detections:
        """The objects among the outputs for an image, in the pixels of the input."""
        if self.metadata.nms:
            boxes, scores, labels, count = outputs
            return Detections(boxes[:count], scores[:count], labels[:count])
        boxes, scores = outputs
        return suppress(
            boxes,
            scores,
            self.metadata.level_sizes,
            self.metadata.score_thr,
            self.metadata.iou_thr,
            self.metadata.nms_pre,
            self.metadata.max_per_img,
        )


def open_session(
    path: str | Path, device: str, threads: int | None
) -> onnxruntime.InferenceSession:
    """Load an ONNX file.

    Args:
        path: The file.
        device: ``'cpu'`` or ``'cuda'``.
        threads: That an operator may use; None leaves it to ONNX Runtime.

    Raises:
        InputError: The file is missing or is no ONNX model, or the device is not there.
    """
    if not Path(path).is_file():
        if not str(path):
            problem = 'the path of the model is empty'
        elif Path(path).is_dir():
            problem = f'{path} is a folder'
        else:
            problem = f'{path} does not exist'
        raise InputError(f'{problem}: give an .onnx file that tools/export.py wrote')
    if device == 'cuda' and _CUDA not in onnxruntime.get_available_providers():
        raise _no_cuda()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=_PROVIDERS[device]
        )
    # ONNX Runtime has an exception for each kind of damage, without a common base.
    except Exception as error:
        raise InputError(
            f'{path} is not an ONNX model that can be run: {error}: give an .onnx file '
            'that tools/export.py wrote, or a config (.py) and its checkpoint'
        ) from error
    # It falls back to the CPU where CUDA's libraries do not fit.
    if device == 'cuda' and _CUDA not in session.get_providers():
        raise _no_cuda()
    return session


def _no_cuda() -> InputError:
    return InputError(
        "device='cuda', but ONNX Runtime finds no CUDA device: install onnxruntime-gpu "
        "and the CUDA version that it names, or give 'cpu'"
    )


def _check_graph(
    session: onnxruntime.InferenceSession, metadata: Metadata, path: object
) -> None:
    """Refuse a graph that is not what the metadata say."""
    side, classes = metadata.input_size, len(metadata.classes)
    if metadata.nms:
        most = metadata.max_per_img
        outputs = {'boxes': [most, 4], 'scores': [most], 'labels': [most], 'count': []}
    else:
        boxes = sum(metadata.level_sizes)
        outputs = {'boxes': [boxes, 4], 'scores': [boxes, classes]}
    expected = {IMAGES: [side, side, 3], **outputs}
    tensors = [*session.get_inputs(), *session.get_outputs()]
    shapes = {tensor.name: tensor.shape for tensor in tensors}
    if shapes.keys() != expected.keys():
        raise InputError(
            f'{path} has the inputs and outputs {some(list(shapes))}, not '
            f'{some(list(expected))} as its metadata say: {EXPORT_AGAIN}'
        )
    for name, shape in expected.items():
        if not _fits(shapes[name], shape):
            raise InputError(
                f'{path}: {name} has the shape {shapes[name]}, but by the metadata '
                f'(input_size={side}, {classes} classes, '
                f'level_sizes={metadata.level_sizes}, '
                f'max_per_img={metadata.max_per_img}) it should be '
                f'{["batch", *shape]}: {EXPORT_AGAIN}'
            )
    kind = session.get_inputs()[0].type
    if kind != 'tensor(uint8)':
        raise InputError(f'{path} takes a {kind}, not uint8: {EXPORT_AGAIN}')


def _fits(shape: Sequence[int | str | None], expected: Sequence[int]) -> bool:
    """Whether a shape is (1 or a name, *expected); names stand for any size."""
    if len(shape) != len(expected) + 1 or (isinstance(shape[0], int) and shape[0] != 1):
        return False
    return all(
        not isinstance(found, int) or found == size
        for found, size in zip(shape[1:], expected, strict=True)
    )
