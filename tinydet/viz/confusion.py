"""Which classes a detector takes for which."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tinydet.viz.models import DPI

# Of more classes, those that are most often mistaken are drawn.
MOST_CLASSES = 20
OTHERS, MISSED, NOTHING = 'others', 'missed', 'nothing there'
# In inches: a cell of a large and of a small matrix, the side that a small one would
# have, and what is around the matrix; and the width of a title.
LEAST_CELL, MOST_CELL, SIDE, ROOM = 0.4, 0.8, 4.5, 1.9
LEAST_WIDTH = 5
# Shares above the one are written in white, below the other not at all.
_DARK, _BLANK = 0.55, 0.005


def draw_confusion(
    matrix: np.ndarray, classes: Sequence[str], title: str, path: str | Path
) -> None:
    """Draw a confusion matrix in percent of its rows.

    A row is what is there, with its number, and a column is what was found. The last
    row has the boxes where nothing is, the last column the objects that were missed. Of
    more than :data:`MOST_CLASSES` classes, those with most mistakes between classes are
    drawn; the rest makes one column.

    Args:
        matrix: (C + 1, C + 1), numbers of objects and boxes, the background last.
        classes: Names of the C classes.
        title: Above the matrix.
        path: The PNG to write.
    """
    kept = _most_confused(matrix)
    rows = np.append(matrix[kept], matrix[-1:], axis=0)
    columns = [rows[:, kept], rows[:, -1:]]
    names = [classes[index] for index in kept]
    found = [*names, MISSED]
    if len(kept) < len(classes):
        title += f'\nthe {len(kept)} most confused of {len(classes)} classes'
        others = np.delete(rows[:, :-1], kept, axis=1).sum(axis=1, keepdims=True)
        columns.insert(1, others)
        found.insert(-1, OTHERS)
    cell = np.clip(SIDE / len(found), LEAST_CELL, MOST_CELL)
    width = max(LEAST_WIDTH, len(found) * cell + ROOM)
    height = (len(names) + 1) * cell + ROOM
    figure = Figure((width, height), DPI, layout='constrained')
    axes = figure.subplots()
    counts = rows.sum(axis=1)
    _draw_cells(axes, np.concatenate(columns, axis=1) / np.maximum(counts, 1)[:, None])
    labels = [f'{n} ({c})' for n, c in zip([*names, NOTHING], counts, strict=True)]
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xticks(range(len(found)), found, rotation=45, ha='right')
    axes.set(xlabel='found', ylabel='true')
    figure.suptitle(title, fontsize='medium')
    figure.savefig(path)


def _most_confused(matrix: np.ndarray) -> np.ndarray:
    """Indices of the classes to draw, ascending."""
    between = matrix[:-1, :-1].astype(np.int64)
    np.fill_diagonal(between, 0)
    mistakes = between.sum(axis=0) + between.sum(axis=1)
    return np.sort(np.argsort(-mistakes, kind='stable')[:MOST_CLASSES])


def _draw_cells(axes: Axes, shares: np.ndarray) -> None:
    axes.imshow(shares, cmap='Blues', vmin=0, vmax=1, aspect='auto')
    for (row, column), share in np.ndenumerate(shares):
        if share >= _BLANK:
            axes.text(
                *(column, row, f'{share:.0%}'.removesuffix('%')),
                **dict(ha='center', va='center', fontsize=8),
                color='white' if share > _DARK else 'black',
            )
    # the background apart from the classes
    axes.axhline(len(shares) - 1.5, color='grey', linewidth=0.8)
    axes.axvline(shares.shape[1] - 1.5, color='grey', linewidth=0.8)
