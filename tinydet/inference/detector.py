"""A detector as a function of an image."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tinydet.checks import check_choice, check_rate, check_whole
from tinydet.errors import InputError
from tinydet.images import resize
from tinydet.inference.detections import Detections
from tinydet.inference.image import ImageLike, as_rgb
from tinydet.inference.metadata import Metadata
from tinydet.inference.onnx_model import OPENVINO, RUNTIMES, OnnxModel

if TYPE_CHECKING:
    from tinydet.inference.torch_model import TorchModel


class Timings(NamedTuple):
    """Wall-clock times of the stages of a detection, in milliseconds.

    Attributes:
        prepare_ms: From what was given to the network's input: reading and resizing.
        network_ms: The network; with suppression where its graph has that, and for a
            config.
        select_ms: From the network's outputs to objects in the image's pixels, with
            suppression where it is not in the graph.
    """

    prepare_ms: float
    network_ms: float
    select_ms: float


class Detector:
    """Finds objects in images.

    It cannot be pickled: processes build one each.

    ::

        detector = Detector('bccd.onnx')
        boxes, scores, labels = detector('cells.jpg')
        names = [detector.classes[label] for label in labels]

    Args:
        model: An ``.onnx`` file of ``tools/export.py``, which needs neither PyTorch nor
            OpenMMLab; or a config (``.py``), which needs both.
        checkpoint: The config's weights, as :func:`tinydet.weights.read_checkpoint`
            takes them.
        score: Objects of at most this score are left out. None is below the model's own
            threshold, which is 0.02 in the configs: 0 gives all, as evaluation wants.
        device: ``'cpu'`` or ``'cuda'``.
        threads: That an operator may use; None leaves it to the runtime. In PyTorch it
            holds for the process.
        runtime: What runs an ``.onnx`` file: ``'onnxruntime'``, or ``'openvino'``,
            which is for CPUs and faster on those with AMX.

    Attributes:
        name: Of the config.
        classes: Names in the order of the labels.
        input_size: Side of the square that images are resized to, in pixels.
        metadata: The ONNX file's; None for a config.
        score: As given; may be set, within 0 and 1.

    Raises:
        InputError: An argument, the model or the checkpoint is unusable.
    """

    def __init__(
        self,
        model: str | Path,
        checkpoint: str | Path | None = None,
        *,
        score: float = 0.3,
        device: str = 'cpu',
        threads: int | None = None,
        runtime: str = 'onnxruntime',
    ) -> None:
        self.score = score
        check_choice('device', device, ('cpu', 'cuda'))
        check_choice('runtime', runtime, RUNTIMES)
        if runtime == OPENVINO and device != 'cpu':
            raise InputError(
                f"runtime='openvino' is for device='cpu', not {device!r}: give one of "
                'them alone'
            )
        if threads is not None:
            check_whole('threads', threads, 1)
        if Path(model).suffix != '.py':
            if checkpoint is not None:
                raise InputError(
                    f'{model} is no config (.py), so it takes no checkpoint: leave out '
                    f'{checkpoint}'
                )
            self._model = OnnxModel(model, device, threads, runtime)
            self.metadata: Metadata | None = self._model.metadata
        else:
            if runtime == OPENVINO:
                raise InputError(
                    f"{model} is a config, which PyTorch runs, not runtime='openvino': "
                    'give an .onnx file that tools/export.py wrote from it'
                )
            if checkpoint is None:
                raise InputError(
                    f'{model} is a config without weights: give its checkpoint as well'
                )
            self._model = _torch_model()(model, checkpoint, device, threads)
            self.metadata = None
        self.name: str = self._model.name
        self.classes: tuple[str, ...] = self._model.classes
        self.input_size: int = self._model.input_size

    @property
    def score(self) -> float:
        return self._score

    @score.setter
    def score(self, value: float) -> None:
        check_rate('score', value)
        self._score = value

    def __call__(self, image: ImageLike) -> Detections:
        """Find the objects of an image.

        Args:
            image: A path; an image of Pillow, whose pixels are taken as they lie; or an
                array, (H, W, 3), uint8, RGB. A file's image is turned as its EXIF
                orientation says, and its boxes are in the turned image's pixels.

        Returns:
            Boxes, scores and labels, the best first.

        Raises:
            ImageReadError: The file cannot be read.
            InputError: It is none of these.
        """
        return self.batch([image])[0]

    def batch(self, images: Sequence[ImageLike]) -> list[Detections]:
        """Find the objects of several images, in one run of the network.

        An ONNX file that was not exported with ``--batch dynamic`` takes them one by
        one.

        Args:
            images: A list or an array of images of any sizes; see :meth:`__call__`.

        Returns:
            One an image, in the same order.

        Raises:
            ImageReadError: A file cannot be read.
            InputError: An image is none that :meth:`__call__` takes, or there is no
                list of them.
        """
        if isinstance(images, str) or not isinstance(images, Sequence | np.ndarray):
            raise InputError(
                f'the images are a {type(images).__name__}: give a list of them'
            )
        return self._detect(images)[0] if len(images) else []

    def timed(self, image: ImageLike) -> tuple[Detections, Timings]:
        """Find the objects of an image, as :meth:`__call__` does, and time that."""
        (found,), timings = self._detect([image])
        return found, timings

    def _detect(self, images: Sequence[ImageLike]) -> tuple[list[Detections], Timings]:
        times = [time.perf_counter()]
        inputs, sizes = self._prepare(images)
        times.append(time.perf_counter())
        outputs = self._model.run(inputs)
        times.append(time.perf_counter())
        found = [
            self._fit(self._model.select(own), height, width)
            for own, (height, width) in zip(outputs, sizes, strict=True)
        ]
        times.append(time.perf_counter())
        return found, Timings(*(1000 * np.diff(times)).tolist())

    def _prepare(
        self, images: Sequence[ImageLike]
    ) -> tuple[np.ndarray, list[tuple[int, int]]]:
        """The network's input, and the height and width of each image."""
        side = self.input_size
        inputs = np.empty((len(images), side, side, 3), np.uint8)
        sizes = []
        for index, image in enumerate(images):
            pixels = as_rgb(image)
            inputs[index] = resize(pixels, side, side)
            sizes.append(pixels.shape[:2])
        return inputs, sizes

    def _fit(self, found: Detections, height: int, width: int) -> Detections:
        """Go from the network's pixels to the image's, and leave out what is unsure."""
        boxes, scores, labels = (part[found.scores > self.score] for part in found)
        scale = np.array([self.input_size / width, self.input_size / height] * 2)
        return Detections(boxes / scale.astype(np.float32), scores, labels)


def _torch_model() -> type['TorchModel']:
    """Import what runs configs; ONNX files are run where it is not installed."""
    try:
        from tinydet.inference.torch_model import TorchModel
    except ModuleNotFoundError as error:
        raise InputError(
            f'a config needs {error.name}, which is not installed: install TinyDet '
            'with its dependencies, or give an .onnx file that tools/export.py wrote'
        ) from error
    return TorchModel
