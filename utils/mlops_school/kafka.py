"""Kafka on this computer: a cluster that stands in for the real one, and a consumer that is killed.

Needs the environment of the lab on Kafka. ``python -m mlops_school.kafka`` is a consumer in a
process of its own, which :func:`kill_counter` starts.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_school import killing, stream
from mlops_school.errors import CourseError

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Message, Producer

PARTITIONS = 4  # of each topic, as the stand-in makes them
COMMIT_EVERY = 100  # messages that the counter handles until it tells Kafka
PATIENCE = 60  # seconds after which something must be wrong
_COLUMNS = {*stream.KEY, "landed", "late"}
QUIET = {"log_level": 2}  # that a connection ends with its broker is no news here


class Cluster:
    """Three brokers of librdkafka's own mock: another program that speaks Kafka's protocol.

    They live in this process, keep all messages in memory, and end with it. A topic is made when
    it is first written to.

    Attributes
    ----------
    address : str
        Where its brokers listen, for ``bootstrap.servers``.
    """

    def __init__(self) -> None:
        from confluent_kafka import Producer

        self._owner = Producer({"test.mock.num.brokers": 3} | QUIET)
        brokers = self._owner.list_topics(timeout=PATIENCE).brokers.values()
        self.address = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)


def consumer(address: str, group: str) -> "Consumer":
    """Return a consumer that commits only when it is told to, and says when it is at the end."""
    from confluent_kafka import Consumer

    return Consumer(
        {
            "bootstrap.servers": address,
            "group.id": group,
            "group.protocol": "consumer",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
        | QUIET
    )


def producer(address: str) -> "Producer":
    """Return a producer that may repeat itself on the line, but not in the log."""
    from confluent_kafka import Producer

    return Producer({"bootstrap.servers": address, "enable.idempotence": True} | QUIET)


def take_all(reader: "Consumer", topic: str) -> None:
    """Give a consumer all partitions of a topic, from where its group has committed."""
    from confluent_kafka import OFFSET_STORED, TopicPartition

    reader.assign([TopicPartition(topic, n, OFFSET_STORED) for n in range(PARTITIONS)])


def until_the_end(reader: "Consumer") -> Iterator["Message"]:
    """Yield what a consumer has not read yet, until it is at the end of all its partitions.

    Raises
    ------
    CourseError
        If nothing is heard of the brokers.
    """
    from confluent_kafka import KafkaError

    ends: set[int] = set()
    heard = time.monotonic()
    while len(ends) < PARTITIONS:
        message = reader.poll(0.1)
        if message is None:
            if time.monotonic() - heard > PATIENCE:
                raise CourseError(
                    "The brokers do not answer. They end with the kernel that has started them: "
                    "run the notebook again from its first cell."
                )
            continue
        heard = time.monotonic()
        if message.error() is None:
            yield message
        elif message.error().code() == KafkaError._PARTITION_EOF:
            ends.add(message.partition())


def settle(*members: "Consumer") -> list[int]:
    """Let the members of a group share a topic, and return how many partitions each has.

    Raises
    ------
    CourseError
        If they do not come to an end.
    """
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE:
        for member in members:
            member.poll(0.05)
        shares = [len(member.assignment()) for member in members]
        if sum(shares) == PARTITIONS and all(shares):
            return shares
    raise CourseError("The consumers could not share the partitions. Run this cell again.")


def count_landings(
    address: str, topic: str, database: Path, once: bool, between: Callable[[], None] = lambda: None
) -> tuple[int, int]:
    """Count the landings of a topic that the group has not committed, and commit them.

    Parameters
    ----------
    address, topic : str
        Where to read.
    database : Path
        The SQLite file with the counts, as of :mod:`mlops_school.stream`. It names the group.
    once : bool
        Whether a flight that has been counted is left out.
    between : callable
        Called after each effect, before the commit.

    Returns
    -------
    number, counted : int
        How many messages came now, and how many landings are counted in all.
    """
    reader = consumer(address, database.stem)
    take_all(reader, topic)
    number = 0
    with closing(stream.connect(database)) as connection, closing(reader):
        for message in until_the_end(reader):
            count(connection, read(message.value()), once)
            number += 1
            between()
            if not number % COMMIT_EVERY:
                reader.commit(asynchronous=False)
        if number % COMMIT_EVERY:
            reader.commit(asynchronous=False)
        return number, stream.counted(connection)


def read(value: bytes) -> dict[str, Any]:
    """Return the landing that a message holds.

    Raises
    ------
    ValueError
        If it holds none.
    """
    event = json.loads(value)
    if not isinstance(event, dict) or not event.keys() >= _COLUMNS:
        raise ValueError("it is no landing")
    return event


def count(connection: Any, event: stream.Event, once: bool) -> None:
    """Count a landing in one transaction, whether always or once a flight."""
    with connection:
        if not once or stream.is_new(connection, event):
            stream.count(connection, event)


def handle(value: bytes, connection: Any, out: "Producer", dead: str) -> None:
    """Count the landing of a message once; what cannot be read is sent to the topic `dead`."""
    try:
        event = read(value)
    except ValueError as reason:
        out.produce(dead, value, headers={"reason": str(reason)})
        return
    count(connection, event, once=True)


def kill_counter(address: str, topic: str, database: Path, once: bool, event: int) -> None:
    """Start :func:`count_landings` as a program, and kill it after the effect of an event.

    Raises
    ------
    CourseError
        If it ended by itself before.
    """
    words = (address, topic, str(database), "once" if once else "always", str(event))
    if not killing.kill(__name__, *words):
        raise CourseError(
            f"The consumer ended before event {event}: its group has read all that there is. Run "
            "the notebook again from its first cell."
        )


def _victim(address: str, topic: str, database: str, how: str, event: str) -> None:
    between = killing.at_call(int(event))
    count_landings(address, topic, Path(database), how == "once", between)


if __name__ == "__main__":
    _victim(*sys.argv[1:])
