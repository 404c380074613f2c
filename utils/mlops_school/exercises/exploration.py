"""Exercises of lesson 07, Exploration."""

from collections.abc import Collection
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from mlops_school.exercises import NotYet, exercise
from mlops_school.exploration import wilson

LESSON = "07_exploration"


def _days() -> dict[str, Any]:
    shares = pd.DataFrame({"unlabelled": [0.02, 0.6], "late": [0.2, 0.25]})
    return {"days": shares.set_axis(["2013-01-05", "2013-02-09"])}


_STORM = 'storm = days.loc["2013-02-09"]\n'


@exercise(
    LESSON,
    hints=(
        "Imagine 100 flights. How many have no label? How many are left, and how many of *those* "
        "are late?",
        "`storm['late']` is a share of the flights **with** a label only, and these are "
        "`1 - storm['unlabelled']` of all.",
        "Add the share without a label to the late share of the rest, as a part of all flights.",
    ),
    wrong={
        _STORM + "late_or_gone = storm['unlabelled'] + storm['late']": "of the flights with",
        _STORM + "late_or_gone = storm['late']": "only those that flew",
        _STORM + "late_or_gone = storm['unlabelled']": "also those that flew",
        _STORM + "late_or_gone = (1 - storm['unlabelled']) * storm['late']": "left out",
        _STORM + "late_or_gone = storm.mean()": "average of the two",
        _STORM + "late_or_gone = 70": "between 0 and 1",
    },
    given=_days,
)
def q1(late_or_gone: float, storm: pd.Series) -> str:
    """Which share is late if flights without a label count as late?"""
    gone, late = storm["unlabelled"], storm["late"]
    right = gone + (1 - gone) * late
    if not isinstance(late_or_gone, Real):
        raise NotYet("one number is asked for: a share of all flights.")
    if abs(late_or_gone - right) < 0.005:  # computed by hand from rounded shares, it is as good
        return f"{right:.0%}, and the picture said “average day”. What is dropped is not gone."
    if late_or_gone > 1:
        raise NotYet("give a share, between 0 and 1.")
    if np.isclose(late_or_gone, gone + late):
        raise NotYet(
            "`storm['late']` is a share of the flights with a label, not of all. "
            "Both parts must be shares of the same whole before you add them."
        )
    if np.isclose(late_or_gone, late):
        raise NotYet("that counts only those that flew. What of the others?")
    if np.isclose(late_or_gone, gone):
        raise NotYet("those never arrived; there are also those that flew, and were late.")
    if np.isclose(late_or_gone, (1 - gone) * late):
        raise NotYet("that is the late part of all flights; those without a label are left out.")
    if np.isclose(late_or_gone, (gone + late) / 2):
        raise NotYet("the average of the two treats them as equally large groups of flights.")
    raise NotYet("count in 100 flights: so many without a label, so many of the rest late.")


def _two_carriers() -> dict[str, Any]:
    parts = pd.Index(["5-9", "10-13", "14-17", "18-23"], name="part")
    frame = pd.DataFrame(
        {
            "part": np.repeat(parts, 20),
            "hour": np.repeat([6, 11, 15, 20], 20),
            "carrier": np.tile(["9E", "WN"], 40),
            "date": pd.Timestamp("2013-01-01") + pd.to_timedelta(np.arange(80) % 7, unit="D"),
        }
    )
    frame["late"] = np.arange(80) % 11 < frame["hour"] // 4
    # The early part is larger, as it is in the real timetable of one of the two.
    frame = pd.concat([frame, frame[(frame["hour"] < 10) & (frame["carrier"] == "WN")]])

    def rate_by(table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
        return table.groupby(by, observed=True)["late"].mean().to_frame("share")

    return {"arrived": frame, "rate_by": rate_by, "pd": pd}


_RATES = (
    "rates = arrived.groupby(['part', 'carrier'])['late'].mean().unstack()\n"
    "mix = arrived['part'].value_counts(normalize=True).reindex(rates.index)\n"
)


@exercise(
    LESSON,
    hints=(
        "Take one carrier. If every flight left in the morning, which share would be late? "
        "And if half of them left in the morning, half in the evening?",
        "It is a weighted average of a column of `rates`, and the weights are `mix`.",
        "`rates.mul(mix, axis=0)` multiplies each row by its weight. One step is missing.",
    ),
    wrong={
        _RATES + "same_timetable = rates.mean()": "as much as",
        _RATES + "same_timetable = rates.mul(mix, axis=0)": "still a table",
        _RATES + "same_timetable = arrived.groupby('carrier')['late'].mean()": "own timetable",
        _RATES + "same_timetable = rates.mul(mix, axis=0).mean()": "sum to 1",
        _RATES + "same_timetable = rates.mul(mix, axis=0).sum(axis=1)": "each carrier",
        _RATES + "same_timetable = rates.mul(mix, axis=0).sum()['9E']": "each carrier",
        _RATES + "same_timetable = 100 * rates.mul(mix, axis=0).sum()": "between 0 and 1",
    },
    given=_two_carriers,
)
def q2(same_timetable: pd.Series, rates: pd.DataFrame, mix: pd.Series) -> str:
    """Which share late would both have with the timetable of all flights?"""
    weighted = rates.mul(mix, axis=0)
    right = weighted.sum()
    if isinstance(same_timetable, pd.DataFrame):
        raise NotYet("this is still a table. Its rows are parts of a sum.")
    if not isinstance(same_timetable, pd.Series) or set(same_timetable.index) != set(rates.columns):
        raise NotYet("one number for each carrier is asked for, in a Series.")
    answer = same_timetable.reindex(right.index).to_numpy(dtype=float)
    if np.allclose(answer, right, atol=6e-4):  # three digits, as `rates` is printed, will do
        first, second = right.index
        return (
            f"{first} {right[first]:.1%}, {second} {right[second]:.1%}: the same timetable turns "
            "the order round. Neither order is certain: each share is known to about 3 points."
        )
    if (answer > 1).any():
        raise NotYet("give shares, between 0 and 1.")
    if np.allclose(answer, rates.mean()):
        raise NotYet("in that average each part of the day counts as much as every other part.")
    if np.allclose(answer, weighted.mean()):
        raise NotYet("the weights in `mix` sum to 1 already: do not divide again.")
    raise NotYet(
        "that is not the timetable of all flights. If you averaged a carrier's flights, you gave "
        "each its own timetable. Use `rates` and `mix` only."
    )


_KNOWN = frozenset({"carrier", "sched_dep_time", "distance"})
_TRAP = frozenset({"tailnum", "before"})
_TOO_LATE = frozenset({"visib", "dep_time", "air_time", "place"})
# Why each column is where it is, for those who put it elsewhere.
_WHY = {
    "carrier": "`carrier` stands in the timetable. Being a strong feature is no leak.",
    "sched_dep_time": "`sched_dep_time` is the timetable itself, not what really happened.",
    "distance": "`distance` depends on the two airports only, and they are known.",
    "tailnum": "`tailnum` can still be swapped until departure, and what has none was cancelled.",
    "before": "`before` is known only if that flight has arrived two hours before this one leaves.",
    "visib": "`visib` is seen in the hour of departure. What was known earlier is older weather.",
    "dep_time": "`dep_time` is when the flight really left.",
    "air_time": "`air_time` is known when the flight has landed. Its low score is no excuse: "
    "time decides, not usefulness.",
    "place": "`place` counts in the order in which the flights really left.",
}


def _answer(known: str, trap: str, too_late: str) -> str:
    """Return the code of an attempt at q3; names are separated by blanks."""
    return (
        f"known, trap, too_late = set('{known}'.split()), set('{trap}'.split()), "
        f"set('{too_late}'.split())"
    )


@exercise(
    LESSON,
    hints=(
        "Imagine that you sit at the desk at 15:00, and the flight is to leave at 17:00. "
        "Which of these can you write down?",
        "Three stand in the timetable. Two depend on the aircraft: it may change, and it may "
        "still be in the air.",
        "All others are about something that happens at 17:00 or later. Look also at the order "
        "of the rows.",
    ),
    wrong={
        _answer(
            "carrier sched_dep_time distance", "tailnum before visib", "dep_time air_time place"
        ): "older weather",
        _answer(
            "carrier sched_dep_time distance place", "tailnum before", "visib dep_time air_time"
        ): "really left",
        _answer(
            "carrier sched_dep_time distance air_time", "tailnum before", "visib dep_time place"
        ): "not usefulness",
        _answer(
            "carrier sched_dep_time distance tailnum", "before", "visib dep_time air_time place"
        ): "swapped",
        _answer(
            "carrier sched_dep_time distance", "tailnum", "before visib dep_time air_time place"
        ): "only if that flight",
        _answer("carrier", "tailnum before", "visib dep_time air_time place"): "nowhere",
        _answer(
            "carrier distance sched_dep_time dep_time",
            "tailnum before",
            "dep_time visib air_time place",
        ): "more than one",
        "known, trap, too_late = 'carrier', 'tailnum', 'place'": "set",
    },
)
def q3(known: set[str], trap: set[str], too_late: set[str]) -> str:
    """When is each column known?"""
    given = [known, trap, too_late]
    if any(isinstance(one, str) or not isinstance(one, Collection) for one in given):
        raise NotYet('write each as a set of names, such as `{"carrier", "distance"}`.')
    given = [set(one) for one in given]
    if strangers := set.union(*given) - set(_WHY):
        raise NotYet(f"{', '.join(sorted(map(str, strangers)))} is not one of the nine columns.")
    for name in _WHY:
        places = sum(name in one for one in given)
        if places == 0:
            raise NotYet(f"`{name}` is nowhere yet. Each column belongs into one set.")
        if places > 1:
            raise NotYet(f"`{name}` is in more than one set. Decide.")
    wrong = [
        name
        for one, right in zip(given, (_KNOWN, _TRAP, _TOO_LATE), strict=True)
        for name in one - right
    ]
    for name in _WHY:
        if name in wrong:
            raise NotYet(f"look again: {_WHY[name]}")
    return "all nine are sorted by time, not by how well they predict."


def _needed(width: float, share: float = 0.8) -> int:
    """Return from how many cases on Wilson's interval of this share is no wider."""
    n = np.arange(1, 2000)
    low, high = wilson(share * n, n)
    return int(n[np.argmax(high - low <= width)])


@exercise(
    LESSON,
    hints=(
        "Try some numbers: what does `wilson(0.8 * 12, 12)` give, and how wide is that?",
        "The width is `high - low`. It shrinks when `n` grows. Which loop finds the first `n` "
        "with a width of at most 0.20?",
        "Begin with `needed = 1` and raise it by 1 while the interval is still wider than 0.20.",
    ),
    wrong={
        "needed = 12": "still wider",
        "low, high = wilson(0.8 * np.arange(1, 999), np.arange(1, 999))\n"
        "needed = int(np.argmax(high - low <= 0.1)) + 1": "0.05 to each side",
        "low, high = wilson(0.8 * np.arange(1, 999), np.arange(1, 999))\n"
        "needed = int(np.argmax(high - low <= 0.4)) + 1": "0.20 to each side",
        "needed = 62": "too many",
        "needed = 0.2": "whole number",
        "low, high = wilson(0.8 * np.arange(1, 999), np.arange(1, 999))\n"
        "needed = int(np.argmax(high - low <= 0.2))": "begins at 0",
    },
    given=lambda: {"np": np, "wilson": wilson},
)
def q4(needed: int) -> str:
    """How many late flights does a verdict about one airport need?"""
    right = _needed(0.20)
    if not isinstance(needed, Real) or needed != int(needed) or needed < 1:
        raise NotYet("a number of flights is asked for: a whole number.")
    if needed == right:
        return f"{right} late flights: at 12 in a month, that takes {right // 12} months."
    if needed == _needed(0.10):
        raise NotYet("that is for 0.10 from end to end, which is 0.05 to each side.")
    if needed == _needed(0.40):
        raise NotYet("that is for 0.20 to each side, which is 0.40 from end to end.")
    if needed == right - 1:
        raise NotYet("one less than enough. If you took a position in a list: that begins at 0.")
    low, high = wilson(0.8 * needed, needed)
    if needed < right:
        raise NotYet(f"with {needed} the interval is still wider: {high - low:.3f}.")
    raise NotYet(
        f"that is too many: with {needed} the width is {high - low:.3f}, and fewer do as well. "
        "(“Plus or minus 1.96 standard errors” gives a slightly larger number than Wilson.)"
    )


_CLAIMS = {
    "A": "the intervals of both hours are far apart, and the claim is about these months only. "
    "It can be said.",
    "B": "no July was opened. Four months of winter and spring say nothing about it.",
    "C": "without EV, Newark is as good as the others. And data like these show what comes "
    "together, not what makes what.",
    "D": "the two intervals at Newark are far apart, and the claim names the pair. It can be said.",
    "E": "it looked average only because most of its flights have no label.",
    "F": "Hayden had 12 flights, and lies inside the funnel: chance alone does that.",
}
_SUPPORTED = frozenset("AD")


@exercise(
    LESSON,
    hints=(
        "Ask of each claim: which picture is it from? Are the intervals apart? Is it about the "
        "months that you saw?",
        "Words such as *makes* or *will* claim more than a picture of January to April shows.",
        "Two are left: one about hours, one about a pair.",
    ),
    wrong={
        "supported = {'A', 'B', 'D'}": "no July",
        "supported = {'A', 'C', 'D'}": "makes what",
        "supported = {'A', 'D', 'E'}": "no label",
        "supported = {'A', 'D', 'F'}": "12 flights",
        "supported = {'A'}": "names the pair",
        "supported = {'D'}": "both hours",
        "supported = {'A', 'G'}": "letters",
        "supported = 3": "set",
    },
)
def q5(supported: set[str]) -> str:
    """Which claims do the data support?"""
    if not isinstance(supported, Collection):
        raise NotYet('write a set of letters, such as `{"B", "F"}`.')
    letters = {str(letter).upper() for letter in supported}
    if not letters <= set(_CLAIMS):
        raise NotYet('the claims have the letters A to F. Write a set, such as `{"B", "F"}`.')
    for letter in sorted(letters ^ _SUPPORTED):
        raise NotYet(f"look at {letter} again: {_CLAIMS[letter]}")
    return "both name what was compared, and when. The other four say more than was seen."
