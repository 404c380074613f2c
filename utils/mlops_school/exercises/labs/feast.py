"""Exercises of the lab on Feast."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from mlops_school.exercises import NotYet, exercise
from mlops_school.features import HORIZON, OBSERVATION_DELAY, OBSERVATION_LIFETIME

LAB = "feast"
NOW = pd.Timestamp("2013-07-15 18:00", tz="UTC")


def _weather() -> dict[str, Any]:
    hours = pd.date_range("2013-07-15 10:00", periods=4, freq="h", tz="UTC")
    return {"weather": pd.DataFrame({"time_hour": hours}), "pd": pd, "HORIZON": HORIZON}


@exercise(
    LAB,
    hints=(
        "The row of 13:00 combines the reports from 13:00 to 13:59. "
        "At which o'clock can you first be sure of all of them?",
        "Add a `pd.Timedelta` to `weather['time_hour']`.",
    ),
    wrong={
        "known = weather['time_hour']": "only begins",
        "known = weather['time_hour'] + pd.Timedelta(minutes=30)": "not over yet",
        "known = weather['time_hour'] - pd.Timedelta(hours=1)": "before it has begun",
        "known = weather['time_hour'] + HORIZON": "in the question already",
        "known = (weather['time_hour'] + pd.Timedelta(hours=1)).dt.tz_localize(None)": "time zone",
        "known = pd.Timedelta(hours=1)": "a moment for each row",
    },
    given=_weather,
)
def q1(known: pd.Series, weather: pd.DataFrame) -> str:
    """From which moment on is each row of the weather known?"""
    if not isinstance(known, pd.Series) or len(known) != len(weather):
        raise NotYet("give a moment for each row: a column as long as `weather`.")
    if getattr(known.dtype, "tz", None) is None:
        raise NotYet(
            "your moments have no time zone. Feast takes such moments for UTC without asking, "
            "whatever they were; keep the zone that `time_hour` has."
        )
    delay = known - weather["time_hour"]
    if (delay == pd.Timedelta(0)).all():
        raise NotYet("that is when the hour only begins. Its last reports are still to come.")
    if (delay < pd.Timedelta(0)).any():
        raise NotYet("that is before it has begun: nobody knows the weather of a coming hour.")
    if (delay < OBSERVATION_DELAY).any():
        raise NotYet("the hour is not over yet, so later reports can still change the row.")
    if (delay == HORIZON).all():
        raise NotYet(
            "the two hours of the service are in the question already: Feast is asked about the "
            "moment when the warning is due. Say only when the row itself is known."
        )
    if not np.all(delay == OBSERVATION_DELAY):
        raise NotYet("that is later than need be: the row is complete when its hour is over.")
    return "now no row can be found before its hour is over, whoever asks."


def _times() -> dict[str, Any]:
    return {"pd": pd, "OBSERVATION_LIFETIME": OBSERVATION_LIFETIME}


@exercise(
    LAB,
    hints=(
        "Three things can be wrong: there is no value, it is too old, or it is from the future.",
        "`now - known` is the age. Compare it with `OBSERVATION_LIFETIME`, and with zero.",
        "Ask for `None` first: nothing can be subtracted from it.",
    ),
    wrong={
        "def is_usable(known, now):\n"
        "    return pd.Timedelta(0) <= now - known <= OBSERVATION_LIFETIME": "stops if `known`",
        "is_usable = lambda known, now: now - known <= OBSERVATION_LIFETIME": "future",
        "is_usable = lambda known, now: known is not None": "seven hours old",
        "def is_usable(known, now):\n"
        "    return known is not None and known <= now and now - known < OBSERVATION_LIFETIME": (
            "exactly six hours"
        ),
        "def is_usable(known, now):\n"
        "    return known is not None and known < now and now - known <= OBSERVATION_LIFETIME": (
            "at this very moment"
        ),
        "is_usable = lambda known, now: False": "one hour old",
        "is_usable = True": "a function",
    },
    given=_times,
)
def q2(is_usable: Callable[[pd.Timestamp | None, pd.Timestamp], bool]) -> str:
    """May the service use a value that is known since then?"""
    if not callable(is_usable):
        raise NotYet("`is_usable` must be a function of `known` and `now`.")
    hour = pd.Timedelta(hours=1)
    if not is_usable(NOW - hour, NOW):
        raise NotYet("your rule refuses a value that is one hour old. Six hours are allowed.")
    if is_usable(NOW - 7 * hour, NOW):
        raise NotYet("your rule accepts a value that is seven hours old.")
    if is_usable(NOW + hour, NOW):
        raise NotYet("your rule accepts a value from the future: known one hour after `now`.")
    if not is_usable(NOW - OBSERVATION_LIFETIME, NOW):
        raise NotYet("a value that is exactly six hours old is found by the join. Accept it.")
    if not is_usable(NOW, NOW):
        raise NotYet("a value that becomes known at this very moment is found by the join.")
    try:
        if is_usable(None, NOW):
            raise NotYet("your rule accepts `None`: there is no value at all.")
    except TypeError:
        raise NotYet("your rule stops if `known` is `None`: the store may have nothing.") from None
    return "the rule of the join, now in the service too. Without it, old weather looks like new."
