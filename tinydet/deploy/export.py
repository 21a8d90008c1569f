"""Trained networks as ONNX, for a runtime without PyTorch.

From pixels to boxes or class probabilities, with what is needed to use them in the
file's metadata.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import onnx
import torch
from mmengine.config import Config
from torch import Tensor, nn

import tinydet
from tinydet.deploy.graph import ClassifierGraph, DetectorGraph
from tinydet.deploy.nms import Suppression
from tinydet.deploy.revision import git_revision
from tinydet.deploy.trace import trace
from tinydet.errors import InputError, some
from tinydet.inference.metadata import Metadata
from tinydet.models import Classifier, SSDLiteHead
from tinydet.models.complexity import build, count_model
from tinydet.models.trained import (
    TrainedClassifier,
    load_classifier,
    load_detector,
)

IMAGES = 'images'


@dataclass(frozen=True)
class Exportable:
    """A trained network with all that goes into its file.

    Attributes:
        graph: From images, (N, S, S, 3) uint8 RGB, to the outputs.
        outputs: Their names.
        metadata: What the file says of itself.
    """

    graph: nn.Module
    outputs: Sequence[str]
    metadata: Metadata

    def to_onnx(self, dynamic_batch: bool) -> bytes:
        """The content of the file, for one image or, dynamic, for any batch of them."""
        side = self.metadata.input_size
        images = torch.zeros(1, side, side, 3, dtype=torch.uint8)
        model = trace(self.graph, images, IMAGES, self.outputs, dynamic_batch)
        return with_metadata(model.SerializeToString(), self.metadata)


def export_detector(
    cfg: Config, checkpoint: str, nms: bool, dynamic_batch: bool
) -> bytes:
    """A trained detector as an ONNX file.

    Args:
        cfg: Of a detector with a :class:`tinydet.models.SSDLiteHead`.
        checkpoint: See :func:`tinydet.models.trained.load_detector`.
        nms: Whether suppression is in the graph.
        dynamic_batch: Whether it takes any number N of images, else one.

    Returns:
        A model of ``images``, (N, S, S, 3) uint8 RGB, resized to the network's input.
        It gives ``boxes`` (N, A, 4), xyxy in pixels of this input, and ``scores``
        (N, A, classes) of all A default boxes. With ``nms`` and K = ``max_per_img``,
        ``boxes`` (N, K, 4), ``scores`` (N, K), ``labels`` (N, K) and ``count`` (N,) of
        the detections, the best first, and behind them 0, 0 and -1.

    Raises:
        InputError: If the config or the checkpoint is unusable, or of no such detector.
    """
    return exportable_detector(cfg, checkpoint, nms).to_onnx(dynamic_batch)


def export_classifier(cfg: Config, checkpoint: str, dynamic_batch: bool) -> bytes:
    """A trained classifier as an ONNX file.

    Args:
        cfg: Of a :class:`tinydet.models.Classifier`.
        checkpoint: See :func:`tinydet.models.trained.load_classifier`.
        dynamic_batch: Whether it takes any number N of images, else one.

    Returns:
        A model of ``images``, (N, S, S, 3) uint8 RGB, to ``scores``, (N, classes).

    Raises:
        InputError: If the config or the checkpoint is unusable, or of no classifier.
    """
    return exportable_classifier(cfg, checkpoint).to_onnx(dynamic_batch)


def exportable_detector(cfg: Config, checkpoint: str, nms: bool) -> Exportable:
    """Load what :func:`export_detector` writes."""
    trained = load_detector(cfg, checkpoint)
    _check_head(cfg, trained.model)
    settings = trained.model.test_cfg
    raw = DetectorGraph(trained.model, trained.side)
    limits = dict(
        score_thr=settings.score_thr,
        iou_thr=settings.nms.iou_threshold,
        nms_pre=settings.nms_pre,
        max_per_img=settings.max_per_img,
    )
    graph, outputs = raw, ('boxes', 'scores')
    if nms:
        graph = _Suppressed(raw, Suppression(raw.level_sizes, raw.classes, **limits))
        outputs = 'boxes', 'scores', 'labels', 'count'
    metadata = _metadata(
        cfg,
        raw,
        task='detection',
        name=trained.name,
        classes=trained.classes,
        input_size=trained.side,
        nms=nms,
        level_sizes=raw.level_sizes,
        **limits,
    )
    return Exportable(graph, outputs, metadata)


def exportable_classifier(cfg: Config, checkpoint: str) -> Exportable:
    """Load what :func:`export_classifier` writes."""
    trained = load_classifier(cfg, checkpoint)
    graph = ClassifierGraph(trained.model)
    metadata = _metadata(
        cfg,
        graph,
        task='classification',
        name=trained.name,
        classes=_class_names(cfg, trained),
        input_size=trained.side,
        nms=None,
        score_thr=None,
        iou_thr=None,
        nms_pre=None,
        max_per_img=None,
        level_sizes=None,
    )
    return Exportable(graph, ('scores',), metadata)


def is_classifier(cfg: Config) -> bool:
    """Whether a config is of a classifier, else a detector that can be exported.

    Raises:
        InputError: If it is of neither.
    """
    if cfg.get('model') is None:
        raise InputError(f'{cfg.filename} has no model: give the config of a network')
    model = build(cfg.model, cfg.get('default_scope'))
    if isinstance(model, Classifier):
        return True
    _check_head(cfg, model)
    return False


def with_metadata(model: bytes, metadata: Metadata) -> bytes:
    """Write metadata into an ONNX model, in place of what it has."""
    proto = onnx.load_from_string(model)
    onnx.helper.set_model_props(proto, metadata.to_properties())
    return proto.SerializeToString()


class _Suppressed(nn.Module):
    """Detections of images."""

    def __init__(self, raw: DetectorGraph, suppression: Suppression) -> None:
        super().__init__()
        self.raw = raw
        self.suppression = suppression

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        return self.suppression(*self.raw(images))


def _check_head(cfg: Config, model: nn.Module) -> None:
    """Refuse what is no detector whose boxes the graph can make."""
    head = getattr(model, 'bbox_head', None)
    if not isinstance(head, SSDLiteHead):
        found = type(model).__name__ + (f' with {type(head).__name__}' if head else '')
        raise InputError(
            f'{cfg.filename} describes a {found}, which cannot be exported: give the '
            'config of a Classifier, or of a detector with an SSDLiteHead'
        )
    wanted = 'score_thr', 'nms_pre', 'nms', 'max_per_img'
    missing = [name for name in wanted if name not in (model.test_cfg or ())]
    if missing:
        raise InputError(
            f'{cfg.filename} does not say how to choose boxes: set '
            f'{", ".join(missing)} in model.test_cfg'
        )


def _class_names(cfg: Config, trained: TrainedClassifier) -> tuple[str, ...]:
    """The checkpoint's, else those of the config's test set, else numbers."""
    number = trained.model.head.num_classes
    dataset = cfg.get('test_dataloader', {}).get('dataset', {})
    names = trained.classes or dataset.get('metainfo', {}).get('classes', ())
    if names and len(names) != number:
        raise InputError(
            f'{cfg.filename} names {len(names)} classes ({some(names)}), but its '
            f'network has {number}: give the config of this network'
        )
    return tuple(names) or tuple(map(trained.class_name, range(number)))


def _metadata(
    cfg: Config, graph: ClassifierGraph | DetectorGraph, **known: object
) -> Metadata:
    mean, std = graph.normalisation.of_rgb()
    cost = count_model(cfg)
    return Metadata(
        **known,
        mean=mean,
        std=std,
        macs=cost.macs,
        parameters=cost.params,
        precision='float32',
        revision=git_revision(),
        version=tinydet.__version__,
    )
