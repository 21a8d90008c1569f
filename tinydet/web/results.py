"""What the page shows of a detector and what it found, as HTML."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from tinydet.inference import Detections, Metadata, Timings
from tinydet.viz.boxes import class_colour


@dataclass(frozen=True)
class ClassScore:
    """The objects of one class in an image.

    Attributes:
        label: Index of the class.
        count: How many there are.
        best: The highest score among them, 0 to 1.
    """

    label: int
    count: int
    best: float


def above(found: Detections, threshold: float) -> Detections:
    """The detections with a score above a threshold."""
    kept = found.scores > threshold
    return Detections(*(values[kept] for values in found))


def class_scores(found: Detections) -> list[ClassScore]:
    """Count the classes of detections, the one with the best score first."""
    scores: dict[int, list[float]] = {}
    for label, score in zip(found.labels.tolist(), found.scores.tolist(), strict=True):
        scores.setdefault(label, []).append(score)
    table = [ClassScore(label, len(own), max(own)) for label, own in scores.items()]
    return sorted(table, key=lambda row: row.best, reverse=True)


def model_card(file: str, metadata: Metadata) -> str:
    """The name of a model's file and of its config, and what it costs, as HTML."""
    side = metadata.input_size
    facts = (
        f'{side} × {side} px',
        f'{metadata.macs / 1e9:.3g} GMACs',
        f'{metadata.parameters / 1e6:.3g} M parameters',
        metadata.precision,
    )
    items = ''.join(f'<li>{fact}</li>' for fact in facts)
    return f'<h2>{escape(file)}</h2><p>{escape(metadata.name)}</p><ul>{items}</ul>'


def timing(timings: Timings) -> str:
    """How long a detector took for an image, in all and by stage, as HTML."""
    prepare, network, select = timings
    return (
        f'<p class="timing"><b>{sum(timings):.1f} ms</b> <span>{prepare:.1f} resize + '
        f'{network:.1f} network + {select:.1f} select</span></p>'
    )


def score_table(found: Detections, classes: Sequence[str], threshold: float) -> str:
    """The classes among detections above a threshold, as HTML.

    Args:
        found: All that the model lets through.
        classes: Names of the classes.
        threshold: What is counted has a higher score.
    """
    rows = class_scores(above(found, threshold))
    if not rows:
        return f'<p class="none">{escape(_nothing(found, classes, threshold))}</p>'
    body = ''.join(_row(row, classes[row.label]) for row in rows)
    head = '<th>class</th><th>count</th><th colspan="2">best score</th>'
    return (
        f'<table class="scores"><thead><tr>{head}</tr></thead>'
        f'<tbody>{body}</tbody></table>'
    )


def _row(row: ClassScore, name: str) -> str:
    colour = 'rgb({}, {}, {})'.format(*class_colour(row.label))
    return (
        f'<tr><td><i style="background: {colour}"></i>{escape(name)}</td>'
        f'<td>{row.count}</td>'
        f'<td class="bar"><b style="width: {row.best:.0%}; background: {colour}"></b>'
        f'</td><td>{row.best:.2f}</td></tr>'
    )


def _nothing(found: Detections, classes: Sequence[str], threshold: float) -> str:
    start = f'Nothing scores above {threshold:.2f}'
    rows = class_scores(found)
    if not rows:
        return f'{start}.'
    return f'{start}. The best is {classes[rows[0].label]} with {rows[0].best:.3f}.'
