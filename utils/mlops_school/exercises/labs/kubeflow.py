"""Exercises of the lab on Kubeflow Pipelines."""

import operator
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlops_school import files
from mlops_school.exercises import Blank, NotYet, StillBlank, exercise
from mlops_school.process import load_requirements

LAB = "kubeflow"


@dataclass(frozen=True, eq=False)
class _Comparison:
    """What a comparison with a promise gives: nothing is decided yet."""

    compare: Callable[[float, float], bool]
    limit: float


class _Promise:
    """Stands in for an output of a step: it can be compared, and has no value yet."""

    def __ge__(self, limit: float) -> _Comparison:
        return _Comparison(operator.ge, limit)

    def __gt__(self, limit: float) -> _Comparison:
        return _Comparison(operator.gt, limit)

    def __le__(self, limit: float) -> _Comparison:
        return _Comparison(operator.le, limit)

    def __lt__(self, limit: float) -> _Comparison:
        return _Comparison(operator.lt, limit)


def _minimum() -> dict[str, Any]:
    minimum = load_requirements()["R3"].limits["minimum_roc_auc"]
    return {"MINIMUM": minimum, "minimum": minimum}


@exercise(
    LAB,
    hints=(
        "Compare `auc` with `MINIMUM`, and return the comparison. Do not decide anything.",
        "`if`, `and`, `not` and `bool` ask for True or False at once. A promise cannot say that.",
    ),
    wrong={
        "condition = lambda auc: auc > MINIMUM": "just reaches the minimum",
        "condition = lambda auc: auc <= MINIMUM": "other way round",
        "condition = lambda auc: not auc < MINIMUM": "already decided",
        "def condition(auc):\n    if auc >= MINIMUM:\n        return True\n    return False": (
            "already decided"
        ),
        "condition = lambda auc: bool(auc >= MINIMUM)": "already decided",
        "condition = lambda auc: float(auc) >= MINIMUM": "no number yet",
        "condition = 0.7 >= MINIMUM": "a function",
        "def condition(auc):\n    auc >= MINIMUM": "returns nothing",
        "condition = lambda auc: 'auc >= MINIMUM'": "return a comparison",
    },
    given=_minimum,
)
def q1(condition: Callable[[Any], Any], minimum: float) -> str:
    """Which condition can wait for its number?"""
    if not callable(condition):
        raise NotYet("`condition` must be a function of `auc`.")
    try:
        said = condition(_Promise())
    except TypeError:
        raise NotYet("a promise is no number yet, so nothing can be computed from it.") from None
    if isinstance(said, Blank):
        raise StillBlank
    if said is None:
        raise NotYet("your function returns nothing. Is there a `return`?")
    if isinstance(said, bool):
        raise NotYet(
            f"of a promise, your function makes {said}: Python has already decided, before there "
            "is a number. Return the comparison itself."
        )
    if not isinstance(said, _Comparison):
        raise NotYet("return a comparison of `auc` with `MINIMUM`.")
    if said.compare(minimum - 0.05, said.limit):
        raise NotYet("it is the other way round: a model below the minimum would pass.")
    if not said.compare(minimum + 0.05, said.limit):
        raise NotYet("a model that is better than the minimum would not pass.")
    if not said.compare(minimum, said.limit):
        raise NotYet("a model that just reaches the minimum meets the requirement.")
    if said.compare(minimum - 1e-6, said.limit):
        raise NotYet("a model that is a little below the minimum would pass: take `MINIMUM`.")
    return "it is decided when the pipeline runs, and the minimum itself is enough."


def _modules() -> dict[str, Any]:
    return {"files": files, "os": os, "time": time, "Path": Path}


@exercise(
    LAB,
    hints=(
        "Files with the same bytes get the same stamp, wherever and whenever they were written.",
        "The package checks model files by a fingerprint of their bytes. Type `files.` and Tab.",
    ),
    wrong={
        "stamp_of = lambda path: str(path)": "the content is another",
        "stamp_of = lambda path: str(time.time_ns())": "nothing has changed",
        "stamp_of = lambda path: str(os.stat(path).st_mtime_ns)": "same content",
        "stamp_of = lambda path: str(os.stat(path).st_size)": "as long as before",
        "stamp_of = lambda path: os.stat(path).st_size": "a text",
        "stamp_of = 'version 2'": "a function",
    },
    given=_modules,
)
def q2(stamp_of: Callable[[Path], str]) -> str:
    """What must the cache see to notice new data?"""
    if not callable(stamp_of):
        raise NotYet("`stamp_of` must be a function of `path`.")
    with tempfile.TemporaryDirectory() as folder:
        path, copy = Path(folder) / "learn.parquet", Path(folder) / "copy.parquet"
        path.write_bytes(b"January")
        first = stamp_of(path)
        if isinstance(first, Blank):
            raise StillBlank
        if not isinstance(first, str):
            raise NotYet("the stamp must be a text, since the pipeline declares it as `str`.")
        time.sleep(0.01)  # so that a clock that is looked at has moved on
        if stamp_of(path) != first:
            raise NotYet("nothing has changed, and the stamp is another: nothing is ever cached.")
        path.write_bytes(b"January and February")
        if stamp_of(path) == first:
            raise NotYet("the content is another, and the stamp is the same.")
        path.write_bytes(b"JANUARY")
        if stamp_of(path) == first:
            raise NotYet(
                "a file that is as long as before, with other content, has the same stamp."
            )
        copy.write_bytes(b"January")
        os.utime(copy, ns=(10**18, 10**18))
        path.write_bytes(b"January")
        os.utime(path, ns=(2 * 10**18, 2 * 10**18))
        if not stamp_of(path) == stamp_of(copy) == first:
            raise NotYet("the same content has another stamp when it was copied or written anew.")
    return "the bytes decide, and nothing else."
