"""Exercises of lesson 12, Batch and real-time deployment."""

import json
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from numbers import Real
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel, Field, ValidationError

from mlops_school.errors import CourseError
from mlops_school.exercises import Blank, NotYet, StillBlank, exercise
from mlops_school.files import replacing
from mlops_school.forecasts import Flight

LESSON = "12_deployment"

_DAY = pd.DataFrame(
    {
        "carrier": ["UA", "AA", "B6", "DL"],
        "flight": [1, 2, 3, 4],
        "origin": ["EWR", "JFK", "JFK", "LGA"],
        "departure": [f"2013-06-13T0{hour}:00:00-04:00" for hour in (6, 7, 8, 9)],
    }
)


class _Unplugged(Exception):
    """Stands for a power cut: nothing can be done about it."""


class _Cut(pd.DataFrame):
    """A table that gets half written, then the power is gone."""

    @property
    def _constructor(self) -> type:
        return _Cut

    def to_csv(self, path: Any = None, *args: Any, **kwargs: Any) -> str | None:
        table = pd.DataFrame(self)
        if path is None:  # into memory, where a power cut leaves no trace
            return table.to_csv(None, *args, **kwargs)
        table.iloc[: len(self) // 2].to_csv(path, *args, **kwargs)
        raise _Unplugged


def _forecast(timetable: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(timetable).assign(probability=0.2)


def _forecast_and_cut(timetable: pd.DataFrame) -> pd.DataFrame:
    return _Cut(_forecast(timetable))


def _leaves(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path)
    except FileNotFoundError:
        raise NotYet("when it is done, there is no file at `path`.") from None
    except ValueError:
        raise NotYet("what it leaves at `path` is no CSV file that can be read.") from None


@exercise(
    LESSON,
    hints=(
        "Three things may happen to a batch: it runs twice, it is stopped in the middle, the "
        "timetable changes. In which of them does adding rows to a file go wrong?",
        "Make all forecasts first: `forecast(timetable)`. Then the whole file takes the place of "
        "the old one.",
        "`with replacing(path) as part:` gives the name of a file beside it, to write to. At its "
        "end that file takes the place of `path`, in one step.",
    ),
    wrong={
        "def run_day(timetable, path, forecast):\n"
        "    forecast(timetable).to_csv(path, mode='a', header=not path.exists(), index=False)": (
            "after a second run"
        ),
        "def run_day(timetable, path, forecast):\n"
        "    if not path.exists():\n"
        "        with replacing(path) as part:\n"
        "            forecast(timetable).to_csv(part, index=False)": "correction never",
        "def run_day(timetable, path, forecast):\n"
        "    forecast(timetable).to_csv(path, index=False)": "unplugged",
        "def run_day(timetable, path, forecast):\n"
        "    path.write_text(forecast(timetable).to_csv(index=False))": "unplugged",
        "def run_day(timetable, path, forecast):\n"
        "    new = forecast(timetable)\n"
        "    old = pd.read_csv(path) if path.exists() else new.head(0)\n"
        "    both = pd.concat([old, new]).drop_duplicates(['carrier', 'flight'], keep='last')\n"
        "    with replacing(path) as part:\n"
        "        both.to_csv(part, index=False)": "cancelled",
        "def run_day(timetable, path, forecast):\n"
        "    path.unlink(missing_ok=True)\n"
        "    forecast(timetable).to_csv(path, index=False)": "unplugged",
        "run_day = 'replacing'": "function",
        "def run_day(timetable, path, forecast):\n    return forecast(timetable)": "no file",
    },
    given=lambda: {"replacing": replacing, "pd": pd},
)
def q1(run_day: Callable[[pd.DataFrame, Path, Callable], None]) -> str:
    """Does the batch leave one forecast for each flight, whatever happens?"""
    if not callable(run_day):
        raise NotYet("`run_day` is a function of `timetable`, `path` and `forecast`.")
    if "____" in getattr(getattr(run_day, "__code__", None), "co_names", ()):
        raise StillBlank
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "forecasts.csv"
        run_day(_DAY, path, _forecast)
        if len(_leaves(path)) != len(_DAY):
            raise NotYet(f"{len(_DAY)} flights, but {len(_leaves(path))} forecasts in the file.")
        run_day(_DAY, path, _forecast)
        if (found := len(_leaves(path))) != len(_DAY):
            raise NotYet(f"after a second run, {len(_DAY)} flights have {found} forecasts.")

        corrected = _DAY.drop(index=1)
        corrected.loc[2, "departure"] = "2013-06-13T12:00:00-04:00"
        run_day(corrected, path, _forecast)
        left = _leaves(path)
        if "2013-06-13T12:00:00-04:00" not in set(left["departure"]):
            raise NotYet("a correction never gets in: a flight was moved, and its old time stays.")
        if "AA" in set(left["carrier"]):
            raise NotYet("a flight that the corrected timetable has cancelled is still there.")
        if len(left) != len(corrected):
            raise NotYet("after a correction, each flight must still have one forecast.")

        before, twin = path.read_bytes(), path.with_name("twin")
        os.link(path, twin)  # another name of the old file: shows if that one is written into
        with suppress(_Unplugged, CourseError):  # the answer may itself say what went wrong
            run_day(_DAY, path, _forecast_and_cut)
        complete = path.exists() and (
            path.read_bytes() == before or len(_leaves(path)) == len(_DAY)
        )
        if not complete or twin.read_bytes() != before:
            raise NotYet(
                "unplugged while it writes, it leaves half a day under the name of the whole. Let "
                "the old file stay until the new one is complete."
            )
    return "run it as often as you like. Such a job can simply be started again when in doubt."


_COST = {"at once": 6.17, 1: 6.17, 6: 6.27, 12: 7.18, 24: 10.07}


@exercise(
    LESSON,
    hints=(
        "R2 names two services without a model. What do they cost in this week?",
        "The batch must cost less than **both**, so less than `min(never, always)`.",
        "Leave out `'at once'`, keep the hours that cost less than that, and take the largest. Or "
        "read it off the picture.",
    ),
    wrong={
        "rarest = 24": "cost more than warning of every flight",
        "rarest = 12": "cost more than warning of every flight",
        "rarest = 1": "may run less often",
        "rarest = 6.27": "hours",
        "rarest = [1, 6]": "one number",
        "rarest = 'at once'": "one number",
    },
    given=lambda: {"cost": _COST, "never": 12.98, "always": 6.76},
)
def q2(rarest: int, cost: dict[int | str, float], never: float, always: float) -> str:
    """How rarely may the batch run?"""
    if not isinstance(rarest, Real):
        raise NotYet("`rarest` is one number: the hours from one run to the next.")
    cost = {hours: dollars for hours, dollars in cost.items() if hours != "at once"}
    if rarest not in cost:
        raise NotYet(f"give the hours between two runs: one of {', '.join(map(str, cost))}.")
    limit = min(never, always)
    if cost[rarest] >= limit:
        raise NotYet(
            f"every {rarest} hours, mistakes cost more than warning of every flight does. That "
            "breaks R2."
        )
    if rarest != max(hours for hours in cost if cost[hours] < limit):
        raise NotYet("that meets R2, but it may run less often and still meet it.")
    return "four runs a day are enough. Once a night, the same model is worse than no model."


_BOOKING = {
    "carrier": "UA",
    "origin": "EWR",
    "dest": "ORD",
    "departure": "2013-07-01T17:30:00-04:00",
}


@exercise(
    LESSON,
    hints=(
        "`passengers: int = Field(…)` declares the field; what must hold goes between the "
        "parentheses.",
        "`ge` is the least value that is allowed (greater or equal), `le` the greatest.",
        'pydantic is helpful: it takes the text "12", and even `true`, for a number. With '
        "`strict=True` it does not.",
    ),
    wrong={
        "class Booking(Flight):\n    passengers: int": "0 passengers",
        "class Booking(Flight):\n    passengers: int = Field(ge=1, le=853)": "strict",
        "class Booking(Flight):\n    passengers: int = Field(ge=1, strict=True)": "854",
        "class Booking(Flight):\n    passengers: int = Field(1, ge=1, le=853, strict=True)": (
            "forgets"
        ),
        "class Booking(Flight):\n    passengers: int = Field(gt=1, lt=853, strict=True)": (
            "1 passenger "
        ),
        "class Booking(BaseModel):\n    passengers: int = Field(ge=1, le=853, strict=True)": (
            "Booking(Flight)"
        ),
    },
    given=lambda: {"Flight": Flight, "Field": Field, "BaseModel": BaseModel},
)
def q3(Booking: type[BaseModel]) -> str:
    """Does the model refuse what cannot be?"""
    if not (isinstance(Booking, type) and issubclass(Booking, Flight)):
        raise NotYet("`Booking` has all that a flight has, and more: `class Booking(Flight):`.")
    if (field := Booking.model_fields.get("passengers")) and isinstance(field.default, Blank):
        raise StillBlank
    for passengers in (1, 200, 853):
        if not _accepts(Booking, {"passengers": passengers}):
            word = "passenger is" if passengers == 1 else "passengers are"
            raise NotYet(f"{passengers} {word} refused, and {passengers} can be.")
    if _accepts(Booking, {}):
        raise NotYet("a client that forgets `passengers` is not told so. It has no default.")
    for passengers in (0, -3, 854):
        if _accepts(Booking, {"passengers": passengers}):
            raise NotYet(f"{passengers} passengers are accepted.")
    for passengers in ("12", 2.5, True, 12.0, None):
        if _accepts(Booking, {"passengers": passengers}):
            raise NotYet(
                f"`{json.dumps(passengers)}` is accepted, and is no whole number in JSON. The type "
                "alone is not strict."
            )
    if _accepts(Booking, {"passengers": 2, "dest": "XXX"}):
        raise NotYet("the rules for a flight no longer hold.")
    return "a rule in one line, and every request that breaks it gets a 422 that names the field."


def _accepts(model: type[BaseModel], change: dict[str, Any]) -> bool:
    try:
        model(**_BOOKING | change)
    except ValidationError:
        return False
    return True


def _log() -> dict[str, Any]:
    refused = {
        "kiosk/1.0": (30, 9, "dest"),
        "app/5.2": (10, 0, ""),
        "board/2.1": (10, 8, "departure"),
    }
    rows = [
        {
            "client": client,
            "path": "/forecast",
            "status": 422 if number < bad else 200,
            "wrong": [field] if number < bad else [],
        }
        for client, (requests, bad, field) in refused.items()
        for number in range(requests)
    ]
    return {"log": pd.DataFrame(rows)}


@exercise(
    LESSON,
    hints=(
        "Kiosks send more requests than the others, so they also make more mistakes. Compare "
        "**shares**.",
        "`(log['status'] == 422).groupby(log['client']).mean()` is the refused share of each "
        "client.",
        "Which field it was stands in the column `wrong` of the rows of that client.",
    ),
    wrong={
        "broken_client = 'kiosk/1.0'\nbroken_field = 'dest'": "more requests",
        "broken_client = 'app/5.2'\nbroken_field = 'departure'": "nothing was refused",
        "broken_client = 'board/2.1'\nbroken_field = 'dest'": "column `wrong`",
        "broken_client = 'board'\nbroken_field = 'departure'": "as the log writes it",
        "broken_client = 'board/2.1'\nbroken_field = ['departure']": "text",
    },
    given=_log,
)
def q4(broken_client: str, broken_field: str, log: pd.DataFrame) -> str:
    """Which client is broken, and what does it send wrongly?"""
    if not (isinstance(broken_client, str) and isinstance(broken_field, str)):
        raise NotYet("both answers are text, in quotes.")
    forecasts = log[log["path"] == "/forecast"]
    refused = (forecasts["status"] == 422).groupby(forecasts["client"]).mean()
    if broken_client not in refused:
        raise NotYet(f"write the client as the log writes it: {', '.join(refused.index)}.")
    if refused[broken_client] == 0:
        raise NotYet(f"of {broken_client}, nothing was refused.")
    if broken_client != refused.idxmax():
        raise NotYet(
            f"{broken_client} has the most refusals because it sends more requests. Of its own, "
            f"{refused[broken_client]:.0%} are refused; of another client's, {refused.max():.0%}."
        )
    theirs = forecasts.loc[forecasts["client"] == broken_client, "wrong"].explode()
    if broken_field not in set(theirs.dropna()):
        raise NotYet("that field is not the one. Look into the column `wrong` of that client.")
    return f"{broken_client} sends a `{broken_field}` that is wrong. Nobody had to be asked."
