"""A model in months that it has not seen: forecasts beside what became of the flights."""

from collections.abc import Iterable
from functools import lru_cache

import pandas as pd

from mlops_school import data, intervals
from mlops_school.evaluation import mistakes, without_model
from mlops_school.exploration import gap
from mlops_school.features import FEATURES, LATE_FROM, TARGET, make_features
from mlops_school.model_package import ModelPackage
from mlops_school.process import load_requirements

_R7 = load_requirements()["R7"].limits
REPEATS = 300  # draws for the interval of a month


def load_trial(months: Iterable[int]) -> pd.DataFrame:
    """Return flights on which models can be tried.

    Returns
    -------
    DataFrame
        One row a flight that arrived: the columns ``FEATURES``, ``month``, ``date``, ``late``, and
        ``small``: whether fewer flights went to its destination in that month than requirement R7
        says. Flights that never arrived are left out after they were counted for ``small``.
    """
    flights = data.load_flights(months)
    count = flights.groupby(["month", "dest"])["flight"].transform("size")
    flights["small"] = count < _R7["small_below_flights"]
    flights = flights[flights["arr_delay"].notna()].reset_index(drop=True)
    return make_features(flights, data.load_weather(), data.load_planes()).assign(
        month=flights["month"],
        date=pd.to_datetime(flights[["year", "month", "day"]]),
        late=flights["arr_delay"] >= LATE_FROM,
        small=flights["small"],
    )


@lru_cache(maxsize=12)  # releases are tried on, and learn from, the same months: 6 MB each
def load_month(month: int) -> pd.DataFrame:
    """Return :func:`load_trial` of one month; it is kept, so do not change it."""
    return load_trial([month])


def answer(trial: pd.DataFrame, package: ModelPackage) -> pd.DataFrame:
    """Return what a model says of each flight of a trial.

    Returns
    -------
    DataFrame
        With the index of the trial: ``probability``, ``warned``, and ``dollars``: what a mistake
        cost, or 0.
    """
    probability = package.model.predict_proba(trial[FEATURES])[:, 1]
    warned = probability >= package.threshold
    dollars = mistakes(trial[TARGET], warned)
    columns = {"probability": probability, "warned": warned, "dollars": dollars}
    return pd.DataFrame(columns, index=trial.index)


def forecast(package: ModelPackage, months: Iterable[int]) -> pd.DataFrame:
    """Return what a model forecasts for some months, and what happened.

    Parameters
    ----------
    package : ModelPackage
        The model and its threshold.
    months : iterable of int
        Months of 2013; none that it has learned from.

    Returns
    -------
    DataFrame
        One row a flight that arrived: ``month``, ``date``, ``dest``, ``late`` and ``small`` of
        :func:`load_trial`, and the columns of :func:`answer`.
    """
    tables = []
    for month in months:  # one at a time, as they are kept
        trial = load_month(month)
        happened = trial[["month", "date", "dest", "late", "small"]]
        tables.append(happened.join(answer(trial, package)))
    return pd.concat(tables, ignore_index=True)


def without_verdict(months: Iterable[int]) -> pd.Series:
    """Return how many flights of each month were cancelled or diverted (requirement R1)."""
    flights = data.load_flights(months, ["month", "arr_delay"])
    return flights["arr_delay"].isna().groupby(flights["month"]).sum()


def by_month(table: pd.DataFrame) -> pd.DataFrame:
    """Return how good the forecasts of each month were (requirements R2 and R3).

    Returns
    -------
    DataFrame
        By month: ``roc_auc`` with the interval ``low`` to ``high``; in dollars per flight, what the
        mistakes cost (``dollars``, ``dollars_low`` and ``dollars_high``), and warning of ``never``
        a flight and of ``always`` every one.
    """
    rows = {}
    for month, flights in table.groupby("month"):
        found, draws = intervals.metrics(flights), intervals.bootstrap(flights, REPEATS)
        limits = intervals.interval(draws)
        rows[month] = {
            "roc_auc": found["roc_auc"],
            "low": limits.loc["roc_auc", "low"],
            "high": limits.loc["roc_auc", "high"],
            "dollars": found["dollars"],
            "dollars_low": limits.loc["dollars", "low"],
            "dollars_high": limits.loc["dollars", "high"],
            **without_model(flights[TARGET]),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("month")


def small_gaps(table: pd.DataFrame, together: int = _R7["months_together"]) -> pd.DataFrame:
    """Return by how much warnings differ between small destinations and all others (R7).

    Parameters
    ----------
    table : DataFrame
        Of :func:`forecast`.
    together : int
        How many months are taken together.

    Returns
    -------
    DataFrame
        As of :func:`mlops_school.exploration.gap`, by the first month of each span. A span that is
        not complete is left out.
    """
    late = table[table["late"]]
    months = sorted(late["month"].unique())
    spans = [
        late[late["month"].between(month, month + together - 1)].assign(month=month)
        for month in months
        if set(range(month, month + together)) <= set(months)
    ]
    return gap(pd.concat(spans), "month", "small", "warned")
