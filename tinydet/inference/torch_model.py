"""Detectors as a config and a checkpoint, run by PyTorch and mmdet."""

from pathlib import Path

import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from tinydet.engine.jobs import load_config
from tinydet.errors import InputError
from tinydet.inference.detections import Detections
from tinydet.models.trained import load_detector


class TorchModel:
    """A detector as ``tools/test.py`` runs it.

    Args:
        config: Path of its config.
        checkpoint: Its weights, as :func:`tinydet.weights.read_checkpoint` takes them.
        device: ``'cpu'`` or ``'cuda'``.
        threads: For PyTorch in this process; None leaves them as they are.

    Attributes:
        name: That of the config's file.
        classes: Names in the order of the labels.
        input_size: Side of the square input, in pixels.

    Raises:
        InputError: The config or the checkpoint is unusable, or the device is not
            there.
    """

    def __init__(
        self,
        config: str | Path,
        checkpoint: str | Path,
        device: str,
        threads: int | None,
    ) -> None:
        if device == 'cuda' and not torch.cuda.is_available():
            raise InputError(
                "device='cuda', but PyTorch finds no CUDA device: give 'cpu'"
            )
        if threads is not None:
            torch.set_num_threads(threads)
        detector = load_detector(load_config(config), checkpoint)
        self._model = detector.model.to(device)
        self.name = detector.name
        self.classes = detector.classes
        self.input_size = detector.side

    @torch.no_grad()
    def run(self, images: np.ndarray) -> list[InstanceData]:
        """Run the detector.

        Args:
            images: (N, input_size, input_size, 3), uint8, RGB.

        Returns:
            What it finds in each image, for :meth:`select`.
        """
        size = images.shape[1:3]
        # The configs' pipelines load BGR.
        bgr = np.ascontiguousarray(images[..., ::-1].transpose(0, 3, 1, 2))
        samples = [
            DetDataSample(
                metainfo=dict(img_shape=size, ori_shape=size, scale_factor=(1.0, 1.0))
            )
            for _ in images
        ]
        data = dict(inputs=list(torch.from_numpy(bgr)), data_samples=samples)
        # What is on the CPU has been computed, so that the time is the whole one.
        return [
            sample.pred_instances.cpu().numpy()
            for sample in self._model.test_step(data)
        ]

    def select(self, found: InstanceData) -> Detections:
        """The objects of an image, in the pixels of the input."""
        return Detections(found.bboxes, found.scores, found.labels)
