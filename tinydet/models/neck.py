"""The extra layers of SSDLite."""

from collections.abc import Sequence

from mmdet.models.necks import SSDNeck
from mmengine.registry import MODELS

from tinydet.arch import SSDLITE_EXTRA_CHANNELS


@MODELS.register_module()
class SSDLiteNeck(SSDNeck):
    """Separable stride-2 layers that follow the backbone's last feature.

    Each layer halves the map: a 1x1 convolution to half the channels, then a
    depthwise-separable 3x3 convolution of stride 2 (MobileNetV2, section 6.2).

    Args:
        in_channels: Channels of the backbone's features.
        extra_channels: Output channels of each extra layer.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        extra_channels: Sequence[int] = SSDLITE_EXTRA_CHANNELS,
    ) -> None:
        levels = len(extra_channels)
        super().__init__(
            in_channels=tuple(in_channels),
            out_channels=(*in_channels, *extra_channels),
            level_strides=(2,) * levels,
            level_paddings=(1,) * levels,
            l2_norm_scale=None,
            use_depthwise=True,
            norm_cfg=dict(type='BN'),
            act_cfg=dict(type='ReLU6'),
            init_cfg=dict(type='TruncNormal', layer='Conv2d', std=0.03),
        )
