"""Tables for TensorFlow Data Validation and TFMA, and what they find, for their lab.

The tools themselves run in ``course/testing/tfdv.py``, beside the notebook.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from mlops_school import backtest, data, intervals, plots, replay
from mlops_school.damages import DAMAGES, carriers_swapped

FIRST = "before"  # the table of good months, from which the schema is inferred
DAMAGED_MONTH = 5

Result = Mapping[str, Mapping[str, list[dict[str, Any]]]]


def write_tables(
    folder: Path, months: Iterable[int] = range(5, 13)
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame], dict[str, pd.DataFrame]]:
    """Write the tables that are checked into a new folder, a Parquet file for each.

    Returns
    -------
    before : DataFrame
        The flights of January to April.
    real : dict of str to DataFrame
        Those of each later month, by name: ``2013-05``.
    damaged : dict of str to DataFrame
        May in every way that :mod:`~mlops_school.damages` knows, by its name.
    """
    folder.mkdir(parents=True)
    before = data.load_flights([1, 2, 3, 4])
    real = {f"2013-{month:02}": data.load_flights([month]) for month in months}
    may = real[f"2013-{DAMAGED_MONTH:02}"]
    damaged = {damage.__name__: damage(may) for damage in (*DAMAGES, carriers_swapped)}
    for name, table in {FIRST: before, **real, **damaged}.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    return before, real, damaged


def columns_found(result: Result, names: Iterable[str], usual: str) -> dict[str, str]:
    """Return in which columns some tables have an anomaly that another table does not have.

    Parameters
    ----------
    result : dict
        What the command ``check`` says.
    names : iterable of str
        Tables.
    usual : str
        The table whose anomalies do not count.

    Returns
    -------
    dict of str to str
        By name of the table: columns, separated by commas; empty if there is none.
    """

    def anomalies(name: str) -> set[tuple[str, str]]:
        return {(one["column"], one["what"]) for one in result[name]["anomalies"]}

    return {
        name: ", ".join(sorted({column for column, _ in anomalies(name) - anomalies(usual)}))
        for name in names
    }


def drift_of(result: Result, name: str, column: str) -> float:
    """Return how far a column of a table has drifted, by its only comparator; NaN without one."""
    values = [one["value"] for one in result[name]["drift"] if one["column"] == column]
    return values[0] if values else float("nan")


def june_from(airport: str) -> pd.DataFrame:
    """Return what release 1 said in June of the flights from an airport, with their airlines."""
    june = replay.outcomes(6, 6).join(backtest.load_month(6)[["origin", "carrier"]])
    return june[june["origin"] == airport].drop(columns="origin").reset_index(drop=True)


def spans_by(june: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the ROC AUC of forecasts by the values of a column, with the interval by day.

    Returns
    -------
    DataFrame
        By value: ``flights``, ``roc_auc``, ``low`` and ``high``.
    """
    rows = {}
    for value, flights in june.groupby(column):
        span = intervals.interval(intervals.bootstrap(flights)).loc["roc_auc"]
        roc_auc = intervals.metrics(flights)["roc_auc"]
        rows[value] = {"flights": len(flights), "roc_auc": roc_auc, **span}
    return pd.DataFrame.from_dict(rows, orient="index").astype({"flights": int})


def draw_spans(spans: pd.DataFrame, limit: float) -> tuple[Figure, str]:
    """Draw the intervals of :func:`spans_by` beside a limit, and return the alt text, too."""
    figure, axes = plt.subplots()
    ends = [spans["roc_auc"] - spans["low"], spans["high"] - spans["roc_auc"]]
    axes.errorbar(spans["roc_auc"], spans.index, xerr=ends, fmt="o", capsize=3)
    axes.axvline(limit, linestyle="--", color=plots.BLACK)
    axes.set(title="ROC AUC by airline: intervals by day, and the limit", xlabel="ROC AUC")
    axes.invert_yaxis()
    words = (f"{one}: {row.low:.2f} to {row.high:.2f}" for one, row in spans.iterrows())
    return figure, f"Limit {limit}. " + ", ".join(words)


def draw_bins(values: pd.Series, bins: int = 10) -> tuple[Figure, str]:
    """Draw how many of some minutes lie in bins of equal width, and return the alt text, too."""
    values = values.dropna()
    percent = 100 * pd.cut(values, bins).value_counts(normalize=True, sort=False)
    numbers = range(1, bins + 1)
    figure, axes = plt.subplots()
    axes.bar_label(axes.bar(numbers, percent), fmt="%.1f")
    width = (values.max() - values.min()) / bins
    axes.set_title(f"Arrival delays in {bins} bins of {width:.0f} minutes")
    axes.set(xlabel="bin", ylabel="percent of the flights", xticks=numbers)
    shares = ", ".join(f"{share:.1f}" for share in percent)
    return figure, f"Percent of the flights in each bin of {width:.0f} minutes: {shares}"
