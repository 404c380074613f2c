"""Whether probabilities mean what they say, and a repair for those that do not."""

from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.linear_model import LogisticRegression

BINS = 10


def curve(late: ArrayLike, probability: ArrayLike) -> pd.DataFrame:
    """Return, for ten classes of probability, how many flights were expected late, and were.

    Parameters
    ----------
    late : array-like of bool, shape (n_flights,)
        Whether each flight was late.
    probability : array-like of float, shape (n_flights,)
        What the model said.

    Returns
    -------
    DataFrame
        For each class from 0.0 to 0.1, … 0.9 to 1.0 that holds a flight: ``flights``, their mean
        probability (``expected``) and the share of them that was late (``seen``).
    """
    probability = np.asarray(probability)
    bin_ = np.minimum((probability * BINS).astype(int), BINS - 1)
    table = pd.DataFrame({"bin": bin_, "expected": probability, "seen": np.asarray(late, float)})
    groups = table.groupby("bin")
    return groups.mean().assign(flights=groups.size())[["flights", "expected", "seen"]]


def error(late: ArrayLike, probability: ArrayLike) -> float:
    """Return the expected calibration error: how far off the classes are, on average of flights.

    The classes are those of :func:`curve` (M. P. Naeini, G. Cooper and M. Hauskrecht, 2015).
    """
    table = curve(late, probability)
    return float(np.average((table["expected"] - table["seen"]).abs(), weights=table["flights"]))


class Recalibration:
    """Moves and stretches probabilities, on the scale of log odds, so that they fit what was seen.

    That is logistic regression on one number (J. Platt, 1999). The order of flights stays as it is,
    and so does the ROC AUC.
    """

    def fit(self, late: ArrayLike, probability: ArrayLike) -> Self:
        """Learn from forecasts, and whether the flights were late."""
        self._model = LogisticRegression(C=1e6).fit(_log_odds(probability), late)
        return self

    def __call__(self, probability: ArrayLike) -> np.ndarray:
        """Return the probabilities after the repair."""
        return self._model.predict_proba(_log_odds(probability))[:, 1]


def _log_odds(probability: ArrayLike) -> np.ndarray:
    probability = np.clip(np.asarray(probability), 1e-6, 1 - 1e-6)
    return np.log(probability / (1 - probability)).reshape(-1, 1)
