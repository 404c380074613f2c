"""Exercises of the lab on whylogs."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mlops_school.exercises import NotYet, exercise

LAB = "whylogs"
MANY, FEW = np.array([4.0, -3.0, 11.0, 0.0, 8.0, 1.0]), np.array([60.0, 40.0])
BELOW = np.array([-30.0, -20.0, -25.0])


def _profile(numbers: np.ndarray) -> dict[str, float]:
    return {
        "n": len(numbers),
        "mean": float(numbers.mean()),
        "low": float(numbers.min()),
        "high": float(numbers.max()),
    }


@exercise(
    LAB,
    hints=(
        "Return a dictionary with the same four keys. `n` of both together is a sum.",
        "A sum of all numbers can be had from each profile: `n` times `mean`.",
        "The smallest of both together is `min(a['low'], b['low'])`.",
    ),
    wrong={
        "def merge(a, b):\n"
        "    return {'n': a['n'] + b['n'], 'mean': (a['mean'] + b['mean']) / 2,\n"
        "            'low': min(a['low'], b['low']), 'high': max(a['high'], b['high'])}": (
            "as if both had as many"
        ),
        "def merge(a, b):\n"
        "    return {'n': a['n'] + b['n'],\n"
        "            'mean': a['n'] * a['mean'] + b['n'] * b['mean'],\n"
        "            'low': min(a['low'], b['low']), 'high': max(a['high'], b['high'])}": "a sum",
        "def merge(a, b):\n"
        "    n = a['n'] + b['n']\n"
        "    return {'n': n, 'mean': (a['n'] * a['mean'] + b['n'] * b['mean']) / n,\n"
        "            'low': a['low'], 'high': b['high']}": "`low`",
        "def merge(a, b):\n"
        "    n = a['n'] + b['n']\n"
        "    return {'n': n, 'mean': (a['n'] * a['mean'] + b['n'] * b['mean']) / n}": "four keys",
        "merge = lambda a, b: a | b": "`n`",
        "merge = 3": "a function",
    },
)
def q1(merge: Callable[[Mapping[str, float], Mapping[str, float]], dict[str, float]]) -> str:
    """Merge two profiles of numbers by hand."""
    if not callable(merge):
        raise NotYet("`merge` must be a function of `a` and `b`.")
    for first, second in [(MANY, FEW), (FEW, BELOW), (BELOW, MANY)]:
        wanted = _profile(np.concatenate([first, second]))
        merged = merge(_profile(first), _profile(second))
        if set(merged) != set(wanted):
            raise NotYet("return a dictionary with the four keys `n`, `mean`, `low` and `high`.")
        _require_equal(merged, wanted, first, second)
    by_three = merge(merge(_profile(MANY), _profile(FEW)), _profile(BELOW))
    _require_equal(by_three, _profile(np.concatenate([MANY, FEW, BELOW])), MANY, FEW)
    return "merged profiles are the profile of all numbers, also of three in a row."


def _require_equal(
    merged: Mapping[str, float], wanted: Mapping[str, float], *parts: np.ndarray
) -> None:
    if np.isclose(merged["mean"], sum(part.sum() for part in parts)):
        raise NotYet("your `mean` is a sum: divide it by how many numbers there are.")
    if np.isclose(merged["mean"], np.mean([part.mean() for part in parts])):
        raise NotYet(
            "your `mean` is the average of two means, as if both had as many numbers. "
            f"Here one has {len(parts[0])} and the other {len(parts[1])}."
        )
    for key, value in wanted.items():
        if not np.isclose(merged[key], value):
            told = " and ".join(str(part.tolist()) for part in parts)
            raise NotYet(f"of {told}, your `{key}` is {merged[key]:g}. It should be {value:g}.")


def _counts(rows: int, missing: int, in_sketch: int) -> dict[str, Any]:
    return {
        "counts/n": rows,
        "counts/null": missing,
        "counts/nan": missing,
        "types/fractional": in_sketch,
        "types/string": rows - missing - in_sketch,
        "distribution/n": in_sketch,
        "distribution/max": 551.0 if in_sketch else float("nan"),
    }


@exercise(
    LAB,
    hints=(
        "How many values are there that are not missing? Are as many in the sketch?",
        "Compare `counts['distribution/n']` with `counts['counts/n'] - counts['counts/null']`.",
        "Python reads `a == b > 0` as `a == b and b > 0`.",
    ),
    wrong={
        "speaks_for_all = lambda counts: counts['distribution/n'] > 0": "five of them are text",
        "speaks_for_all = lambda counts: counts['distribution/n'] == counts['counts/n']": (
            "158 flights were cancelled"
        ),
        "def speaks_for_all(counts):\n"
        "    missing = counts['counts/null'] + counts['counts/nan']\n"
        "    return counts['distribution/n'] == counts['counts/n'] - missing > 0": "counted twice",
        "def speaks_for_all(counts):\n"
        "    return counts['distribution/n'] == counts['counts/n'] - counts['counts/null']": (
            "nothing at all"
        ),
        "speaks_for_all = lambda counts: counts['types/string'] == 0": "nothing at all",
        "speaks_for_all = lambda counts: False": "158 flights were cancelled",
        "speaks_for_all = True": "a function",
    },
)
def q2(speaks_for_all: Callable[[Mapping[str, Any]], bool]) -> str:
    """Is every value that is not missing in the sketch, and is there one?"""
    if not callable(speaks_for_all):
        raise NotYet("`speaks_for_all` must be a function of `counts`.")
    if not speaks_for_all(_counts(1004, 0, 1004)):
        raise NotYet(
            "your rule refuses a day on which 158 flights were cancelled, and it refuses one "
            "without any missing value, too: all numbers of both are in the sketch."
        )
    if not speaks_for_all(_counts(1004, 158, 846)):
        raise NotYet(
            "your rule refuses a day on which 158 flights were cancelled. They have no delay, and "
            "all others are in the sketch. A NaN is in `counts/null` already: is it counted twice?"
        )
    if speaks_for_all(_counts(1004, 158, 841)):
        raise NotYet("your rule accepts a day of which five of them are text, not in the sketch.")
    if speaks_for_all(_counts(1004, 0, 0)):
        raise NotYet("your rule accepts a day of which all values are text.")
    if speaks_for_all(_counts(1004, 1004, 0)) or speaks_for_all(_counts(0, 0, 0)):
        raise NotYet("your rule accepts a day on which there is nothing at all to judge.")
    return "it compares what came with what was judged, so nothing is left out in silence."
