"""Faults of a new release: labels that were missing, features in another unit; and their price."""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline

from mlops_school import data, evaluation, handbook
from mlops_school.features import TARGET, load_examples
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


def in_celsius(features: pd.DataFrame) -> pd.DataFrame:
    """Return features with both temperatures in °C, as a new weather source might deliver them."""
    both = ["temp", "dewp"]
    return features.assign(**((features[both] - 32) / 1.8).round(1))


def needs_celsius(version: str) -> ModelPackage:
    """Return the draft of a release that takes one new feature, ``temp_c``, and nothing else."""
    examples = load_examples([1])
    features = ((examples[["temp"]] - 32) / 1.8).rename(columns={"temp": "temp_c"})
    model = make_pipeline(
        make_column_transformer(("passthrough", ["temp_c"])),
        HistGradientBoostingClassifier(max_iter=2, random_state=0),
    )
    return ModelPackage(version, model.fit(features, examples[TARGET]), 0.25, (1,), {})


def impact(mine: pd.DataFrame, theirs: pd.DataFrame, days: int) -> dict[str, int]:
    """Return what a release has done in the first days of a month, for a postmortem.

    Parameters
    ----------
    mine, theirs : DataFrame
        As for :func:`first_noticed`.
    days : int
        The last day on which it was in service.

    Returns
    -------
    dict of str to int
        ``days``; ``flights`` that it answered; of these, the ``late`` ones; how many of them it has
        ``missed``, and the release before would have missed (``missed_before``); and how many
        ``dollars`` more its mistakes cost.
    """
    served = mine["date"].dt.day <= days
    late = served & mine[TARGET]
    return {
        "days": days,
        "flights": int(served.sum()),
        "late": int(late.sum()),
        "missed": int((late & ~mine["warned"]).sum()),
        "missed_before": int((late & ~theirs["warned"]).sum()),
        "dollars": int((mine["dollars"] - theirs["dollars"])[served].sum()),
    }


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


def story(noticed: Mapping[str, int]) -> dict[str, str]:
    """Return the part of the postmortem that no table tells: what people did, and why it was so.

    Parameters
    ----------
    noticed : mapping of str to int
        Of :func:`first_noticed`.
    """
    warnings, dollars = noticed["share of warnings"], noticed["dollars against a shadow"]
    timeline = [
        ("1 July", "the threshold is chosen on June, of which the bad days are missing"),
        ("1 July", "release 2 serves, without having been a challenger"),
        (f"{warnings} July", "it warns of less than half as many as release 1; nobody looks"),
        (f"{dollars} July", "the confidence sequence excludes zero: `school rollback`"),
    ]
    actions = [
        ("refuse a month with over 10 percent without a verdict", "pipeline", "20 July"),
        ("treat a threshold as a release: challenger first", "pipeline", "1 August"),
        ("compare the share of warnings with the shadow, each evening", "alerts", "20 July"),
    ]
    return {
        "title": "a threshold from half a month",
        "author": "the operator on duty",
        "requirements": "R2",
        "timeline": handbook.rows(timeline),
        "cause": (
            "Flights without a label were left out silently, and the bad days had no labels yet. "
            "A change of the threshold alone needed no challenger."
        ),
        "well": "Release 1 went on as a shadow. Going back took one command.",
        "actions": handbook.rows(actions),
    }
