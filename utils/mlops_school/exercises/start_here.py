"""Exercises of lesson 00, Start here."""

from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from mlops_school.exercises import NotYet, exercise
from mlops_school.features import LATE_FROM

LESSON = "00_start_here"


def _few_flights() -> dict[str, Any]:
    nan = float("nan")
    january = pd.DataFrame(
        {
            "day": [1, 1, 2, 2, 3, 3, 4, 5],
            "dep_delay": [0.0, 20.0, -3.0, 18.0, 40.0, nan, 17.0, 5.0],
            "arr_delay": [3.0, 15.0, -8.0, 21.0, 55.0, nan, 9.0, nan],
        }
    )
    return {"january": january}


@exercise(
    LESSON,
    hints=(
        "`len(january)` is the number of flights in the month.",
        "January has 31 days. Python divides with `/`.",
    ),
    wrong={
        "flights_per_day = len(january)": "whole month",
        "flights_per_day = len(january) / 30": "31 days",
        "flights_per_day = len(january) / 365": "one month",
        "flights_per_day = 'many'": "number",
    },
    given=_few_flights,
)
def q1(flights_per_day: float, january: pd.DataFrame) -> str:
    """How many flights leave New York on a day?"""
    if not isinstance(flights_per_day, Real):
        raise NotYet("the answer is a number.")
    flights = len(january)
    if np.isclose(flights_per_day, flights):
        raise NotYet("that is the whole month. How many is it on one day?")
    if np.isclose(flights_per_day, flights / 30):
        raise NotYet("nearly: January has 31 days.")
    if np.isclose(flights_per_day, flights / 365):
        raise NotYet("the table holds one month, not the year.")
    if not np.isclose(flights_per_day, flights / 31, atol=0.5):
        raise NotYet("divide the number of flights by the number of days.")
    return "this is how every exercise works: answer, run, check."


@exercise(
    LESSON,
    hints=(
        "`arrived['arr_delay'] >= 15` gives True or False for each flight.",
        "True counts as 1, so the mean of such a column is the share of True.",
        "Begin with the flights that arrived: they are in `arrived`, not in `january`.",
    ),
    wrong={
        "late_share = (january['arr_delay'] >= 15).mean()": "never arrived",
        "late_share = (arrived['arr_delay'] > 15).mean()": "15 or more",
        "late_share = (arrived['dep_delay'] >= 15).mean()": "departure",
        "late_share = 100 * (arrived['arr_delay'] >= 15).mean()": "percent",
        "late_share = (arrived['arr_delay'] >= 15).sum()": "count",
    },
    given=lambda: {
        "january": (flights := _few_flights()["january"]),
        "arrived": flights[flights["arr_delay"].notna()],
    },
)
def q2(late_share: float, january: pd.DataFrame) -> str:
    """Which share of the flights that arrived was late?"""
    arrived = january[january["arr_delay"].notna()]
    late = arrived["arr_delay"] >= LATE_FROM
    if np.isclose(late_share, late.sum()):
        raise NotYet("that is the count of late flights. A share is between 0 and 1.")
    if np.isclose(late_share, 100 * late.mean()):
        raise NotYet("that is in percent. Give the share, between 0 and 1.")
    if np.isclose(late_share, (january["arr_delay"] >= LATE_FROM).mean()):
        raise NotYet("this counts flights that never arrived as punctual. Use `arrived`.")
    if np.isclose(late_share, (arrived["arr_delay"] > LATE_FROM).mean()):
        raise NotYet("late means 15 or more minutes, so exactly 15 belongs to it.")
    if np.isclose(late_share, (arrived["dep_delay"] >= LATE_FROM).mean()):
        raise NotYet("that is the delay at departure. The question is about arrival.")
    if not np.isclose(late_share, late.mean(), atol=1e-3):
        raise NotYet("compare `arrived['arr_delay']` with 15, and take the mean.")
    return "this share is what the whole course tries to foresee, flight by flight."


@exercise(
    LESSON,
    hints=(
        "Read the last line of the error: which name does Python not know?",
        "Compare that name, letter by letter, with the name in the cell that loaded the flights.",
    ),
    wrong={
        "mean_delay = january['arr_delay'].mean()": "arrival",
        "mean_delay = january['dep_delay'].sum()": "sum",
        "mean_delay = january['dep_delay']": "whole column",
        "mean_delay = january['dep_delay'].fillna(0).mean()": "cancelled",
    },
    given=_few_flights,
)
def q3(mean_delay: float, january: pd.DataFrame) -> str:
    """What is the mean delay at departure?"""
    if isinstance(mean_delay, pd.Series):
        raise NotYet("that is the whole column. Take its mean.")
    delay = january["dep_delay"]
    if np.isclose(mean_delay, january["arr_delay"].mean()):
        raise NotYet("that is the delay at arrival. The broken cell asks for departure.")
    if np.isclose(mean_delay, delay.sum()):
        raise NotYet("that is the sum of all delays. Take the mean.")
    if np.isclose(mean_delay, delay.fillna(0).mean()):
        raise NotYet("this counts cancelled flights as punctual. `mean` leaves gaps out by itself.")
    if not np.isclose(mean_delay, delay.mean(), atol=0.05):
        raise NotYet("repair the broken cell, and assign its result to `mean_delay`.")
    return "you read an error, found its cause, and repaired it. That is most of the job."
