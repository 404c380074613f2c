"""Does a release fit a service? What it needs of each feature, against what the service delivers.

A model knows the names of its columns, and refuses a table that lacks one. That a number comes in
another unit, nothing in it can notice. So a package says what it needs, in a file of its own, and
is compared before it serves.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from mlops_school import files
from mlops_school.errors import CourseError
from mlops_school.features import CATEGORICAL, NUMERIC

NEEDS = "features.json"

_UNITS = {
    "minute_of_day": "minutes",
    "distance": "miles",
    "temp": "°F",
    "dewp": "°F",
    "humid": "percent",
    "wind_speed": "miles per hour",
    "wind_gust": "miles per hour",
    "precip": "inches",
    "pressure": "hectopascals",
    "visib": "miles",
}


@dataclass(frozen=True)
class Column:
    """What is agreed on about a feature.

    Attributes
    ----------
    kind : str
        ``text`` or ``number``.
    unit : str
        Of the number; empty if it has none.
    """

    kind: str
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.kind} in {self.unit}" if self.unit else self.kind


Columns = Mapping[str, Column]

# What our service delivers to its model.
DELIVERED: Columns = {
    **dict.fromkeys(CATEGORICAL, Column("text")),
    **{name: Column("number", _UNITS.get(name, "")) for name in NUMERIC},
}


def problems(needed: Columns, delivered: Columns) -> list[str]:
    """Return why a release cannot work with what a service delivers, a sentence each.

    Parameters
    ----------
    needed, delivered : mapping of str to Column
        Features by name. What is delivered and not needed does no harm.
    """
    found = []
    for name, need in needed.items():
        if name not in delivered:
            found.append(f"{name} ({need}) is needed, and not delivered.")
        elif delivered[name] != need:
            found.append(f"{name} is needed as {need}, and delivered as {delivered[name]}.")
    return found


def write(folder: Path, needed: Columns = DELIVERED) -> None:
    """Write into a package which features its model needs."""
    text = json.dumps({name: asdict(need) for name, need in needed.items()}, indent=2)
    with files.replacing(folder / NEEDS) as part:
        part.write_text(text, encoding="utf-8")


def read(folder: Path) -> dict[str, Column]:
    """Return the features that a package says it needs.

    Raises
    ------
    CourseError
        If it does not say so.
    """
    try:
        content = json.loads((folder / NEEDS).read_text(encoding="utf-8"))
        return {name: Column(**need) for name, need in content.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        raise CourseError(
            f"The package does not say which features it needs: its {NEEDS} is missing, or cannot "
            "be read. Pack the model again."
        ) from None


def require(folder: Path, delivered: Columns = DELIVERED) -> None:
    """Raise a CourseError with the reasons unless a package fits a service."""
    if found := problems(read(folder), delivered):
        raise CourseError("\n".join(["This release does not fit the service.", *found]))


# ---- a change of a feature, rehearsed

OLD: Columns = {"temp": Column("number", "°F")}
NEW: Columns = {"temp_c": Column("number", "°C")}
NEEDED_BY: Mapping[int, Columns] = {1: OLD, 2: NEW, 3: NEW}
STEPS = ("expand", "release 2", "release 3", "contract")


def rehearse(steps: Sequence[str]) -> pd.DataFrame:
    """Return what happens while a service changes the unit of a feature, step by step.

    It begins with release 1, which needs ``temp`` in °F. Releases 2 and 3 need ``temp_c`` in °C.

    Parameters
    ----------
    steps : sequence of str
        ``expand``: the service delivers both; ``contract``: only ``temp_c``; ``release 2`` and
        ``release 3`` put a release into service.

    Returns
    -------
    DataFrame
        A row a step: the ``step``; what is ``delivered``; the release that ``serves`` and the one
        ``before`` it; whether it ``works``; and whether there is a ``way back`` (requirement R10).

    Raises
    ------
    CourseError
        If there is no such step.
    """
    delivered, serves, before = dict(OLD), 1, None
    rows = []
    for step in steps:
        if step == "expand":
            delivered = {**OLD, **NEW}
        elif step == "contract":
            delivered = dict(NEW)
        elif step in STEPS:
            before, serves = serves, int(step.split()[1])
        else:
            raise CourseError(f"There is no step {step!r}. The steps are {', '.join(STEPS)}.")
        rows.append(
            {
                "step": step,
                "delivered": ", ".join(delivered),
                "serves": serves,
                "before": before or "none",
                "works": not problems(NEEDED_BY[serves], delivered),
                "way back": before is None or not problems(NEEDED_BY[before], delivered),
            }
        )
    return pd.DataFrame(rows)
