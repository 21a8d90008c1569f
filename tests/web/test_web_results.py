"""What the page shows of a model."""

import numpy as np
from tiny_detector import METADATA

from tinydet.inference import Detections, Timings
from tinydet.web.results import (
    ClassScore,
    above,
    class_scores,
    model_card,
    score_table,
    timing,
)

FOUND = Detections(
    boxes=np.array(
        [[10, 20, 50, 60], [0, 0, 5, 5], [60, 5, 90, 40], [1, 1, 9, 9]], np.float32
    ),
    scores=np.array([0.9, 0.8, 0.5, 0.1], np.float32),
    labels=np.array([2, 0, 2, 1]),
)


def test_scores_above_a_threshold():
    kept = above(FOUND, 0.5)
    assert kept.scores.tolist() == FOUND.scores[:2].tolist()
    assert kept.boxes.tolist() == FOUND.boxes[:2].tolist()
    assert kept.labels.tolist() == [2, 0]


def test_classes_are_counted_the_best_first():
    best = [float(score) for score in FOUND.scores]
    assert class_scores(FOUND) == [
        ClassScore(label=2, count=2, best=best[0]),
        ClassScore(label=0, count=1, best=best[1]),
        ClassScore(label=1, count=1, best=best[3]),
    ]


def test_only_what_is_above_the_threshold_is_in_the_table():
    table = score_table(FOUND, ('ant', 'bee', 'cat'), 0.3)
    assert table.index('cat') < table.index('ant')
    assert '<td>2</td>' in table and '0.90' in table and '0.80' in table
    assert 'bee' not in table


def test_where_nothing_is_above_the_threshold_the_best_is_named():
    said = score_table(FOUND, ('ant', 'bee', '<cat>'), 0.95)
    assert 'Nothing scores above 0.95. The best is &lt;cat&gt; with 0.900.' in said
    nothing = Detections(*(part[:0] for part in FOUND))
    assert 'Nothing scores above 0.30.<' in score_table(nothing, ('ant',), 0.3)


def test_names_of_a_model_are_text_not_html():
    card = model_card('a&b', METADATA)
    assert '<h2>a&amp;b</h2><p>tiny</p>' in card
    assert '32 × 32 px' in card and 'float32' in card
    assert '<b>' not in score_table(FOUND, ('<b>x</b>',) * 3, 0.95)
    assert '&lt;i&gt;' in score_table(FOUND, ('<i>',) * 3, 0.3)


def test_cost_in_the_card():
    costs = dict(macs=579_123_456, parameters=4_900_000, precision='int8')
    card = model_card('tiny', type(METADATA)(**{**vars(METADATA), **costs}))
    assert '0.579 GMACs' in card and '4.9 M parameters' in card and 'int8' in card


def test_time_of_each_stage_and_their_sum():
    said = timing(Timings(prepare_ms=1.26, network_ms=12.5, select_ms=0.84))
    assert '<b>14.6 ms</b>' in said
    assert '1.3 resize + 12.5 network + 0.8 select' in said
