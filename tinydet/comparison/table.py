"""Compared detectors as a table."""

from collections.abc import Sequence
from dataclasses import dataclass

from tinydet.comparison.findings import Findings
from tinydet.deploy.latency import Latency
from tinydet.inference import Metadata

# Columns of COCO figures.
_FIGURES = {
    'mAP': 'bbox_mAP',
    'AP50': 'bbox_mAP_50',
    'AP75': 'bbox_mAP_75',
    'APs': 'bbox_mAP_s',
    'APm': 'bbox_mAP_m',
    'APl': 'bbox_mAP_l',
}


@dataclass(frozen=True)
class Compared:
    """A detector, with what it can and what it costs.

    Attributes:
        name: Of the detector.
        findings: Over the data set.
        metadata: Of its ONNX file.
        file_bytes: The size of this file.
        latency: Of an image.
    """

    name: str
    findings: Findings
    metadata: Metadata
    file_bytes: int
    latency: Latency

    def row(self) -> dict[str, str | int | float | bool | None]:
        """What the table says of it, not rounded; None for an undefined figure."""
        figures = self.findings.boxes.figures
        return {
            'model': self.name,
            **{column: defined(figures[name]) for column, name in _FIGURES.items()},
            'input_size': self.metadata.input_size,
            'parameters': self.metadata.parameters,
            'macs': self.metadata.macs,
            'median_ms': self.latency.median_ms,
            'p10_ms': self.latency.p10_ms,
            'p90_ms': self.latency.p90_ms,
            'file_bytes': self.file_bytes,
            'precision': self.metadata.precision,
            'nms': self.metadata.nms,
        }


def defined(figure: float) -> float | None:
    """A COCO figure; None for -1, which stands for one without ground truth."""
    return None if figure < 0 else figure


def to_markdown(models: Sequence[Compared]) -> str:
    """The table in Markdown, whose columns line up in plain text as well."""
    heading = (
        'model',
        *_FIGURES,
        'input',
        'params M',
        'MMACs',
        'latency ms (p10-p90)',
        'file MB',
    )
    cells = [heading, *(_cells(model.row()) for model in models)]
    name, *widths = (max(map(len, column)) for column in zip(*cells, strict=True))
    ruler = ['-' * name, *('-' * (width - 1) + ':' for width in widths)]
    lines = [
        [first.ljust(name), *map(str.rjust, rest, widths)]
        for first, *rest in (heading, ruler, *cells[1:])
    ]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)


def _cells(row: dict) -> tuple[str, ...]:
    return (
        row['model'],
        *('-' if row[name] is None else f'{row[name]:.3f}' for name in _FIGURES),
        str(row['input_size']),
        f'{row["parameters"] / 1e6:.2f}',
        f'{row["macs"] / 1e6:.1f}',
        f'{row["median_ms"]:.2f} ({row["p10_ms"]:.2f}-{row["p90_ms"]:.2f})',
        f'{row["file_bytes"] / 1e6:.2f}',
    )
