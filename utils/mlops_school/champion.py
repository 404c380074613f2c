"""The model that is in service when a lesson begins: release 1, built as in lesson 09."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from mlops_school import backtest, evaluation
from mlops_school.errors import CourseError
from mlops_school.features import FEATURES, TARGET
from mlops_school.model_package import ModelPackage
from mlops_school.origin import provenance
from mlops_school.paths import workspace
from mlops_school.training import make_boosting

MONTHS = (1, 2, 3, 4)


def train(
    version: str = "1", months: tuple[int, ...] = MONTHS, seed: int = 0, **settings: Any
) -> ModelPackage:
    """Train a model on some months, and choose its threshold on the month after them.

    Parameters
    ----------
    version : str
        Its release.
    months : tuple of int
        Months of 2013, from 1 to 11.
    seed : int
        Fixes everything that is random in training.
    **settings
        As for :func:`~mlops_school.training.make_boosting`.
    """
    learn = pd.concat(map(backtest.load_month, months), ignore_index=True)
    choose = backtest.load_month(max(months) + 1)
    model = make_boosting(seed=seed, **settings).fit(learn[FEATURES], learn[TARGET])
    probability = model.predict_proba(choose[FEATURES])[:, 1]
    threshold = float(evaluation.cost_curve(choose[TARGET], probability).idxmin())
    chosen = {name: str(value) for name, value in {"seed": seed, **settings}.items()}
    record = {**chosen, **provenance(months)}
    return ModelPackage(version, model, threshold, months, record)


def folder() -> Path:
    """Return the folder of release 1 in the workspace; trains it unless it is there and whole."""
    return _kept("1", MONTHS)


def built_before(month: int, window: int | None = None) -> ModelPackage:
    """Return the newest release that could be built on the first day of a month.

    By then the flights of all months before it have landed. The release has learned from all of
    them but the last one, on which its threshold is chosen. In June it is that of release 1.
    Its version names the months, such as 1-4. What was trained once is kept in the workspace.

    Parameters
    ----------
    month : int
        Of 2013, from 3 to 12.
    window : int, optional
        Learn from so many months at most, the newest ones.

    Raises
    ------
    CourseError
        If there are no months to learn from.
    """
    months = range(1, month - 1)
    if window is not None:
        months = months[max(0, len(months) - window) :]
    if not months or month > 12:
        raise CourseError(
            "A release needs at least one month to learn from, and one more to choose its "
            f"threshold on. Month {month} with a window of {window} leaves none: choose a month "
            "from 3 to 12, and a window of 1 or more."
        )
    version = f"{months[0]}-{months[-1]}"
    if tuple(months) == MONTHS:  # it is there already, as release 1
        return replace(ModelPackage.load(folder()), version=version)
    return ModelPackage.load(_kept(version, tuple(months)))


def _kept(version: str, months: tuple[int, ...]) -> Path:
    """Return the folder of a release in the workspace; trains it unless it is there and whole.

    It is trained again if the data, the code or the versions of Python and scikit-learn are not
    those of its record.
    """
    place = workspace() / "releases" / version
    try:
        record = ModelPackage.load(place).record
    except CourseError:
        record = {}
    if record != {"seed": "0", **provenance(months)}:
        train(version, months).write(place)
    return place
