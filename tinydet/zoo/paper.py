"""What the paper's tables say, as printed.

Han et al., "Model Rubik's Cube: Twisting Resolution, Depth and Width for TinyNets"
(NeurIPS 2020, arXiv 2010.14819). Tables 1, 2, 3 and 5 are those of the main text. Table
6 is the first of the appendix, which the NeurIPS edition counts as its Table 1. Table 7
is the architecture of GhostNet-A, which stands in ``tinydet.arch``.
"""

from dataclasses import dataclass

IMAGENET, IMAGENET_100 = 'ImageNet-1000', 'ImageNet-100'

_UNITS = {'M': 6, 'B': 9}


@dataclass(frozen=True)
class Figure:
    """A figure as printed, such as ``'5.3M'``.

    Attributes:
        text: Digits and a unit, M for millions or B for thousand millions.
    """

    text: str

    @property
    def value(self) -> int:
        """The figure as a number."""
        digits, exponent = self._scaled()
        return digits * 10**exponent

    def is_rounded(self, count: int) -> bool:
        """Whether ``count``, rounded as the figure is, gives the figure."""
        digits, exponent = self._scaled()
        return abs(count / 10**exponent - digits) <= 0.5

    def _scaled(self) -> tuple[int, int]:
        """All digits as one number, and the power of ten of the last of them."""
        number, unit = self.text[:-1], self.text[-1]
        whole, _, decimals = number.partition('.')
        return int(whole + decimals), _UNITS[unit] - len(decimals)


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        table: Number of the table.
        data: What the accuracy was measured on, ``IMAGENET`` or ``IMAGENET_100``.
        label: The network. One network has one label, where the tables vary it.
        params: Parameters ("Weights"); None where the table has none.
        macs: Multiply-accumulates ("FLOPs").
        top1: Top-1 accuracy in percent, of the paper's own training or as it cites;
            None where the table has none.
        top5: Top-5 accuracy in percent, None where the table has none.
        recipe: What else the network was trained with: ``'RA'`` is RandAugment,
            ``'HSwish'`` another activation.
    """

    table: int
    data: str
    label: str
    params: Figure | None
    macs: Figure
    top1: float | None
    top5: float | None = None
    recipe: str = ''


@dataclass(frozen=True)
class Detection:
    """One line of Table 5: SSDLite on COCO at 512.

    Attributes:
        label: The backbone, as in :class:`Row`.
        box_map: mAP in percent.
        ap50: AP at an IoU of 0.5, in percent.
    """

    label: str
    box_map: float
    ap50: float


def _row(table, data, label, params, macs, top1, top5=None, recipe='') -> Row:
    weights = Figure(params) if params else None
    return Row(table, data, label, weights, Figure(macs), top1, top5, recipe)


def _small(table: int, *rows: tuple) -> tuple[Row, ...]:
    """Rows of label, MACs and accuracy on ImageNet-100."""
    return tuple(
        _row(table, IMAGENET_100, label, None, macs, top1) for label, macs, top1 in rows
    )


def _large(table: int, *rows: tuple) -> tuple[Row, ...]:
    """Rows of label, parameters, MACs, top-1, top-5 and recipe on ImageNet-1000."""
    return tuple(_row(table, IMAGENET, *row) for row in rows)


TABLE_1 = _small(
    1,
    ('EfficientNet-B^-1', '200M', 75.8),
    ('B0, r = 0.70', '196M', 74.9),
    ('B0, d = 0.45', '196M', 76.5),
    ('B0, w = 0.65', '205M', 77.2),
    ('TinyNet-B', '201M', 77.6),
    ('EfficientNet-B^-2', '97M', 72.1),
    ('B0, r = 0.46', '103M', 70.3),
    ('B0, w = 0.38', '99M', 73.2),
    # "Depth underflow": the least depth, whose FLOPs a footnote gives.
    ('B0, least d', '173M', None),
    ('TinyNet-C', '97M', 74.1),
)

TABLE_2 = _small(
    2,
    ('ResNet-50', '4.1B', 78.7),
    ('ResNet-34', '3.7B', 77.9),
    ('ResNet-50, EfficientNet rule, 3.7B', '3.7B', 78.3),
    ('ResNet-50-A', '3.6B', 79.3),
    ('ResNet-18', '1.8B', 76.5),
    ('ResNet-50, EfficientNet rule, 1.8B', '1.8B', 76.9),
    ('ResNet-50-B', '1.8B', 78.2),
)

TABLE_3 = _large(
    3,
    ('MobileNetV3 Large 1.25x', '7.5M', '356M', 76.6),
    ('MnasNet-A1', '3.9M', '312M', 75.2, 92.5),
    ('EfficientNet-B0', '5.3M', '387M', 76.7, 93.2),
    ('TinyNet-A', '5.1M', '339M', 76.8, 93.3),
    ('EfficientNet-B0', '5.3M', '387M', 77.7, 93.5, 'RA'),
    ('TinyNet-A', '5.1M', '339M', 77.7, 93.5, 'RA'),
    ('MobileNetV2 1.0x', '3.5M', '300M', 71.8, 91.0),
    ('ShuffleNetV2 1.5x', '3.5M', '299M', 72.6, 90.6),
    ('FBNet-B', '4.5M', '295M', 74.1),
    ('ProxylessNAS', '4.1M', '320M', 74.6, 92.2),
    ('EfficientNet-B^-1', '3.6M', '201M', 74.7, 92.1),
    ('TinyNet-B', '3.7M', '202M', 75.0, 92.2),
    ('MobileNetV1 0.5x (r=0.86)', '1.3M', '110M', 61.7, 83.6),
    ('MobileNetV2 0.5x', '2.0M', '97M', 65.4, 86.4),
    ('MobileNetV3 Small 1.25x', '3.6M', '91M', 70.4),
    ('EfficientNet-B^-2', '3.0M', '98M', 70.5, 89.5),
    ('TinyNet-C', '2.5M', '100M', 71.2, 89.7),
    ('MobileNetV2 0.35x', '1.7M', '59M', 60.3, 82.9),
    ('ShuffleNetV2 0.5x', '1.4M', '41M', 61.1, 82.6),
    ('MnasNet-A1 0.35x', '1.7M', '63M', 64.1, 85.1),
    ('MobileNetV3 Small 0.75x', '2.4M', '44M', 65.4),
    ('EfficientNet-B^-3', '2.0M', '51M', 65.0, 85.2),
    ('TinyNet-D', '2.3M', '52M', 67.0, 87.1),
    ('MobileNetV2 0.35x (r=0.71)', '1.7M', '30M', 55.7, 79.1),
    ('MnasNet-A1 0.35x (r=0.57)', '1.7M', '22M', 54.8, 78.1),
    ('MobileNetV3 Small 0.5x', '1.6M', '23M', 58.0),
    ('MobileNetV3 Small 1.0x (r=0.57)', '2.5M', '20M', 57.3),
    ('EfficientNet-B^-4', '1.3M', '24M', 56.7, 79.8),
    ('TinyNet-E', '2.0M', '24M', 59.9, 81.8),
)

TABLE_6 = _large(
    6,
    ('EfficientNet-B1', '7.8M', '700M', 78.7),
    ('GhostNet-A', '11.9M', '591M', 78.7, 94.2),
    ('GhostNet-A', '11.9M', '591M', 78.9, 94.4, 'HSwish'),
    ('GhostNet-A', '11.9M', '591M', 79.4, 94.5, 'HSwish + RA'),
    ('EfficientNet-B0', '5.3M', '387M', 76.7, 93.2),
    ('GhostNet 1.5x', '9.1M', '300M', 76.4, 92.9),
    ('GhostNet-B', '8.0M', '300M', 77.0, 93.3),
    ('GhostNet-B', '8.0M', '300M', 77.1, 93.4, 'HSwish'),
    ('GhostNet-B', '8.0M', '300M', 77.6, 93.5, 'HSwish + RA'),
    ('MobileNetV3 Large 0.75x', '4.0M', '155M', 73.3),
    ('GhostNet 1.0x', '5.2M', '141M', 73.9, 91.4),
    ('GhostNet-C', '5.0M', '141M', 74.2, 91.7),
    ('GhostNet-C', '5.0M', '141M', 74.8, 92.0, 'HSwish'),
    ('GhostNet-C', '5.0M', '141M', 75.0, 92.0, 'HSwish + RA'),
    ('MobileNetV3 Small 0.75x', '2.4M', '44M', 65.4),
    ('GhostNet 0.5x', '2.6M', '42M', 66.2, 86.6),
    ('GhostNet-D', '2.6M', '52M', 67.7, 87.5),
    ('GhostNet-D', '2.6M', '52M', 68.4, 87.8, 'HSwish'),
    ('GhostNet-D', '2.6M', '52M', 68.6, 88.1, 'HSwish + RA'),
)

TABLE_5 = (
    Detection('EfficientNet-B^-3', 17.1, 29.9),
    Detection('TinyNet-D', 19.2, 32.6),
)

# Table 3 first: it has parameters, and its figures are of the published networks.
ROWS = TABLE_3 + TABLE_6 + TABLE_1 + TABLE_2
