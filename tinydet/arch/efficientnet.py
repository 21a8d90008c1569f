"""EfficientNet-B0, the baseline that the tiny formula shrinks."""

from tinydet.arch.stage import Arch, Scaling, Stage

# Tan and Le, EfficientNet (ICML 2019), Table 1. The squeeze ratio of 0.25 is that of
# its reference implementation, relative to the block's input channels.
EFFICIENTNET_B0 = Arch(
    name='efficientnet_b0',
    input=224,
    stem=32,
    stages=(
        Stage('separable', 3, 1, 16, stride=1, repeats=1, squeeze=0.25),
        Stage('inverted_residual', 3, 6, 24, stride=2, repeats=2, squeeze=0.25),
        Stage('inverted_residual', 5, 6, 40, stride=2, repeats=2, squeeze=0.25),
        Stage('inverted_residual', 3, 6, 80, stride=2, repeats=3, squeeze=0.25),
        Stage('inverted_residual', 5, 6, 112, stride=1, repeats=3, squeeze=0.25),
        Stage('inverted_residual', 5, 6, 192, stride=2, repeats=4, squeeze=0.25),
        Stage('inverted_residual', 3, 6, 320, stride=1, repeats=1, squeeze=0.25),
    ),
    head=1280,
    activation='silu',
    scaling=Scaling(stem='scales', head='scales', hidden='scales'),
)
