"""Exercises of lesson 13, Streaming and release strategies."""

import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlops_school import data, evaluation, rollouts, stream
from mlops_school.containers import PATHS, simulate_probes
from mlops_school.errors import CourseError
from mlops_school.exercises import NotYet, StillBlank, exercise
from mlops_school.rollouts import Rule

LESSON = "13_streaming_release"

_EVENTS = [{"origin": origin, "late": False} for origin in ("EWR", "JFK", "EWR", "LGA")]


class _Killed(BaseException):
    """What a kill is, within one process."""


class _Mortal(sqlite3.Connection):
    """A connection that is killed before one of its statements."""

    left, total = float("inf"), 0

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        if self.left <= 0:
            raise _Killed
        self.left, self.total = self.left - 1, self.total + 1
        return super().execute(*arguments)


def _consume(handle: Callable[..., Any], path: Path, statements: float) -> None:
    """Handle what is left of the events with a learner's function, until it is killed."""
    stream.connect(path).close()
    database = sqlite3.connect(path, factory=_Mortal)
    try:
        start = stream.position(database)
        database.left = statements
        for offset, event in list(enumerate(_EVENTS))[start:]:
            before = database.total
            handle(database, offset, event)
            if database.total == before:
                raise StillBlank
    except _Killed:
        pass
    finally:
        database.close()


def _found(path: Path) -> tuple[int, int]:
    """Return how many events are counted, and the next offset, as the next process finds them."""
    database = stream.connect(path)
    try:
        return stream.counted(database), stream.position(database)
    finally:
        database.close()


def _handler(*lines: str) -> str:
    return "def handle(database, offset, event):\n" + "".join(f"    {line}\n" for line in lines)


@exercise(
    LESSON,
    hints=(
        "Both must be kept, or neither. What keeps things in a database, and when?",
        "All that stands in one `with database:` block is one transaction: it is kept at the end "
        "of the block, as a whole.",
        "The offset to remember is that of the *next* event, `offset + 1`.",
    ),
    wrong={
        _handler(
            "with database:",
            "    count(database, event)",
            "with database:",
            "    remember(database, offset + 1)",
        ): "counted again",
        _handler(
            "with database:",
            "    remember(database, offset + 1)",
            "with database:",
            "    count(database, event)",
        ): "is lost",
        _handler(
            "with database:", "    count(database, event)", "    remember(database, offset)"
        ): "offset of the next",
        _handler("count(database, event)", "remember(database, offset + 1)"): "nothing is kept",
        _handler("with database:", "    count(database, event)"): "offset of the next",
        _handler("with database:", "    remember(database, offset + 1)"): "counted 0",
        "handle = 'count'": "function",
    },
    given=lambda: {"count": stream.count, "remember": stream.remember},
)
def q1(handle: Callable[..., Any]) -> str:
    """Can your consumer be killed at any moment?"""
    if not callable(handle):
        raise NotYet("`handle` is a function that takes the database, an offset and an event.")
    n = len(_EVENTS)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "whole.db"
        _consume(handle, path, float("inf"))
        counted, following = _found(path)
        if not counted and not following:
            raise NotYet(
                "when the process ends, nothing is kept: no transaction was ever committed."
            )
        if following != n:
            raise NotYet(
                f"after {n} events, the next process would begin at offset {following}. Remember "
                "the offset of the next event, after this one."
            )
        if counted != n:
            raise NotYet(f"of {n} events, and without any kill, it has counted {counted}.")
        for statements in range(2 * n):
            path = Path(folder) / f"{statements}.db"
            _consume(handle, path, statements)
            _consume(handle, path, float("inf"))
            counted, _ = _found(path)
            if counted > n:
                raise NotYet(
                    "killed between the two, it has kept the count and not the offset: the event "
                    "is counted again."
                )
            if counted < n:
                raise NotYet(
                    "killed between the two, it has kept the offset and not the count: the event "
                    "is lost."
                )
    return "killed before each statement in turn, it has lost nothing and counted nothing twice."


_COLUMNS = ("carrier", "flight", "origin", "dest", "departure", "landed", "late", "sent")


@exercise(
    LESSON,
    hints=(
        "Two messages of the same flight must agree in all columns of the key; "
        "two flights must differ in at least one.",
        "What can differ between a message and its repetition? Such a column cannot be in the key.",
        "A flight number is used every day, and by several airlines. When does it leave?",
    ),
    wrong={
        "key = ['carrier', 'flight']": "share",
        "key = ['origin', 'dest', 'departure']": "share",
        "key = ['carrier', 'flight', 'departure', 'sent']": "repetition",
        "key = ['carrier', 'flight', 'departure', 'landed']": "correct",
        "key = ['tailnum', 'departure']": "no column",
        "key = 'flight'": "list",
    },
)
def q2(key: Sequence[str]) -> str:
    """By what is a flight known?"""
    if not (
        isinstance(key, list | tuple | set) and key and all(isinstance(name, str) for name in key)
    ):
        raise NotYet("give a list of names of columns.")
    if unknown := [name for name in key if name not in _COLUMNS]:
        raise NotYet(f"an event has no column {unknown[0]!r}; it has {', '.join(_COLUMNS)}.")
    if "sent" in key:
        raise NotYet("a repetition is sent at another time, so it would look like another flight.")
    if changing := [name for name in ("landed", "late") if name in key]:
        raise NotYet(
            f"`{changing[0]}` is what the message reports. If someone has to correct it, the same "
            "flight gets another key."
        )
    when = ["month", "day", "hour", "minute"]
    columns = [*(name for name in key if name != "departure"), *when * ("departure" in key)]
    flights = data.load_flights(columns=["carrier", "flight", "origin", "dest", *when])
    if shared := int(flights.duplicated(columns, keep=False).sum()):
        raise NotYet(
            f"{shared:,} of {len(flights):,} flights of the year share their key with another one, "
            "and only the first of each would be counted."
        )
    return f"all {len(flights):,} flights of the year differ in it, and a repetition does not."


class _Deploy:
    """Two releases of which the first is in service; a request comes after each step."""

    def __init__(self) -> None:
        self.running, self.live, self.waiting = {"1"}, "1", {"1"}

    def take(self, step: str) -> None:
        """Take a step.

        Raises
        ------
        NotYet
            If a request is lost.
        """
        verb, release = step.split()
        if verb == "start":
            self.running.add(release)
        elif verb == "route":
            self.live = release
        elif verb == "drain":
            if release == self.live:
                raise NotYet(
                    f"`{step}` never ends: new requests keep coming to this release. Send them "
                    "elsewhere first."
                )
            self.waiting.discard(release)
        else:
            self.running.discard(release)
            if release in self.waiting and release != self.live:
                raise NotYet(f"`{step}` cuts off requests that have not been answered yet.")
        if self.live not in self.running:
            raise NotYet(f"after `{step}`, clients are sent to a release that is not up.")
        self.waiting.add(self.live)


_STEPS = [f"{verb} {release}" for verb in ("start", "route", "drain", "stop") for release in "12"]


@exercise(
    LESSON,
    hints=(
        "At every moment there must be a release that is up, and to which requests are sent.",
        "Begin with the start of the new release. The old one still answers meanwhile.",
        "Some requests are still with the old release when the route changes. "
        "`drain` waits for them, so it stands between the route and the stop.",
    ),
    wrong={
        "steps = ['stop 1', 'start 2', 'route 2']": "not up",
        "steps = ['route 2', 'start 2', 'drain 1', 'stop 1']": "not up",
        "steps = ['start 2', 'route 2', 'stop 1']": "cuts off",
        "steps = ['start 2', 'drain 1', 'route 2', 'stop 1']": "never ends",
        "steps = ['start 2', 'route 2', 'drain 1']": "still runs",
        "steps = ['start 2']": "still goes to",
        "steps = ['start', 'route', 'drain', 'stop']": "is no step",
        "steps = 'start 2'": "list",
    },
)
def q3(steps: Sequence[str]) -> str:
    """In which order does a release take the place of another?"""
    if not isinstance(steps, list | tuple):
        raise NotYet("give a list of steps, each a text.")
    deploy = _Deploy()
    for step in steps:
        if step not in _STEPS:
            raise NotYet(f"{step!r} is no step. One is `start 2`, for example.")
        deploy.take(step)
    if deploy.live != "2":
        raise NotYet("in the end, traffic still goes to the old release.")
    if "1" in deploy.running:
        raise NotYet("in the end, the old release still runs. Stop it when nobody waits for it.")
    return "at every moment somebody answers: start, route, drain, stop."


# What a canary rule must achieve; the lesson says the same.
_MARGIN = 0.25
_MAXIMUM_HOURS, _MAXIMUM_HURT = 24, 30


def _random_july() -> dict[str, Any]:
    """Return flights that a coin warns of, so that no model need be trained."""
    rng = np.random.default_rng(0)
    days, flights = 31, 900
    hours = np.sort(rng.uniform(4, 20, (days, flights))) + 24 * np.arange(days)[:, None]
    due = pd.Timestamp("2013-07-01 04:00") + pd.to_timedelta(hours.ravel(), unit="h")
    late = rng.random(days * flights) < 0.35
    july = pd.DataFrame(
        {
            "date": np.repeat(pd.date_range("2013-07-01", periods=days), flights),
            "due": due,
            "known": due + pd.Timedelta(hours=5),
            "bucket": rng.random(days * flights),
        }
    )
    for version, share in (("1", 0.6), ("2", 0.6), ("3", 0.0)):
        warned = rng.random(days * flights) < share
        july[f"warned {version}"] = warned
        july[f"dollars {version}"] = evaluation.mistakes(late, warned)
    return {"july": july}


@exercise(
    LESSON,
    hints=(
        "Begin with the table above, and change one number at a time. Which of the four "
        "conditions does it break?",
        "`needed` sets how many flights are hurt, and how often chance raises a false alarm. "
        "With `needed` settled, `share` sets how long it takes.",
        "Try `needed` between 30 and 80. The share then follows: the candidate must get that many "
        "flights within a day of about 900.",
    ),
    wrong={
        "share, needed = 0.02, 50": "hours",
        "share, needed = 0.3, 300": "are hurt",
        "share, needed = 0.2, 5": "good release",
        "share, needed = 10, 50": "from 0 to 1",
        "share, needed = 0.1, 0": "at least one",
        "share, needed = 0.01, 2000": "larger share",
    },
    given=_random_july,
)
def q4(share: float, needed: int, july: pd.DataFrame) -> str:
    """Which canary finds the fault in time, and hurts few?"""
    if not 0 < share < 1:
        raise NotYet("a share is a number from 0 to 1: a tenth of the flights is 0.1.")
    if needed < 1 or needed != int(needed):
        raise NotYet("`needed` is a number of flights: at least one.")
    try:
        went = rollouts.judge(july, "3", "2", Rule(share, int(needed), _MARGIN))
    except CourseError as error:
        raise NotYet(str(error)) from None
    if went["found"] < went["starts"]:
        raise NotYet(
            f"the faulty release is found in {went['found']:.0f} of {went['starts']:.0f} starts "
            "only: too few answers to tell."
        )
    if went["false alarm"]:
        raise NotYet(
            f"in {went['false alarm']:.0f} of {went['starts']:.0f} starts, the good release is "
            "rolled back: with so few answers, chance is enough."
        )
    if went["hurt"] > _MAXIMUM_HURT:
        raise NotYet(
            f"{went['hurt']:.0f} flights are hurt on average before the rule decides, more than "
            f"{_MAXIMUM_HURT}."
        )
    if went["hours"] > _MAXIMUM_HOURS:
        raise NotYet(f"it takes {went['hours']:.0f} hours on average, more than {_MAXIMUM_HOURS}.")
    return (
        f"found in every start, on average after {went['hours']:.0f} hours and {went['hurt']:.0f} "
        "hurt flights, without a false alarm."
    )


@exercise(
    LESSON,
    hints=(
        "What cures a replica whose process hangs? What does starting it again do to one that "
        "waits for the weather?",
        "Starting again helps if the fault is *in* the process. So liveness asks for nothing that "
        "lies outside of it.",
        "A replica without its model must get no requests. One without weather still can answer.",
    ),
    wrong={
        "liveness, readiness = '/deep', '/deep'": "started again",
        "liveness, readiness = '/deep', '/health'": "started again",
        "liveness, readiness = '/alive', '/deep'": "no replica",
        "liveness, readiness = None, '/health'": "hangs",
        "liveness, readiness = '/alive', '/alive'": "model",
        "liveness, readiness = '/alive', '/healthy'": "no path",
    },
)
def q5(liveness: str | None, readiness: str) -> str:
    """What should the probes ask?"""
    if readiness is None:
        raise NotYet("without a readiness probe, a replica gets requests before it can answer.")
    try:
        went = simulate_probes(liveness, readiness)
    except CourseError as error:
        raise NotYet(str(error)) from None
    restarts = went["restarts"].iloc[-1]
    if restarts > 1:
        raise NotYet(
            f"the weather source is away for five minutes, and healthy replicas are started again: "
            f"{restarts} restarts, which bring no weather back."
        )
    if (went["answered"] == 0).any():
        raise NotYet(
            "while the weather source is away, no replica gets requests, although each of them "
            f"could answer. {PATHS['/deep'].capitalize()}: is that needed?"
        )
    if went["running"].iloc[-1] < went["running"].iloc[0]:
        raise NotYet("the replica that hangs stays so for ever: nothing starts it again.")
    if went["answered"].min() < 1:
        raise NotYet(
            "a replica that has just been started gets requests before its model is there."
        )
    return "one restart, where it helps, and not one lost request."
