"""Exercises of the lab on Fiddler."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from mlops_school import drift
from mlops_school.exercises import NotYet, StillBlank, exercise

LAB = "fiddler"
COLDEST, WARMEST = -15, 106  # degrees Fahrenheit that were measured in New York
BROKEN = {"temp": (-999, 999), "humid": (-1, 101, 1013), "minute_of_day": (-1, 1440)}


def _limits(temp: str = "(-30, 120)", humid: str = "(0, 100)", minute: str = "(0, 1439)") -> str:
    return f'limits = {{"temp": {temp}, "humid": {humid}, "minute_of_day": {minute}}}'


def _learned() -> dict[str, Any]:
    """Return flights of the cold months, as far as the exercise needs them."""
    columns = {"temp": [10.94, 84.02], "humid": [12.74, 100], "minute_of_day": [300, 1439]}
    return {"learned": pd.DataFrame(columns)}


@exercise(
    LAB,
    hints=(
        "For each column, ask what could be measured on some day, and not what has been.",
        "A percentage has two limits that nothing can pass. So has the time of a day, which has "
        "24 hours of 60 minutes and begins with minute 0.",
        "For the temperature, leave some room on both sides of the coldest and the warmest day, "
        "and far less than up to 999.",
    ),
    wrong={
        _limits(temp="(10.94, 84.02)"): "what was there",
        _limits(humid="(12.74, 100)"): "what was there",
        _limits(minute="(300, 1439)"): "what was there",
        _limits(temp="(0, 110)"): "of -15",
        _limits(temp="(-15, 100)"): "of 106",
        _limits(temp="(-1000, 1000)"): "broken sensor",
        _limits(humid="(0, 110)"): "cannot be true",
        _limits(minute="(0, 1440)"): "cannot be true",
        _limits(minute="(0, 1438)"): "of 1439",
        _limits(humid="(0, 1)"): "of 100",
        _limits(temp="(120, -30)"): "smallest first",
        _limits(temp="120"): "two numbers",
        'limits = {"temp": (-30, 120)}': "humid",
        "limits = [(-30, 120)]": "dictionary",
    },
    given=_learned,
)
def q1(limits: Mapping[str, tuple[float, float]], learned: pd.DataFrame) -> str:
    """Which values of three columns are possible?"""
    if not isinstance(limits, Mapping):
        raise NotYet("`limits` is a dictionary: the name of a column, and two numbers.")
    possible = {"temp": (COLDEST, WARMEST), "humid": (0, 100), "minute_of_day": (0, 1439)}
    for name, (least, greatest) in possible.items():
        if name not in limits:
            raise NotYet(f"`{name}` has no limits.")
        low, high = _two_numbers(name, limits[name])
        inferred = learned[name].min(), learned[name].max()
        if (low, high) == inferred:
            raise NotYet(f"for `{name}`, that is what was there from January to April.")
        if low > high:
            raise NotYet(f"for `{name}`, give the smallest first.")
        for value in (least, greatest):
            if not low <= value <= high:
                raise NotYet(f"`{name}` of {value} is possible, and you call it broken.")
        for value in BROKEN[name]:
            if low <= value <= high:
                reason = "a broken sensor says that" if name == "temp" else "it cannot be true"
                raise NotYet(f"you let `{name}` of {value} pass, and {reason}.")
    return "every day that was ever measured is inside, and a broken sensor is not."


def _two_numbers(name: str, given: Any) -> tuple[float, float]:
    try:
        low, high = given
        return float(low), float(high)
    except (TypeError, ValueError):
        raise NotYet(f"`{name}` needs two numbers: the smallest and the largest value.") from None


_DEF = "def jsd(then, now):\n    middle = (then + now) / 2\n"
_DIVERGENCE = (
    "    def divergence(shares):\n"
    "        some = shares > 0\n"
    "        return np.sum(shares[some] * np.{log}(shares[some] / middle[some]))\n"
)


def _jsd(line: str, log: str = "log2") -> str:
    return _DEF + _DIVERGENCE.format(log=log) + f"    return {line}"


@exercise(
    LAB,
    hints=(
        "Both sums are alike, so write a function for one of them, and call it with `then` and "
        "with `now`.",
        "The logarithm of 0 is no number. `some = shares > 0` says where a share is above 0, and "
        "`shares[some]` are these.",
        "`np.log2` is the logarithm to base 2. At last, take the root of the mean of both sums.",
    ),
    wrong={
        _jsd("(divergence(then) + divergence(now)) / 2"): "root",
        _jsd("np.sqrt(divergence(then) + divergence(now))"): "half of each",
        _jsd("np.sqrt((divergence(then) + divergence(now)) / 2)", "log"): "base 2",
        _jsd("np.sqrt(divergence(then))"): "change places",
        _DEF + "    a = np.sum(then * np.log2(then / middle))\n"
        "    b = np.sum(now * np.log2(now / middle))\n"
        "    return np.sqrt((a + b) / 2)": "share is 0",
        "def jsd(then, now):\n    return np.sum(np.abs(then - now)) / 2": "is not the distance",
        "def jsd(then, now):\n    return abs(then - now)": "one number",
        "jsd = 0.5": "function",
    },
    given=lambda: {"np": np},
)
def q2(jsd: Callable[[np.ndarray, np.ndarray], float]) -> str:
    """Work out the distance of Jensen and Shannon from shares."""
    if not callable(jsd):
        raise NotYet("`jsd` is a function of two arrays of shares, `then` and `now`.")
    rng = np.random.default_rng(14)
    for _ in range(5):
        then, now = rng.dirichlet(np.ones(4), size=2)
        found, back = _number(jsd, then, now), _number(jsd, now, then)
        right = drift.jensen_shannon(then, now)
        if np.isclose(found, right):
            continue
        if np.isclose(found, right**2):
            raise NotYet("that is the square of it: take the root at last.")
        if np.isclose(found, right * np.sqrt(2)):
            raise NotYet("take half of each sum, or half of both together.")
        if np.isclose(found, right * np.sqrt(np.log(2))):
            raise NotYet("take the logarithm to base 2, so that 1 is the largest value.")
        if not np.isclose(found, back):
            raise NotYet("a distance stays the same when `then` and `now` change places.")
        raise NotYet("this is not the distance: each share is compared with the middle of both.")
    for then, now, right in [([0.5, 0.5, 0], [0.5, 0.5, 0], 0), ([0, 1], [1, 0], 1)]:
        if not np.isclose(_number(jsd, np.array(then, float), np.array(now, float)), right):
            raise NotYet("where a share is 0, its summand has to be 0, and no error and no `nan`.")
    return "it is right for random shares, 0 for equal ones, and 1 if no bin is in both."


def _number(jsd: Callable[[np.ndarray, np.ndarray], Any], then: Any, now: Any) -> float:
    with np.errstate(all="ignore"):
        found = jsd(then.copy(), now.copy())
    if found is None:
        raise StillBlank
    if isinstance(found, str) or np.ndim(found):
        raise NotYet("it has to return one number for the column, and not one for each bin.")
    return float(found)
