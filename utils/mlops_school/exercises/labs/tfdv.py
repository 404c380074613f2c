"""Exercises of the lab on TFDV and TFMA."""

from collections.abc import Callable
from numbers import Real
from typing import Any

import pandas as pd

from mlops_school.exercises import NotYet, exercise

LAB = "tfdv"
GARBAGE = 0.01  # of the destinations, in the month that must be refused


def _known() -> dict[str, Any]:
    shares = [0.9986, 0.9966, 0.9940, 0.9937, 0.9966, 0.9978, 0.9988, 0.9989]
    return {"known": pd.Series(shares, index=[f"2013-{month:02}" for month in range(5, 13)])}


@exercise(
    LAB,
    hints=(
        "Which of the months has the smallest share? `mass` may not be larger than that.",
        "If 1 % of the destinations become `#REF!`, at most 99 % of a month are still known.",
        "Between 99 % of the largest share and the smallest share lies one round number.",
    ),
    wrong={
        "mass = 1": "as it was before",
        "mass = 0.998": "still refuses 5 of 8",
        "mass = 0.95": "`#REF!` comes in",
        "mass = known.mean()": "still refuses",
        "mass = 99": "between 0 and 1",
        "mass = known": "one number",
    },
    given=_known,
)
def q1(mass: float, known: pd.Series) -> str:
    """Which share of the destinations must be in the domain?"""
    if not isinstance(mass, Real) or isinstance(mass, bool):
        raise NotYet("`mass` must be one number.")
    if not 0 <= mass <= 1:
        raise NotYet("`mass` is a share, so it lies between 0 and 1: 99 % are 0.99.")
    if mass == 1:
        raise NotYet("with 1, no unknown destination is forgiven, as it was before.")
    refused = int((known < mass).sum())
    if refused:
        raise NotYet(f"that still refuses {refused} of {len(known)} good months.")
    if mass <= (known * (1 - GARBAGE)).max():
        raise NotYet("that forgives so much that a month with 1 % of `#REF!` comes in.")
    return "no false alarm in these months, and a hundredth of garbage is still seen."


def _spans() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "flights": [1080, 107, 30, 60],
            "auc": [0.71, 0.68, 0.44, 0.90],
            "low": [0.66, 0.56, 0.24, 0.80],
            "high": [0.76, 0.79, 0.65, 0.95],
        },
        index=["9E", "EV", "HA", "AS"],
    )


@exercise(
    LAB,
    hints=(
        "The whole interval lies below the limit if its upper end does.",
        "`table.index[...]` with a condition gives the names of the rows; make a list of them.",
    ),
    wrong={
        "surely_below = lambda table, limit: list(table.index[table['auc'] < limit])": (
            "Its interval reaches the limit"
        ),
        "surely_below = lambda table, limit: list(table.index[table['low'] < limit])": (
            "Its interval reaches the limit"
        ),
        "surely_below = lambda table, limit: list(table.index[table['flights'] < 100])": (
            "How many flights"
        ),
        "surely_below = lambda table, limit: []": "leaves out",
        "surely_below = lambda table, limit: list(table.index[table['high'] < 0.70])": (
            "another limit"
        ),
        "surely_below = lambda table, limit: table[table['high'] < limit]": "names of rows",
        "surely_below = ['HA']": "a function",
    },
)
def q2(surely_below: Callable[[pd.DataFrame, float], list[str]]) -> str:
    """Which slices are surely below the limit?"""
    if not callable(surely_below):
        raise NotYet("`surely_below` must be a function of `table` and `limit`.")
    spans = _spans()
    try:
        answer = list(surely_below(spans, 0.70))
    except TypeError:
        raise NotYet("your function must return a list of names.") from None
    if not set(answer) <= set(spans.index):
        raise NotYet("return a list of names of rows, such as `['AA', 'DL']`.")
    if "AS" in answer:
        raise NotYet(
            "a slice from 0.80 to 0.95 is in your list. How many flights it has is no matter."
        )
    for name in ("9E", "EV"):
        if name in answer:
            raise NotYet(
                f"{name} is in your list. Its interval reaches the limit, so it may be good enough."
            )
    if answer != ["HA"]:
        raise NotYet("your list leaves out HA, whose interval ends at 0.65.")
    if list(surely_below(spans, 0.80)) != ["9E", "EV", "HA"]:
        raise NotYet("with another limit than 0.70, your list is wrong: use `limit`.")
    return "of EV nothing is known yet. (And from 30 flights, even an interval is a rough guess.)"
