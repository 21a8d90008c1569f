"""The paper's figures from a study."""

import math
from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from PIL import Image

from tinydet.formula.formula import Formula, Point
from tinydet.formula.study import Study, Trial
from tinydet.viz import formula as viz

WHOLE = 400_000_000
SIZES = {
    viz.draw_accuracy: (1080, 720),
    viz.draw_dimensions: (1650, 600),
    viz.draw_front: (1650, 600),
    viz.draw_shrinking: (1080, 720),
}
SPEARMAN = {'r': 0.81, 'd': 0.5, 'w': -0.25}


def trial(rule: str, r: float, d: float, w: float, score: float | None, seed=0, **more):
    c = r * r * d * w * w
    state = 'failed' if score is None else 'complete'
    cost = dict(input=round(224 * r), params=1000, macs=round(c * WHOLE), c=c)
    return Trial(
        0, state, rule, seed, r, d, w, **{**cost, **more}, score=score, seconds=1
    )


def at_share(rule: str, c: float, *scores: float) -> list[Trial]:
    """A network of a rule, a seed a score."""
    w = math.sqrt(c)
    return [trial(rule, 1, 1, w, score, seed) for seed, score in enumerate(scores)]


def random_trials(count: int, share: float | None = None) -> list[Trial]:
    rng = np.random.default_rng(0)
    shares = np.geomspace(0.03, 1.05, count)
    if share:
        shares = share * rng.uniform(0.97, 1.03, count)
    trials = []
    for c in shares:
        r, d = c**0.25 * rng.uniform(0.9, 1.1), rng.uniform(0.5, 1.5)
        score = 80 + 8 * math.log(c) + rng.normal()
        trials.append(trial('random', r, d, math.sqrt(c / r**2 / d), score))
    return trials


BASELINE = at_share('baseline', 1, 79, 81)
GIANT = at_share('giant', 0.25, 65, 67, 72) + at_share('giant', 0.5, 74, 75)


def study(*trials: Trial, figure: str = 'top1') -> Study:
    return Study('efficientnet_b0', figure, trials, 'study.csv')


def fitted(trials: list[Trial]) -> Formula:
    points = tuple(Point(trial.c, trial.r, trial.d) for trial in trials)
    return Formula(points, 'efficientnet_b0', 'study.csv')


@pytest.fixture
def draw(monkeypatch, tmp_path):
    """Draw, and return the figure."""
    saved, save = [], Figure.savefig

    def keep(self, *args, **kwargs):
        saved.append(self)
        save(self, *args, **kwargs)

    monkeypatch.setattr(Figure, 'savefig', keep)

    def draw(function, *args) -> Figure:
        function(*args, tmp_path / 'figure.png')
        (figure,) = saved
        with Image.open(tmp_path / 'figure.png') as picture:
            assert picture.size == SIZES[function]
        return figure

    return draw


def labelled(axes, label: str):
    """The line or error bars of a label."""
    (found,) = (
        handle
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True)
        if name == label
    )
    return found


def bars(errorbar: ErrorbarContainer) -> dict[float, tuple[float, float]]:
    """By cost, the ends of the error bars."""
    (lines,) = errorbar.lines[2]
    # one without a length that could be told is empty
    segments = [segment for segment in lines.get_segments() if len(segment)]
    return {x: (low, high) for (x, low), (_, high) in segments}


def assert_tidy(figure: Figure) -> None:
    """Nothing is clipped or covered."""
    parts = [*figure.legends, *figure.axes]
    if figure._suptitle:
        parts.append(figure._suptitle)
    boxes = [part.get_tightbbox() for part in parts]
    for box in boxes:
        assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1
    for one, other in combinations(boxes, 2):
        assert not one.overlaps(other)


def test_accuracy(draw):
    random = random_trials(30)
    failed = trial('random', 0.9, 0.9, 0.9, None)
    figure = draw(
        viz.draw_accuracy, study(*random, failed, *GIANT, *BASELINE), random[::5]
    )
    (axes,) = figure.axes
    data = np.array([(trial.macs / 1e6, trial.score) for trial in random])
    dots = labelled(axes, 'random (30)')
    assert dots.get_xydata() == pytest.approx(data)
    front = labelled(axes, 'front (6)')
    assert front.get_xydata() == pytest.approx(data[::5])
    assert front.get_markersize() > dots.get_markersize()
    giants = labelled(axes, 'EfficientNet rule')
    assert giants.lines[0].get_xydata().tolist() == [[100, 68], [200, 74.5], [400, 80]]
    # of 65, 67 and 72; of 74 and 75
    assert bars(giants) == {
        100: pytest.approx((68 - math.sqrt(13), 68 + math.sqrt(13))),
        200: pytest.approx((74.5 - math.sqrt(0.5), 74.5 + math.sqrt(0.5))),
    }
    baseline = labelled(axes, 'efficientnet_b0')
    assert baseline.lines[0].get_xydata().tolist() == [[400, 80]]
    assert axes.get_xlabel() == 'cost (MMACs)'
    assert axes.get_ylabel() == 'top-1 accuracy (%)'
    assert_tidy(figure)


def test_accuracy_of_random_networks_alone(draw):
    random = random_trials(30)
    figure = draw(viz.draw_accuracy, study(*random), random[:6])
    labels = [text.get_text() for text in figure.legends[0].texts]
    assert labels == ['random (30)', 'front (6)']


@pytest.mark.parametrize('count', [30, 300])
def test_dimensions(draw, count):
    random = random_trials(count)
    failed = trial('random', 0.9, 0.9, 0.9, None)
    figure = draw(viz.draw_dimensions, study(*random, failed, *BASELINE))
    *panels, bar = figure.axes
    for axes, name in zip(panels, 'rdw', strict=True):
        (dots,) = axes.collections
        data = [(getattr(trial, name), trial.score) for trial in random]
        assert np.asarray(dots.get_offsets()) == pytest.approx(np.array(data))
        assert list(dots.get_array()) == [trial.c for trial in random]
        assert axes.get_ylim() == panels[0].get_ylim()
    low, high = bar.get_ylim()
    ticks = [tick for tick in bar.get_yticks() if low <= tick <= high]
    assert ticks == pytest.approx([0.05, 0.1, 0.2, 0.5, 1])
    assert_tidy(figure)


def test_dimensions_at_a_fixed_cost(draw):
    figure = draw(viz.draw_dimensions, study(*random_trials(30, 0.5)))
    assert len(figure.axes) == 3
    colours = figure.axes[0].collections[0].get_facecolor()
    assert len({to_hex(colour) for colour in colours}) == 1
    title = figure._suptitle.get_text()
    assert title.startswith('30 networks made of efficientnet_b0, of about ')
    assert title.endswith(' MMACs (c = 0.5)')
    assert_tidy(figure)


def test_front(draw):
    selected = random_trials(20)
    formula = fitted(selected)
    figure = draw(viz.draw_front, selected, formula, SPEARMAN)
    shares = [trial.c for trial in selected]
    for axes, name in zip(figure.axes, 'rdw', strict=True):
        dots = labelled(axes, 'selected networks (20)').get_xydata()
        data = [(trial.c, getattr(trial, name)) for trial in selected]
        assert dots == pytest.approx(np.array(data))
        assert f'{SPEARMAN[name]:.2f}' in axes.get_title()
        assert axes.get_xscale() == 'log'
        assert axes.get_ylim()[0] >= 0
    predicted = {}
    for axes, name in zip(figure.axes, 'rd', strict=False):
        c, mean = labelled(axes, 'mean of the Gaussian process').get_data()
        assert (c[0], c[-1]) == pytest.approx((shares[0], shares[-1]))
        inside = (c > 0) & (c < 1)
        predictions = [formula.predict(share) for share in c[inside]]
        expected = np.array([getattr(point, name) for point in predictions])
        std = np.array([getattr(point, f'{name}_std') for point in predictions])
        assert mean[inside] == pytest.approx(expected)
        (band,) = axes.collections
        corners = band.get_paths()[0].vertices
        for sign in (-1, 1):
            edge = np.stack([c[inside], expected + sign * 1.96 * std], axis=1)
            distances = np.abs(edge[:, None] - corners).max(axis=2)
            assert distances.min(axis=1).max() < 1e-9
        predicted[name] = mean
    (width,) = (line for line in figure.axes[2].lines if line.get_linestyle() == '--')
    c, w = width.get_data()
    assert predicted['r'] ** 2 * predicted['d'] * w**2 == pytest.approx(c)
    assert 'share of the 400 MMACs of efficientnet_b0' in figure._supxlabel.get_text()
    assert len(figure.legends[0].texts) == 4
    assert_tidy(figure)


def test_shrinking(draw):
    width = at_share('width', 0.25, 60, 64)
    trials = [*BASELINE, *width, *GIANT, trial('width', 1, 1, 0.9, None)]
    figure = draw(viz.draw_shrinking, study(*random_trials(5), *trials))
    (axes,) = figure.axes
    names = [text.get_text() for text in figure.legends[0].texts]
    assert names == ['EfficientNet rule', 'width alone', 'efficientnet_b0']
    giant, width, baseline = (labelled(axes, name) for name in names)
    assert giant.lines[0].get_xydata().tolist() == [[100, 68], [200, 74.5], [400, 80]]
    assert width.lines[0].get_xydata().tolist() == [[100, 62], [400, 80]]
    half = math.sqrt(8)
    assert bars(width) == {100: pytest.approx((62 - half, 62 + half))}
    half = math.sqrt(2)
    assert bars(baseline) == {400: pytest.approx((80 - half, 80 + half))}
    # the bars of the two rules at 100 MMACs stand beside each other, around it
    left, right = (
        line.lines[0].get_transform().transform((100, 68)) for line in (giant, width)
    )
    at = axes.transData.transform((100, 68))
    assert right[0] - left[0] > 3
    assert (left + right) / 2 == pytest.approx(at)
    assert axes.get_ylabel() == 'top-1 accuracy (%), mean and std of 2 to 3 seeds'
    assert_tidy(figure)


def test_shrinking_of_a_detector_with_one_seed(draw):
    trials = [
        trial(rule, 1, 1, w, w / 2, macs=int(3e9 * w * w))
        for rule, w in (('baseline', 1), ('tiny', 0.5), ('tiny', 0.7))
    ]
    figure = draw(viz.draw_shrinking, study(*trials, figure='bbox_mAP'))
    (axes,) = figure.axes
    tiny = labelled(axes, 'tiny formula, fitted')
    assert tiny.lines[0].get_xydata() == pytest.approx(
        np.array([(0.75, 0.25), (1.47, 0.35), (3, 0.5)])
    )
    assert not tiny.has_yerr
    assert axes.get_xlabel() == 'cost (GMACs)'
    assert axes.get_ylabel() == 'mAP, one seed'
    low, high = axes.get_xlim()
    assert sum(low <= tick <= high for tick in axes.get_xticks()) >= 3
