"""The builder: an architecture table becomes a backbone."""

import math
from collections.abc import Sequence

from mmengine.model import BaseModule
from mmengine.registry import MODELS
from torch import Tensor, nn

from tinydet.arch import ARCHS, EFFICIENTNET_B0, Arch, scale_tiny, tinynet
from tinydet.errors import InputError
from tinydet.models.blocks import ACTIVATIONS, BLOCKS, InvertedResidual

EXPANSION_TAP = 'expand'


@MODELS.register_module()
class InvertedResidualNet(BaseModule):
    """A backbone of the MobileNetV2 family, built from its table.

    Modules are named as timm names them, so its weights load without conversion, but
    for the classifier. Only what the deepest output needs is built.

    Args:
        arch: A table, or the name of one in ``tinydet.arch.ARCHS``.
        out_indices: What :meth:`forward` returns, in this order. A number from 0 counts
            the stages; one past the last stage (7 for seven stages) is the last 1x1
            convolution, as in mmdet's MobileNetV2. ``'expand5'`` is the expansion
            output of the first block of stage 5, before its stride.
        frozen_stages: -1 trains all, 0 freezes the stem, k the stem and k stages; one
            more than there are stages freezes the last convolution as well.
        norm_eval: Keep batch norm statistics as they are in training.
        drop_path_rate: Probability of dropping the last block's residual branch;
            earlier blocks grow towards it linearly.
        init_cfg: MMEngine's, such as ``dict(type='Pretrained', checkpoint=...)``. None
            draws weights as the TensorFlow reference of EfficientNet does.

    Raises:
        InputError: If an argument is outside its range; the message names the range.
    """

    def __init__(
        self,
        arch: Arch | str,
        out_indices: Sequence[int | str] = (7,),
        frozen_stages: int = -1,
        norm_eval: bool = False,
        drop_path_rate: float = 0.0,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if isinstance(arch, str):
            if arch not in ARCHS:
                raise InputError(
                    f'there is no architecture {arch!r}: choose one of '
                    f'{", ".join(ARCHS)}'
                )
            arch = ARCHS[arch]
        self.arch = arch
        depth = len(arch.stages)
        self.out_indices = tuple(out_indices)
        if not self.out_indices:
            raise InputError('out_indices is empty: name at least one output')
        taps = [self._stage_of(tap) for tap in self.out_indices]
        if not -1 <= frozen_stages <= depth + 1:
            raise InputError(
                f'frozen_stages={frozen_stages} is outside -1 to {depth + 1} for '
                f'{arch.name} with {depth} stages'
            )
        if not 0 <= drop_path_rate < 1:
            raise InputError(f'drop_path_rate={drop_path_rate} is outside [0, 1)')
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval

        activation = ACTIVATIONS[arch.activation]
        self.conv_stem = nn.Conv2d(3, arch.stem, 3, 2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(arch.stem)
        self.act1 = activation()
        total_blocks = sum(stage.repeats for stage in arch.stages)
        self.blocks = nn.Sequential()
        channels, built = arch.stem, 0
        for stage in arch.stages[: max(taps) + 1]:
            blocks = nn.Sequential()
            for position in range(stage.repeats):
                blocks.append(
                    BLOCKS[stage.operator](
                        stage,
                        in_channels=channels,
                        stride=stage.stride if position == 0 else 1,
                        activation=activation,
                        drop_path=drop_path_rate * built / total_blocks,
                    )
                )
                channels, built = stage.channels, built + 1
            self.blocks.append(blocks)
        if depth in taps:
            self.conv_head = nn.Conv2d(channels, arch.head, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(arch.head)
            self.act2 = activation()
        self._freeze()

    def _stage_of(self, tap: int | str) -> int:
        """The index of the stage that a tap needs; refuses what is no tap."""
        stages = self.arch.stages
        expansions = {
            f'{EXPANSION_TAP}{index}': index
            for index, stage in enumerate(stages)
            if BLOCKS[stage.operator] is InvertedResidual
        }
        if tap in expansions:
            return expansions[tap]
        if isinstance(tap, int) and 0 <= tap <= len(stages):
            return tap
        raise InputError(
            f'out_indices holds {tap!r}, but {self.arch.name} has the stages 0 to '
            f'{len(stages) - 1}, {len(stages)} for its last convolution, and '
            f'{", ".join(expansions)}'
        )

    def init_weights(self) -> None:
        """Draw weights, or load what ``init_cfg`` names."""
        if self.init_cfg is None:
            for module in self.modules():
                if isinstance(module, nn.Conv2d):
                    fan_out = math.prod(module.kernel_size) * module.out_channels
                    std = math.sqrt(2 * module.groups / fan_out)
                    nn.init.normal_(module.weight, std=std)
                    if module.bias is not None:
                        nn.init.zeros_(module.bias)
        super().init_weights()

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Compute the tapped features.

        Args:
            x: (N, 3, H, W) normalised images.

        Returns:
            One (N, C, H / stride, W / stride) tensor per entry of ``out_indices``.
        """
        features: dict[int | str, Tensor] = {}
        x = self.act1(self.bn1(self.conv_stem(x)))
        for index, blocks in enumerate(self.blocks):
            expansion = f'{EXPANSION_TAP}{index}'
            if expansion in self.out_indices:
                first = blocks[0]
                features[expansion] = first.expand(x)
                x = blocks[1:](first.project(features[expansion], x))
            else:
                x = blocks(x)
            features[index] = x
        if len(self.arch.stages) in self.out_indices:
            features[len(self.arch.stages)] = self.act2(self.bn2(self.conv_head(x)))
        return tuple(features[tap] for tap in self.out_indices)

    def _frozen_modules(self) -> list[nn.Module]:
        if self.frozen_stages < 0:
            return []
        frozen = [self.conv_stem, self.bn1, *self.blocks[: self.frozen_stages]]
        if self.frozen_stages > len(self.arch.stages) and hasattr(self, 'conv_head'):
            frozen += [self.conv_head, self.bn2]
        return frozen

    def _freeze(self) -> None:
        for module in self._frozen_modules():
            module.eval().requires_grad_(False)

    def train(self, mode: bool = True) -> 'InvertedResidualNet':
        """Switch to training, but for frozen stages and, if asked, batch norms."""
        super().train(mode)
        if mode:
            self._freeze()
            if self.norm_eval:
                for module in self.modules():
                    if isinstance(module, nn.BatchNorm2d):
                        module.eval()
        return self


@MODELS.register_module()
class TinyNet(InvertedResidualNet):
    """TinyNet, EfficientNet-B0 shrunk by the tiny formula.

    Args:
        variant: ``'a'`` to ``'e'`` for a published network (Han et al., 2020).
        w: Width multiplier, instead of a variant.
        d: Depth multiplier, instead of a variant.
        **kwargs: See :class:`InvertedResidualNet`.

    Raises:
        InputError: If neither a variant nor both multipliers are given, or both are.
    """

    def __init__(
        self,
        variant: str | None = None,
        w: float | None = None,
        d: float | None = None,
        **kwargs,
    ) -> None:
        if (variant is None) == (w is None) or (w is None) != (d is None):
            raise InputError(
                f'TinyNet takes a variant, or both w and d; got variant={variant!r}, '
                f'w={w}, d={d}'
            )
        if variant is None:
            arch = scale_tiny(EFFICIENTNET_B0, w, d)
        else:
            arch = tinynet(variant)
        super().__init__(arch, **kwargs)
