"""What a network is: tables with named fields and the rules that scale them."""

from tinydet.arch.efficientnet import EFFICIENTNET_B0
from tinydet.arch.mobilenet import MOBILENET_V2
from tinydet.arch.scale import round_channels, scale_tiny
from tinydet.arch.stage import Arch, Stage
from tinydet.arch.tinynet import TINYNETS, Twist, tinynet

ARCHS = {arch.name: arch for arch in (EFFICIENTNET_B0, MOBILENET_V2)}

__all__ = [
    'ARCHS',
    'EFFICIENTNET_B0',
    'MOBILENET_V2',
    'TINYNETS',
    'Arch',
    'Stage',
    'Twist',
    'round_channels',
    'scale_tiny',
    'tinynet',
]
