"""The blocks that rows of an architecture table name.

Parameters carry the names that timm gives them (``conv_pw``, ``bn1``, ``se`` ...), so
that its weights load as they are.
"""

from timm.models.ghostnet import GhostBottleneck
from torch import Tensor, nn
from torchvision.models.resnet import Bottleneck as TorchvisionBottleneck
from torchvision.ops import StochasticDepth

from tinydet.arch import Arch, Stage
from tinydet.errors import InputError

ACTIVATIONS = {
    'relu': nn.ReLU,
    'relu6': nn.ReLU6,
    'silu': nn.SiLU,
    'hard_swish': nn.Hardswish,
}
GATES = {'sigmoid': nn.Sigmoid, 'hard_sigmoid': nn.Hardsigmoid}


class SqueezeExcite(nn.Module):
    """Channel attention (Hu et al., CVPR 2018).

    Args:
        channels: Channels in and out.
        squeezed: Channels between its two 1x1 convolutions.
        activation: Key of ``ACTIVATIONS``, between them.
        gate: Key of ``GATES``, behind them.
    """

    def __init__(
        self, channels: int, squeezed: int, activation: str, gate: str
    ) -> None:
        super().__init__()
        self.conv_reduce = nn.Conv2d(channels, squeezed, 1)
        self.act = ACTIVATIONS[activation]()
        self.conv_expand = nn.Conv2d(squeezed, channels, 1)
        self.gate = GATES[gate]()

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H, W)."""
        scale = self.conv_reduce(x.mean((2, 3), keepdim=True))
        return x * self.gate(self.conv_expand(self.act(scale)))


def _depthwise(channels: int, kernel: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(
        channels,
        channels,
        kernel,
        stride,
        padding=kernel // 2,
        groups=channels,
        bias=False,
    )


def _activation(arch: Arch, stage: Stage) -> str:
    return stage.activation or arch.activation


def _attention(arch: Arch, stage: Stage, in_channels: int, hidden: int) -> nn.Module:
    """Squeeze-and-excitation over ``hidden`` channels, or nothing."""
    if not stage.squeeze:
        return nn.Identity()
    return SqueezeExcite(
        hidden,
        arch.squeeze.channels(stage.squeeze, in_channels, hidden),
        arch.squeeze.activation or _activation(arch, stage),
        arch.squeeze.gate,
    )


class SeparableBlock(nn.Module):
    """Depthwise and pointwise convolution: an inverted residual without expansion.

    Args:
        arch: The network that the row stands in.
        stage: The row of the table.
        in_channels: Channels that come in.
        stride: Stride of this block.
        drop_path: Probability of skipping the residual branch in training.
    """

    def __init__(
        self, arch: Arch, stage: Stage, in_channels: int, stride: int, drop_path: float
    ) -> None:
        super().__init__()
        self.conv_dw = _depthwise(in_channels, stage.kernel, stride)
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.act = ACTIVATIONS[_activation(arch, stage)]()
        self.se = _attention(arch, stage, in_channels, in_channels)
        self.conv_pw = nn.Conv2d(in_channels, stage.channels, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(stage.channels)
        self.residual = stride == 1 and in_channels == stage.channels
        self.drop_path = StochasticDepth(drop_path, mode='row')

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, ``stage.channels``, H / stride, W / stride)."""
        out = self.se(self.act(self.bn1(self.conv_dw(x))))
        out = self.bn2(self.conv_pw(out))
        return self.drop_path(out) + x if self.residual else out


class DepthwiseSeparableBlock(SeparableBlock):
    """MobileNetV1's block: an activation at its end, and never a residual.

    Args: as those of :class:`SeparableBlock`; ``drop_path`` must be 0, as
        there is no branch to skip.

    Raises:
        InputError: If ``drop_path`` is not 0.
    """

    def __init__(
        self, arch: Arch, stage: Stage, in_channels: int, stride: int, drop_path: float
    ) -> None:
        _refuse_drop_path(arch, drop_path)
        super().__init__(arch, stage, in_channels, stride, drop_path)
        self.act2 = ACTIVATIONS[_activation(arch, stage)]()
        self.residual = False

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, ``stage.channels``, H / stride, W / stride)."""
        return self.act2(super().forward(x))


class InvertedResidual(nn.Module):
    """Expand, filter depthwise, attend, project (MobileNetV2, section 3.3).

    Args: as those of :class:`SeparableBlock`.
    """

    def __init__(
        self, arch: Arch, stage: Stage, in_channels: int, stride: int, drop_path: float
    ) -> None:
        super().__init__()
        hidden = stage.hidden(in_channels, arch.divisor)
        activation = ACTIVATIONS[_activation(arch, stage)]
        self.conv_pw = nn.Conv2d(in_channels, hidden, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(hidden)
        self.act1 = activation()
        self.conv_dw = _depthwise(hidden, stage.kernel, stride)
        self.bn2 = nn.BatchNorm2d(hidden)
        self.act2 = activation()
        self.se = _attention(arch, stage, in_channels, hidden)
        self.conv_pwl = nn.Conv2d(hidden, stage.channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(stage.channels)
        self.residual = stride == 1 and in_channels == stage.channels
        self.drop_path = StochasticDepth(drop_path, mode='row')

    def expand(self, x: Tensor) -> Tensor:
        """The expansion output, which SSDLite taps: (N, hidden, H, W)."""
        return self.act1(self.bn1(self.conv_pw(x)))

    def project(self, expanded: Tensor, x: Tensor) -> Tensor:
        """From the expansion output and the block's input to the block's output."""
        out = self.se(self.act2(self.bn2(self.conv_dw(expanded))))
        out = self.bn3(self.conv_pwl(out))
        return self.drop_path(out) + x if self.residual else out

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, ``stage.channels``, H / stride, W / stride)."""
        return self.project(self.expand(x), x)


class Ghost(GhostBottleneck):
    """GhostNet's bottleneck (Han et al., CVPR 2020), timm's, with a tap.

    Args: as those of :class:`SeparableBlock`.
    """

    def __init__(
        self, arch: Arch, stage: Stage, in_channels: int, stride: int, drop_path: float
    ) -> None:
        hidden = stage.hidden(in_channels, arch.divisor)
        super().__init__(
            in_channels,
            hidden,
            stage.channels,
            dw_kernel_size=stage.kernel,
            stride=stride,
            act_layer=ACTIVATIONS[_activation(arch, stage)],
            se_ratio=stage.squeeze,
        )
        if stage.squeeze:
            # In the place of timm's, which follows no table.
            self.se = _attention(arch, stage, in_channels, hidden)
        self.drop_path = StochasticDepth(drop_path, mode='row')

    def expand(self, x: Tensor) -> Tensor:
        """The expansion output, which SSDLite taps: (N, hidden, H, W)."""
        return self.ghost1(x)

    def project(self, expanded: Tensor, x: Tensor) -> Tensor:
        """From the expansion output and the block's input to the block's output."""
        out = expanded
        if self.conv_dw is not None:
            out = self.bn_dw(self.conv_dw(out))
        if self.se is not None:
            out = self.se(out)
        return self.drop_path(self.ghost2(out)) + self.shortcut(x)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, ``stage.channels``, H / stride, W / stride)."""
        return self.project(self.expand(x), x)


class Bottleneck(TorchvisionBottleneck):
    """ResNet's bottleneck (He et al., CVPR 2016), torchvision's, from a table.

    Args: as those of :class:`SeparableBlock`; ``drop_path`` must be 0, as
        torchvision's block skips nothing.

    Raises:
        InputError: If ``drop_path`` is not 0.
    """

    def __init__(
        self, arch: Arch, stage: Stage, in_channels: int, stride: int, drop_path: float
    ) -> None:
        _refuse_drop_path(arch, drop_path)
        downsample = None
        if stride > 1 or in_channels != stage.channels:
            downsample = nn.Sequential(
                nn.Conv2d(in_channels, stage.channels, 1, stride, bias=False),
                nn.BatchNorm2d(stage.channels),
            )
        hidden = stage.hidden(in_channels, arch.divisor)
        super().__init__(in_channels, hidden, stride, downsample)
        self.relu = ACTIVATIONS[_activation(arch, stage)]()


def _refuse_drop_path(arch: Arch, drop_path: float) -> None:
    if drop_path:
        raise InputError(
            f'the blocks of {arch.name} have no branch to drop: leave drop_path_rate '
            'at 0'
        )


BLOCKS = {
    'separable': SeparableBlock,
    'depthwise_separable': DepthwiseSeparableBlock,
    'inverted_residual': InvertedResidual,
    'ghost': Ghost,
    'bottleneck': Bottleneck,
}
