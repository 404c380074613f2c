"""Exercises of the lab on Tecton."""

from collections.abc import Callable

import pandas as pd

from mlops_school.exercises import NotYet, exercise

LAB = "tecton"
HOUR = pd.Timedelta(hours=1)


@exercise(
    LAB,
    hints=(
        "A row of 13:20 lies in the hour from 13:00 to 14:00. When has that hour ended?",
        "`time.floor(schedule)` is when its hour, or day, began.",
        "It ends one `schedule` later.",
    ),
    wrong={
        "effective = lambda time, schedule: time + schedule": "not at 14:20",
        "effective = lambda time, schedule: time": "has not run",
        "effective = lambda time, schedule: time.floor(schedule)": "has not run",
        "effective = lambda time, schedule: time.ceil(schedule)": "exactly 13:00",
        "effective = lambda time, schedule: time.floor('h') + pd.Timedelta(hours=1)": "daily",
        "effective = pd.Timedelta(hours=1)": "a function",
    },
    given=lambda: {"pd": pd},
)
def q1(effective: Callable[[pd.Timestamp, pd.Timedelta], pd.Timestamp]) -> str:
    """From when on is a row used, if a job runs every so often?"""
    if not callable(effective):
        raise NotYet("`effective` must be a function of `time` and `schedule`.")
    time = pd.Timestamp("2013-07-10 13:20", tz="UTC")
    hourly = effective(time, HOUR)
    if hourly == time + HOUR:
        raise NotYet("a row of 13:20 is used when the hourly job runs, at 14:00 and not at 14:20.")
    if hourly <= time:
        raise NotYet("you use a row of 13:20 when the job that takes it has not run yet.")
    if hourly != pd.Timestamp("2013-07-10 14:00", tz="UTC"):
        raise NotYet(f"a row of 13:20 is used from 14:00 on if a job runs each hour, not {hourly}.")
    if effective(time.floor("h"), HOUR) != hourly:
        raise NotYet(
            "a row of exactly 13:00 belongs to the hour that begins then, which ends at 14:00."
        )
    if effective(time, 24 * HOUR) != pd.Timestamp("2013-07-11", tz="UTC"):
        raise NotYet("with a daily job, a row of 10 July, 13:20, is used from midnight on.")
    return "a row waits for the end of its hour, or day, and for nothing else."


@exercise(
    LAB,
    hints=(
        "Bring both tables into one order first: `sort_values`.",
        "Compare how many rows there are before you compare the rows.",
        "After `sort_values(['flight', 'timestamp'])`, `.to_numpy()` forgets the old row numbers.",
    ),
    wrong={
        "belongs = lambda answer, moments: set(answer['flight']) == set(moments['flight'])": (
            "last month"
        ),
        "belongs = lambda answer, moments: len(answer) == len(moments)": "last month",
        "def belongs(answer, moments):\n"
        "    times = answer['timestamp'].to_numpy(), moments['timestamp'].to_numpy()\n"
        "    return len(answer) == len(moments) and (times[0] == times[1]).all()": "another order",
        "def belongs(answer, moments):\n"
        "    both = moments.merge(answer, on=['flight', 'timestamp'])\n"
        "    return len(both) == len(moments)": "nobody asked about",
        "def belongs(answer, moments):\n"
        "    both = moments.merge(answer, on=['flight', 'timestamp'])\n"
        "    return len(both) > 0": "last row is missing",
        "def belongs(answer, moments):\n"
        "    return (len(answer) == len(moments)\n"
        "            and set(answer['flight']) == set(moments['flight'])\n"
        "            and set(answer['timestamp']) == set(moments['timestamp']))": "swapped",
        "def belongs(answer, moments):\n"
        "    return set(answer['flight']) == set(moments['flight']) and "
        "set(answer['timestamp']) == set(moments['timestamp'])": "occurs twice",
        "belongs = True": "a function",
    },
)
def q2(belongs: Callable[[pd.DataFrame, pd.DataFrame], bool]) -> str:
    """Does the answer belong to the question?"""
    if not callable(belongs):
        raise NotYet("`belongs` must be a function of `answer` and `moments`.")
    times = pd.date_range("2013-08-01 10:00", periods=4, freq="20min", tz="UTC")
    question = pd.DataFrame({"flight": [0, 1, 2, 3], "timestamp": times})
    answer = question.assign(weather__temp=[70.0, 71.5, None, 68.0])
    if not belongs(answer.copy(), question.copy()):
        raise NotYet("your rule refuses an answer that has all flights, each with its time.")
    if not belongs(answer.iloc[::-1], question.copy()):
        raise NotYet("your rule refuses an answer in another order. Sort both before you compare.")
    if belongs(answer.assign(timestamp=times - pd.Timedelta(days=31)), question.copy()):
        raise NotYet("your rule accepts the answer of last month: the same flights, other times.")
    one_more = answer.iloc[[3]].assign(flight=4)
    broken = {
        "whose last row is missing": answer.iloc[:-1],
        "in which a flight occurs twice": pd.concat([answer, answer.iloc[[1]]]),
        "with a flight that nobody asked about": pd.concat([answer, one_more]),
        "in which a flight stands in the place of another": answer.iloc[[0, 1, 2, 2]],
        "in which the times of two flights are swapped": answer.assign(
            timestamp=times[[1, 0, 2, 3]]
        ),
    }
    for what, table in broken.items():
        if belongs(table.copy(), question.copy()):
            raise NotYet(f"your rule accepts an answer {what}.")
    return "an old file, a part of one, and a double row are all refused."
