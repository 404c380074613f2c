"""Exercises of the lab on Kafka."""

import json
import zlib
from collections import Counter
from collections.abc import Callable
from typing import Any

from mlops_school import landings
from mlops_school.exercises import Blank, NotYet, StillBlank, exercise
from mlops_school.kafka import PARTITIONS, read

LAB = "kafka"
MOST = 0.35  # of all messages in one partition


@exercise(
    LAB,
    hints=(
        "What is the same in the report of a flight and in its correction, and differs between "
        "most flights?",
        "Airline and number: `event['carrier']` and `event['flight']`.",
        "A key is text: an f-string joins the two.",
    ),
    wrong={
        "key = lambda event: event['origin']": "partition",
        "key = lambda event: str(event['late'])": "correction",
        "key = lambda event: json.dumps(event)": "correction",
        "key = lambda event: f\"{event['carrier']} {event['landed']}\"": "correction",
        "key = lambda event: 'flight'": "100%",
        "key = lambda event: None": "no key",
        "key = lambda event: event['flight']": "text",
        "key = lambda event: (event['carrier'], event['flight'])": "text",
        "key = 'carrier'": "function",
    },
    given=lambda: {"json": json},
)
def q1(key: Callable[[dict[str, Any]], str]) -> str:
    """By which key do messages find their partition?"""
    if not callable(key):
        raise NotYet("`key` is a function of an event.")
    found: Counter[int] = Counter()
    events = landings.of_day(7, 1)
    for event in events:
        first = key(dict(event))
        if first is None:
            raise NotYet("there is no key, so any partition may get the message.")
        if isinstance(first, Blank):
            raise StillBlank
        if not isinstance(first, str | bytes):
            raise NotYet("a key is text, or bytes. Make a text of it, such as an f-string.")
        correction = event | {"landed": event["landed"] + 0.1, "late": not event["late"]}
        if key(correction) != first:
            raise NotYet(
                "the correction of a flight gets another key than its first report, so that it can "
                "get into another partition and be read before it."
            )
        found[zlib.crc32(first if isinstance(first, bytes) else first.encode()) % PARTITIONS] += 1
    share = max(found.values()) / len(events)
    if share > MOST:
        raise NotYet(
            f"one partition gets {share:.0%} of the messages, and {PARTITIONS - len(found)} of "
            f"{PARTITIONS} get none. Take a key with more values."
        )
    return f"report and correction stay together, and no partition has more than {share:.0%}."


_GOOD = {"carrier": "UA", "flight": 15, "origin": "EWR", "departure": "2013-07-01T10:00"}
_GOOD |= {"dest": "HNL", "landed": 20.5, "late": False}
_POISON = {
    b"\xff\x00": "bytes that are no text",
    b'{"carrier": "UA", "fl': "half a message",
    json.dumps({k: v for k, v in _GOOD.items() if k != "late"}).encode(): "no `late`",
    b"[1, 2]": "a list in place of an event",
}
_DEF = "def handle(value, count, bury):\n"
_READ = "        event = read(value)\n"


@exercise(
    LAB,
    hints=(
        "Which of the two can fail because of the message: to read it, or to count it?",
        "Only reading belongs into the `try`. If it fails with a `ValueError`, bury the message.",
        "In the `except`, return after you have buried the message. Counting comes after it, where "
        "its errors are not caught.",
    ),
    wrong={
        _DEF + "    count(read(value))": "stops at",
        _DEF + "    try:\n        count(read(value))\n"
        "    except ValueError as reason:\n        pass": "without a trace",
        _DEF + "    try:\n        count(read(value))\n"
        "    except Exception as reason:\n        bury(value, str(reason))": "disk",
        _DEF + "    try:\n        event = read(value)\n    except ValueError as reason:\n"
        "        bury(value, str(reason))\n    count(event)": "goes on to count",
        _DEF + "    try:\n        event = read(value)\n    except ValueError as reason:\n"
        "        bury(value, str(reason))": "counts no",
        _DEF + "    bury(value, 'unknown')": "good message",
        "handle = None": "function",
    },
    given=lambda: {"read": read},
)
def q2(handle: Callable[[bytes, Callable[..., Any], Callable[..., Any]], None]) -> str:
    """What becomes of a message that nobody can read?"""
    if not callable(handle):
        raise NotYet("`handle` must be a function of `value`, `count` and `bury`.")
    good = json.dumps(_GOOD).encode()
    counted, buried = _handled(handle, good)
    if buried:
        raise NotYet("a good message is buried.")
    for value, what in _POISON.items():
        try:
            both = _handled(handle, value)
        except ValueError:
            raise NotYet(
                f"your consumer stops at {what}. Started again, it gets the same message, and "
                "stops again: the partition is blocked."
            ) from None
        except UnboundLocalError:
            raise NotYet(
                f"your consumer buries {what}, and then goes on to count an event that there is "
                "not. Return after you have buried it."
            ) from None
        if not any(both):
            raise NotYet(f"{what} is dropped without a trace. Nobody will ever know.")
        if both[0]:
            raise NotYet(f"{what} is counted.")
    if counted != [_GOOD]:
        raise NotYet("your consumer counts no landing: a good message must be counted once.")

    def full(event: dict[str, Any]) -> None:
        raise OSError("the disk is full")

    try:
        handle(good, full, lambda value, reason: buried.append(value))
    except OSError:
        if not buried:
            return "what cannot be read is put aside, and any other trouble is not hidden."
    raise NotYet(
        "when the disk is full, your consumer buries a good message, or goes on without it. "
        "That is not the fault of the message: let the error through, so that it comes again."
    )


def _handled(handle: Callable[..., None], value: bytes) -> tuple[list[dict[str, Any]], list[bytes]]:
    counted: list[dict[str, Any]] = []
    buried: list[bytes] = []
    result = handle(value, counted.append, lambda value, reason: buried.append(value))
    if isinstance(result, Blank):
        raise StillBlank
    return counted, buried
