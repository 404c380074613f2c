"""A release that was made from faulty labels, and when somebody could have noticed."""

from dataclasses import replace

import pandas as pd

from mlops_school import data, evaluation
from mlops_school.features import TARGET
from mlops_school.model_package import ModelPackage
from mlops_school.sequential import confidence_sequence, first_exclusion

CALM = 0.25  # of the flights are late at most, on a day whose messages come in time


def without_bad_days(served: pd.DataFrame, calm: float = CALM) -> pd.DataFrame:
    """Return what was known of a month when the messages of its bad days were still on their way.

    On a day with many late flights, the stations at the destinations have other things to do than
    to report arrivals.

    Parameters
    ----------
    served : DataFrame
        As of :func:`mlops_school.replay.outcomes`.
    calm : float
        Days with a larger share of late flights are missing.
    """
    share = served.groupby("date")[TARGET].transform("mean")
    return served[share <= calm]


def unknown_share(month: int, served: pd.DataFrame) -> float:
    """Return the share of the flights of a month of which it is not known how they ended (R1)."""
    return 1 - len(served) / len(data.load_flights([month], ["flight"]))


def retuned(package: ModelPackage, served: pd.DataFrame, version: str) -> ModelPackage:
    """Return a release with the same model, and the threshold that was cheapest for some flights.

    Parameters
    ----------
    package : ModelPackage
        Whose model it is.
    served : DataFrame
        What this model has said of flights, and what became of them.
    version : str
        The name of the new release.
    """
    curve = evaluation.cost_curve(served[TARGET], served["probability"])
    return replace(package, version=version, threshold=float(curve.idxmin()))


def first_noticed(mine: pd.DataFrame, theirs: pd.DataFrame) -> pd.Series:
    """Return on which day of a month each alarm would have noticed that a release is worse.

    Parameters
    ----------
    mine, theirs : DataFrame
        What it has said of the flights of the month, and what the release before would have said.

    Returns
    -------
    Series
        Days of the month, by the name of the alarm. ``share of warnings`` compares how often both
        warn, each evening; it rings at twice, or half, as often. ``dollars against a shadow`` is
        the confidence sequence of the daily difference. ``end of the month`` is the report.
    """
    date = mine["date"]
    ratio = mine["warned"].groupby(date).mean() / theirs["warned"].groupby(date).mean()
    loud = (ratio > 2) | (ratio < 0.5)
    dearer = (mine["dollars"] - theirs["dollars"]).groupby(date).mean()
    decided = int(first_exclusion(*confidence_sequence(dearer)))
    last = len(ratio)
    return pd.Series(
        {
            "share of warnings": int(loud.to_numpy().argmax()) + 1 if loud.any() else last,
            "dollars against a shadow": decided or last,
            "end of the month": last,
        }
    )
