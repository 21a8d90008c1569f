"""TinyNet A to E: EfficientNet-B0 twisted by the tiny formula."""

from tinydet.arch.efficientnet import EFFICIENTNET_B0
from tinydet.arch.scale import Twist, twist
from tinydet.arch.stage import Arch
from tinydet.checks import check_choice

# Han et al., "Model Rubik's Cube" (NeurIPS 2020). Its tables give the budgets
# (section 3.2) but not the multipliers; these are those of the published networks.
TINYNETS = {
    'a': Twist(w=1.0, d=1.2, input=192),
    'b': Twist(w=0.75, d=1.1, input=188),
    'c': Twist(w=0.54, d=0.85, input=184),
    'd': Twist(w=0.54, d=0.695, input=152),
    'e': Twist(w=0.51, d=0.6, input=106),
}


def tinynet(variant: str) -> Arch:
    """The architecture of a published TinyNet.

    Args:
        variant: ``'a'`` to ``'e'``.

    Returns:
        Its table.

    Raises:
        InputError: If there is no such variant.
    """
    check_choice('TinyNet', variant, TINYNETS)
    return twist(
        EFFICIENTNET_B0, TINYNETS[variant], EFFICIENTNET_B0.tiny, f'tinynet_{variant}'
    )
