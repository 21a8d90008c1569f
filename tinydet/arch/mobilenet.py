"""MobileNets: the backbone of the original SSDLite, and comparisons of Table 3."""

from tinydet.arch.stage import Arch, Scaling, Squeeze, Stage, expanded_row

# Howard et al., MobileNets (2017), Table 1; all of it shrinks with the width.
MOBILENET_V1 = Arch(
    name='mobilenet_v1',
    input=224,
    stem=32,
    stages=(
        Stage('depthwise_separable', 3, 1, 64, stride=1, repeats=1),
        Stage('depthwise_separable', 3, 1, 128, stride=2, repeats=2),
        Stage('depthwise_separable', 3, 1, 256, stride=2, repeats=2),
        Stage('depthwise_separable', 3, 1, 512, stride=2, repeats=6),
        Stage('depthwise_separable', 3, 1, 1024, stride=2, repeats=2),
    ),
    head=0,
    activation='relu',
    scaling=Scaling(stem='scales', head='scales', hidden='stays'),
)

# Sandler et al., MobileNetV2 (CVPR 2018), Table 2; the last convolution does not shrink
# (section 4.1, "Trade-off hyper parameters").
MOBILENET_V2 = Arch(
    name='mobilenet_v2',
    input=224,
    stem=32,
    stages=(
        Stage('separable', 3, 1, 16, stride=1, repeats=1),
        Stage('inverted_residual', 3, 6, 24, stride=2, repeats=2),
        Stage('inverted_residual', 3, 6, 32, stride=2, repeats=3),
        Stage('inverted_residual', 3, 6, 64, stride=2, repeats=4),
        Stage('inverted_residual', 3, 6, 96, stride=1, repeats=3),
        Stage('inverted_residual', 3, 6, 160, stride=2, repeats=3),
        Stage('inverted_residual', 3, 6, 320, stride=1, repeats=1),
    ),
    head=1280,
    activation='relu6',
    scaling=Scaling(stem='scales', head='grows', hidden='stays'),
)

_V3_SQUEEZE = Squeeze(of='hidden', divisor=8, activation='relu', gate='hard_sigmoid')


def _v3(kernel, expanded, inputs, channels, squeeze, activation, stride, repeats=1):
    """A row of MobileNetV3's tables; what expands nothing is a separable block."""
    operator = 'separable' if expanded == inputs else 'inverted_residual'
    return expanded_row(
        operator,
        kernel,
        expanded,
        inputs,
        channels,
        squeeze,
        stride,
        repeats,
        activation,
    )


# Howard et al., MobileNetV3 (ICCV 2019), Tables 1 and 2: kernel, expansion size, input
# and output channels, squeeze-and-excitation, nonlinearity, stride.
MOBILENET_V3_LARGE = Arch(
    name='mobilenet_v3_large',
    input=224,
    stem=16,
    stages=(
        _v3(3, 16, 16, 16, False, 'relu', stride=1),
        _v3(3, 64, 16, 24, False, 'relu', stride=2),
        _v3(3, 72, 24, 24, False, 'relu', stride=1),
        _v3(5, 72, 24, 40, True, 'relu', stride=2),
        _v3(5, 120, 40, 40, True, 'relu', stride=1, repeats=2),
        _v3(3, 240, 40, 80, False, 'hard_swish', stride=2),
        _v3(3, 200, 80, 80, False, 'hard_swish', stride=1),
        _v3(3, 184, 80, 80, False, 'hard_swish', stride=1, repeats=2),
        _v3(3, 480, 80, 112, True, 'hard_swish', stride=1),
        _v3(3, 672, 112, 112, True, 'hard_swish', stride=1),
        _v3(5, 672, 112, 160, True, 'hard_swish', stride=2),
        _v3(5, 960, 160, 160, True, 'hard_swish', stride=1, repeats=2),
    ),
    head=960,
    hidden=1280,
    activation='hard_swish',
    squeeze=_V3_SQUEEZE,
    scaling=Scaling(stem='scales', head='scales', hidden='stays'),
)

MOBILENET_V3_SMALL = Arch(
    name='mobilenet_v3_small',
    input=224,
    stem=16,
    stages=(
        _v3(3, 16, 16, 16, True, 'relu', stride=2),
        _v3(3, 72, 16, 24, False, 'relu', stride=2),
        _v3(3, 88, 24, 24, False, 'relu', stride=1),
        _v3(5, 96, 24, 40, True, 'hard_swish', stride=2),
        _v3(5, 240, 40, 40, True, 'hard_swish', stride=1, repeats=2),
        _v3(5, 120, 40, 48, True, 'hard_swish', stride=1),
        _v3(5, 144, 48, 48, True, 'hard_swish', stride=1),
        _v3(5, 288, 48, 96, True, 'hard_swish', stride=2),
        _v3(5, 576, 96, 96, True, 'hard_swish', stride=1, repeats=2),
    ),
    head=576,
    hidden=1024,
    activation='hard_swish',
    squeeze=_V3_SQUEEZE,
    scaling=Scaling(stem='scales', head='scales', hidden='stays'),
)
