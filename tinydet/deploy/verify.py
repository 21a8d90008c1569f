"""An exported file beside the network that it was made from."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn
from torchvision.ops import box_iou

# Detections of one object overlap by so much at least.
_SAME = 0.5
# The most that rounding came to on random images, times about ten.
_MOST_SCORE, _MOST_PIXELS = 1e-3, 1e-2
# Cells along a side of a random image, so that there is something like objects in it.
_CELLS = 8


@dataclass(frozen=True)
class Agreement:
    """How far a file's outputs are from PyTorch's.

    Attributes:
        scores: Largest difference of two probabilities.
        boxes: Largest difference of two coordinates, in pixels of the input; None for a
            classifier.
        found: Detections of the file, where suppression is in the graph.
        expected: Those of PyTorch.
        matched: Those of both: of one class, overlapping by half; the differences above
            are theirs.
    """

    scores: float
    boxes: float | None = None
    found: int | None = None
    expected: int | None = None
    matched: int | None = None

    @property
    def is_rounding(self) -> bool:
        """Whether float32, in which steps follow in another order, explains it."""
        return self.scores <= _MOST_SCORE and (self.boxes or 0) <= _MOST_PIXELS


def random_image(side: int) -> np.ndarray:
    """An image of random colours that flow into each other, and noise.

    Returns:
        (side, side, 3), uint8; the same on each call.
    """
    generator = torch.Generator().manual_seed(0)
    cells = torch.rand(1, 3, _CELLS, _CELLS, generator=generator)
    colours = nn.functional.interpolate(cells, (side, side), mode='bilinear')
    noise = torch.rand(1, 3, side, side, generator=generator)
    image = (0.9 * colours + 0.1 * noise)[0] * 255
    return image.byte().permute(1, 2, 0).numpy()


@torch.no_grad()
def verify(model: bytes, graph: nn.Module, image: np.ndarray) -> Agreement:
    """Check an exported model and run it beside its network.

    Args:
        model: The content of the file.
        graph: What it was made from.
        image: (S, S, 3), uint8, RGB.
    """
    onnx.checker.check_model(onnx.load_from_string(model), full_check=True)
    session = onnxruntime.InferenceSession(model, providers=['CPUExecutionProvider'])
    names = [output.name for output in session.get_outputs()]
    images = np.ascontiguousarray(image)[None]
    found = dict(zip(names, session.run(names, {'images': images}), strict=True))
    outputs = graph.eval()(torch.from_numpy(images))
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    expected = dict(zip(names, (tensor.numpy() for tensor in outputs), strict=True))
    if 'count' in names:
        return _compare_detections(found, expected)
    return Agreement(**{name: _most(found[name] - expected[name]) for name in names})


def _compare_detections(
    found: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]
) -> Agreement:
    """Match detections one to one, the surest first."""
    (ours,), (theirs,) = found['count'], expected['count']
    overlaps = box_iou(
        torch.from_numpy(expected['boxes'][0, :theirs]),
        torch.from_numpy(found['boxes'][0, :ours]),
    ).numpy()
    same = expected['labels'][0, :theirs, None] == found['labels'][0, :ours]
    overlaps = np.where(same, overlaps, 0)
    pairs = []
    for row in range(theirs if ours else 0):
        column = overlaps[row].argmax()
        if overlaps[row, column] >= _SAME:
            pairs.append((row, column))
            overlaps[:, column] = 0
    rows, columns = np.array(pairs, np.int64).reshape(-1, 2).T
    scores, boxes = (
        _most(found[name][0, columns] - expected[name][0, rows])
        for name in ('scores', 'boxes')
    )
    return Agreement(scores, boxes, int(ours), int(theirs), len(pairs))


def _most(differences: np.ndarray) -> float:
    return float(np.abs(differences).max(initial=0))
