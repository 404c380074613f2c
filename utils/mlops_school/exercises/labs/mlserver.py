"""Exercises of the lab on Seldon MLServer."""

import json
import math
from collections.abc import Callable
from typing import Any

import pandas as pd

from mlops_school.exercises import Blank, NotYet, StillBlank, exercise
from mlops_school.features import CATEGORICAL, FEATURES

LAB = "mlserver"


def _blank(function: Callable[..., Any]) -> bool:
    """Tell whether a function of the learner still has its blank."""
    return "____" in getattr(getattr(function, "__code__", None), "co_names", ())


@exercise(
    LAB,
    hints=(
        "Four fields: `name`, `shape`, `datatype`, `data`. Print a tensor of the cell above again.",
        "`shape` is a list with one number, `[len(values)]`. `datatype` is `BYTES` if the first "
        "value is text.",
        "`nan` is the only value that differs from itself: `value if value == value else None`.",
    ),
    wrong={
        "def encode_column(name, values):\n"
        "    return {'name': name, 'shape': [len(values)], 'datatype': 'FP64', 'data': values}": (
            "BYTES"
        ),
        "def encode_column(name, values):\n"
        "    datatype = 'BYTES' if isinstance(values[0], str) else 'FP64'\n"
        "    return {'name': name, 'shape': [len(values)], 'datatype': datatype, "
        "'data': values}": "JSON",
        "def encode_column(name, values):\n"
        "    datatype = 'BYTES' if isinstance(values[0], str) else 'FP64'\n"
        "    data = [0 if v != v else v for v in values]\n"
        "    return {'name': name, 'shape': [len(values)], 'datatype': datatype, "
        "'data': data}": "missing",
        "def encode_column(name, values):\n"
        "    datatype = 'BYTES' if isinstance(values[0], str) else 'FP64'\n"
        "    data = [v for v in values if v == v]\n"
        "    return {'name': name, 'shape': [len(data)], 'datatype': datatype, "
        "'data': data}": "each row",
        "def encode_column(name, values):\n"
        "    datatype = 'BYTES' if isinstance(values[0], str) else 'FP64'\n"
        "    data = [v if v == v else None for v in values]\n"
        "    return {'name': name, 'shape': len(values), 'datatype': datatype, "
        "'data': data}": "a list",
        "encode_column = lambda name, values: {'name': name, 'data': values}": "shape",
        "encode_column = lambda name, values: json.dumps(values)": "dictionary",
        "encode_column = 'BYTES'": "a function",
    },
    given=lambda: {"json": json, "math": math},
)
def q1(encode_column: Callable[[str, list], dict[str, Any]]) -> str:
    """Is the column a tensor that can go over the wire?"""
    if not callable(encode_column):
        raise NotYet("`encode_column` must be a function of `name` and `values`.")
    if _blank(encode_column):
        raise StillBlank
    for name, values in {"carrier": ["UA", "AA"], "seats": [149.0, math.nan, 20.0]}.items():
        tensor = encode_column(name, list(values))
        if isinstance(tensor, Blank):
            raise StillBlank
        if not isinstance(tensor, dict):
            raise NotYet("it must return a dictionary, which is ready for `json.dumps`.")
        if lacking := [key for key in ("name", "shape", "datatype", "data") if key not in tensor]:
            raise NotYet(f"the tensor lacks {', '.join(lacking)}.")
        if tensor["name"] != name:
            raise NotYet("the field `name` must be the name of the column.")
        datatype = "BYTES" if name == "carrier" else "FP64"
        if tensor["datatype"] != datatype:
            raise NotYet(f"the datatype of {values!r} is {datatype}.")
        data = list(tensor["data"])
        if len(data) != len(values):
            raise NotYet("each row keeps its place, also where the value is missing.")
        if not isinstance(tensor["shape"], list | tuple) or list(tensor["shape"]) != [len(values)]:
            raise NotYet(f"the shape of {len(values)} values is a list: `[{len(values)}]`.")
        try:
            json.dumps(tensor, allow_nan=False)
        except ValueError:
            raise NotYet("JSON has no `nan`: write None where a value is missing.") from None
        expected = [None if value != value else value for value in values]
        if data != expected:
            raise NotYet(f"the data must be {expected}: what is missing stays missing.")
    return "that is all there is to a tensor of the V2 protocol."


def _table() -> pd.DataFrame:
    """Return two flights as a server is sent them; of one, the seats are not known."""
    columns = {name: ["x", "y"] if name in CATEGORICAL else [1.0, 2.0] for name in FEATURES}
    return pd.DataFrame(columns | {"seats": [149.0, math.nan]})


@exercise(
    LAB,
    hints=(
        "Ask for missing columns first: without a column `distance` you cannot look into it.",
        "`[name for name in FEATURES if name not in table]` are the missing ones.",
        '`(table["distance"] <= 0).any()` is true if one of them is not above zero.',
    ),
    wrong={
        "def problem(table):\n    return ''": "`distance` is missing",
        "def problem(table):\n"
        "    missing = [name for name in FEATURES if name not in table]\n"
        "    return ', '.join(missing)": "-5",
        "def problem(table):\n"
        "    if (table['distance'] <= 0).any():\n"
        "        return 'distance'\n"
        "    return ', '.join(name for name in FEATURES if name not in table)": "stops with",
        "def problem(table):\n"
        "    for name in FEATURES:\n"
        "        if name not in table:\n"
        "            return name\n"
        "    return 'distance' if (table['distance'] <= 0).any() else ''": "each of them",
        "def problem(table):\n"
        "    missing = [name for name in FEATURES if name not in table]\n"
        "    if missing or table.isna().any(axis=None):\n"
        "        return ', '.join(missing) or 'nan'\n"
        "    return 'distance' if (table['distance'] <= 0).any() else ''": "not known",
        "def problem(table):\n"
        "    missing = [name for name in FEATURES if name not in table]\n"
        "    if missing:\n"
        "        return ', '.join(missing)\n"
        "    return 'distance' if (table['distance'] < 0).any() else ''": "of 0",
        "def problem(table):\n"
        "    missing = [name for name in FEATURES if name not in table]\n"
        "    if missing:\n"
        "        raise ValueError(missing)\n"
        "    return 'distance' if (table['distance'] <= 0).any() else ''": "stops with",
        "problem = 'distance'": "a function",
    },
    given=lambda: {"FEATURES": FEATURES},
)
def q2(problem: Callable[[pd.DataFrame], str]) -> str:
    """Is every table that cannot be forecast refused, with the name of what is wrong?"""
    if not callable(problem):
        raise NotYet("`problem` must be a function of `table`.")
    if _blank(problem):
        raise StillBlank
    good = _table()
    if isinstance(first := problem(good), Blank):
        raise StillBlank
    if first != "":
        raise NotYet(f"a good table got {first!r}. That seats are not known is no problem.")
    for gone in (["distance"], ["carrier", "temp"]):
        try:
            said = problem(good.drop(columns=gone))
        except Exception as error:
            raise NotYet(
                f"with {' and '.join(gone)} missing, it stops with `{type(error).__name__}`. That "
                "is the 500 of the colleague in a hurry."
            ) from None
        names = " and ".join(f"`{name}`" for name in gone)
        if not said or not isinstance(said, str):
            raise NotYet(f"{names} is missing, and your function has no problem with that.")
        if not all(name in said for name in gone):
            raise NotYet(f"{names} are missing. Name each of them, or people ask again and again.")
    for distance in (-5.0, 0.0):
        said = problem(good.assign(distance=[719.0, distance]))
        if not isinstance(said, str) or "distance" not in said:
            raise NotYet(f"a distance of {distance:.0f} miles is accepted.")
    return "in a runtime, it turns failures and silly answers into a 400 that names what is wrong."
