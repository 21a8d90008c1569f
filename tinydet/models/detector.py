"""SSDLite as a whole: any backbone with maps of stride 16 and 32."""

import torch
from mmdet.models.detectors import SingleStageDetector
from mmdet.models.detectors.base import BaseDetector
from mmengine.registry import MODELS
from torch import nn

from tinydet.errors import InputError
from tinydet.models.parts import build_part, run_once
from tinydet.weights import strict_pretrained

# SSDLite predicts on the backbone at these strides (MobileNetV2, section 6.2).
BACKBONE_STRIDES = (16, 32)


@MODELS.register_module()
class SSDLite(SingleStageDetector):
    """A single-stage detector that fits its neck and head to the backbone.

    The channels of the backbone's features are found by running it once on a small
    image, so a config swaps the backbone in one line. Weights are kept in
    channels_last, in which depthwise convolutions are several times faster on CPU.

    Args:
        backbone: Config of a backbone with two outputs, of stride 16 and 32.
        neck: Config without ``in_channels``.
        bbox_head: Config without ``in_channels``.
        train_cfg: For the head.
        test_cfg: For the head.
        data_preprocessor: Config of the preprocessor.
        init_cfg: MMEngine's. ``dict(type='Pretrained', checkpoint=...)`` loads a whole
            detector as :func:`tinydet.weights.load_pretrained` does; one of the
            backbone loads that alone.

    Raises:
        InputError: If the backbone's outputs are not two maps of stride 16 and 32.
    """

    def __init__(
        self,
        backbone: dict,
        neck: dict,
        bbox_head: dict,
        train_cfg: dict | None = None,
        test_cfg: dict | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        # Not SingleStageDetector's: it builds the neck before channels are known.
        BaseDetector.__init__(
            self,
            data_preprocessor=data_preprocessor,
            init_cfg=strict_pretrained(init_cfg),
        )
        self.backbone = build_part(backbone, 'backbone')
        channels = backbone_channels(self.backbone)
        self.neck = build_part({**neck, 'in_channels': channels}, 'neck')
        self.bbox_head = build_part(
            {
                **bbox_head,
                'in_channels': neck_channels(self.neck, channels),
                'train_cfg': train_cfg,
                'test_cfg': test_cfg,
            },
            'bbox_head',
        )
        self.train_cfg = train_cfg
        self.test_cfg = test_cfg
        self.to(memory_format=torch.channels_last)


def backbone_channels(backbone: nn.Module) -> list[int]:
    """Channels of a backbone's two features.

    Raises:
        InputError: If they are not two maps of stride 16 and 32.
    """
    side = 2 * max(BACKBONE_STRIDES)
    features = run_once(backbone, torch.zeros(1, 3, side, side))
    strides = [side // feature.shape[-1] for feature in features]
    if strides != list(BACKBONE_STRIDES):
        raise InputError(
            f'{type(backbone).__name__} gives {len(features)} feature maps of strides '
            f'{strides}, but SSDLite needs two, of strides 16 and 32: set its '
            'out_indices'
        )
    return [feature.shape[1] for feature in features]


def neck_channels(neck: nn.Module, in_channels: list[int]) -> list[int]:
    """Channels of all levels behind a neck that takes ``in_channels``."""
    features = [
        torch.zeros(1, channels, side, side)
        for channels, side in zip(in_channels, (64, 32), strict=True)
    ]
    return [feature.shape[1] for feature in run_once(neck, features)]
