"""Default boxes of SSDLite."""

from collections.abc import Sequence

import torch
from mmdet.models.task_modules.prior_generators import SSDAnchorGenerator
from mmengine.registry import TASK_UTILS

from tinydet.checks import check_whole
from tinydet.errors import InputError


@TASK_UTILS.register_module()
class SSDLiteAnchorGenerator(SSDAnchorGenerator):
    """Six default boxes a location, their sizes spread over the input.

    Level k of m has boxes of size ``s_k`` with the aspect ratios 1, 1/2, 2, 1/3 and 3,
    and a square of the geometric mean of ``s_k`` and ``s_(k+1)``; the sizes grow
    linearly, and the one after the last is the input (Liu et al., SSD, section 2.2;
    the range is that of SSDLite, MobileNetV2 section 6.2).

    Args:
        input_size: Side of the square network input, in pixels, at least 32.
        levels: Number of feature maps; the first has stride 16, each next map is half
            as large, rounded up.
        size_range: Smallest and largest size, as fractions of the input.

    Raises:
        InputError: If the input is no whole number of pixels, or smaller than the
            stride of the second map.
    """

    def __init__(
        self,
        input_size: int,
        levels: int = 6,
        size_range: Sequence[float] = (0.15, 0.95),
    ) -> None:
        # The backbone's last stride; its maps would be empty.
        check_whole('anchor_generator.input_size', input_size, 32)
        first, last = size_range
        step = (last - first) / (levels - 1)
        sizes = [input_size * (first + step * level) for level in range(levels)]
        sizes.append(float(input_size))
        self.input_size = input_size
        self.basesize_ratio_range = tuple(size_range)
        self.map_sizes = [-(-input_size // 16)]
        while len(self.map_sizes) < levels:
            self.map_sizes.append(-(-self.map_sizes[-1] // 2))
        super().__init__(
            strides=[input_size / size for size in self.map_sizes],
            ratios=[[2, 3]] * levels,
            min_sizes=sizes[:-1],
            max_sizes=sizes[1:],
            scale_major=False,
        )

    def grid_priors(
        self,
        featmap_sizes: Sequence[tuple[int, int]],
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = 'cuda',
    ) -> list[torch.Tensor]:
        """Default boxes of all levels.

        Args:
            featmap_sizes: (height, width) of each map.
            dtype: Type of the boxes.
            device: Their device.

        Returns:
            One (H * W * 6, 4) tensor of xyxy pixels of the network input per level.

        Raises:
            InputError: If the maps are not those of an ``input_size`` square.
        """
        found = [tuple(size) for size in featmap_sizes]
        if found != [(size, size) for size in self.map_sizes]:
            raise InputError(
                f'the default boxes are for {self.input_size}x{self.input_size} '
                f'pixels with maps of {self.map_sizes}, but the network made '
                f'{found}: set anchor_generator.input_size to the size that the '
                'pipeline resizes to, and tap the backbone at strides 16 and 32'
            )
        return super().grid_priors(featmap_sizes, dtype=dtype, device=device)
