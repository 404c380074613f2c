"""Exercises of the lab on KServe."""

import json
import math
from collections.abc import Callable
from typing import Any

import pandas as pd

from mlops_school.exercises import Blank, NotYet, StillBlank, exercise

LAB = "kserve"


@exercise(
    LAB,
    hints=(
        'pandas can do it: `table.to_dict("records")` is a list of dictionaries.',
        "What is missing is `nan` there. A column of numbers cannot hold `None`, one of objects "
        "can: `table.astype(object)`.",
        "`.where(table.notna(), None)` keeps what is known, and puts None in all other places.",
    ),
    wrong={
        "def to_instances(table):\n    return table.to_dict('records')": "no `nan`",
        "def to_instances(table):\n    return table.fillna(0).to_dict('records')": "stays missing",
        "def to_instances(table):\n    return table.dropna().to_dict('records')": "2 rows",
        "def to_instances(table):\n    return table.to_dict()": "a list",
        "def to_instances(table):\n    return table.values.tolist()": "without names",
        "def to_instances(table):\n    return table.to_json(orient='records')": "a list",
        "to_instances = 'records'": "a function",
    },
    given=lambda: {"pd": pd, "json": json},
)
def q1(to_instances: Callable[[pd.DataFrame], list[dict[str, Any]]]) -> str:
    """Do the rows say what they are, and can they go over the wire?"""
    if not callable(to_instances):
        raise NotYet("`to_instances` must be a function of `table`.")
    if "____" in getattr(getattr(to_instances, "__code__", None), "co_names", ()):
        raise StillBlank
    table = pd.DataFrame({"carrier": ["UA", "AA"], "dewp": [59.0, 61.0], "seats": [149, math.nan]})
    rows = to_instances(table.copy())
    if isinstance(rows, Blank):
        raise StillBlank
    if not isinstance(rows, list):
        raise NotYet("it must return a list, with an entry for each row.")
    if len(rows) != len(table):
        raise NotYet(f"a table of 2 rows gave {len(rows)}. Every flight wants an answer.")
    if not all(isinstance(row, dict) for row in rows):
        raise NotYet("a row is still a list of values without names. Make it a dictionary.")
    if any(set(row) != set(table) for row in rows):
        raise NotYet("each row must have all columns, by their names.")
    try:
        json.dumps(rows, allow_nan=False)
    except (TypeError, ValueError):
        raise NotYet("JSON has no `nan`: put None where a value is missing.") from None
    expected = [
        {"carrier": "UA", "dewp": 59.0, "seats": 149.0},
        {"carrier": "AA", "dewp": 61.0, "seats": None},
    ]
    if rows != expected:
        raise NotYet(f"the rows must be {expected}: what is missing stays missing.")
    return "now a row says what it is, in whatever order."


@exercise(
    LAB,
    hints=(
        "The name of the upper limit stands below the manifest; that of the lower one is in it.",
        'A dictionary is written `{"name": value, "name": value}`.',
        "A percentage is a whole number here: ten percent is 10.",
    ),
    wrong={
        'scaling = {"minReplicas": 2, "maxReplica": 4, "canaryTrafficPercent": 10}': "maxReplica",
        'scaling = {"minReplicas": 2, "maxReplicas": 4}': "canaryTrafficPercent",
        'scaling = {"minReplicas": 2, "maxReplicas": 4, "canaryTrafficPercent": 0.1}': "whole",
        'scaling = {"minReplicas": 2, "maxReplicas": 4, "canaryTrafficPercent": 90}': "newest",
        'scaling = {"minReplicas": 1, "maxReplicas": 4, "canaryTrafficPercent": 10}': "may fail",
        'scaling = {"minReplicas": 4, "maxReplicas": 2, "canaryTrafficPercent": 10}': "below",
        'scaling = {"minReplicas": 2, "maxReplicas": 40, "canaryTrafficPercent": 10}': "at most 4",
        'scaling = {"minReplicas": "2", "maxReplicas": 4, "canaryTrafficPercent": 10}': "whole",
        "scaling = [2, 4, 10]": "a dictionary",
    },
    given=dict,
)
def q2(scaling: dict[str, int]) -> str:
    """Do the fields say how many replicas there are, and how many requests the canary gets?"""
    if not isinstance(scaling, dict):
        raise NotYet('`scaling` is a dictionary, such as `{"minReplicas": 1}`.')
    if any(isinstance(value, Blank) for value in scaling.values()):
        raise StillBlank
    known = ("minReplicas", "maxReplicas", "canaryTrafficPercent")
    if unknown := [str(name) for name in scaling if name not in known]:
        raise NotYet(f"KServe has no field {', '.join(unknown)} there, and would drop it.")
    if lacking := [name for name in known if name not in scaling]:
        raise NotYet(f"{', '.join(lacking)} is still to be given.")
    if any(type(value) is not int for value in scaling.values()):
        raise NotYet("all three are whole numbers, without quotes: ten percent is 10.")
    least, most, canary = (scaling[name] for name in known)
    if most < least:
        raise NotYet(f"at most {most} is below at least {least}.")
    if least != 2:
        raise NotYet("at least 2: one may fail, and the other still answers. More cost more.")
    if most != 4:
        raise NotYet("at most 4 replicas were asked for.")
    if canary != 10:
        raise NotYet("the percentage is that of the newest release, and 10 were asked for.")
    return "all three are fields that KServe knows."
