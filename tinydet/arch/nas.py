"""Networks found by architecture search that Table 3 of the paper compares with."""

from tinydet.arch.stage import Arch, Scaling, Stage

# Tan et al., MnasNet (CVPR 2019), Figure 7(a): MnasNet-A1.
MNASNET_A1 = Arch(
    name='mnasnet_a1',
    input=224,
    stem=32,
    stages=(
        Stage('separable', 3, 1, 16, stride=1, repeats=1),
        Stage('inverted_residual', 3, 6, 24, stride=2, repeats=2),
        Stage('inverted_residual', 5, 3, 40, stride=2, repeats=3, squeeze=0.25),
        Stage('inverted_residual', 3, 6, 80, stride=2, repeats=4),
        Stage('inverted_residual', 3, 6, 112, stride=1, repeats=2, squeeze=0.25),
        Stage('inverted_residual', 5, 6, 160, stride=2, repeats=3, squeeze=0.25),
        Stage('inverted_residual', 3, 6, 320, stride=1, repeats=1),
    ),
    head=1280,
    activation='relu',
    scaling=Scaling(stem='scales', head='grows', hidden='stays'),
)


def _searched(channels, *blocks):
    """Blocks of one width, each with a kernel and an expansion of its own.

    The first has stride 2 where a block says so with a third figure.
    """
    return tuple(
        Stage(
            'inverted_residual',
            kernel,
            expansion,
            channels,
            stride=stride[0] if stride else 1,
            repeats=1,
        )
        for kernel, expansion, *stride in blocks
    )


# Wu et al., FBNet (CVPR 2019), FBNet-B: kernel, expansion, stride 2 where it stands. A
# searched "skip" leaves its block out. Of two listings in circulation, which differ in
# the second block of 64 channels, this one has the paper's FLOPs.
FBNET_B = Arch(
    name='fbnet_b',
    input=224,
    stem=16,
    stages=(
        *_searched(16, (3, 1)),
        *_searched(24, (3, 6, 2), (5, 1), (3, 1), (3, 1)),
        *_searched(32, (5, 6, 2), (5, 3), (3, 6), (5, 6)),
        *_searched(64, (5, 6, 2), (5, 1), (5, 3)),
        *_searched(112, (5, 6), (3, 1), (5, 1), (5, 3)),
        *_searched(184, (5, 6, 2), (5, 1), (5, 6), (5, 6)),
        *_searched(352, (3, 6)),
    ),
    head=1984,
    activation='relu',
    scaling=Scaling(stem='scales', head='grows', hidden='stays'),
)

# Cai et al., ProxylessNAS (ICLR 2019), Figure 4, the net for mobile phones.
PROXYLESSNAS_MOBILE = Arch(
    name='proxylessnas_mobile',
    input=224,
    stem=32,
    stages=(
        Stage('separable', 3, 1, 16, stride=1, repeats=1),
        *_searched(32, (5, 3, 2), (3, 3)),
        *_searched(40, (7, 3, 2), (3, 3), (5, 3), (5, 3)),
        *_searched(80, (7, 6, 2), (5, 3), (5, 3), (5, 3)),
        *_searched(96, (5, 6), (5, 3), (5, 3), (5, 3)),
        *_searched(192, (7, 6, 2), (7, 6), (7, 3), (7, 3)),
        *_searched(320, (7, 6)),
    ),
    head=1280,
    activation='relu6',
    scaling=Scaling(stem='scales', head='grows', hidden='stays'),
)
