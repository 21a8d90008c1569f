"""The builder: an architecture table becomes a backbone."""

import math
from collections.abc import Sequence
from dataclasses import replace

from mmengine.model import BaseModule
from mmengine.registry import MODELS
from torch import Tensor, nn

from tinydet.arch import (
    EFFICIENTNET_B0,
    STEMS,
    Arch,
    efficientnet_minus,
    find_arch,
    scale,
    tinynet,
)
from tinydet.checks import check_choice, check_list, check_rate, check_whole
from tinydet.errors import InputError
from tinydet.models.blocks import ACTIVATIONS, BLOCKS
from tinydet.weights import strict_pretrained

EXPANSION_TAP = 'expand'


@MODELS.register_module()
class ConvNet(BaseModule):
    """A convolutional backbone, built from its table.

    Modules are named as timm names them in its EfficientNets. Only what the deepest
    output needs is built.

    Args:
        arch: A table, or the name of one in ``tinydet.arch.ARCHS``.
        w: Width multiplier, by the rule of the network's authors.
        d: Depth multiplier.
        activation: ``'relu'``, ``'relu6'``, ``'silu'`` or ``'hard_swish'``, instead of
            the table's; rows that name their own keep it.
        out_indices: What :meth:`forward` returns, in this order. A number from 0 counts
            the stages, the rows of the table; one past the last (7 for seven stages) is
            the last 1x1 convolution, as in mmdet's MobileNetV2. ``'expand5'`` is the
            expansion output of the first block of stage 5, before its stride. None
            for the last feature alone.
        frozen_stages: -1 trains all, 0 freezes the stem, k the stem and k stages; one
            more than there are stages freezes the last convolution as well.
        norm_eval: Keep batch norm statistics as they are in training.
        drop_path_rate: Probability of dropping the last block's residual branch;
            earlier blocks grow towards it linearly.
        init_cfg: MMEngine's. ``dict(type='Pretrained', checkpoint=...)`` takes a file
            or ``'timm://tinynet_d.in1k'`` and refuses weights of another network. None
            draws weights as the TensorFlow reference of EfficientNet does.

    Raises:
        InputError: If an argument is outside its range; the message names the range.
    """

    def __init__(
        self,
        arch: Arch | str,
        w: float = 1.0,
        d: float = 1.0,
        activation: str | None = None,
        out_indices: Sequence[int | str] | None = None,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        drop_path_rate: float = 0.0,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(strict_pretrained(init_cfg))
        if not isinstance(arch, Arch):
            arch = find_arch(arch)
        if (w, d) != (1, 1):
            arch = scale(arch, w, d, arch.scaling)
        if activation is not None:
            check_choice('activation', activation, ACTIVATIONS)
            arch = replace(arch, activation=activation)
        self.arch = arch
        depth = len(arch.stages)
        # With a head, the outputs end with it.
        last = depth if arch.head else depth - 1
        if out_indices is None:
            out_indices = (last,)
        check_list('out_indices', out_indices, f'outputs, such as ({last},)')
        self.out_indices = tuple(out_indices)
        taps = [self._stage_of(tap) for tap in self.out_indices]
        check_whole(f'{arch.name} frozen_stages', frozen_stages, -1, last + 1)
        check_rate('drop_path_rate', drop_path_rate)
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval

        stem = STEMS[arch.stem_operator]
        self.conv_stem = nn.Conv2d(
            3, arch.stem, stem.kernel, 2, stem.kernel // 2, bias=False
        )
        self.bn1 = nn.BatchNorm2d(arch.stem)
        self.act1 = ACTIVATIONS[arch.activation]()
        if stem.pool > 1:
            self.maxpool = nn.MaxPool2d(3, stem.pool, padding=1)
        else:
            self.maxpool = nn.Identity()
        total_blocks = sum(stage.repeats for stage in arch.stages)
        self.blocks = nn.Sequential()
        channels, built = arch.stem, 0
        for stage in arch.stages[: max(taps) + 1]:
            blocks = nn.Sequential()
            for position in range(stage.repeats):
                blocks.append(
                    BLOCKS[stage.operator](
                        arch,
                        stage,
                        in_channels=channels,
                        stride=stage.stride if position == 0 else 1,
                        drop_path=drop_path_rate * built / total_blocks,
                    )
                )
                channels, built = stage.channels, built + 1
            self.blocks.append(blocks)
        if depth in taps:
            self.conv_head = nn.Conv2d(channels, arch.head, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(arch.head)
            self.act2 = ACTIVATIONS[arch.activation]()
        self._freeze()

    def _stage_of(self, tap: int | str) -> int:
        """The index of the stage that a tap needs; refuses what is no tap."""
        arch = self.arch
        depth = len(arch.stages)
        expansions = {
            f'{EXPANSION_TAP}{index}': index
            for index, stage in enumerate(arch.stages)
            if hasattr(BLOCKS[stage.operator], 'expand')
        }
        if isinstance(tap, str) and tap in expansions:
            return expansions[tap]
        # A bool is an int, and True no stage.
        if type(tap) is int and 0 <= tap < depth + bool(arch.head):
            return tap
        outputs = [f'the stages 0 to {depth - 1}']
        if arch.head:
            outputs.append(f'{depth} for its last convolution')
        if expansions:
            outputs.append(f'the expansions {", ".join(expansions)}')
        raise InputError(
            f'out_indices holds {tap!r}, but {arch.name} has {", ".join(outputs)}'
        )

    @property
    def unbuilt(self) -> list[str]:
        """Prefixes of weights that the network has behind the deepest output."""
        stages = range(len(self.blocks), len(self.arch.stages))
        unbuilt = [f'blocks.{index}.' for index in stages]
        if self.arch.head and not hasattr(self, 'conv_head'):
            unbuilt += ['conv_head.', 'bn2.']
        return unbuilt

    def init_weights(self) -> None:
        """Draw weights, or load what ``init_cfg`` names."""
        # MMEngine warns of a second call, which changes nothing.
        if self.init_cfg is None and not self.is_init:
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

        Raises:
            InputError: If a side of the images is smaller than the network's stride.
        """
        features: dict[int | str, Tensor] = {}
        if min(x.shape[-2:]) < self.arch.stride:
            raise InputError(
                f'an input of {x.shape[-2]}x{x.shape[-1]} pixels is smaller than the '
                f'stride of {self.arch.name}: give at least {self.arch.stride} a side'
            )
        x = self.maxpool(self.act1(self.bn1(self.conv_stem(x))))
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

    def train(self, mode: bool = True) -> 'ConvNet':
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
class TinyNet(ConvNet):
    """A baseline shrunk by the rule of the TinyNets.

    Args:
        variant: ``'a'`` to ``'e'`` for a published network (Han et al., 2020).
        w: Width multiplier, instead of a variant.
        d: Depth multiplier, instead of a variant.
        baseline: What w and d multiply: a name in ``tinydet.arch.ARCHS``. The variants
            are those of EfficientNet-B0.
        **kwargs: See :class:`ConvNet`.

    Raises:
        InputError: If neither a variant nor both multipliers are given, or both are.
    """

    def __init__(
        self,
        variant: str | None = None,
        w: float | None = None,
        d: float | None = None,
        baseline: str = EFFICIENTNET_B0.name,
        **kwargs,
    ) -> None:
        if (variant is None) == (w is None) or (w is None) != (d is None):
            raise InputError(
                f'TinyNet takes a variant, or both w and d; got variant={variant!r}, '
                f'w={w}, d={d}'
            )
        if variant is None:
            arch = find_arch(baseline)
            arch = scale(arch, w, d, arch.tiny)
        elif baseline == EFFICIENTNET_B0.name:
            arch = tinynet(variant)
        else:
            raise InputError(
                f'TinyNet {variant!r} is made of {EFFICIENTNET_B0.name}: give w and d '
                f'for baseline={baseline!r}'
            )
        super().__init__(arch, **kwargs)


@MODELS.register_module()
class EfficientNetMinus(ConvNet):
    """EfficientNet-B^-phi, EfficientNet-B0 shrunk by its giant rule inverted.

    Args:
        phi: 0 for B0, to 4 (Han et al., 2020, Table 3).
        **kwargs: See :class:`ConvNet`.

    Raises:
        InputError: If there is no such network.
    """

    def __init__(self, phi: int | None = None, **kwargs) -> None:
        super().__init__(efficientnet_minus(phi), **kwargs)
