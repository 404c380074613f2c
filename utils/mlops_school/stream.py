"""A stream of events, and a consumer that survives being killed.

The log stands in for one partition of a topic in Apache Kafka: events are only ever added at its
end, each has a number, its *offset*, and reading takes nothing away. The consumer counts what it
reads, and remembers how far it has come, in one SQLite file.

``python -m mlops_school.stream`` is a consumer in a process of its own, which :func:`run` and
:func:`kill` start.
"""

import json
import os
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mlops_school import killing
from mlops_school.errors import CourseError

Event = Mapping[str, Any]
KEY = ("carrier", "flight", "origin", "departure")  # of a flight, in all of 2013

# With a write-ahead log, SQLite need not wait for the disk at each commit. A killed process loses
# no commit; a power failure may take the last ones, but whole, so effect and offset still agree.
_TABLES = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS landed (origin TEXT PRIMARY KEY, flights INTEGER, late INTEGER);
CREATE TABLE IF NOT EXISTS seen (key TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS progress (consumer INTEGER PRIMARY KEY, next INTEGER);
INSERT OR IGNORE INTO progress VALUES (1, 0);
"""


class Log:
    """An append-only file with an event a line; the number of its line is an event's offset.

    Parameters
    ----------
    path : Path
        The file. It is made if it is not there.
    anew : bool
        Whether to begin with an empty log, whatever the file holds.
    """

    def __init__(self, path: Path, anew: bool = False) -> None:
        self.path = path
        if anew:
            path.write_bytes(b"")
        path.touch()

    def append(self, events: Iterable[Event]) -> None:
        """Add events at the end; when this returns, they are on the disk."""
        with self.path.open("r+b") as stream:
            # A producer that was killed may have left half a line. Nobody was told it is safe.
            stream.truncate(stream.read().rfind(b"\n") + 1)
            stream.seek(0, os.SEEK_END)
            stream.write(b"".join(json.dumps(event).encode() + b"\n" for event in events))
            stream.flush()
            os.fsync(stream.fileno())

    def read(self, start: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield offset and event, from the offset `start` to the end of the log."""
        with self.path.open("rb") as stream:
            for offset, line in enumerate(stream):
                if offset >= start and line.endswith(b"\n"):
                    yield offset, json.loads(line)


def connect(path: Path) -> sqlite3.Connection:
    """Open the consumer's database, and make it if it is not there."""
    database = sqlite3.connect(path)
    database.executescript(_TABLES)
    return database


def count(database: sqlite3.Connection, event: Event) -> None:
    """Count a landing at the airport that the flight came from: the *effect* of an event."""
    database.execute(
        "INSERT INTO landed VALUES (?, 1, ?) ON CONFLICT (origin) "
        "DO UPDATE SET flights = flights + 1, late = late + excluded.late",
        (event["origin"], int(event["late"])),
    )


def remember(database: sqlite3.Connection, offset: int) -> None:
    """Note the offset from which a consumer that starts again must go on."""
    database.execute("UPDATE progress SET next = ?", (offset,))


def is_new(database: sqlite3.Connection, event: Event) -> bool:
    """Tell whether a flight is seen for the first time, and note that it has been seen."""
    key = json.dumps([event[name] for name in KEY])
    return database.execute("INSERT OR IGNORE INTO seen VALUES (?)", (key,)).rowcount == 1


def position(database: sqlite3.Connection) -> int:
    """Return the offset of the first event that has not been handled."""
    return database.execute("SELECT next FROM progress").fetchone()[0]


def counted(database: sqlite3.Connection) -> int:
    """Return how many landings have been counted."""
    return database.execute("SELECT coalesce(sum(flights), 0) FROM landed").fetchone()[0]


# How an event can be handled. Each stops where a kill does most harm, at its `yield`.


def offset_first(database: sqlite3.Connection, offset: int, event: Event) -> Iterator[None]:
    """At most once: if it is killed in between, the event is never counted."""
    with database:
        remember(database, offset + 1)
    yield
    with database:
        count(database, event)


def effect_first(database: sqlite3.Connection, offset: int, event: Event) -> Iterator[None]:
    """At least once: if it is killed in between, the event is counted again."""
    with database:
        count(database, event)
    yield
    with database:
        remember(database, offset + 1)


def together(database: sqlite3.Connection, offset: int, event: Event) -> Iterator[None]:
    """Exactly one effect: both are kept, or neither is."""
    with database:
        count(database, event)
        yield
        remember(database, offset + 1)


def once_per_flight(database: sqlite3.Connection, offset: int, event: Event) -> Iterator[None]:
    """As `together`; a flight that has been counted is not counted again."""
    with database:
        if is_new(database, event):
            count(database, event)
        yield
        remember(database, offset + 1)


HANDLERS = {
    "offset first": offset_first,
    "effect first": effect_first,
    "together": together,
    "once per flight": once_per_flight,
}


def consume(
    log: Path, database: Path, handler: str, between: Callable[[], None] = lambda: None
) -> None:
    """Handle all events of a log that have not been handled.

    Parameters
    ----------
    log, database : Path
        The log, and the consumer's SQLite file.
    handler : str
        A key of ``HANDLERS``.
    between : callable
        Called in the middle of each event.
    """
    connection = connect(database)
    try:
        for offset, event in Log(log).read(position(connection)):
            for _ in HANDLERS[handler](connection, offset, event):
                between()
    finally:
        connection.close()


def run(log: Path, database: Path, handler: str) -> int:
    """Let a consumer handle the rest of the log, and return how many landings are counted then."""
    consume(log, database, handler)
    connection = connect(database)
    try:
        return counted(connection)
    finally:
        connection.close()


def kill(log: Path, database: Path, handler: str, event: int) -> None:
    """Start a consumer in a process of its own, and kill it in the middle of an event.

    Parameters
    ----------
    log, database, handler
        As for :func:`consume`.
    event : int
        In the middle of which event that it handles: 1 is the first.

    Raises
    ------
    CourseError
        If the consumer ended by itself before it could be killed.
    """
    if not killing.kill(__name__, str(log), str(database), handler, str(event)):
        raise CourseError(
            f"The consumer ended before event {event}: the log holds no more. Choose a smaller one."
        )


def count_with_kills(log: Path, database: Path, handler: str, kills: Iterable[int]) -> int:
    """Begin anew, kill consumer after consumer, let the last one finish, and return its count.

    Parameters
    ----------
    log, database, handler
        As for :func:`consume`. The database is made anew.
    kills : iterable of int
        In the middle of which event, counted from its own start, each consumer is killed.
    """
    for suffix in ("", "-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    for event in kills:
        kill(log, database, handler, event)
    return run(log, database, handler)


def count_by_hour(events: Iterable[Event], wait: float) -> tuple[dict[int, int], int]:
    """Count landings by the hour in which they happened, while they come in.

    An hour is closed, and its number given out, as soon as an event says that it is `wait` hours
    later (a *watermark*). An event of an hour that is closed comes too late.

    Parameters
    ----------
    events : iterable of mapping
        In the order in which they came; each has ``landed``, in hours of the day.
    wait : float
        Hours to wait for late events.

    Returns
    -------
    hours : dict of int to int
        Landings by hour of the day.
    too_late : int
        How many events are in none of them.
    """
    hours: dict[int, int] = {}
    too_late, newest = 0, float("-inf")
    for event in events:
        newest = max(newest, event["landed"])
        hour = int(event["landed"])
        if hour + 1 + wait <= newest:
            too_late += 1
        else:
            hours[hour] = hours.get(hour, 0) + 1
    return hours, too_late


def _victim(log: str, database: str, handler: str, event: str) -> None:
    consume(Path(log), Path(database), handler, killing.at_call(int(event)))


if __name__ == "__main__":
    _victim(*sys.argv[1:])
