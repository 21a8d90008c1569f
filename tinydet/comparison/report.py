"""The files that a comparison of detectors leaves."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from tinydet.comparison.findings import CONFUSION_IOU, CONFUSION_SCORE
from tinydet.comparison.table import Compared, defined, to_markdown
from tinydet.files import replacing, write_rows
from tinydet.viz.confusion import draw_confusion
from tinydet.viz.errors import draw_errors
from tinydet.viz.per_class import draw_per_class
from tinydet.viz.pr_curves import Precision, draw_pr_curves
from tinydet.viz.tradeoff import Cost, draw_tradeoff

_TABLES = 'comparison.csv', 'comparison.md', 'per_class.csv'
_PICTURES = 'tradeoff.png', 'pr_curves.png', 'per_class.png', 'errors.png'


def report_paths(folder: Path, names: Iterable[str]) -> list[Path]:
    """The files of a report on models of these names."""
    confusions = [_confusion_name(name) for name in names]
    return [folder / file for file in (*_TABLES, *_PICTURES, *confusions)]


def write_report(
    folder: Path, models: Sequence[Compared], classes: Sequence[str], notes: str
) -> None:
    """Write all tables and pictures.

    Args:
        folder: Where to; it exists.
        models: What was compared.
        classes: Names, in the order of their category ids.
        notes: Below the table of ``comparison.md``.
    """
    write_rows(folder / 'comparison.csv', [model.row() for model in models])
    write_rows(folder / 'per_class.csv', _class_rows(models, classes))
    with replacing(folder / 'comparison.md') as partial:
        partial.write_text(f'{to_markdown(models)}\n\n{notes}\n')
    with replacing(folder / 'tradeoff.png') as partial:
        draw_tradeoff({model.name: _cost(model) for model in models}, partial)
    with replacing(folder / 'pr_curves.png') as partial:
        draw_pr_curves(
            {model.name: Precision(*model.findings.precision) for model in models},
            classes,
            partial,
        )
    with replacing(folder / 'per_class.png') as partial:
        draw_per_class(
            {model.name: _class_ap(model) for model in models}, classes, partial
        )
    with replacing(folder / 'errors.png') as partial:
        draw_errors({model.name: model.findings.errors for model in models}, partial)
    for model in models:
        title = (
            f'{model.name}\npercent of each row, scores from {CONFUSION_SCORE}, IoU '
            f'from {CONFUSION_IOU}'
        )
        with replacing(folder / _confusion_name(model.name)) as partial:
            draw_confusion(model.findings.confusion, classes, title, partial)


def to_dict(model: Compared) -> dict:
    """All figures of a model, for JSON; None for those without ground truth.

    Those of classes, also in the confusion matrix, are in the order of category ids.
    """
    boxes = model.findings.boxes
    return {
        **model.row(),
        'figures': {name: defined(value) for name, value in boxes.figures.items()},
        'per_class': [
            {name: defined(value) for name, value in figures.items()}
            for figures in boxes.per_class.values()
        ],
        'errors': model.findings.errors,
        'confusion': model.findings.confusion.tolist(),
    }


def _confusion_name(model: str) -> str:
    return f'confusion_{model}.png'


def _cost(model: Compared) -> Cost:
    latency = model.latency
    return Cost(
        mean_ap=model.findings.boxes.figures['bbox_mAP'],
        macs=model.metadata.macs,
        parameters=model.metadata.parameters,
        latency=(latency.p10_ms, latency.median_ms, latency.p90_ms),
    )


def _class_ap(model: Compared) -> list[float]:
    """NaN for a class without objects."""
    found = [figures['AP'] for figures in model.findings.boxes.per_class.values()]
    return [np.nan if value < 0 else value for value in found]


def _class_rows(models: Sequence[Compared], classes: Sequence[str]) -> list[dict]:
    """A class a row, with an AP and an AP50 of each model."""
    rows = [{'class': name} for name in classes]
    for model in models:
        found = model.findings.boxes.per_class.values()
        for row, figures in zip(rows, found, strict=True):
            for figure, value in figures.items():
                row[f'{model.name} {figure}'] = defined(value)
    return rows
