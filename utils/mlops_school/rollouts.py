"""What it costs to try a release on real flights: canaries and A/B tests, replayed on the data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mlops_school import data, evaluation
from mlops_school.errors import CourseError
from mlops_school.features import FEATURES, TARGET, load_examples, warning_due
from mlops_school.model_package import ModelPackage
from mlops_school.sequential import confidence_sequence, first_exclusion


def in_percent(package: ModelPackage, version: str) -> ModelPackage:
    """Return a faulty release: its threshold was written in percent where a share is expected.

    A service refuses a threshold above 1, so it was cut to 1. The release starts, is healthy, and
    answers quickly. It never warns.
    """
    return replace(package, version=version, threshold=min(1.0, 100 * package.threshold))


def outcomes(
    months: Sequence[int], packages: Sequence[ModelPackage], seed: int = 0
) -> pd.DataFrame:
    """Return what each release would have cost for each flight that arrived.

    This can be known of *all* releases for *each* flight only because a warning does not change
    when a flight arrives.

    Parameters
    ----------
    months : sequence of int
        Of 2013.
    packages : sequence of ModelPackage
        The releases.
    seed : int
        Fixes ``bucket``.

    Returns
    -------
    DataFrame
        One row a flight, by the time when its warning is ``due``: ``date``; ``known``, when it has
        landed (both times in UTC); whether it was ``late``; ``bucket``, random between 0 and 1, by
        which a share of the flights is taken; and of release 1, for example, ``warned 1``, and
        ``dollars 1``, what its mistake costs.
    """
    flights = data.load_flights(months)
    flights = flights[flights["arr_delay"].notna()].reset_index(drop=True)
    examples = load_examples(months)
    due = warning_due(flights).dt.tz_localize(None)  # in UTC, all of them
    until_landed = pd.to_timedelta(flights["dep_delay"] + flights["air_time"], unit="min")
    table = pd.DataFrame(
        {
            "date": pd.to_datetime(flights[["year", "month", "day"]]),
            "due": due,
            "known": due + pd.Timedelta(hours=2) + until_landed,
            "late": (late := examples[TARGET].to_numpy()),
            "bucket": np.random.default_rng(seed).random(len(flights)),
        }
    )
    for package in packages:
        warned = package.model.predict_proba(examples[FEATURES])[:, 1] >= package.threshold
        table[f"warned {package.version}"] = warned
        table[f"dollars {package.version}"] = evaluation.mistakes(late, warned)
    return table.sort_values("due", kind="stable", ignore_index=True)


def by_day(table: pd.DataFrame, candidate: str, share: float | None = None) -> pd.Series:
    """Return how many dollars a flight the candidate costs more than release 1, day by day.

    Parameters
    ----------
    table : DataFrame
        Of :func:`outcomes`.
    candidate : str
        Its version.
    share : float, optional
        An A/B test: this share of the flights is answered by the candidate, the others by release
        1, and each flight tells about one of them. Without it, both answer all flights, which are
        compared in pairs.

    Returns
    -------
    Series
        Indexed by ``date``.
    """
    if share is None:
        return (table[f"dollars {candidate}"] - table["dollars 1"]).groupby(table["date"]).mean()
    chosen = table["bucket"] < share
    means = [
        table[of].groupby("date")[f"dollars {name}"].mean()
        for of, name in ((chosen, candidate), (~chosen, "1"))
    ]
    return means[0] - means[1]


def decisions(series: Mapping[str, pd.Series]) -> pd.DataFrame:
    """Return when tests that are looked at every day have decided.

    Parameters
    ----------
    series : mapping of str to Series
        The difference of each day, of :func:`by_day`.

    Returns
    -------
    DataFrame
        A row a test: the mean difference in ``dollars``; the correlation of a day with the day
        before, ``like yesterday``; and when the confidence sequence has ``decided``, of single days
        and ``by threes``, with the mean of three days as one value.
    """
    return pd.DataFrame(
        {
            name: {
                "dollars": f"{difference.mean():+.2f}",
                "like yesterday": f"{difference.autocorr():+.2f}",
                "decided": _decided(difference, 1),
                "by threes": _decided(difference, 3),
            }
            for name, difference in series.items()
        }
    ).T


def _decided(difference: pd.Series, days: int) -> str:
    whole = len(difference) // days * days
    values = difference.to_numpy()[:whole].reshape(-1, days).mean(axis=1)
    day = days * int(first_exclusion(*confidence_sequence(values)))
    return f"on day {day}" if day else "not yet"


def same_by_day(table: pd.DataFrame, times: int, seed: int = 0) -> np.ndarray:
    """Return A/A tests: release 1 against itself, with flights drawn by a coin.

    Parameters
    ----------
    table : DataFrame
        Of :func:`outcomes`.
    times : int
        How many tests.
    seed : int
        Fixes the coins.

    Returns
    -------
    ndarray of shape (times, n_days)
        The difference of each day in dollars per flight. Its mean is zero in truth.
    """
    rng = np.random.default_rng(seed)
    days = []
    for _, day in table.groupby("date"):
        dollars = day["dollars 1"].to_numpy(float)
        one = rng.random((times, len(dollars))) < 0.5
        total, n = one @ dollars, one.sum(axis=1)
        days.append(total / n - (dollars.sum() - total) / (len(dollars) - n))
    return np.array(days).T


@dataclass(frozen=True)
class Rule:
    """When a canary is judged, and by what.

    Attributes
    ----------
    share : float
        Of the flights that the candidate answers, from 0 to 1.
    needed : int
        Flights of the candidate that are waited for.
    margin : float
        It is rolled back if it differs by more than this: in the share of flights that were warned
        of, or, if the landing is waited for, in dollars per flight, to its disadvantage.
    until : str
        ``answer`` or ``landing``: what is waited for.
    """

    share: float
    needed: int
    margin: float
    until: str = "answer"


@dataclass(frozen=True)
class Canary:
    """How a canary went.

    Attributes
    ----------
    rolled_back : bool
        Whether the rule has sent the candidate away.
    hours : float
        From the start of the canary until the rule has decided.
    hurt : int
        Flights of the candidate until then that would have cost less with the stable release.
    """

    rolled_back: bool
    hours: float
    hurt: int


def canary(table: pd.DataFrame, candidate: str, start: pd.Timestamp, rule: Rule) -> Canary:
    """Replay a canary against release 1.

    Parameters
    ----------
    table : DataFrame
        Of :func:`outcomes`; it must go on until the rule can decide.
    candidate : str
        Its version.
    start : Timestamp
        From which on it gets flights.
    rule : Rule
        By which it is judged.

    Raises
    ------
    CourseError
        If the candidate gets fewer flights than the rule needs.
    """
    first = table["due"].searchsorted(start.tz_convert(None))
    now = {name: table[name].to_numpy()[first:] for name in table}
    chosen = now["bucket"] < rule.share
    moments, what = (now["due"], "warned") if rule.until == "answer" else (now["known"], "dollars")
    if not 1 <= rule.needed <= chosen.sum():
        raise CourseError(
            f"From {start:%d %B} on, the candidate gets {chosen.sum()} flights, and the rule needs "
            f"{rule.needed}. Choose a larger share, or a number from 1 to that."
        )
    moment = np.partition(moments[chosen], rule.needed - 1)[rule.needed - 1]
    seen = moments <= moment
    more = (
        now[f"{what} {candidate}"][seen & chosen].mean() - now[f"{what} 1"][seen & ~chosen].mean()
    )
    tried = chosen & (now["due"] <= moment)
    return Canary(
        rolled_back=bool((abs(more) if what == "warned" else more) > rule.margin),
        hours=(pd.Timestamp(moment, tz="UTC") - start) / pd.Timedelta(hours=1),
        hurt=int((now[f"dollars {candidate}"] > now["dollars 1"])[tried].sum()),
    )


def judge(table: pd.DataFrame, bad: str, good: str, rule: Rule) -> pd.Series:
    """Try a rule on a bad and on a good candidate, from noon of each day but the last five on.

    Parameters
    ----------
    table : DataFrame
        Of :func:`outcomes`.
    bad, good : str
        Versions of two candidates.
    rule : Rule
        Which to try.

    Returns
    -------
    Series
        ``starts``; in how many of them the bad one was ``found``, and the good one was rolled back
        by a ``false alarm``; and of the bad one the mean ``hours`` and flights ``hurt``.
    """
    days = table["date"].drop_duplicates()[:-5]
    noons = [(day + pd.Timedelta(hours=12)).tz_localize(data.NEW_YORK) for day in days]
    went = [canary(table, bad, noon, rule) for noon in noons]
    return pd.Series(
        {
            "starts": len(noons),
            "found": sum(one.rolled_back for one in went),
            "false alarm": sum(canary(table, good, noon, rule).rolled_back for noon in noons),
            "hours": np.mean([one.hours for one in went]),
            "hurt": np.mean([one.hurt for one in went]),
        }
    )
