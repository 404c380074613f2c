"""How sure a metric is: its interval, by drawing the days (or flights) of a month again."""

from collections.abc import Hashable

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, csr_array

from mlops_school.evaluation import MISSED, NEEDLESS

LEVELS = 1000  # probabilities count in thousandths here, which makes a thousand draws quick
METRICS = ["precision", "recall", "f1", "roc_auc", "dollars"]


def metrics(table: pd.DataFrame) -> pd.Series:
    """Return the metrics of some forecasts.

    Parameters
    ----------
    table : DataFrame
        One row a flight: ``late``, ``probability`` and ``warned``.

    Returns
    -------
    Series
        ``precision``, ``recall``, ``f1``, ``roc_auc``, and ``dollars`` per flight.
    """
    together = _cells(table, np.zeros(len(table), dtype=int))
    return pd.Series(_measure(together, np.ones(1)), index=METRICS)


def bootstrap(
    table: pd.DataFrame, repeats: int = 500, seed: int = 0, unit: Hashable | None = "date"
) -> pd.DataFrame:
    """Return the metrics of some forecasts, for draws of their units with replacement.

    Flights of one day share its weather, so days are drawn, each with all its flights (a cluster
    bootstrap; B. Efron and R. Tibshirani, 1993). Two tables of the same flights and an equal seed
    draw the same days, so that the difference of two results is a paired one.

    Parameters
    ----------
    table : DataFrame
        As for :func:`metrics`, with the column `unit`.
    repeats : int
        How many draws.
    seed : int
        Fixes which.
    unit : hashable, optional
        The column whose equal values are drawn together. With None, each flight is drawn alone.

    Returns
    -------
    DataFrame of shape (repeats, 5)
        The metrics of each draw.
    """
    code = np.arange(len(table)) if unit is None else pd.factorize(table[unit], sort=True)[0]
    cells, units = _cells(table, code), code.max() + 1
    random = np.random.default_rng(seed)
    draws = []
    for _ in range(repeats):
        drawn = np.bincount(random.integers(0, units, units), minlength=units)
        draws.append(_measure(cells, drawn))
    return pd.DataFrame(draws, columns=METRICS)


def interval(draws: pd.DataFrame, percent: float = 95) -> pd.DataFrame:
    """Return between which values that percentage of the draws lies.

    Returns
    -------
    DataFrame
        ``low`` and ``high`` of each column of `draws`.
    """
    tail = (1 - percent / 100) / 2
    return draws.quantile([tail, 1 - tail]).set_axis(["low", "high"]).T


def _cells(table: pd.DataFrame, unit: np.ndarray) -> csr_array:
    """Return how many flights of each kind (late, warned, level) each unit has.

    All metrics follow from these numbers, and a draw of units adds up columns of them.
    """
    late, warned = (table[name].to_numpy(dtype=bool).astype(int) for name in ("late", "warned"))
    level = np.rint(table["probability"].to_numpy() * LEVELS).astype(int)
    kind = (2 * late + warned) * (LEVELS + 1) + level
    shape = (4 * (LEVELS + 1), unit.max() + 1)
    return coo_array((np.ones(len(table)), (kind, unit)), shape=shape).tocsr()


def _measure(cells: csr_array, drawn: np.ndarray) -> tuple[float, ...]:
    """Return the metrics if each unit was drawn so many times."""
    levels = (cells @ drawn).reshape(4, LEVELS + 1)
    _, needless, missed, hit = levels.sum(axis=1)
    with np.errstate(invalid="ignore"):
        precision, recall = hit / (hit + needless), hit / (hit + missed)
        f1 = 2 * hit / (2 * hit + needless + missed)
    dollars = (MISSED * missed + NEEDLESS * needless) / levels.sum()
    roc_auc = _roc_auc(late=levels[2] + levels[3], punctual=levels[0] + levels[1])
    return precision, recall, f1, roc_auc, dollars


def _roc_auc(late: np.ndarray, punctual: np.ndarray) -> float:
    """Return the share of pairs in which the late flight has the higher level; a tie is half."""
    below = np.cumsum(punctual) - punctual
    with np.errstate(invalid="ignore"):
        return float((late * (below + punctual / 2)).sum() / (late.sum() * punctual.sum()))
