"""When to train again: triggers that see only what is known at a date, replayed on the real year.

On the first day of each month, a trigger looks at what the release in service has forecast and at
what became of those flights. If it says so, the newest release that can be built on that day takes
its place.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import pandas as pd
from scipy import stats

from mlops_school import gates, intervals, replay
from mlops_school.errors import CourseError
from mlops_school.evaluation import without_model
from mlops_school.features import TARGET
from mlops_school.gates import Interval
from mlops_school.process import load_requirements

START, END = 6, 12  # release 1 begins in June; the data end with December
WINDOW = 4  # months that a release learns from: so release 1, of January to April, is one of them
DAYS = 3  # taken together: the weather of a day is like that of the day before (lesson 13)

_LIMITS = {name: one.limits for name, one in load_requirements().items()}


@dataclass(frozen=True)
class Known:
    """What is known on the first day of a month.

    Attributes
    ----------
    month : int
        The month that begins; nothing of it has happened.
    built : int
        Before the first day of this month, the release in service was built.
    served : DataFrame
        What that release has forecast since then, and what became of it, as of
        :func:`mlops_school.replay.outcomes`: of the months from `built` to the one before `month`.
    """

    month: int
    built: int
    served: pd.DataFrame

    @property
    def last(self) -> pd.DataFrame:
        """The part of ``served`` that is about the month before."""
        return self.served[self.served["month"] == self.month - 1]


Trigger = Callable[[Known], bool]


def never(known: Known) -> bool:
    """Keep the release for ever."""
    return False


@dataclass(frozen=True)
class Schedule:
    """Train again when the release has served for so many months."""

    months: int

    def __call__(self, known: Known) -> bool:
        return known.month - known.built >= self.months


@dataclass(frozen=True)
class Drift:
    """Train again when flights have changed as requirement R9 describes it.

    That is when the share of late flights in the last month differs by more than `limit` from what
    the release expected on average.
    """

    limit: float = _LIMITS["R9"]["maximum_difference"]

    def __call__(self, known: Known) -> bool:
        difference = known.last[TARGET].mean() - known.last["probability"].mean()
        return bool(abs(difference) > self.limit)


@dataclass(frozen=True)
class Performance:
    """Train again when the last month has broken requirement R2 or R3."""

    minimum_roc_auc: float = _LIMITS["R3"]["minimum_roc_auc"]

    def __call__(self, known: Known) -> bool:
        found = intervals.metrics(known.last)
        pays = found["dollars"] < min(without_model(known.last[TARGET]).values())
        return bool(found["roc_auc"] < self.minimum_roc_auc or not pays)


@dataclass(frozen=True)
class Year:
    """A policy, replayed.

    Attributes
    ----------
    flights : DataFrame
        What was forecast for every flight from June to December, and what became of it, as of
        :func:`mlops_school.replay.outcomes`.
    built : dict of int to int
        For each month, before which month the release was built that served in it.
    """

    flights: pd.DataFrame
    built: dict[int, int]

    @property
    def trainings(self) -> int:
        """How many releases were built after the first one."""
        return len(set(self.built.values())) - 1

    def table(self) -> pd.DataFrame:
        """Return a row a month.

        Returns
        -------
        DataFrame
            Indexed by ``month``: the ``release`` in service, named after the months that it has
            learned from; whether it is new (``retrained``); ``dollars`` per flight; ``roc_auc``;
            and the share of flights that were ``late``, and that was ``expected``.
        """
        rows = {}
        for month, flights in self.flights.groupby("month"):
            found, built = intervals.metrics(flights), self.built[month]
            rows[month] = {
                "release": name_of(built),
                "retrained": built == month > START,
                "dollars": found["dollars"],
                "roc_auc": found["roc_auc"],
                "late": flights[TARGET].mean(),
                "expected": flights["probability"].mean(),
            }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("month")


def name_of(built: int) -> str:
    """Return the months that the release has learned from which was built before a month."""
    return f"{max(1, built - 1 - WINDOW)}-{built - 2}"


@lru_cache(maxsize=32)
def said(month: int, built: int) -> pd.DataFrame:
    """Return :func:`mlops_school.replay.outcomes`; it is kept, so do not change it."""
    return replay.outcomes(month, built, WINDOW)


def replay_year(trigger: Trigger, gate: bool = False) -> Year:
    """Replay June to December under a policy.

    Parameters
    ----------
    trigger : callable
        Takes a :class:`Known`, and returns whether to train again.
    gate : bool
        Without it, a new release serves from the day on which it is built. With it, it is only a
        challenger for its first month: it answers as a shadow, and serves from the month after if
        it :func:`is_cheaper` than the champion on the same days. Else it is thrown away, and the
        trigger is asked again.

    Raises
    ------
    CourseError
        If the trigger says neither yes nor no.
    """
    built, serves, parts, challenger = START, {}, {}, None
    for month in range(START, END + 1):
        if challenger is not None:
            dearer = difference(said(month - 1, challenger), parts[month - 1])
            built = challenger if is_cheaper(dearer) else built
        challenger = None
        known = [said(earlier, built) for earlier in range(built, month)]
        if known and _ask(trigger, Known(month, built, pd.concat(known, ignore_index=True))):
            if gate:
                challenger = month
            else:
                built = month
        serves[month], parts[month] = built, said(month, built)
    return Year(pd.concat(parts.values(), ignore_index=True), serves)


def _ask(trigger: Trigger, known: Known) -> bool:
    said = trigger(known)
    if pd.api.types.is_bool(said):
        return bool(said)
    raise CourseError(f"A trigger returns True or False, not {said!r}. Look at its `return`.")


def difference(mine: pd.DataFrame, theirs: pd.DataFrame, days: int = DAYS) -> Interval:
    """Return by how many dollars per flight one is dearer than the other, on the same flights.

    Parameters
    ----------
    mine, theirs : DataFrame
        Of :func:`mlops_school.replay.outcomes`, or the ``flights`` of a :class:`Year`.
    days : int
        So many days in a row count as one cluster, as in :func:`mlops_school.gates.paired`. A month
        has few such clusters, so the limits come from Student's t distribution.

    Raises
    ------
    CourseError
        If they are not about the same flights.
    """
    block = _block(mine, theirs, days)
    normal = gates.paired(block.to_frame("date"), mine, theirs)
    stretch = stats.t.isf(0.025, block.nunique() - 1) / stats.norm.isf(0.025)
    reach = stretch * (normal.high - normal.found)
    return Interval(normal.found, normal.found - reach, normal.found + reach)


def compare(years: Mapping[str, Year]) -> pd.DataFrame:
    """Return what policies cost, against the first of them.

    Returns
    -------
    DataFrame
        A row a policy: how many ``new releases`` it has put into service; ``dollars`` per flight;
        and by how much it is ``dearer`` than the first one, with the 95 percent interval.
    """
    first = next(iter(years.values()))
    rows = {
        name: {
            "new releases": year.trainings,
            "dollars": f"{year.flights['dollars'].mean():.2f}",
            "dearer": "" if year is first else f"{difference(year.flights, first.flights):.2f}",
        }
        for name, year in years.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def by_block(mine: pd.DataFrame, theirs: pd.DataFrame, days: int = DAYS) -> pd.Series:
    """Return how many dollars dearer one is than the other in each block of days, in order."""
    block = _block(mine, theirs, days)
    return (mine["dollars"] - theirs["dollars"]).groupby(block).sum()


def _block(mine: pd.DataFrame, theirs: pd.DataFrame, days: int) -> pd.Series:
    """Return to which block of days each flight belongs, if both tables are about the same ones."""
    same = ["date", "dest", TARGET]
    if len(mine) != len(theirs) or not mine[same].equals(theirs[same]):
        raise CourseError(
            "The two tables are about different flights, so nothing can be compared in pairs. "
            "Take the same months for both, in the same order."
        )
    return (mine["date"] - mine["date"].min()).dt.days // days


def is_cheaper(dearer: Interval) -> bool:
    """Tell whether the interval of a :func:`difference` proves that the challenger is cheaper.

    It must do more than in lesson 11, where it was enough not to be dearer: whoever trains again at
    every alarm has many challengers, and of many equal ones some look good by chance.
    """
    return dearer.high < 0
