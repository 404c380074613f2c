"""Data drift: by how much what comes in differs from what a model has learned from."""

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

BINS = 10
SMALLEST_SHARE = 0.0001  # in place of none at all, which has no logarithm


def psi(reference: pd.Series, current: pd.Series, bins: int = BINS) -> float:
    """Return the population stability index of one column.

    The sum over bins of (current share - reference share) * ln(current share / reference share):
    Jeffreys' divergence, as N. Siddiqi, Credit Risk Scorecards (2006), uses it. By his rule of
    thumb, below 0.1 nothing has changed, and above 0.25 much has.

    Parameters
    ----------
    reference, current : Series
        The column then and now: numbers, or text.
    bins : int
        Numbers are counted in so many bins, which hold equal parts of `reference`. Text is counted
        by value. What is missing has a bin of its own.

    Returns
    -------
    float
        0 if all shares are equal.
    """
    if is_numeric_dtype(reference):
        edges = np.unique(reference.quantile(np.linspace(0, 1, bins + 1)[1:-1]))
        reference, current = (
            pd.Series(np.where(column.isna(), -1, np.searchsorted(edges, column)))
            for column in (reference, current)
        )
    shares = pd.DataFrame(
        {
            "then": reference.value_counts(normalize=True, dropna=False),
            "now": current.value_counts(normalize=True, dropna=False),
        }
    )
    shares = shares.fillna(0).clip(lower=SMALLEST_SHARE)
    return float(((shares["now"] - shares["then"]) * np.log(shares["now"] / shares["then"])).sum())
