import math

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.registry import METRICS
from mmpretrain.evaluation import Accuracy
from mmpretrain.structures import DataSample
from sklearn.metrics import top_k_accuracy_score
from torch.nn.functional import cross_entropy

from tinydet.evaluation import ClassificationMetric

IMAGES = 60
NAMES = tuple('abcdefgh')


def evaluate(scores, labels, names=NAMES, metric=None, batch_size=7):
    """Run a metric as a validation loop does; the figures and the metric."""
    metric = metric or METRICS.build({'type': 'ClassificationMetric'})
    evaluator = Evaluator([metric])
    evaluator.dataset_meta = {'classes': names}
    samples = [
        DataSample(metainfo={'img_path': f'{i}.jpg'})
        .set_gt_label(int(label))
        .set_pred_score(score)
        for i, (score, label) in enumerate(zip(scores, labels, strict=True))
    ]
    for start in range(0, len(samples), batch_size):
        evaluator.process(samples[start : start + batch_size])
    return evaluator.evaluate(len(samples)), metric


@pytest.fixture(params=[1, 10], ids=['unsure', 'sure'])
def logits(request):
    """From a net that is right often enough to tell the figures apart."""
    torch.manual_seed(0)
    labels = torch.randint(len(NAMES), (IMAGES,))
    logits = torch.randn(IMAGES, len(NAMES))
    logits[torch.arange(IMAGES), labels] += 0.7
    return request.param * logits, labels


def test_the_figures_are_those_of_other_libraries(logits):
    logits, labels = logits
    scores = logits.softmax(1)
    figures, metric = evaluate(scores, labels)
    assert isinstance(metric, ClassificationMetric)
    assert list(figures) == ['accuracy/top1', 'accuracy/top5', 'accuracy/val_loss']
    theirs, _ = evaluate(scores, labels, metric=Accuracy(topk=(1, 5)))
    everywhere = np.arange(len(NAMES))
    for k in (1, 5):
        top = figures[f'accuracy/top{k}']
        assert top == pytest.approx(theirs[f'accuracy/top{k}'])
        share = top_k_accuracy_score(labels, logits, k=k, labels=everywhere)
        assert top == pytest.approx(100 * share)
    assert 10 < figures['accuracy/top1'] < figures['accuracy/top5'] < 100
    expected = cross_entropy(logits.double(), labels).item()
    assert figures['accuracy/val_loss'] == pytest.approx(expected, rel=1e-5)


def test_each_class_by_hand():
    scores = torch.eye(3)[[0, 1, 2, 1, 1, 0]] * 0.4 + 0.2
    labels = [0, 1, 1, 1, 0, 0]
    _, metric = evaluate(scores, labels, names=('fox', 'owl', 'elk'))
    assert metric.per_class == {
        'fox': {'images': 3, 'top1': pytest.approx(200 / 3)},
        'owl': {'images': 3, 'top1': pytest.approx(200 / 3)},
        'elk': {'images': 0, 'top1': None},
    }


def test_the_classes_make_up_the_whole(logits):
    logits, labels = logits
    figures, metric = evaluate(logits.softmax(1), labels)
    right = logits.argmax(1) == labels
    for label, name in enumerate(NAMES):
        own = labels == label
        assert metric.per_class[name]['images'] == own.sum()
        share = right[own].double().mean().item()
        assert metric.per_class[name]['top1'] == pytest.approx(100 * share)
    hits = [row['images'] * row['top1'] for row in metric.per_class.values()]
    assert sum(hits) / IMAGES == pytest.approx(figures['accuracy/top1'])


def test_predictions_are_in_the_order_of_the_images(logits):
    logits, labels = logits
    scores = logits.softmax(1)
    _, metric = evaluate(scores, labels)
    assert metric.predictions == [
        {
            'image': f'{i}.jpg',
            'class': NAMES[scores[i].argmax()],
            'score': scores[i].max().item(),
        }
        for i in range(IMAGES)
    ]


@pytest.mark.parametrize('classes', range(1, 8))
def test_top5_takes_more_than_five_classes(classes):
    scores = torch.full((3, classes), 1 / classes)
    figures, _ = evaluate(scores, [0, 0, 0], names=NAMES[:classes])
    assert figures['accuracy/top1'] == 100
    assert ('accuracy/top5' in figures) == (classes > 5)


def test_of_equal_scores_the_first_class_wins():
    scores = torch.full((len(NAMES), len(NAMES)), 1 / len(NAMES))
    figures, metric = evaluate(scores, range(len(NAMES)))
    assert figures['accuracy/top1'] == 100 / len(NAMES)
    assert figures['accuracy/top5'] == 500 / len(NAMES)
    assert {prediction['class'] for prediction in metric.predictions} == {'a'}
    assert metric.per_class['a']['top1'] == 100
    assert metric.per_class['b']['top1'] == 0
    # Three share the first place, which goes to the first of them.
    scores = torch.tensor([[0.0, 0.3, 0.0, 0.1, 0.0, 0.3, 0.3, 0.0]])
    for label, top1 in ((1, 100), (5, 0), (6, 0), (3, 0)):
        figures, _ = evaluate(scores, [label])
        assert figures['accuracy/top1'] == top1
        assert figures['accuracy/top5'] == 100
    # The fifth place goes to the first of those with 0.
    for label, top5 in ((0, 100), (2, 0), (7, 0)):
        figures, _ = evaluate(scores, [label])
        assert figures['accuracy/top5'] == top5


def test_the_loss_stays_finite():
    scores = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    figures, _ = evaluate(scores, [1, 1], names=('a', 'b'))
    assert figures['accuracy/top1'] == 50
    smallest = float(np.finfo(np.float32).tiny)
    assert figures['accuracy/val_loss'] == pytest.approx(-math.log(smallest) / 2)


@pytest.mark.parametrize('true', [math.nan, 0.9])
def test_a_net_that_has_diverged_is_right_about_nothing(true):
    scores = torch.full((4, len(NAMES)), math.nan)
    scores[:, 2] = true
    figures, metric = evaluate(scores, [2] * 4)
    assert figures['accuracy/top1'] == figures['accuracy/top5'] == 0
    assert metric.per_class['c'] == {'images': 4, 'top1': 0}


def test_a_second_evaluation_starts_anew(logits):
    logits, labels = logits
    scores = logits.softmax(1)
    first, metric = evaluate(scores, labels)
    again, _ = evaluate(scores[:10], labels[:10], metric=metric)
    fresh, other = evaluate(scores[:10], labels[:10])
    assert again == fresh != first
    assert metric.per_class == other.per_class
    assert len(metric.predictions) == 10


def test_the_prefix_can_be_chosen():
    metric = ClassificationMetric(prefix='ema')
    figures, _ = evaluate(torch.eye(2), [0, 1], names=('a', 'b'), metric=metric)
    assert list(figures) == ['ema/top1', 'ema/val_loss']
