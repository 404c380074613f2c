"""A consumer that is really killed loses no event, and counts none twice."""

import json
import random
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_school import data, landings, stream
from mlops_school.errors import CourseError
from mlops_school.stream import Log


def flight(number, origin="EWR", late=False):
    return {
        "carrier": "UA",
        "flight": number,
        "origin": origin,
        "departure": "2013-07-01T05:00",
        "late": late,
    }


FLIGHTS = [
    flight(number, ("EWR", "JFK", "LGA")[number % 3], number % 2 == 0) for number in range(9)
]


@pytest.fixture
def log(tmp_path):
    log = Log(tmp_path / "events.log")
    log.append(FLIGHTS)
    return log


def rows(path):
    database = stream.connect(path)
    try:
        return dict(database.execute("SELECT origin, flights FROM landed").fetchall())
    finally:
        database.close()


# ---- the log


def test_each_event_has_its_offset_and_reading_takes_nothing_away(log):
    for _ in range(2):
        assert list(log.read()) == list(enumerate(FLIGHTS))
    assert list(log.read(7)) == [(7, FLIGHTS[7]), (8, FLIGHTS[8])]
    assert list(log.read(99)) == []


def test_half_a_line_is_not_read_and_the_next_producer_takes_it_away(log):
    with log.path.open("ab") as file:
        file.write(b'{"carrier": "U')
    assert len(list(log.read())) == len(FLIGHTS)
    log.append([flight(77)])
    assert list(log.read())[-1] == (len(FLIGHTS), flight(77))


def test_a_log_can_begin_anew(log):
    assert len(list(Log(log.path).read())) == len(FLIGHTS)
    assert list(Log(log.path, anew=True).read()) == []


@given(st.lists(st.dictionaries(st.text(), st.none() | st.integers() | st.text()), max_size=5))
def test_what_goes_in_comes_out(tmp_path_factory, events):
    log = Log(tmp_path_factory.mktemp("log") / "events.log")
    log.append(events[:2])
    log.append(events[2:])
    assert [event for _, event in log.read()] == events


# ---- consumers that are killed


@pytest.mark.parametrize(
    ("handler", "wrong_by"),
    [("offset first", -2), ("effect first", 2), ("together", 0), ("once per flight", 0)],
)
def test_what_a_kill_in_the_middle_does(log, tmp_path, handler, wrong_by):
    counted = stream.count_with_kills(log.path, tmp_path / "count.db", handler, [3, 2])
    assert counted == len(FLIGHTS) + wrong_by


def test_with_a_key_even_the_effect_may_come_first(log, tmp_path, monkeypatch):
    def effect_first(database, offset, event):
        with database:
            if stream.is_new(database, event):
                stream.count(database, event)
        yield
        with database:
            stream.remember(database, offset + 1)

    monkeypatch.setitem(stream.HANDLERS, "key", effect_first)
    path = tmp_path / "count.db"
    for _ in range(3):
        with suppress(Stopped):
            stream.consume(log.path, path, "key", stop)
    assert stream.run(log.path, path, "key") == len(FLIGHTS)


def stop():
    raise Stopped


@pytest.mark.parametrize("seed", range(2))
def test_kills_at_any_moment_change_nothing(tmp_path, seed):
    """Not in the middle of an event, but whenever the clock says so."""
    chance = random.Random(seed)
    log, path = Log(tmp_path / "events.log"), tmp_path / "count.db"
    sent = [flight(number) for number in range(4000)]
    log.append(sent + chance.sample(sent, 100))
    stream.connect(path).close()
    command = [sys.executable, "-m", "mlops_school.stream", str(log.path), str(path)]
    reached = []
    for _ in range(4):
        with subprocess.Popen(
            [*command, "once per flight", "999999"], stdin=-1, stdout=-1
        ) as program:
            begun = len(reached) and reached[-1]
            while program.poll() is None and where(path) <= begun:
                time.sleep(0.005)
            time.sleep(chance.uniform(0, 0.05))
            program.kill()
            program.stdin.close()
            program.stdout.read()
        reached.append(where(path))
    assert 0 < reached[0] < reached[-1]
    assert stream.run(log.path, path, "once per flight") == len(sent)
    assert where(path) == len(sent) + 100


def where(path):
    database = stream.connect(path)
    try:
        return stream.position(database)
    finally:
        database.close()


@settings(max_examples=30, deadline=None)
@given(
    stops=st.lists(st.integers(1, 12), max_size=6),
    numbers=st.lists(st.integers(0, 5), max_size=12),
)
def test_each_flight_counts_once_whatever_is_repeated_and_wherever_it_stops(
    tmp_path_factory, stops, numbers
):
    folder = tmp_path_factory.mktemp("stream")
    log, path = Log(folder / "events.log"), folder / "count.db"
    log.append(FLIGHTS[number] for number in numbers)
    for stop in stops:
        left = iter(range(stop - 1, -1, -1))

        def between(left=left):
            if not next(left):
                raise Stopped

        with suppress(Stopped):
            stream.consume(log.path, path, "once per flight", between)
    stream.run(log.path, path, "once per flight")
    assert rows(path) == Counter(FLIGHTS[number]["origin"] for number in set(numbers))


class Stopped(Exception):
    pass


def test_late_flights_are_counted_too(log, tmp_path):
    stream.run(log.path, tmp_path / "count.db", "together")
    database = stream.connect(tmp_path / "count.db")
    late = dict(database.execute("SELECT origin, late FROM landed").fetchall())
    database.close()
    assert late == Counter(one["origin"] for one in FLIGHTS if one["late"])


def test_a_kill_that_comes_too_late_is_told(log, tmp_path):
    with pytest.raises(CourseError, match="before event 99"):
        stream.kill(log.path, tmp_path / "count.db", "together", 99)


# ---- the flights of a day


def test_the_landings_of_a_day_are_its_flights_in_order_of_landing():
    events = landings.of_day(7, 1)
    flights = data.load_flights([7]).query("day == 1 and arr_delay == arr_delay")
    assert len(events) == len(flights)
    assert sum(event["late"] for event in events) == (flights["arr_delay"] >= 15).sum()
    times = [event["landed"] for event in events]
    assert times == sorted(times)
    assert json.loads(json.dumps(events)) == events


def test_the_key_tells_all_flights_of_the_year_apart():
    when = ["month", "day", "hour", "minute"]
    columns = [*stream.KEY[:-1], *when]
    assert stream.KEY[-1] == "departure"
    assert not data.load_flights(columns=columns).duplicated().any()


# ---- event time


def at(*hours):
    return [{"landed": hour, "dest": "ORD"} for hour in hours]


def test_an_event_counts_in_the_hour_in_which_it_happened_unless_that_is_closed():
    assert stream.count_by_hour(at(1.5, 2.0, 1.9), wait=0) == ({1: 1, 2: 1}, 1)
    assert stream.count_by_hour(at(1.5, 2.0, 1.9), wait=0.5) == ({1: 2, 2: 1}, 0)
    assert stream.count_by_hour([], wait=0) == ({}, 0)


def test_messages_that_are_held_back_come_when_the_line_is_up_again():
    events = [*at(1, 2), {"landed": 3, "dest": "BOS"}, *at(5)]
    assert landings.with_line_down(events, "ORD", 1.5, 4) == [
        *at(1),
        {"landed": 3, "dest": "BOS"},
        *at(2, 5),
    ]
