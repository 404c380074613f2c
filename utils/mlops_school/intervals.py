"""How sure a metric is: its interval, by drawing the days (or flights) of a month again."""

from collections.abc import Hashable

import numpy as np
import pandas as pd

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
    weight = np.ones(len(table))
    return pd.Series(_measure(_Columns(table), weight), index=METRICS)


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
    columns = _Columns(table)
    code = np.arange(len(table)) if unit is None else pd.factorize(table[unit], sort=True)[0]
    units = code.max() + 1
    random = np.random.default_rng(seed)
    draws = []
    for _ in range(repeats):
        drawn = np.bincount(random.integers(0, units, units), minlength=units)
        draws.append(_measure(columns, drawn[code]))
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


class _Columns:
    """What every draw needs of a table, taken out once."""

    def __init__(self, table: pd.DataFrame) -> None:
        self.late = table["late"].to_numpy(dtype=bool)
        self.warned = table["warned"].to_numpy(dtype=bool)
        self.level = np.rint(table["probability"].to_numpy() * LEVELS).astype(int)


def _measure(columns: _Columns, weight: np.ndarray) -> tuple[float, ...]:
    late, warned = columns.late, columns.warned
    hit, needless = weight[late & warned].sum(), weight[~late & warned].sum()
    missed = weight[late & ~warned].sum()
    with np.errstate(invalid="ignore"):
        precision, recall = hit / (hit + needless), hit / (hit + missed)
        f1 = 2 * hit / (2 * hit + needless + missed)
    dollars = (MISSED * missed + NEEDLESS * needless) / weight.sum()
    return precision, recall, f1, _roc_auc(columns, weight), dollars


def _roc_auc(columns: _Columns, weight: np.ndarray) -> float:
    """Return the share of pairs in which the late flight has the higher level; a tie is half."""
    late = np.bincount(columns.level, weight * columns.late, LEVELS + 1)
    punctual = np.bincount(columns.level, weight * ~columns.late, LEVELS + 1)
    below = np.cumsum(punctual) - punctual
    with np.errstate(invalid="ignore"):
        return float((late * (below + punctual / 2)).sum() / (late.sum() * punctual.sum()))
