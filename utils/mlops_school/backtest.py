"""A model in months that it has not seen: forecasts beside what became of the flights."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from mlops_school import data, intervals
from mlops_school.evaluation import MISSED, NEEDLESS
from mlops_school.exploration import gap
from mlops_school.features import FEATURES, LATE_FROM, TARGET, make_features
from mlops_school.model_package import ModelPackage
from mlops_school.process import load_requirements

_R7 = load_requirements()["R7"].limits
REPEATS = 300  # draws for the interval of a month


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
        One row a flight that arrived: ``month``, ``date``, ``dest``, ``late``, ``probability``,
        ``warned``, and ``small``: whether its destination is a small one, as R7 has it.
    """
    weather, planes = data.load_weather(), data.load_planes()
    tables = []
    for month in months:
        flights = data.load_flights([month])
        arrivals = flights.groupby("dest")["flight"].transform("size")
        flights = flights.assign(small=arrivals < _R7["small_below_flights"])
        flights = flights[flights["arr_delay"].notna()].reset_index(drop=True)
        features = make_features(flights, weather, planes)
        probability = package.model.predict_proba(features[FEATURES])[:, 1]
        table = flights[["month", "dest", "small"]].assign(
            date=pd.to_datetime(flights[["year", "month", "day"]]),
            late=flights["arr_delay"] >= LATE_FROM,
            probability=probability,
            warned=probability >= package.threshold,
        )
        tables.append(table)
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
        late = flights[TARGET].mean()
        rows[month] = {
            "roc_auc": found["roc_auc"],
            "low": limits.loc["roc_auc", "low"],
            "high": limits.loc["roc_auc", "high"],
            "dollars": found["dollars"],
            "dollars_low": limits.loc["dollars", "low"],
            "dollars_high": limits.loc["dollars", "high"],
            "never": MISSED * late,
            "always": NEEDLESS * (1 - late),
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


def costs_of(table: pd.DataFrame) -> np.ndarray:
    """Return what the mistake about each flight costs, in dollars; 0 if there is none."""
    missed, needless = table["late"] & ~table["warned"], ~table["late"] & table["warned"]
    return (MISSED * missed + NEEDLESS * needless).to_numpy()
