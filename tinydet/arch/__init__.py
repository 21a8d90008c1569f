"""What a network is: tables with named fields and the rules that scale them."""

from tinydet.arch.cost import (
    SSDLITE_EXTRA_CHANNELS,
    Cost,
    classifier_cost,
    detector_outputs,
    ssdlite_cost,
)
from tinydet.arch.efficientnet import EFFICIENTNET_B0
from tinydet.arch.ghostnet import GHOSTNET, GHOSTNET_A, GHOSTNET_TWISTS
from tinydet.arch.giant import (
    EFFICIENTNET_MINUS,
    STEP,
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
    RESNET_50_GIANT_TWISTS,
    RESNET_50_TWISTS,
)
from tinydet.arch.rounding import round_channels
from tinydet.arch.scale import (
    WIDEST,
    DepthUnderflow,
    Twist,
    narrowest,
    scale,
    shallowest_depth,
    twist,
)
from tinydet.arch.stage import STEMS, Arch, Scaling, Squeeze, Stage, table_of
from tinydet.arch.tinynet import TINYNETS, tinynet
from tinydet.checks import check_choice

_BASELINES = (
    EFFICIENTNET_B0,
    MOBILENET_V1,
    MOBILENET_V2,
    MOBILENET_V3_LARGE,
    MOBILENET_V3_SMALL,
    MNASNET_A1,
    FBNET_B,
    PROXYLESSNAS_MOBILE,
    GHOSTNET,
    GHOSTNET_A,
    RESNET_50,
)
# Networks made of a baseline: its table, the rule of the ends, places on its cube.
_TWISTED = (
    (GHOSTNET_A, GHOSTNET_A.tiny, GHOSTNET_TWISTS),
    (RESNET_50, RESNET_50.tiny, RESNET_50_TWISTS),
    (RESNET_50, RESNET_50.scaling, RESNET_50_GIANT_TWISTS),
)
# What a config's ``arch`` can name.
ARCHS = {baseline.name: baseline for baseline in _BASELINES} | {
    name: twist(baseline, place, scaling, name)
    for baseline, scaling, places in _TWISTED
    for name, place in places.items()
}


def find_arch(name: str, what: str = 'architecture') -> Arch:
    """The table of a name in ``ARCHS``.

    Args:
        name: Of the table.
        what: What it is asked for as, for the message.

    Raises:
        InputError: If there is none.
    """
    check_choice(what, name, ARCHS)
    return ARCHS[name]


__all__ = [
    'ARCHS',
    'EFFICIENTNET_B0',
    'EFFICIENTNET_MINUS',
    'GHOSTNET_TWISTS',
    'RESNET_50_GIANT_TWISTS',
    'RESNET_50_TWISTS',
    'SSDLITE_EXTRA_CHANNELS',
    'STEMS',
    'STEP',
    'TINYNETS',
    'WIDEST',
    'Arch',
    'Cost',
    'DepthUnderflow',
    'Scaling',
    'Squeeze',
    'Stage',
    'Twist',
    'classifier_cost',
    'detector_outputs',
    'efficientnet_minus',
    'find_arch',
    'narrowest',
    'nearest_to_powers',
    'round_channels',
    'scale',
    'shallowest_depth',
    'ssdlite_cost',
    'table_of',
    'tinynet',
]
