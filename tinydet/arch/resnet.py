"""ResNet-50, a baseline, and what the tiny and the giant rule make of it."""

from tinydet.arch.scale import Twist
from tinydet.arch.stage import Arch, Scaling, Stage

# He et al., ResNet (CVPR 2016), Table 1; the stride is in the 3x3 convolution, as in
# torchvision. Multiples of 32 keep the bottlenecks, a quarter as wide, multiples of 8.
RESNET_50 = Arch(
    name='resnet50',
    input=224,
    stem=64,
    stages=(
        Stage('bottleneck', 3, 0.25, 256, stride=1, repeats=3),
        Stage('bottleneck', 3, 0.25, 512, stride=2, repeats=4),
        Stage('bottleneck', 3, 0.25, 1024, stride=2, repeats=6),
        Stage('bottleneck', 3, 0.25, 2048, stride=2, repeats=3),
    ),
    head=0,
    activation='relu',
    scaling=Scaling(stem='scales', head='scales', hidden='scales'),
    divisor=32,
    stem_operator='conv7x7_maxpool',
)

# Table 2, 3.6 and 1.8 GFLOPs. The paper does not publish (r, d, w): r and d are the
# tiny formula's at those shares of ResNet-50's FLOPs, between the points of the
# TinyNets, and w is solved for the FLOPs.
RESNET_50_TWISTS = {
    'resnet50_a': Twist(w=0.99, d=1.2, input=192),
    'resnet50_b': Twist(w=0.78, d=1.05, input=188),
}

# Table 2, "shrunken by EfficientNet rule", 3.7 and 1.8 GFLOPs: d is the power of the
# giant rule's step (tinydet.arch.giant) with that cost, r as well, rounded down to a
# multiple of 8 pixels, and w is solved for the FLOPs.
RESNET_50_GIANT_TWISTS = {
    'resnet50_giant_a': Twist(w=0.96, d=0.97, input=216),
    'resnet50_giant_b': Twist(w=0.89, d=0.77, input=184),
}
