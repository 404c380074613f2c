"""Exercises of the lab on Delta Lake. SQLite reads the learner's SQL as the table would."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing

from mlops_school.data import KM_PER_MILE
from mlops_school.exercises import NotYet, exercise

LAB = "delta"

# Miles, and minutes in the air. The second flight is the fastest of the year.
_FLIGHTS = [(1400.0, 227.0), (762.0, 65.0), (17.0, 10.0), (4983.0, 616.0)]


def _true(rule: str, flights: Iterable[tuple[float, float | None]]) -> list[bool]:
    """Return for which flights a rule is true. What SQL does not know (NULL) is not true."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE flights (distance REAL, air_time REAL)")
        database.executemany("INSERT INTO flights VALUES (?, ?)", flights)
        rows = database.execute(f"SELECT coalesce(({rule}), 0) FROM flights")
        return [bool(value) for (value,) in rows]


@exercise(
    LAB,
    hints=(
        "Miles divided by minutes are miles a *minute*.",
        "`distance / air_time * 60` are miles an hour. What is it for a flight without `air_time`?",
        "Two conditions can be joined by `or`, and `air_time is null` is one.",
    ),
    wrong={
        'rule = "distance / air_time * 60 <= 750"': "cancelled",
        'rule = "air_time is not null and distance / air_time * 60 <= 750"': "cancelled",
        'rule = "air_time is null or distance / air_time <= 750"': "a minute",
        'rule = "distance <= 5000"': "kilometres",
        'rule = "air_time is null or distance / air_time * 60 <= 400"': "703",
        'rule = "air_time is null or distance / air_time * 60 > 750"': "703",
        'rule = "air_time == None or distance / air_time * 60 <= 750"': "no SQL",
        "rule = 750": "text",
    },
)
def q1(rule: str) -> str:
    """Which rule do flights in miles keep, and those in kilometres break?"""
    if not isinstance(rule, str):
        raise NotYet("the rule is SQL, and so a text: put it in quotes.")
    try:
        in_miles = _true(rule, _FLIGHTS)
        in_kilometres = _true(rule, [(KM_PER_MILE * miles, air) for miles, air in _FLIGHTS])
        cancelled = _true(rule, [(733.0, None)])
    except sqlite3.Error as error:
        raise NotYet(
            f"that is no SQL that a table can read ({error}). It knows the columns `distance` and "
            "`air_time`, and a missing value is `null`."
        ) from None
    if not all(in_miles):
        raise NotYet(
            "your rule refuses a good flight. The fastest one of the year flew 762 miles in 65 "
            "minutes, that is 703 miles an hour."
        )
    if in_kilometres[1]:
        clue = " Is your limit in miles a minute?" if "60" not in rule and "/" in rule else ""
        raise NotYet(
            "a flight in kilometres keeps your rule: 762 miles in 65 minutes would be 1,226." + clue
        )
    if not all(cancelled):
        raise NotYet(
            "a cancelled flight has no `air_time`. What is calculated from it is unknown, not "
            "true, and the table refuses the whole month because of it."
        )
    return "good flights keep it, the cancelled ones too, and kilometres do not."


_COLUMNS = "carrier flight origin dest tailnum year month day hour minute time_hour arr_delay"
_TEN, _NOON = "2013-01-31T15:00:00Z", "2013-01-31T17:00:00Z"
_TARGET = {
    "it": ("UA", 15, "EWR", "HNL", "N1", 2013, 1, 31, 10, 0, _TEN, None),
    "another day": (
        *("UA", 15, "EWR", "HNL", "N2", 2013, 1, 30, 10, 0),
        *("2013-01-30T15:00:00Z", 12.0),
    ),
    "another airport": ("UA", 15, "JFK", "LAX", "N3", 2013, 1, 31, 12, 0, _NOON, None),
    "another airline": ("DL", 15, "EWR", "ATL", "N4", 2013, 1, 31, 10, 0, _TEN, None),
    "another number": ("UA", 88, "EWR", "HNL", "N5", 2013, 1, 31, 10, 0, _TEN, None),
    "unknown plane": ("AA", 300, "LGA", "DFW", None, 2013, 1, 31, 12, 0, _NOON, None),
}
_SOURCE = {
    "it": (*_TARGET["it"][:-1], 20.0),
    "unknown plane": (*_TARGET["unknown plane"][:-1], 31.0),
}


def _matched(key: str) -> set[tuple[str, str]]:
    """Return which row of the source a condition takes for which row of the target."""
    columns = ", ".join(f'"{name}"' for name in _COLUMNS.split())
    with closing(sqlite3.connect(":memory:")) as database:
        for table, rows in {"target": _TARGET, "source": _SOURCE}.items():
            database.execute(f"CREATE TABLE {table} (row, {columns})")
            marks = ", ".join("?" * (1 + len(_COLUMNS.split())))
            filled = [(name, *values) for name, values in rows.items()]
            database.executemany(f"INSERT INTO {table} VALUES ({marks})", filled)
        pairs = database.execute(
            f"SELECT source.row, target.row FROM source JOIN target ON ({key})"
        )
        return set(pairs)


def _answer(*names: str) -> str:
    return "key = " + repr(" and ".join(f"target.{name} = source.{name}" for name in names))


@exercise(
    LAB,
    hints=(
        "Lesson 13 asked the same question of a message: by what is a flight known?",
        "The airline, the number and the airport are not enough: a flight has them every day.",
        "Compare each column by `target.carrier = source.carrier`, and join the conditions by "
        "`and`. The day is in `year`, `month` and `day`, or with the hour in `time_hour`.",
    ),
    wrong={
        _answer("carrier", "flight"): "another day",
        _answer("carrier", "flight", "origin"): "another day",
        _answer("carrier", "flight", "year", "month", "day"): "another airport",
        _answer("flight", "origin", "time_hour"): "another airline",
        _answer("carrier", "origin", "time_hour"): "another number",
        _answer("tailnum", "time_hour"): "tail number",
        _answer("carrier", "flight", "origin", "time_hour", "tailnum"): "tail number",
        _answer("carrier", "flight", "origin", "time_hour", "arr_delay"): "what is corrected",
        "key = 'carrier, flight, origin, time_hour'": "condition",
        "key = 'carrier = carrier and flight = flight'": "target.",
        "key = ['carrier', 'flight', 'origin', 'time_hour']": "text",
    },
)
def q2(key: str) -> str:
    """Which row of the table does a correction belong to?"""
    if not isinstance(key, str):
        raise NotYet("the key is an SQL condition, and so a text: put it in quotes.")
    try:
        pairs = _matched(key)
    except sqlite3.Error as error:
        raise NotYet(
            f"that is no condition that a table can read ({error}). Each part of it looks like "
            "`target.carrier = source.carrier`."
        ) from None
    for row in _TARGET:
        if row.startswith("another") and ("it", row) in pairs:
            raise NotYet(f"your key takes a flight of {row} for the one that is corrected.")
    if ("it", "it") not in pairs:
        raise NotYet(
            "your key does not find the flight. Do not compare what is corrected, such as "
            "`arr_delay`: it is not the same on both sides, or the correction would have no point."
        )
    if ("unknown plane", "unknown plane") not in pairs:
        raise NotYet(
            "your key does not find a flight whose tail number is unknown: in SQL, one missing "
            "value is not equal to another. The flight would be inserted a second time."
        )
    return "it finds each flight once: not that of another day, airport, airline or number."
