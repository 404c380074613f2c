"""The year again: what each release that could have been built would have said of each flight."""

import hashlib

import pandas as pd

from mlops_school import backtest, champion, data, files
from mlops_school.errors import CourseError
from mlops_school.model_package import ModelPackage
from mlops_school.paths import workspace

FIRST, LAST = 3, 12  # the first month before which a release can be built, and the end of the data


def outcomes(month: int, built: int, window: int | None = None) -> pd.DataFrame:
    """Return what a release says of the flights of a month, and what became of them.

    That it can be known for a release that was not in service rests on a warning making no flight
    late or early. What was computed once is kept in the workspace, so that the year can be replayed
    under many policies.

    Parameters
    ----------
    month : int
        Of 2013.
    built : int
        The release is the newest that could be built on the first day of this month, as of
        :func:`mlops_school.champion.built_before`; not after `month`.
    window : int, optional
        It has learned from so many months at most, the newest ones.

    Returns
    -------
    DataFrame
        As of :func:`mlops_school.backtest.forecast`.

    Raises
    ------
    CourseError
        If the release would know flights of the month, or there is none to be built.
    """
    if not FIRST <= built <= month <= LAST:
        raise CourseError(
            f"A release built before month {built} cannot be tried on month {month}: it can be "
            f"built from month {FIRST} on, and is tried on that month or a later one, up to {LAST}."
        )
    return said_by(champion.built_before(built, window), month)


def said_by(package: ModelPackage, month: int) -> pd.DataFrame:
    """Return what a release says of the flights of a month, as :func:`outcomes` does, and keep it.

    Parameters
    ----------
    package : ModelPackage
        The release. It must not have learned from the month; nobody checks that here.
    month : int
        Of 2013.
    """
    # A release that was trained again, on other data or by other code, has another record.
    facts = repr((sorted(package.record.items()), package.months, package.threshold))
    digest = hashlib.sha256(facts.encode()).hexdigest()
    months = f"{min(package.months)}-{max(package.months)}"
    place = workspace() / "replays" / f"{months}-{digest[:12]}-{month:02}.parquet"
    if not place.exists():
        place.parent.mkdir(exist_ok=True)
        with files.replacing(place) as part:
            backtest.forecast(package, [month]).to_parquet(part)
    return pd.read_parquet(place).astype({"dest": data.TEXT})
