"""A year in production, replayed under a policy: month by month, and where need be day by day.

The decisions are simulated, the flights and the releases are real: what each release that can be
built would have said of each flight is in a table (``course/replay``), so that a year takes
milliseconds. This rests on a warning making no flight late or early.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from mlops_school.errors import CourseError
from mlops_school.evaluation import MISSED, NEEDLESS
from mlops_school.paths import COURSE
from mlops_school.policies import Policy

FOLDER = COURSE / "replay"
FIRST, LAST = 3, 12  # in service from March to December
DAMAGED = 6  # June is delivered with its delays in hours

# What is paid beside mistakes, in dollars.
TRAINING = 500  # for each release: to train, review and deliver it
CANARY_DAY = 100  # for each day on which two releases run
CALL = 500  # for each time that somebody is called and rolls back
INCIDENT = 10_000  # for each fault that reaches all passengers for a day or longer

NEEDED = 50  # answers that a canary is judged by; with fewer, nothing is decided
OUTAGE_HOURS = {True: 1, False: 24}  # until the service is up again, if somebody is on call or not
BROKEN_BELOW = 0.01  # who warns of fewer flights is found broken in the report of the month


class Release(NamedTuple):
    """A release: before which month it was built, and from what.

    Attributes
    ----------
    built : int
        It was built on the first of this month: its threshold was chosen on the month before.
    first : int
        The first month that it has learned from; the last one is ``built - 2``.
    damaged : bool
        Whether a month of wrong labels was among them, or chose its threshold.
    """

    built: int
    first: int
    damaged: bool = False

    @property
    def months(self) -> tuple[int, ...]:
        """The months that it has learned from."""
        return tuple(range(self.first, self.built - 1))

    @property
    def name(self) -> str:
        """The months in short, as :func:`mlops_school.champion.built_before` names them."""
        return f"{self.first}-{self.built - 2}" + " damaged" * self.damaged


def release_of(built: int, window: int | None, damaged: bool) -> Release:
    """Return the release that is built before a month.

    Parameters
    ----------
    built : int
        That month.
    window : int or None
        How many months it learns from at most; None: all.
    damaged : bool
        Whether it takes June as it was delivered.
    """
    first = 1 if window is None else max(1, built - 1 - window)
    return Release(built, first, damaged and first <= DAMAGED < built)


@dataclass(frozen=True)
class Flights:
    """The flights of a month, by day: how many arrived, and were late; and what the labels say."""

    count: np.ndarray
    late: np.ndarray
    late_seen: np.ndarray


@dataclass(frozen=True)
class Said:
    """What a release says of the flights of a month.

    Attributes
    ----------
    warned, expected, dollars, dollars_seen : ndarray of shape (n_days,)
        Flights that it warns of; the sum of its probabilities; what its mistakes cost, and what
        they seem to cost by the labels as they were delivered.
    roc_auc : float
        In that month.
    """

    warned: np.ndarray
    expected: np.ndarray
    dollars: np.ndarray
    dollars_seen: np.ndarray
    roc_auc: float


@dataclass(frozen=True)
class Table:
    """All that can be known of the year.

    Attributes
    ----------
    flights : mapping of int to Flights
        By month.
    said : mapping of (str, int) to Said
        By the name of the release and the month, from the month before it was built on. A release
        that cannot be trained is not there.
    """

    flights: Mapping[int, Flights]
    said: Mapping[tuple[str, int], Said]


@cache
def load_table() -> Table:
    """Return the table that comes with the course.

    Raises
    ------
    CourseError
        If it is missing or damaged.
    """
    try:
        flights = pd.read_parquet(FOLDER / "flights.parquet")
        said = pd.read_parquet(FOLDER / "days.parquet")
        by_month = {
            int(month): Flights(*(rows[name].to_numpy() for name in _FLIGHTS))
            for month, rows in flights.groupby("month")
        }
        by_release = {
            (str(release), int(month)): Said(
                *(rows[name].to_numpy() for name in _SAID), float(rows["roc_auc"].iloc[0])
            )
            for (release, month), rows in said.groupby(["release", "month"])
        }
    except (OSError, ValueError, KeyError) as error:
        raise CourseError(
            f"The table in {FOLDER} cannot be read ({type(error).__name__}). It comes with the "
            "course: run `git checkout -- course/replay`, or copy the course again."
        ) from None
    return Table(by_month, by_release)


_FLIGHTS = ["flights", "late", "late_seen"]
_SAID = ["warned", "expected", "dollars", "dollars_seen"]


@dataclass(frozen=True)
class Faults:
    """What goes wrong in the year, whatever the policy.

    Attributes
    ----------
    broken : int
        A release that is delivered in this month has its threshold in percent: it never warns.
    outage : tuple of int
        Month and day on which the service stops, until somebody starts it again.
    """

    broken: int
    outage: tuple[int, int]


def faults(seed: int) -> Faults:
    """Draw the faults of a year; that June is delivered damaged is the same in all years.

    Raises
    ------
    CourseError
        If the seed is no whole number from 0 on.
    """
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise CourseError(f"The seed is a whole number from 0 on, not {seed!r}.")
    rng = np.random.default_rng(seed)
    months = [month for month in range(FIRST + 1, LAST + 1) if month != DAMAGED + 1]
    return Faults(
        int(rng.choice(months)), (int(rng.integers(4, LAST + 1)), int(rng.integers(1, 29)))
    )


@dataclass(frozen=True)
class Event:
    """Something that happened: on which day, what, and whether it is an incident."""

    month: int
    day: int
    what: str
    incident: bool = False


@dataclass(frozen=True)
class Month:
    """A month of service.

    Attributes
    ----------
    month : int
        Which one.
    release : str
        In service at its end.
    roc_auc : float
        Of that release in this month.
    flights : int
        That arrived.
    mistakes, never, always : float
        Dollars: of the service, and of warning of no flight, and of every flight.
    compute : int
        Dollars for trainings and canaries.
    calls : int
        Dollars for those who were called.
    events : tuple of Event
        What happened.
    """

    month: int
    release: str
    roc_auc: float
    flights: int
    mistakes: float
    never: float
    always: float
    compute: int
    calls: int
    events: tuple[Event, ...]

    @property
    def incidents(self) -> int:
        """How many incidents there were."""
        return sum(event.incident for event in self.events)

    @property
    def total(self) -> float:
        """Dollars, all together."""
        return self.mistakes + self.compute + self.calls + INCIDENT * self.incidents

    @property
    def pays(self) -> bool:
        """Whether the mistakes cost less than without a model (R2)."""
        return self.mistakes < min(self.never, self.always)


@dataclass(frozen=True)
class Year:
    """A year that was replayed.

    Attributes
    ----------
    policy : str
        Its name.
    seed : int
        Of the faults.
    months : tuple of Month
        From March on.
    """

    policy: str
    seed: int
    months: tuple[Month, ...]

    def part(self, first: int, last: int) -> "Year":
        """Return some of its months, both ends included."""
        chosen = tuple(one for one in self.months if first <= one.month <= last)
        return Year(self.policy, self.seed, chosen)

    @property
    def events(self) -> list[Event]:
        """All that happened."""
        return [event for month in self.months for event in month.events]

    @property
    def incidents(self) -> int:
        """How many incidents there were."""
        return sum(month.incidents for month in self.months)

    @property
    def mistakes(self) -> float:
        """What the mistakes cost, in dollars."""
        return sum(month.mistakes for month in self.months)

    @property
    def compute(self) -> int:
        """What trainings and canaries cost, in dollars."""
        return sum(month.compute for month in self.months)

    @property
    def total(self) -> float:
        """What is paid all together, in dollars."""
        return sum(month.total for month in self.months)


@dataclass(frozen=True)
class _Live:
    """A release in service, and whether its threshold is in percent."""

    release: Release
    broken: bool = False

    @property
    def bad(self) -> bool:
        return self.broken or self.release.damaged

    @property
    def name(self) -> str:
        return self.release.name + " broken" * self.broken


def _false_alarm(release: _Live) -> str:
    return "" if release.bad else " (false alarm)"


class _Replay:
    """The state of a replay."""

    def __init__(self, policy: Policy, seed: int, table: Table) -> None:
        self.policy = policy
        self.table = table
        self.faults = faults(seed)
        self.live = _Live(release_of(FIRST, policy.window, damaged=False))
        self.previous: _Live | None = None

    # ---- what is known

    def said(self, live: _Live, month: int) -> Said:
        said = self.table.said[live.release.name, month]
        if not live.broken:
            return said
        flights = self.table.flights[month]
        return Said(
            0 * said.warned,
            said.expected,
            MISSED * flights.late,
            MISSED * flights.late_seen,
            said.roc_auc,
        )

    def seen(self, month: int) -> tuple[np.ndarray, str]:
        """Return the late flights of a month and the column of dollars that the policy sees."""
        flights = self.table.flights[month]
        if self.policy.data_gate:
            return flights.late, "dollars"
        return flights.late_seen, "dollars_seen"

    def wants(self, month: int) -> bool:
        """Say whether a release is built on the first of a month."""
        policy, built = self.policy, self.live.release.built
        if policy.trigger == "never":
            return False
        if policy.trigger == "schedule":
            return (month - FIRST) % policy.limit == 0
        months = range(max(month - policy.evidence, built - 1), month)
        count = sum(self.table.flights[one].count.sum() for one in months)
        late = sum(self.seen(one)[0].sum() for one in months)
        if policy.trigger == "drift":
            expected = sum(self.said(self.live, one).expected.sum() for one in months)
            return bool(abs(late - expected) / count > policy.limit)
        paid = sum(getattr(self.said(self.live, one), self.seen(one)[1]).sum() for one in months)
        without = min(MISSED * late, NEEDLESS * (count - late))
        return bool(paid > policy.limit * without)

    def stopped(self, candidate: Release, month: int) -> bool:
        """Say whether the gate for models stops a release: it cannot see how it is delivered."""
        if self.policy.model_gate is None:
            return False
        column = self.seen(month - 1)[1]
        theirs, mine = (
            getattr(self.said(one, month - 1), column).sum()
            for one in (self.live, _Live(candidate))
        )
        flights = self.table.flights[month - 1].count.sum()
        return bool((mine - theirs) / flights > self.policy.model_gate)

    # ---- what happens

    def run(self) -> Iterator[Month]:
        for month in range(FIRST, LAST + 1):
            yield self.month(month)

    def month(self, month: int) -> Month:
        flights = self.table.flights[month]
        days = len(flights.count)
        events: list[Event] = []
        compute = calls = 0
        dollars = np.zeros(days)
        today = 0  # days of the month that are over
        new = False  # whether a release has come into service in this month
        if month == DAMAGED + 1 and self.policy.data_gate:
            events.append(Event(month, 1, "data gate refused June; a good June was sent"))
        if month == FIRST:
            compute += TRAINING
            events.append(Event(month, 1, f"first release, {self.live.name}"))
        elif self.wants(month):
            compute += TRAINING
            release = release_of(month, self.policy.window, not self.policy.data_gate)
            candidate = _Live(release, broken=month == self.faults.broken)
            if (release.name, month) not in self.table.said:
                words = f"training of {release.name} failed: almost no late flights in its data"
                events.append(Event(month, 1, words))
            elif self.stopped(release, month):
                events.append(Event(month, 1, f"model gate stopped {release.name}"))
            else:
                today, new = self.canary(candidate, month, dollars)
                compute += CANARY_DAY * today
                if new:
                    self.previous, self.live = self.live, candidate
                else:
                    calls += CALL
                    words = f"canary sent {candidate.name} back{_false_alarm(candidate)}"
                    events.append(Event(month, today, words))
        if new:
            alarm = self.alarm(month, today)
            words = f"release {self.live.name} answers everybody"
            events.append(Event(month, today + 1, words, incident=self.live.bad))
            if alarm:
                calls += CALL
                dollars[today:alarm] = self.said(self.live, month).dollars[today:alarm]
                words = f"alert: back to {self.previous.name}{_false_alarm(self.live)}"
                events.append(Event(month, alarm, words))
                self.live, today = self.previous, alarm
        dollars[today:] = self.said(self.live, month).dollars[today:]
        self.outage(month, dollars, events)
        said = self.said(self.live, month)
        late, count = flights.late.sum(), flights.count.sum()
        done = Month(
            month,
            self.live.name,
            said.roc_auc,
            int(count),
            float(dollars.sum()),
            float(MISSED * late),
            float(NEEDLESS * (count - late)),
            compute,
            calls,
            tuple(events),
        )
        if said.warned.sum() < BROKEN_BELOW * count and self.previous:
            self.live, self.previous = self.previous, None
        return done

    def canary(self, candidate: _Live, month: int, dollars: np.ndarray) -> tuple[int, bool]:
        """Let a release answer a share of the flights first.

        Returns
        -------
        tuple
            How many days that took, and whether it is kept. The dollars of these days are filled
            in; shares of flights are taken as what is expected of them.
        """
        share = self.policy.canary_share
        if share is None:
            return 0, True
        mine, theirs = self.said(candidate, month), self.said(self.live, month)
        days = self.policy.canary_days
        count = np.cumsum(self.table.flights[month].count[:days])
        more = np.abs(np.cumsum(mine.warned[:days]) - np.cumsum(theirs.warned[:days])) / count
        alarms = np.flatnonzero((share * count >= NEEDED) & (more > self.policy.alert_margin))
        over = int(alarms[0]) + 1 if len(alarms) else days
        dollars[:over] = share * mine.dollars[:over] + (1 - share) * theirs.dollars[:over]
        return over, not len(alarms)

    def alarm(self, month: int, after: int) -> int:
        """Return after which day of its first month a new release is rolled back; 0 if never.

        What it warns of each day is compared with what it warned of in the month on which its
        threshold was chosen, as it was trained, without what delivery has done to it.
        """
        wanted = self.policy.alert_days
        if wanted is None or self.previous is None:
            return 0
        before = self.table.said[self.live.release.name, month - 1].warned.sum()
        usual = before / self.table.flights[month - 1].count.sum()
        share = self.said(self.live, month).warned / self.table.flights[month].count
        otherwise = np.abs(share - usual) > self.policy.alert_margin
        in_a_row = 0
        for day in range(after, len(share)):
            in_a_row = in_a_row + 1 if otherwise[day] else 0
            if in_a_row == wanted:
                return day + 1
        return 0

    def outage(self, month: int, dollars: np.ndarray, events: list[Event]) -> None:
        """Let the service stop on its day; every late flight meanwhile is a missed one."""
        if month != self.faults.outage[0]:
            return
        day = self.faults.outage[1]
        on_call = self.policy.alert_days is not None
        part = OUTAGE_HOURS[on_call] / 24
        missed = MISSED * self.table.flights[month].late[day - 1]
        dollars[day - 1] = (1 - part) * dollars[day - 1] + part * missed
        words = f"outage of {OUTAGE_HOURS[on_call]} h"
        events.append(Event(month, day, words, incident=not on_call))


def months(policy: Policy, seed: int = 0, table: Table | None = None) -> Iterator[Month]:
    """Replay the year, and yield each month when it is over.

    Parameters
    ----------
    policy : Policy
        What is done.
    seed : int
        Fixes the faults; they are the same for all policies.
    table : Table, optional
        By default that of the course.

    Raises
    ------
    CourseError
        If the policy cannot be followed.
    """
    yield from _Replay(policy.check(), seed, table or load_table()).run()


def replay(policy: Policy, seed: int = 0, table: Table | None = None) -> Year:
    """Replay the whole year, as :func:`months` does."""
    return Year(policy.name, seed, tuple(months(policy, seed, table)))


def oracle(table: Table | None = None) -> Year:
    """Return the year of one who knows the future: a lower bound, below which no policy can get.

    Each day is answered by what will turn out cheapest on that day: one of all releases that some
    policy can have built by then, or no warning at all, which is what a broken release and an
    outage amount to. Whatever a policy does is a mixture of these, and it pays for one training.
    """
    table = table or load_table()
    done = []
    for month in range(FIRST, LAST + 1):
        flights = table.flights[month]
        able = [
            said.dollars
            for (name, when), said in table.said.items()
            if when == month and _built(name) <= month
        ]
        able.append(MISSED * flights.late)
        late, count = flights.late.sum(), flights.count.sum()
        done.append(
            Month(
                month,
                "the cheapest",
                float("nan"),
                int(count),
                float(np.min(able, axis=0).sum()),
                float(MISSED * late),
                float(NEEDLESS * (count - late)),
                TRAINING * (month == FIRST),
                0,
                (),
            )
        )
    return Year("oracle", 0, tuple(done))


def _built(name: str) -> int:
    return int(name.split()[0].partition("-")[2]) + 2
