"""The flights of a day as the events of a stream."""

from typing import Any

import pandas as pd

from mlops_school import data, features
from mlops_school.exploration import label
from mlops_school.point_in_time import as_of

_EVER = pd.Timedelta(days=366)


def of_day(month: int, day: int) -> list[dict[str, Any]]:
    """Return the landings of the flights of a day, in the order in which they happened.

    The data say when a flight left the gate and how long it was in the air, not when it touched
    down; that is taken as the sum, so taxiing is left out.

    Parameters
    ----------
    month, day : int
        Of 2013.

    Returns
    -------
    list of dict
        ``carrier``, ``flight`` (its number), ``origin``, ``dest``, ``departure`` (as scheduled),
        ``landed`` (hours since the midnight in New York with which the day began) and ``late``.
    """
    table = data.load_flights([month])
    table = table[(table["day"] == day) & table["arr_delay"].notna()]
    minutes = 60 * table["hour"] + table["minute"] + table["dep_delay"] + table["air_time"]
    date = f"2013-{month:02d}-{day:02d}"
    clock = table["hour"].map("{:02d}".format) + ":" + table["minute"].map("{:02d}".format)
    events = table[["carrier", "flight", "origin", "dest"]].assign(
        departure=date + "T" + clock,
        landed=(minutes / 60).round(2),
        late=label(table).astype(bool),
    )
    return events.sort_values(["landed", "carrier", "flight"]).to_dict("records")


def last_known_delay(flights: pd.DataFrame) -> pd.Series:
    """Return how late the plane of each flight was when it last landed before the warning is due.

    Parameters
    ----------
    flights : DataFrame
        As :mod:`mlops_school.data` loads them, each with a tail number.

    Returns
    -------
    Series
        Minutes, with the index of `flights`; NaN if the plane has not landed among them before.
    """
    landed = flights[flights["arr_delay"].notna()]
    under_way = pd.to_timedelta(landed["dep_delay"] + landed["air_time"], unit="min")
    facts = landed[["tailnum", "arr_delay"]].assign(known=features.departure(landed) + under_way)
    moments = pd.DataFrame({"tailnum": flights["tailnum"], "known": features.warning_due(flights)})
    return as_of(moments, facts, on="known", by="tailnum", tolerance=_EVER)["arr_delay"]


def with_line_down(
    events: list[dict[str, Any]], dest: str, down: float, up: float
) -> list[dict[str, Any]]:
    """Return events in the order in which they come in if an airport cannot report for a while.

    Parameters
    ----------
    events : list of dict
        Of :func:`of_day`.
    dest : str
        The airport.
    down, up : float
        From when to when, in hours of the day. What it has to report in between comes at the end.
    """
    landed = pd.Series([event["landed"] for event in events])
    there = pd.Series([event["dest"] == dest for event in events])
    held = there & landed.between(down, up)
    order = landed.where(~held, up).sort_values(kind="stable").index
    return [events[place] for place in order]
