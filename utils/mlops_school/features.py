"""From raw tables to examples: what is known of a flight two hours before it should leave."""

from collections.abc import Iterable

import pandas as pd

from mlops_school import data
from mlops_school.point_in_time import as_of
from mlops_school.process import load_requirements

_WARN = load_requirements()["R1"].limits
HORIZON = pd.Timedelta(hours=_WARN["hours_before_departure"])
LATE_FROM = _WARN["late_from_minutes"]

# A row of weather is dated to the hour in which it was observed, as late as 51 minutes past: what
# the row of 5 o'clock says is not known for certain before 6.
OBSERVATION_DELAY = pd.Timedelta(hours=1)
# Older weather than this says nothing of the flight.
OBSERVATION_LIFETIME = pd.Timedelta(hours=6)

CATEGORICAL = ["carrier", "origin", "dest", "weekday"]
WEATHER = ["temp", "dewp", "humid", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
NUMERIC = ["minute_of_day", "distance", "seats", "plane_year", *WEATHER]
FEATURES = CATEGORICAL + NUMERIC
TARGET = "late"


def load_examples(months: Iterable[int]) -> pd.DataFrame:
    """Return the flights of some months as examples to learn from.

    Flights that never arrived (cancelled or diverted) have no label and are left out.

    Parameters
    ----------
    months : iterable of int
        Months of 2013, from 1 to 12.

    Returns
    -------
    DataFrame of shape (n_flights, n_features + 1)
        The columns ``FEATURES``, then ``late``: whether the flight arrived 15 or more minutes late.
    """
    flights = data.load_flights(months)
    flights = flights[flights["arr_delay"].notna()].reset_index(drop=True)
    table = make_features(flights, data.load_weather(), data.load_planes())
    return table.assign(**{TARGET: flights["arr_delay"] >= LATE_FROM})


def make_features(
    flights: pd.DataFrame, weather: pd.DataFrame, planes: pd.DataFrame
) -> pd.DataFrame:
    """Return what is known of each flight two hours before its scheduled departure.

    Parameters
    ----------
    flights, weather, planes : DataFrame
        As :mod:`mlops_school.data` loads them. Of `flights`, only columns known in advance are
        used.

    Returns
    -------
    DataFrame of shape (n_flights, n_features)
        The columns ``FEATURES``, with the index of `flights`. What is not known is NaN.
    """
    table = flights[["carrier", "origin", "dest", "distance"]].copy()
    date = pd.to_datetime(flights[["year", "month", "day"]])
    table["weekday"] = date.dt.day_name().str[:3]
    table["minute_of_day"] = flights["hour"] * 60 + flights["minute"]

    known = planes.set_index("tailnum")
    table["seats"] = flights["tailnum"].map(known["seats"])
    table["plane_year"] = flights["tailnum"].map(known["year"])
    table[WEATHER] = _weather_known_at(flights, weather)
    # A whole number may be missing tomorrow. As a float it may be, and the type never changes.
    return table[FEATURES].astype(dict.fromkeys(NUMERIC, "float64"))


def departure(flights: pd.DataFrame) -> pd.Series:
    """Return when each flight is scheduled to depart.

    Parameters
    ----------
    flights : DataFrame
        With the columns ``time_hour`` and ``minute``.

    Returns
    -------
    Series
        Times in UTC, with the index of `flights`.
    """
    return flights["time_hour"] + pd.to_timedelta(flights["minute"], unit="min")


def warning_due(flights: pd.DataFrame) -> pd.Series:
    """Return when the warning of each flight is due: two hours before its :func:`departure`."""
    return departure(flights) - HORIZON


def observations(weather: pd.DataFrame) -> pd.DataFrame:
    """Return the weather by the moment from which each row is ``known``, in UTC.

    Returns
    -------
    DataFrame of shape (n_rows, n_weather + 2)
        The columns ``origin``, ``known`` and ``WEATHER``.
    """
    observed = weather[["origin", *WEATHER]].copy()
    observed.insert(1, "known", weather["time_hour"] + OBSERVATION_DELAY)
    # The anemometer at Newark once reported 1048 miles an hour.
    observed["wind_speed"] = observed["wind_speed"].where(observed["wind_speed"] < 200)
    return observed


def _weather_known_at(flights: pd.DataFrame, weather: pd.DataFrame) -> pd.DataFrame:
    """Return, for each flight, the newest weather that was known when the warning is due."""
    moments = pd.DataFrame({"origin": flights["origin"], "known": warning_due(flights)})
    facts = observations(weather)
    return as_of(moments, facts, on="known", by="origin", tolerance=OBSERVATION_LIFETIME)
