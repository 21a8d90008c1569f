"""Gaussian processes against the paper's equations, computed directly."""

import itertools

import numpy as np
import pytest

from tinydet.formula.formula import read_formula
from tinydet.formula.process import fit_process

ANYWHERE = np.geomspace(0.02, 1.05, 41)


def parameters(process):
    """Amplitude, length and noise of a fitted kernel: s^2, l, sigma^2."""
    kernel = process.regressor.kernel_
    return (
        kernel.k1.k1.constant_value,
        kernel.k1.k2.length_scale,
        kernel.k2.noise_level,
    )


def covariance(a, b, amplitude, length):
    """The RBF kernel k over log c."""
    distance = np.log(a)[:, None] - np.log(b)[None, :]
    return amplitude * np.exp(-(distance**2) / (2 * length**2))


def posterior(c, values, at, amplitude, length, noise):
    """Mean and variance as in equations 3 and 4 of the paper, on centred values."""
    prior = covariance(c, c, amplitude, length) + noise * np.eye(len(c))
    cross = covariance(at, c, amplitude, length)
    inverse = np.linalg.inv(prior)
    mean = values.mean() + cross @ inverse @ (values - values.mean())
    variance = amplitude + noise - np.sum(cross @ inverse * cross, axis=1)
    return mean, variance


def log_likelihood(c, values, amplitude, length, noise):
    """Of centred values (Rasmussen and Williams, equation 2.30)."""
    prior = covariance(c, c, amplitude, length) + noise * np.eye(len(c))
    centred = values - values.mean()
    _, determinant = np.linalg.slogdet(prior)
    return -0.5 * (
        centred @ np.linalg.solve(prior, centred)
        + determinant
        + len(c) * np.log(2 * np.pi)
    )


def noisy(seed, count=30, noise=0.08):
    """Points of a curve over the costs of a search, and the curve."""

    def curve(c):
        return 0.45 + 0.55 * np.sqrt(c)

    rng = np.random.default_rng(seed)
    c = np.exp(rng.uniform(np.log(0.03), np.log(1.05), count))
    return c, curve(c) + rng.normal(0, noise, count), curve


def published(name):
    points = read_formula().points
    values = [getattr(point, name) for point in points]
    return np.array([point.c for point in points]), np.array(values)


def repeated():
    """Costs that occur twice, with different values, and a lone one."""
    c = np.array([0.1, 0.1, 0.4, 0.4, 0.9])
    return c, np.array([0.5, 0.6, 0.8, 0.75, 1.0])


@pytest.mark.parametrize(
    ('c', 'values'),
    [published('r'), published('d'), noisy(0)[:2], repeated()],
    ids=['published r', 'published d', 'noisy', 'repeated'],
)
def test_mean_and_variance_are_those_of_equations_3_and_4(c, values):
    process = fit_process(list(c), list(values))
    mean, std = process.predict(ANYWHERE)
    expected, variance = posterior(c, values, ANYWHERE, *parameters(process))
    np.testing.assert_allclose(mean, expected, rtol=0, atol=1e-8)
    np.testing.assert_allclose(std**2, variance, rtol=0, atol=1e-8)


def test_the_parameters_maximise_the_marginal_likelihood():
    c, values, _ = noisy(0)
    found = parameters(fit_process(c, values))
    best = log_likelihood(c, values, *found)
    others = itertools.product(
        np.geomspace(1e-4, 1e2, 13), np.geomspace(0.5, 10, 9), np.geomspace(1e-6, 1, 13)
    )
    assert best >= max(log_likelihood(c, values, *other) for other in others)
    for factors in itertools.product((0.97, 1, 1.03), repeat=3):
        near = np.array(found) * factors
        assert best >= log_likelihood(c, values, *near) - 1e-6


def test_it_knows_the_noise_and_how_sure_it_is():
    noises, truths, draws = [], [], []
    for seed in range(5):
        c, values, curve = noisy(seed)
        process = fit_process(c, values)
        *_, noise = parameters(process)
        mean, std = process.predict(ANYWHERE)
        of_mean = np.sqrt(std**2 - noise)
        noises.append(np.sqrt(noise))
        truths.append(abs(mean - curve(ANYWHERE)) <= 1.96 * of_mean)
        others, fresh, _ = noisy(seed + 100, 200)
        mean, std = process.predict(others)
        draws.append(abs(mean - fresh) <= 1.96 * std)
    assert np.mean(noises) == pytest.approx(0.08, rel=0.15)
    # of the curve alone, where the points are few: a wide tolerance
    assert np.mean(truths) > 0.8
    assert 0.9 < np.mean(draws) < 0.98


def test_far_away_it_knows_nothing():
    c, values, _ = noisy(0)
    process = fit_process(c, values)
    amplitude, _, noise = parameters(process)
    (mean,), (std,) = process.predict([1e-30])
    assert mean == pytest.approx(values.mean(), abs=1e-8)
    assert std == pytest.approx(np.sqrt(amplitude + noise), abs=1e-8)


def test_the_same_points_give_the_same_process():
    c, values, _ = noisy(3)
    first, second = fit_process(c, values), fit_process(c, values)
    assert parameters(first) == parameters(second)
    moved = fit_process(c, values + 5)
    np.testing.assert_allclose(
        moved.predict(ANYWHERE)[0] - 5, first.predict(ANYWHERE)[0], atol=1e-4
    )


def test_one_value_everywhere():
    process = fit_process([0.1, 0.3, 0.9], [0.7, 0.7, 0.7])
    mean, std = process.predict(ANYWHERE)
    np.testing.assert_allclose(mean, 0.7, atol=1e-12)
    assert std.max() < 0.02
