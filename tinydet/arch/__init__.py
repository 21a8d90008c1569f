"""What a network is: tables with named fields and the rules that scale them."""

from tinydet.arch.cost import Cost, classifier_cost
from tinydet.arch.efficientnet import EFFICIENTNET_B0
from tinydet.arch.ghostnet import GHOSTNET, GHOSTNETS
from tinydet.arch.giant import (
    EFFICIENTNET_MINUS,
    efficientnet_minus,
    nearest_to_powers,
)
from tinydet.arch.mobilenet import (
    MOBILENET_V1,
    MOBILENET_V2,
    MOBILENET_V3_LARGE,
    MOBILENET_V3_SMALL,
)
from tinydet.arch.nas import FBNET_B, MNASNET_A1, PROXYLESSNAS_MOBILE
from tinydet.arch.resnet import (
    RESNET_50,
    RESNET_50_A,
    RESNET_50_B,
    RESNET_50_GIANT_A,
    RESNET_50_GIANT_B,
)
from tinydet.arch.rounding import round_channels
from tinydet.arch.scale import DepthUnderflow, Twist, scale
from tinydet.arch.shrink import shrink
from tinydet.arch.stage import Arch, Scaling, Squeeze, Stage
from tinydet.arch.tinynet import TINYNETS, tinynet

# What a config's ``arch`` can name.
ARCHS = {
    arch.name: arch
    for arch in (
        EFFICIENTNET_B0,
        MOBILENET_V1,
        MOBILENET_V2,
        MOBILENET_V3_LARGE,
        MOBILENET_V3_SMALL,
        MNASNET_A1,
        FBNET_B,
        PROXYLESSNAS_MOBILE,
        GHOSTNET,
        *GHOSTNETS.values(),
        RESNET_50,
        RESNET_50_A,
        RESNET_50_B,
        RESNET_50_GIANT_A,
        RESNET_50_GIANT_B,
    )
}

__all__ = [
    'ARCHS',
    'EFFICIENTNET_B0',
    'EFFICIENTNET_MINUS',
    'TINYNETS',
    'Arch',
    'Cost',
    'DepthUnderflow',
    'Scaling',
    'Squeeze',
    'Stage',
    'Twist',
    'classifier_cost',
    'efficientnet_minus',
    'nearest_to_powers',
    'round_channels',
    'scale',
    'shrink',
    'tinynet',
]
