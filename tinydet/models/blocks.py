"""The blocks that rows of an architecture table name.

Parameters carry the names that timm gives them (``conv_pw``, ``bn1``, ``se`` ...), so
that its weights load as they are.
"""

from torch import Tensor, nn
from torchvision.ops import StochasticDepth

from tinydet.arch import Stage

ACTIVATIONS = {'silu': nn.SiLU, 'relu6': nn.ReLU6}


class SqueezeExcite(nn.Module):
    """Channel attention (Hu et al., CVPR 2018).

    Args:
        channels: Channels in and out.
        squeezed: Channels between its two 1x1 convolutions.
        activation: Activation between them.
    """

    def __init__(self, channels: int, squeezed: int, activation: type[nn.Module]):
        super().__init__()
        self.conv_reduce = nn.Conv2d(channels, squeezed, 1)
        self.act = activation()
        self.conv_expand = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H, W)."""
        scale = self.conv_reduce(x.mean((2, 3), keepdim=True))
        return x * self.conv_expand(self.act(scale)).sigmoid()


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


def _attention(stage: Stage, in_channels: int, hidden: int, activation) -> nn.Module:
    """Squeeze-and-excitation over ``hidden`` channels, or nothing."""
    if not stage.squeeze:
        return nn.Identity()
    return SqueezeExcite(hidden, round(in_channels * stage.squeeze), activation)


class SeparableBlock(nn.Module):
    """Depthwise and pointwise convolution: an inverted residual without expansion.

    Args:
        stage: The row of the table.
        in_channels: Channels that come in.
        stride: Stride of this block.
        activation: Activation module.
        drop_path: Probability of skipping the residual branch in training.
    """

    def __init__(
        self,
        stage: Stage,
        in_channels: int,
        stride: int,
        activation: type[nn.Module],
        drop_path: float,
    ) -> None:
        super().__init__()
        self.conv_dw = _depthwise(in_channels, stage.kernel, stride)
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.act = activation()
        self.se = _attention(stage, in_channels, in_channels, activation)
        self.conv_pw = nn.Conv2d(in_channels, stage.channels, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(stage.channels)
        self.residual = stride == 1 and in_channels == stage.channels
        self.drop_path = StochasticDepth(drop_path, mode='row')

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, ``stage.channels``, H / stride, W / stride)."""
        out = self.se(self.act(self.bn1(self.conv_dw(x))))
        out = self.bn2(self.conv_pw(out))
        return self.drop_path(out) + x if self.residual else out


class InvertedResidual(nn.Module):
    """Expand, filter depthwise, attend, project (MobileNetV2, section 3.3).

    Args:
        stage: The row of the table.
        in_channels: Channels that come in.
        stride: Stride of this block.
        activation: Activation module.
        drop_path: Probability of skipping the residual branch in training.
    """

    def __init__(
        self,
        stage: Stage,
        in_channels: int,
        stride: int,
        activation: type[nn.Module],
        drop_path: float,
    ) -> None:
        super().__init__()
        hidden = in_channels * stage.expansion
        self.conv_pw = nn.Conv2d(in_channels, hidden, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(hidden)
        self.act1 = activation()
        self.conv_dw = _depthwise(hidden, stage.kernel, stride)
        self.bn2 = nn.BatchNorm2d(hidden)
        self.act2 = activation()
        self.se = _attention(stage, in_channels, hidden, activation)
        self.conv_pwl = nn.Conv2d(hidden, stage.channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(stage.channels)
        self.residual = stride == 1 and in_channels == stage.channels
        self.drop_path = StochasticDepth(drop_path, mode='row')

    def expand(self, x: Tensor) -> Tensor:
        """The expansion output, which SSDLite taps: (N, C * expansion, H, W)."""
        return self.act1(self.bn1(self.conv_pw(x)))

    def project(self, expanded: Tensor, x: Tensor) -> Tensor:
        """From the expansion output and the block's input to the block's output."""
        out = self.se(self.act2(self.bn2(self.conv_dw(expanded))))
        out = self.bn3(self.conv_pwl(out))
        return self.drop_path(out) + x if self.residual else out

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, ``stage.channels``, H / stride, W / stride)."""
        return self.project(self.expand(x), x)


BLOCKS = {'separable': SeparableBlock, 'inverted_residual': InvertedResidual}
