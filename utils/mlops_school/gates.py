"""Gates: what a new model must prove before it takes the place of the champion.

The burden of proof is on the newcomer. What is not yet known does not pass: in doubt, the champion
stays.
"""

import time
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from mlops_school import backtest, exploration, verdict
from mlops_school.features import FEATURES, TARGET
from mlops_school.model_package import ModelPackage
from mlops_school.process import load_requirements

MONTHS = (7, 8, 9)  # on which models are compared; none of them may have learned from these
MARGIN = 0.10  # dollars per flight: a model that is this much dearer still counts as equal
SLOWEST = 1.5  # how many times as long as the champion a model may take
TIMED_FLIGHTS, TIMED_ROUNDS, TIMED_TIMES = 2000, 3, 3

_R7 = load_requirements()["R7"].limits
_Z = NormalDist().inv_cdf(0.975)  # so many standard errors to each side make 95 percent


@dataclass(frozen=True)
class Interval:
    """A number that was measured, and the limits of its 95 percent interval."""

    found: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self:.2f}"

    def __format__(self, digits: str) -> str:
        """Write all three with a sign, and as many digits as for a float, such as ``.2f``.

        What is rounded to zero is ``+0.00``.
        """
        found, low, high = (f"{x:+z{digits or '.2f'}}" for x in (self.found, self.low, self.high))
        return f"{found} [{low}, {high}]"


@dataclass(frozen=True)
class Verdict:
    """What a gate says of a model.

    Attributes
    ----------
    gate, requirement : str
        Its name, and the id of the requirement that it guards.
    passed : bool
        Whether the model may go on.
    reason : str
        What was found.
    """

    gate: str
    requirement: str
    passed: bool
    reason: str

    def __str__(self) -> str:
        return f"{'passed ' if self.passed else 'STOPPED'} {self.gate} ({self.requirement}): " + (
            self.reason
        )


@lru_cache(maxsize=1)
def load_trial(months: tuple[int, ...] = MONTHS) -> pd.DataFrame:
    """Return :func:`backtest.load_trial`; it is kept, so do not change it."""
    return backtest.load_trial(months)


def paired(trial: pd.DataFrame, candidate: pd.DataFrame, champion: pd.DataFrame) -> Interval:
    """Return by how many dollars per flight a candidate is dearer than the champion.

    Both answered for the same flights, so what the flights have in common drops out. Flights of one
    day are dependent: the interval treats days as clusters, by Taylor's linearisation of the mean
    (L. Kish, Survey Sampling, 1965).
    """
    difference = candidate["dollars"] - champion["dollars"]
    days = difference.groupby(trial["date"]).agg(["sum", "size"])
    found = days["sum"].sum() / days["size"].sum()
    off = (days["sum"] - found * days["size"]) / days["size"].sum()
    reach = _Z * np.sqrt(len(days) / (len(days) - 1) * (off**2).sum())
    return Interval(found, found - reach, found + reach)


def small_gap(trial: pd.DataFrame, answers: pd.DataFrame) -> Interval:
    """Return by how much more of the late flights to small destinations was warned of (R7)."""
    table = trial.assign(warned=answers["warned"], trial="all")[trial[TARGET]]
    row = exploration.gap(table, by="trial", part="small", outcome="warned").loc["all"]
    return Interval(row["gap"], row["low"], row["high"])


def slowdown(trial: pd.DataFrame, candidate: Pipeline, champion: Pipeline) -> float:
    """Return how many times as long as the champion a candidate takes to predict, on one core.

    Both predict the same flights in turn, so that they share what else the computer does. What
    counts is the time of the processor: it stands still while another program has its turn, which
    the clock on the wall does not. Each turn is a few predictions long, since Windows counts the
    time of the processor in steps of 16 milliseconds.
    """
    flights = trial[FEATURES].head(TIMED_FLIGHTS)
    seconds = [0.0, 0.0]
    with threadpool_limits(1):
        for _ in range(TIMED_ROUNDS):
            for number, model in enumerate([candidate, champion]):
                begin = time.process_time()
                for _ in range(TIMED_TIMES):
                    model.predict_proba(flights)
                seconds[number] += time.process_time() - begin
    return seconds[0] / seconds[1]


def worse(difference: Interval) -> Verdict:
    """Stop a model that is dearer than the champion, or may well be (R2)."""
    if difference.low > 0:
        words = "dearer than"
    elif difference.high < 0:
        words = "cheaper than"
    else:
        words = "about as dear as" if difference.high <= MARGIN else "perhaps dearer than"
    reason = f"{words} the champion, {difference} dollars per flight"
    return Verdict("worse", "R2", difference.high <= MARGIN, reason)


def slower(ratio: float) -> Verdict:
    """Stop a model that takes much longer than the champion (R5)."""
    good = ratio <= SLOWEST
    words = "at most" if good else "more than"
    return Verdict("slower", "R5", good, f"takes {words} {SLOWEST} times as long as the champion")


def biased(gap: Interval) -> Verdict:
    """Stop a model that is not shown to be fair to small airports (R7)."""
    words = verdict.judge(gap.low, gap.high, _R7["maximum_gap"])
    return Verdict("biased", "R7", words == verdict.MET, f"R7 is {words}, gap {gap}")


def judge(
    trial: pd.DataFrame, candidate: ModelPackage, champion: ModelPackage, theirs: pd.DataFrame
) -> list[Verdict]:
    """Return what the gates say of a candidate.

    Parameters
    ----------
    trial : DataFrame
        From :func:`load_trial`.
    candidate, champion : ModelPackage
        The model that wants to be the next champion, and the one that is.
    theirs : DataFrame
        The champion's :func:`backtest.answer`.
    """
    ratio = slowdown(trial, candidate.model, champion.model)
    return judge_answers(trial, backtest.answer(trial, candidate), theirs, ratio)


def judge_answers(
    trial: pd.DataFrame, mine: pd.DataFrame, theirs: pd.DataFrame, ratio: float
) -> list[Verdict]:
    """Do the same with what both models have answered, and with their :func:`slowdown`."""
    return [worse(paired(trial, mine, theirs)), slower(ratio), biased(small_gap(trial, mine))]
