"""How good a model is, and what its mistakes cost."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.metrics import roc_auc_score

from mlops_school.process import load_requirements

_COSTS = load_requirements()["R2"].limits
MISSED = _COSTS["missed_dollars"]
NEEDLESS = _COSTS["needless_dollars"]


def mistakes(late: ArrayLike, warned: ArrayLike) -> np.ndarray:
    """Return what the mistake about each flight costs, in dollars; 0 if there is none (R2).

    Parameters
    ----------
    late, warned : array-like of bool, shape (n_flights,)
        Whether each flight was late, and whether there was a warning.
    """
    late, warned = np.asarray(late, dtype=bool), np.asarray(warned, dtype=bool)
    return MISSED * (late & ~warned) + NEEDLESS * (~late & warned)


def cost(late: ArrayLike, warned: ArrayLike) -> int:
    """Return what all :func:`mistakes` cost together, in dollars."""
    return int(mistakes(late, warned).sum())


def without_model(late: ArrayLike) -> dict[str, float]:
    """Return what two services without a model cost, in dollars per flight (requirement R2).

    Parameters
    ----------
    late : array-like of bool, shape (n_flights,)
        Whether each flight was late.

    Returns
    -------
    dict
        ``never``: no flight is warned of; ``always``: every flight is.
    """
    share = float(np.mean(late))
    return {"never": MISSED * share, "always": NEEDLESS * (1 - share)}


def cost_curve(
    late: ArrayLike, probability: ArrayLike, thresholds: ArrayLike | None = None
) -> pd.Series:
    """Return what warning at each threshold costs, in dollars.

    Parameters
    ----------
    late : array-like of bool, shape (n_flights,)
        Whether each flight was late.
    probability : array-like of float, shape (n_flights,)
        How probable the model says that is.
    thresholds : array-like of float, optional
        Warn from this probability on; by default 0.00, 0.01, … 1.00.

    Returns
    -------
    Series
        Dollars, indexed by threshold.
    """
    if thresholds is None:
        thresholds = np.round(np.linspace(0, 1, 101), 2)
    late, probability = np.asarray(late, dtype=bool), np.asarray(probability)
    # How many lie below each threshold is quick to find among sorted numbers.
    missed = np.searchsorted(np.sort(probability[late]), thresholds)
    punctual = np.sort(probability[~late])
    needless = len(punctual) - np.searchsorted(punctual, thresholds)
    dollars = MISSED * missed + NEEDLESS * needless
    return pd.Series(dollars, index=pd.Index(thresholds, name="threshold"), name="dollars")


def measure(late: ArrayLike, probability: ArrayLike, threshold: float) -> dict[str, float]:
    """Return the metrics that a run records.

    Parameters
    ----------
    late, probability
        As for :func:`cost_curve`.
    threshold : float
        Warn from this probability on.

    Returns
    -------
    dict
        ``roc_auc``, and ``cost_per_flight`` in dollars.
    """
    warned = np.asarray(probability) >= threshold
    return {
        "roc_auc": float(roc_auc_score(late, probability)),
        "cost_per_flight": cost(late, warned) / len(warned),
    }
