"""Exercises of lesson 01, ML, DevOps, MLOps."""

from collections.abc import Callable, Mapping
from functools import cache
from numbers import Real

import numpy as np
import pandas as pd

from mlops_school import data
from mlops_school.evaluation import MISSED, cost
from mlops_school.exercises import NotYet, StillBlank, ____, exercise
from mlops_school.features import LATE_FROM

LESSON = "01_ml_devops_mlops"

# What nobody knows two hours before departure.
KNOWN_LATER = ["dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"]


@cache
def _may() -> pd.DataFrame:
    flights = data.load_flights([5])
    return flights[flights["arr_delay"].notna()].reset_index(drop=True)


@exercise(
    LESSON,
    hints=(
        "Delays pile up during the day. Which column tells the hour of departure?",
        "A comparison such as `flights['distance'] > 1000` gives True or False for each flight; "
        "that is all that a rule has to return.",
        "Return the comparison of `flights['hour']` with an hour in the afternoon.",
    ),
    wrong={
        "def rule(flights):\n    return flights['arr_delay'] >= 15": "not known",
        "def rule(flights):\n    return flights['dep_delay'] > 0": "not known",
        "def rule(flights):\n    return True": "every flight",
        "def rule(flights):\n    return flights['hour'] >= 25": "no flight",
        "def rule(flights):\n    return flights['hour'] < 9": "more than silence",
        "def rule(flights):\n    print(flights['hour'] >= 15)": "return",
        "def rule(flights):\n    return flights['hour']": "True or False",
        "rule = lambda flights: flights[flights['hour'] >= 15]": "for each flight",
    },
    given=lambda: {"may_flights": _may()},
)
def q1(rule: Callable, may_flights: pd.DataFrame) -> str:
    """Which rule foresees late flights?"""
    warned = _follow(rule, may_flights)
    late = (may_flights["arr_delay"] >= LATE_FROM).to_numpy()
    try:
        blind = _follow(rule, may_flights.drop(columns=KNOWN_LATER))
    except (KeyError, AttributeError):
        blind = None
    if blind is None or not np.array_equal(blind, warned):
        raise NotYet(
            "the rule looks at what is not known two hours before departure (R1). "
            "That is called leakage: perfect here, useless at work."
        )
    if warned.all():
        raise NotYet("this warns of every flight, so nobody would listen. Look at a column.")
    if not warned.any():
        raise NotYet("this warns of no flight at all.")
    dollars, silence = cost(late, warned) / len(late), MISSED * late.mean()
    if dollars >= silence:
        raise NotYet(
            f"in May this costs {dollars:.2f} dollars per flight, more than silence "
            f"({silence:.2f}). Which flights are late more often?"
        )
    return f"in May it costs {dollars:.2f} dollars per flight, and silence {silence:.2f}."


def _follow(rule: Callable, flights: pd.DataFrame) -> np.ndarray:
    """Return of which flights a rule warns."""
    if not callable(rule):
        raise NotYet("`rule` is a function: `def rule(flights): ...`")
    answer = rule(flights.copy())
    if answer is ____:
        raise StillBlank
    if answer is None:
        raise NotYet("the function gives nothing back. End it with `return`.")
    if isinstance(answer, bool | np.bool_):
        return np.full(len(flights), answer)
    if np.shape(answer) != (len(flights),):
        raise NotYet("give one value for each flight, not a part of the table.")
    answer = np.asarray(answer)
    if answer.dtype != bool:
        raise NotYet("a warning is True or False. Compare the column with something.")
    return answer


@exercise(
    LESSON,
    hints=(
        "A function has a memory of its own: what it needs comes in, what it found goes out.",
        "Do not write into `minutes`. Drop the missing ones, compare, take the mean.",
        "`minutes.dropna()` gives a new column without the missing delays. Compare it with 15.",
    ),
    wrong={
        "def percent_late(minutes):\n    return 100 * (minutes >= 15).mean()": "cancelled",
        "def percent_late(minutes):\n    return 100 * (minutes.dropna() > 15).mean()": "exactly 15",
        "def percent_late(minutes):\n    return (minutes.dropna() >= 15).mean()": "share",
        "def percent_late(minutes):\n    minutes /= 60\n"
        "    return 100 * (minutes.dropna() >= 0.25).mean()": "changes the column",
        "def percent_late(minutes):\n"
        "    return 100 * (minutes.dropna() >= limit).mean()": "`limit`",
        "def percent_late(minutes):\n    print(100 * (minutes.dropna() >= 15).mean())": "return",
        "percent_late = 24.1": "function",
    },
    given=lambda: {"may_flights": _may()},
)
def q2(percent_late: Callable) -> str:
    """Can the result depend on nothing but its input?"""
    if not callable(percent_late):
        raise NotYet("that is a value. Write a function that finds it for any flights.")
    minutes = pd.Series([-5.0, 14.0, 15.0, 40.0, np.nan, 20.0])
    given = minutes.copy()
    try:
        found = percent_late(given)
    except NameError as error:
        raise NotYet(
            f"it needs `{error.name}` from outside. In a colleague's kernel that does not exist."
        ) from None
    if found is ____:
        raise StillBlank
    if not given.equals(minutes):
        raise NotYet("it changes the column that it was given, so the next call finds another.")
    if found is None:
        raise NotYet("the function gives nothing back. End it with `return`.")
    arrived = minutes.dropna()
    right = 100 * (arrived >= LATE_FROM).mean()
    if np.isclose(found, 100 * (minutes >= LATE_FROM).mean()):
        raise NotYet("this counts cancelled flights as punctual: their delay is missing.")
    if np.isclose(found, 100 * (arrived > LATE_FROM).mean()):
        raise NotYet("a flight that is exactly 15 minutes late is late.")
    if np.isclose(found, right / 100):
        raise NotYet("that is a share between 0 and 1. Give percent.")
    if not np.isclose(found, right):
        raise NotYet("of the flights that arrived, how many percent were 15 or more minutes late?")
    return "run it twice, or on another computer: same input, same result."


_PARTS = ("code", "data", "model")


def _incidents() -> pd.DataFrame:
    index = ["nothing (as before)", "the code", "the data", "the model", "all three (today)"]
    columns = {"A": [5, 5, 7, 5, 7], "B": [5, 6, 5, 5, 6], "C": [5, 5, 5, 8, 8]}
    return pd.DataFrame(columns, index=index, dtype=float)


@exercise(
    LESSON,
    hints=(
        "Read one column from top to bottom. In which row does the cost rise?",
        "The last row always rises: there all three are today's. Look at the rows between.",
    ),
    wrong={
        "culprit = {'A': 'model', 'B': 'model', 'C': 'model'}": "first suspect",
        "culprit = {'A': 'data', 'B': 'model', 'C': 'code'}": "only the model of today",
        "culprit = {'A': 'data', 'B': 'code'}": "three incidents",
        "culprit = {'A': 'data', 'B': 'bug', 'C': 'model'}": "one of",
        "culprit = 'data'": "dict",
    },
    given=lambda: {"swapped": _incidents()},
)
def q3(culprit: Mapping, swapped: pd.DataFrame) -> str:
    """Which of code, data and model is to blame?"""
    if not isinstance(culprit, Mapping):
        raise NotYet("give a dict with one answer for each incident.")
    if set(culprit) != set(swapped.columns):
        raise NotYet(f"there are three incidents: {', '.join(swapped.columns)}.")
    if strange := [part for part in culprit.values() if part not in _PARTS]:
        raise NotYet(f"{strange[0]!r} is not one of {', '.join(_PARTS)}.")
    right = swapped.loc[[f"the {part}" for part in _PARTS]].idxmax().str.removeprefix("the ")
    if set(culprit.values()) == {"model"}:
        raise NotYet("the model is everybody's first suspect. Only one of these is its fault.")
    for name, part in culprit.items():
        if part != right[name]:
            raise NotYet(
                f"in incident {name}, only the {part} of today costs "
                f"{swapped.loc[f'the {part}', name]:.2f}, hardly other than before."
            )
    return (
        "and each has its own cure: repair the code, learn from newer data, "
        "bring back the last model."
    )


def _watched() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "gap": [7.5, -1.0, 1.1, 6.6, 14.1, 9.8, -8.3],
            "broken": ["", "", "R3", "R3", "R2 R3", "R3", "R2 R3"],
        },
        index=["May", "Jun", "Jul", "Aug", "Sep", "Oct", "Dec"],
    )


@exercise(
    LESSON,
    hints=(
        "Find the first month that is bad. Which gap has it?",
        "Which of the months before it has the largest gap, up or down? "
        "That one must not raise an alert.",
        "Any number between those two will do.",
    ),
    wrong={
        "alert_limit = 5": "false alarm",
        "alert_limit = 0.1": "percent",
        "alert_limit = 20": "never",
        "alert_limit = -10": "either way",
        "alert_limit = 'Sep'": "number",
    },
    given=lambda: {"after": _watched()},
)
def q4(alert_limit: float, after: pd.DataFrame) -> str:
    """Which limit catches the first bad month, without a false alarm before it?"""
    if not isinstance(alert_limit, Real):
        raise NotYet("the limit is a number, in percent of the flights.")
    if alert_limit < 0:
        raise NotYet("a gap counts either way, so the limit is above zero.")
    bad = after.index[after["broken"].str.contains("R2")]
    alerts = after.index[after["gap"].abs() > alert_limit]
    if alert_limit < 1:
        raise NotYet("the gaps are in percent of the flights, not shares between 0 and 1.")
    if alerts.empty:
        raise NotYet("this alert never rings, and the bad months go unseen.")
    first = after.index.get_loc(bad[0])
    if early := [month for month in alerts if after.index.get_loc(month) < first]:
        raise NotYet(
            f"a false alarm in {early[0]}. After a few of those, nobody looks at alerts any more."
        )
    if bad[0] not in alerts:
        raise NotYet(f"the first bad month is {bad[0]}, and the alert is silent then.")
    unseen = [month for month in bad if month not in alerts]
    later = f" {unseen[0]} is bad, too, and passes unseen: one signal is not enough."
    return f"the alert rings in {', '.join(alerts)}." + (later if unseen else "")
