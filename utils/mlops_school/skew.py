"""Comparing the features that training and serving compute of the same flights."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from mlops_school.errors import CourseError
from mlops_school.evaluation import cost
from mlops_school.features import WEATHER

TOLERANCE = 1e-6
_ANNOUNCED = ["year", "month", "day", "hour", "minute", "sched_dep_time"]
_ANNOUNCED += ["carrier", "origin", "dest", "distance", "tailnum"]


def share_differing(training: pd.DataFrame, serving: pd.DataFrame) -> pd.Series:
    """Return, for each feature, in which share of the rows two computations of it differ.

    Missing agrees with missing, numbers agree if they differ by no more than ``TOLERANCE``, and a
    number never agrees with a text.

    Parameters
    ----------
    training, serving : DataFrame of shape (n_flights, n_features)
        The same flights in the same order, with the same features, in any order.

    Returns
    -------
    Series
        Shares from 0 to 1, indexed by the features of `training`, largest first.

    Raises
    ------
    CourseError
        If the flights or the features are not the same, or there are none.
    """
    return _shares(_differences(training, serving))


def report(
    training: pd.DataFrame,
    serving: pd.DataFrame,
    warn: Callable[[pd.DataFrame], np.ndarray],
    late: pd.Series,
) -> pd.DataFrame:
    """Return what each skew does: how many rows differ, answers change, and dollars are lost.

    Each feature that differs is taken from serving alone, then all of them at once.

    Parameters
    ----------
    training, serving : DataFrame
        As for :func:`share_differing`.
    warn : callable
        Returns of which flights the service warns, of shape (n_flights,), from their features.
    late : Series of bool
        Whether each flight was late.

    Returns
    -------
    DataFrame
        The columns ``rows differ`` and ``answers change``, shares from 0 to 1, and ``dollars per
        flight``; indexed by ``none``, each feature that differs, and ``all``.
    """
    differences = _differences(training, serving)
    shares = _shares(differences)
    spoiled = {"none": (0.0, training)}
    for name, share in shares[shares > 0].items():
        spoiled[name] = share, training.assign(**{name: serving[name]})
    spoiled["all"] = differences.any(axis="columns").mean(), serving[list(training)]
    right = np.asarray(warn(training))
    rows = {}
    for name, (share, table) in spoiled.items():
        warned = np.asarray(warn(table))
        rows[name] = share, (warned != right).mean(), cost(late, warned) / len(late)
    columns = ["rows differ", "answers change", "dollars per flight"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("skew")


def _differences(training: pd.DataFrame, serving: pd.DataFrame) -> pd.DataFrame:
    """Return whether each feature of each flight differs."""
    if not len(training) or not training.index.equals(serving.index):
        raise CourseError(
            f"Give the same flights to both paths, at least one, in the same order: there are "
            f"{len(training)} from training and {len(serving)} from serving."
        )
    if odd := sorted(set(training) ^ set(serving)):
        raise CourseError(f"Only one of the two paths computes {', '.join(map(str, odd))}.")
    return pd.DataFrame({name: _differ(training[name], serving[name]) for name in training})


def _shares(differences: pd.DataFrame) -> pd.Series:
    shares = differences.mean().rename("share differing")
    return shares.sort_values(ascending=False, kind="stable")


def _differ(one: pd.Series, other: pd.Series) -> np.ndarray:
    if all(pd.api.types.is_numeric_dtype(column) for column in (one, other)):
        one, other = (column.to_numpy("float64", na_value=np.nan) for column in (one, other))
        return ~np.isclose(one, other, rtol=0, atol=TOLERANCE, equal_nan=True)
    one, other = (column.astype(object).where(column.notna(), None) for column in (one, other))
    return one.to_numpy() != other.to_numpy()  # None equals None, as NaN does not


def make_requests(flights: pd.DataFrame, features: pd.DataFrame) -> list[Mapping[str, Any]]:
    """Return what a service would be asked about some flights, as its log would hold it.

    Nobody has asked a service in 2013, so this stands in for a log. A request holds plain JSON
    values: the flight as the airline announces it, and the weather report of that moment, whose
    provider gives temperatures in degrees Celsius.

    Parameters
    ----------
    flights : DataFrame
        As :func:`mlops_school.data.load_flights` returns them.
    features : DataFrame
        Their features; the weather is taken from there.
    """
    announced = flights[_ANNOUNCED].assign(
        time_hour=flights["time_hour"].map(pd.Timestamp.isoformat)
    )
    observed = features[WEATHER].assign(
        temp=_to_celsius(features["temp"]), dewp=_to_celsius(features["dewp"])
    )
    return [
        {**flight, "weather": weather}
        for flight, weather in zip(_plain(announced), _plain(observed), strict=True)
    ]


def _to_celsius(fahrenheit: pd.Series) -> pd.Series:
    return ((fahrenheit - 32) / 1.8).round(1)


def _plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as JSON would hold them, with None for what is missing."""
    table = table.astype(object)
    return table.where(table.notna(), None).to_dict("records")
