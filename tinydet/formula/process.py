"""Gaussian process regression of a multiplier on the share of the baseline's cost."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

# The covariance is a function of log c: the search covers c from 0.03 to 1.05, and a
# step from 0.06 to 0.13 is to a network what one from 0.5 to 1 is. In these units a
# formula that changes its mind within less than a length of 0.5 follows the noise.
_LENGTHS = (0.5, 10)
_AMPLITUDES = (1e-4, 1e2)
# An input is rounded to 2 pixels, of 224 for example: r has noise of a hundredth.
_NOISES = (1e-4, 1)
# The likelihood of few points has several maxima.
_RESTARTS = 9


@dataclass(frozen=True)
class Process:
    """A fitted process: "Model Rubik's Cube", section 3.2, equations 2 to 4.

    The prior has zero mean on the centred values, and the covariance of an RBF kernel
    plus white noise; their three parameters maximise the marginal likelihood.

    Attributes:
        mean: That the values were centred by.
        regressor: scikit-learn's, fitted to log c and the centred values.
    """

    mean: float
    regressor: GaussianProcessRegressor

    def predict(self, c: ArrayLike) -> tuple[NDArray, NDArray]:
        """The posterior at some shares.

        Args:
            c: (N,) shares of the baseline's cost, above 0.

        Returns:
            (N,) means and (N,) standard deviations, noise included (equation 4).
        """
        mean, std = self.regressor.predict(_inputs(c), return_std=True)
        return mean + self.mean, std


def fit_process(c: Sequence[float], values: Sequence[float]) -> Process:
    """Fit a process to the networks of a front.

    Args:
        c: (N,) shares of the baseline's cost, above 0.
        values: (N,) multipliers: r or d.
    """
    values = np.asarray(values, dtype=float)
    mean = float(values.mean())
    kernel = ConstantKernel(0.1, _AMPLITUDES) * RBF(1.0, _LENGTHS)
    regressor = GaussianProcessRegressor(
        kernel + WhiteKernel(1e-3, _NOISES),
        # The white noise is in the kernel; nothing is added to its diagonal.
        alpha=0,
        n_restarts_optimizer=_RESTARTS,
        random_state=0,
    )
    with warnings.catch_warnings():
        # Of a parameter at its bound, as where the points have no noise to speak of.
        warnings.simplefilter('ignore', ConvergenceWarning)
        regressor.fit(_inputs(c), values - mean)
    return Process(mean, regressor)


def _inputs(c: ArrayLike) -> NDArray:
    return np.log(np.asarray(c, dtype=float)).reshape(-1, 1)
