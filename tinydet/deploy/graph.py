"""What a network is exported with: from pixels, to probabilities and boxes."""

import torch
from torch import Tensor, nn

from tinydet.models import Classifier, SSDLite
from tinydet.models.parts import run_once

# Sides of a box over those of its default box, in the decoding of DeltaXYWHBBoxCoder.
_MAX_LOG_RATIO = abs(torch.tensor(16 / 1000, dtype=torch.float64).log().item())


class Normalisation(nn.Module):
    """From an image to what a network takes: the settings of its preprocessor.

    Args:
        preprocessor: mmdet's or mmpretrain's.

    Attributes:
        mean: (3, 1, 1), of the channels in the order that the network sees.
        std: Likewise.
        rgb: Whether that order is RGB, else BGR.
    """

    def __init__(self, preprocessor: nn.Module) -> None:
        super().__init__()
        # Pipelines read BGR. mmpretrain's preprocessor has one of these, mmdet's the
        # other.
        self.rgb = any(
            getattr(preprocessor, name, False)
            for name in ('to_rgb', '_channel_conversion')
        )
        mean = getattr(preprocessor, 'mean', torch.zeros(1, 1, 1))
        std = getattr(preprocessor, 'std', torch.ones(1, 1, 1))
        self.register_buffer('mean', mean.expand(3, 1, 1).clone())
        self.register_buffer('std', std.expand(3, 1, 1).clone())

    def forward(self, images: Tensor) -> Tensor:
        """Normalise (N, S, S, 3) uint8 RGB to (N, 3, S, S)."""
        pixels = images.permute(0, 3, 1, 2)
        if not self.rgb:
            pixels = pixels.flip(1)
        return (pixels.float() - self.mean) / self.std

    def of_rgb(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation of R, G and B, as a config has them."""
        return tuple(
            _decimal(v if self.rgb else v.flip(0)) for v in (self.mean, self.std)
        )


class ClassifierGraph(nn.Module):
    """Images to class probabilities.

    Args:
        model: The classifier.
    """

    def __init__(self, model: Classifier) -> None:
        super().__init__()
        self.normalisation = Normalisation(model.data_preprocessor)
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        """(N, S, S, 3) uint8 RGB to (N, classes)."""
        return self.model(self.normalisation(images)).softmax(-1)


class DetectorGraph(nn.Module):
    """Images to the boxes and scores of all default boxes.

    Args:
        model: The detector.
        side: Of its square input, in pixels.

    Attributes:
        level_sizes: Number of default boxes of each level.
    """

    def __init__(self, model: SSDLite, side: int) -> None:
        super().__init__()
        self.normalisation = Normalisation(model.data_preprocessor)
        self.model = model
        self.side = side
        head = model.bbox_head
        self.classes = head.num_classes
        scores, _ = run_once(model, torch.zeros(1, 3, side, side))
        levels = head.prior_generator.grid_priors(
            [level.shape[-2:] for level in scores], device='cpu'
        )
        self.level_sizes = tuple(map(len, levels))
        low, high = torch.cat(levels).split(2, dim=1)
        self.register_buffer('centres', (low + high) / 2)
        self.register_buffer('sizes', high - low)
        coder = head.bbox_coder
        self.register_buffer('means', torch.tensor(coder.means))
        self.register_buffer('stds', torch.tensor(coder.stds))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Predict.

        Args:
            images: (N, S, S, 3), uint8, RGB.

        Returns:
            Boxes (N, A, 4), xyxy in pixels of the input and within it, and scores
            (N, A, classes), a softmax without its background.
        """
        scores, offsets = self.model(self.normalisation(images))
        probabilities = self._boxes_first(scores, self.classes + 1).softmax(-1)
        return self.decode(self._boxes_first(offsets, 4)), probabilities[..., :-1]

    def _boxes_first(self, maps: list[Tensor], values: int) -> Tensor:
        """(N, boxes * ``values``, H, W) of each level to (N, A, ``values``)."""
        return torch.cat(
            [
                level.permute(0, 2, 3, 1).reshape(-1, size, values)
                for level, size in zip(maps, self.level_sizes, strict=True)
            ],
            dim=1,
        )

    def decode(self, offsets: Tensor) -> Tensor:
        """What mmdet's DeltaXYWHBBoxCoder does, in fewer steps.

        Args:
            offsets: (N, A, 4) predictions.

        Returns:
            (N, A, 4) boxes, xyxy in pixels of the input and within it.
        """
        shifts, ratios = (offsets * self.stds + self.means).split(2, dim=2)
        centres = self.centres + self.sizes * shifts
        halves = self.sizes / 2 * ratios.clamp(-_MAX_LOG_RATIO, _MAX_LOG_RATIO).exp()
        boxes = torch.cat([centres - halves, centres + halves], dim=2)
        return boxes.clamp(0, self.side)


def _decimal(values: Tensor) -> tuple[float, ...]:
    """Numbers of single precision, with no more digits than that."""
    return tuple(float(str(value)) for value in values.flatten().numpy())
