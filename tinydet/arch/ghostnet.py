"""GhostNet, GhostNet-A, a baseline, and what the tiny formula makes of that."""

from functools import partial

from tinydet.arch.scale import Twist
from tinydet.arch.stage import Arch, Scaling, Squeeze, Stage, expanded_row

_SQUEEZE = Squeeze(of='hidden', divisor=4, activation='relu', gate='hard_sigmoid')
# All but the hidden layer shrinks with the width.
_SCALING = Scaling(stem='scales', head='scales', hidden='stays')


# A row: kernel, expansion size, input and output channels, squeeze-and-excitation.
_row = partial(expanded_row, 'ghost')

# Han et al., GhostNet (CVPR 2020), Table 1; kernels and the squeeze ratio are those of
# its published weights.
GHOSTNET = Arch(
    name='ghostnet_100',
    input=224,
    stem=16,
    stages=(
        _row(3, 16, 16, 16, False, stride=1),
        _row(3, 48, 16, 24, False, stride=2),
        _row(3, 72, 24, 24, False, stride=1),
        _row(5, 72, 24, 40, True, stride=2),
        _row(5, 120, 40, 40, True, stride=1),
        _row(3, 240, 40, 80, False, stride=2),
        _row(3, 200, 80, 80, False, stride=1),
        _row(3, 184, 80, 80, False, stride=1, repeats=2),
        _row(3, 480, 80, 112, True, stride=1),
        _row(3, 672, 112, 112, True, stride=1),
        _row(5, 672, 112, 160, True, stride=2),
        _row(5, 960, 160, 160, False, stride=1),
        _row(5, 960, 160, 160, True, stride=1),
        _row(5, 960, 160, 160, False, stride=1),
        _row(5, 960, 160, 160, True, stride=1),
    ),
    head=960,
    hidden=1280,
    activation='relu',
    scaling=_SCALING,
    divisor=4,
    squeeze=_SQUEEZE,
)

# "Model Rubik's Cube", appendix, Table 7. It gives no kernel sizes: 5x5 everywhere has
# its 591M FLOPs (591.5M; those of GhostNet have 583M, 3x3 everywhere 579M). Within a
# block the squeeze-and-excitation is GhostNet's (Han et al., CVPR 2020), with the
# reduction ratio of 10 that the table's caption names.
GHOSTNET_A = Arch(
    name='ghostnet_a',
    input=240,
    stem=28,
    stages=(
        Stage('ghost', 5, 1, 28, stride=1, repeats=1, squeeze=0.1),
        Stage('ghost', 5, 3, 44, stride=2, repeats=2, squeeze=0.1),
        Stage('ghost', 5, 3, 72, stride=2, repeats=3, squeeze=0.1),
        Stage('ghost', 5, 6, 140, stride=2, repeats=1, squeeze=0.1),
        Stage('ghost', 5, 2.5, 140, stride=1, repeats=3, squeeze=0.1),
        Stage('ghost', 5, 6, 196, stride=1, repeats=3, squeeze=0.1),
        Stage('ghost', 5, 6, 280, stride=2, repeats=6, squeeze=0.1),
    ),
    head=1680,
    hidden=1400,
    activation='relu',
    scaling=_SCALING,
    # With the two last layers of A, D would have 5.1M parameters instead of the 2.6M
    # of Table 6: they follow the width, unlike those of the TinyNets.
    tiny=Scaling(stem='stays', head='scales', hidden='scales'),
    divisor=4,
    squeeze=_SQUEEZE,
)

# For the 300M, 141M and 52M FLOPs of Table 6. The paper does not publish (r, d, w):
# r and d are the tiny formula's at those shares of A's FLOPs, between the points of the
# TinyNets, and w is solved for the FLOPs.
GHOSTNET_TWISTS = {
    'ghostnet_b': Twist(w=0.77, d=1.1, input=202),
    'ghostnet_c': Twist(w=0.52, d=0.84, input=196),
    'ghostnet_d': Twist(w=0.49, d=0.64, input=134),
}
