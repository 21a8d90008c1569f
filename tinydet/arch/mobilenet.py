"""MobileNetV2, the backbone of the original SSDLite."""

from tinydet.arch.stage import Arch, Stage

# Sandler et al., MobileNetV2 (CVPR 2018), Table 2.
MOBILENET_V2 = Arch(
    name='mobilenet_v2',
    stem=32,
    stages=(
        Stage('separable', 3, 1, 16, stride=1, repeats=1, squeeze=0),
        Stage('inverted_residual', 3, 6, 24, stride=2, repeats=2, squeeze=0),
        Stage('inverted_residual', 3, 6, 32, stride=2, repeats=3, squeeze=0),
        Stage('inverted_residual', 3, 6, 64, stride=2, repeats=4, squeeze=0),
        Stage('inverted_residual', 3, 6, 96, stride=1, repeats=3, squeeze=0),
        Stage('inverted_residual', 3, 6, 160, stride=2, repeats=3, squeeze=0),
        Stage('inverted_residual', 3, 6, 320, stride=1, repeats=1, squeeze=0),
    ),
    head=1280,
    activation='relu6',
)
