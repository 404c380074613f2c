"""Data drift: by how much what comes in differs from what a model has learned from."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype
from scipy import stats

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
    return psi_of_shares(shares(reference, current, bins))


def psi_of_shares(table: pd.DataFrame) -> float:
    """Return the population stability index of a column of which only shares are known.

    Parameters
    ----------
    table : DataFrame
        Which share of the column was in each bin ``then``, and is ``now``.

    Returns
    -------
    float
        As of :func:`psi`.
    """
    table = table.clip(lower=SMALLEST_SHARE)
    return float(((table["now"] - table["then"]) * np.log(table["now"] / table["then"])).sum())


def jsd(reference: pd.Series, current: pd.Series, bins: int = BINS) -> float:
    """Return the distance of Jensen and Shannon of one column, then and now.

    Parameters
    ----------
    reference, current, bins
        As for :func:`psi`.

    Returns
    -------
    float
        As of :func:`jensen_shannon`.
    """
    table = shares(reference, current, bins)
    return jensen_shannon(table["then"].to_numpy(), table["now"].to_numpy())


def jensen_shannon(then: np.ndarray, now: np.ndarray) -> float:
    """Return the distance of Jensen and Shannon between shares, with logarithms to base 2.

    The root of the mean of two divergences of S. Kullback and R. Leibler (1951): of each from the
    mean of both (J. Lin, 1991; D. Endres and J. Schindelin, 2003).

    Parameters
    ----------
    then, now : array
        Shares of the same bins; each adds up to 1.

    Returns
    -------
    float
        0 if they are equal, 1 if they have no bin in common.
    """
    middle = (then + now) / 2

    def divergence(shares: np.ndarray) -> float:
        some = shares > 0  # 0 times the logarithm of 0 counts as 0
        return float(np.sum(shares[some] * np.log2(shares[some] / middle[some])))

    # Rounding may bring equal shares below 0.
    return float(np.sqrt(max((divergence(then) + divergence(now)) / 2, 0)))


def shares(reference: pd.Series, current: pd.Series, bins: int = BINS) -> pd.DataFrame:
    """Return which share of a column was in each bin ``then``, and is ``now``.

    Parameters
    ----------
    reference, current, bins
        As for :func:`psi`.

    Returns
    -------
    DataFrame
        By value of text, or by number of the bin, -1 for what is missing.
    """
    if is_numeric_dtype(reference):
        edges = np.unique(reference.quantile(np.linspace(0, 1, bins + 1)[1:-1]))
        reference, current = (
            pd.Series(np.where(column.isna(), -1, np.searchsorted(edges, column)))
            for column in (reference, current)
        )
    return pd.DataFrame(
        {
            "then": reference.value_counts(normalize=True, dropna=False),
            "now": current.value_counts(normalize=True, dropna=False),
        }
    ).fillna(0)


def ks(reference: pd.Series, current: pd.Series) -> tuple[float, float]:
    """Return the statistic of the test of Kolmogorov and Smirnov for two samples, and its p-value.

    The statistic is the largest difference between the shares of both that lie below a number.

    Parameters
    ----------
    reference, current : Series
        Numbers, then and now. What is missing is left out.
    """
    then, now = np.sort(reference.dropna()), np.sort(current.dropna())
    numbers = np.concatenate([then, now])
    below = [np.searchsorted(one, numbers, side="right") / len(one) for one in (then, now)]
    largest = float(np.abs(below[0] - below[1]).max())
    n = len(then) * len(now) / (len(then) + len(now))
    return largest, float(np.clip(stats.kstwo.sf(largest, np.round(n)), 0, 1))


def chi_square(reference: pd.Series, current: pd.Series) -> tuple[float, float]:
    """Return the statistic of the chi-square test of two samples of text, and its p-value.

    It compares how often each value was seen with how often it should have been, if both samples
    came from one source (K. Pearson, 1900).

    Parameters
    ----------
    reference, current : Series
        Text, then and now. What is missing is left out.
    """
    seen = pd.DataFrame({"then": reference.value_counts(), "now": current.value_counts()})
    seen = seen.fillna(0).to_numpy()
    expected = seen.sum(axis=1, keepdims=True) * seen.sum(axis=0) / seen.sum()
    statistic = float(((seen - expected) ** 2 / expected).sum())
    return statistic, float(stats.chi2.sf(statistic, len(seen) - 1))


def table(reference: pd.DataFrame, current: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return how much each column has changed, and how sure it is that it has changed at all.

    Parameters
    ----------
    reference, current : DataFrame
        Rows then and now.
    columns : sequence of str
        Of both.

    Returns
    -------
    DataFrame
        By column: ``psi``, and the ``p_value`` of the ``test``, which is ``KS`` for numbers and
        ``chi-square`` for text.
    """
    rows = {}
    for name in columns:
        numeric = is_numeric_dtype(reference[name])
        then, now = reference[name], current[name]
        rows[name] = {
            "psi": psi(then, now),
            "test": "KS" if numeric else "chi-square",
            "p_value": (ks if numeric else chi_square)(then, now)[1],
        }
    return pd.DataFrame.from_dict(rows, orient="index")
