"""Deciding as early as the data allow, without cheating."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

ALPHA = 0.05  # how often a test may see a difference where there is none


def t_interval(values: ArrayLike, alpha: float = ALPHA) -> tuple[np.ndarray, np.ndarray]:
    """Return the usual confidence interval of a mean after each value.

    It is right for someone who looks once, at a moment that was fixed before.

    Parameters
    ----------
    values : array-like of float, shape (..., n)
        One a day, for example, in order. Of several series, the last axis is time.
    alpha : float
        One minus the confidence.

    Returns
    -------
    low, high : ndarray of shape (..., n)
        After one value, minus and plus infinity.
    """
    mean, error, n = _so_far(values)
    with np.errstate(invalid="ignore"):
        reach = stats.t.isf(alpha / 2, n - 1) * error
    return _around(mean, reach)


def confidence_sequence(
    values: ArrayLike, alpha: float = ALPHA, prior: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return an interval after each value that may be looked at every time.

    With probability ``1 - alpha``, *all* of the intervals hold the mean, however long it goes on.
    So whoever stops as soon as an interval excludes zero is wrong in at most `alpha` of the cases.
    It is the sequential t-test of H. Wang and A. Ramdas, "Anytime-valid t-tests and confidence
    sequences for Gaussian means with unknown variance" (Sequential Analysis, 2024): its likelihood
    ratio is a mixture over the effect, normal around zero, where T. L. Lai (1976) took a flat one,
    and over the unknown variance. It takes values as independent and normal, with the same mean
    and variance; where a value is like the one before, it is wrong more often.

    Parameters
    ----------
    values, alpha
        As for :func:`t_interval`.
    prior : float
        The variance of the effects that the mixture expects, in squared standard deviations of a
        value. Any positive number is valid; it says for which effects the test is quickest.

    Returns
    -------
    low, high
        As of :func:`t_interval`.
    """
    mean, error, n = _so_far(values)
    growth = 1 + prior * n
    # The likelihood ratio is growth**-0.5 * ((1 + q) / (1 + q / growth))**(n / 2) with
    # q = t**2 / (n - 1). By Ville's inequality, the probability that it ever reaches 1 / alpha is
    # at most alpha.
    limit = (growth / alpha**2) ** (1 / n)
    with np.errstate(divide="ignore", invalid="ignore"):
        q = np.where(limit < growth, (limit - 1) / (1 - limit / growth), np.inf)
        reach = np.sqrt((n - 1) * q) * error
    return _around(mean, reach)


def first_exclusion(low: ArrayLike, high: ArrayLike) -> np.ndarray:
    """Return after how many values an interval excludes zero for the first time; 0 if never."""
    outside = (np.asarray(low) > 0) | (np.asarray(high) < 0)
    return np.where(outside.any(axis=-1), outside.argmax(axis=-1) + 1, 0)


def _so_far(values: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the mean, its standard error, and the number of the values up to each."""
    values = np.asarray(values, dtype=float)
    n = np.arange(1, values.shape[-1] + 1)
    mean = values.cumsum(axis=-1) / n
    # From the first value on, so that large values do not eat up the digits of their differences.
    shifted = values - values[..., :1]
    squares = (shifted**2).cumsum(axis=-1) - n * (shifted.cumsum(axis=-1) / n) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(squares.clip(min=0) / (n - 1) / n)
    return mean, error, n


def _around(mean: np.ndarray, reach: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    reach = np.where(np.isnan(reach), np.inf, reach)  # one value says nothing of its spread
    return mean - reach, mean + reach
