"""Making the table of lesson 16: what every release of the year would have said, day by day.

It takes some minutes, so the table comes with the course, in ``course/replay``. After a change of
the data, the features or the training, make it again::

    uv run --frozen python -m mlops_school.authoring.replay_table
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from mlops_school import backtest, damages, data, evaluation, production_year
from mlops_school.features import FEATURES, LATE_FROM, TARGET
from mlops_school.model_package import ModelPackage
from mlops_school.policies import WINDOWS
from mlops_school.production_year import DAMAGED, FIRST, LAST, Release
from mlops_school.training import make_boosting

SEEN = "late_seen"  # what the labels say in the damaged delivery


def releases() -> list[Release]:
    """Return every release that some policy can build, each once."""
    found = {
        production_year.release_of(built, window, damaged)
        for built in range(FIRST, LAST + 1)
        for window in WINDOWS
        for damaged in (False, True)
    }
    return sorted(found)


def load_month(month: int) -> pd.DataFrame:
    """Return :func:`backtest.load_trial` of a month, and its labels as they were delivered."""
    trial = backtest.load_trial([month])
    trial[SEEN] = trial[TARGET]
    if month == DAMAGED:
        flights = damages.delays_in_hours(data.load_flights([month]))
        arrived = flights.loc[flights["arr_delay"].notna(), "arr_delay"]
        trial[SEEN] = (arrived >= LATE_FROM).to_numpy()
    return trial


def train(release: Release, months: dict[int, pd.DataFrame]) -> ModelPackage:
    """Train a release as :func:`champion.train` does, on labels as they were delivered to it."""
    label = SEEN if release.damaged else TARGET
    learn = pd.concat([months[month] for month in release.months], ignore_index=True)
    choose = months[release.built - 1]
    model = make_boosting(seed=0).fit(learn[FEATURES], learn[label])
    probability = model.predict_proba(choose[FEATURES])[:, 1]
    threshold = float(evaluation.cost_curve(choose[label], probability).idxmin())
    return ModelPackage(release.name, model, threshold, release.months, {})


def days(release: Release, package: ModelPackage, trial: pd.DataFrame) -> pd.DataFrame:
    """Return what a release says of the flights of a month, as sums of each day."""
    said = backtest.answer(trial, package)
    seen = evaluation.mistakes(trial[SEEN], said["warned"])
    table = trial[["month"]].assign(
        day=trial["date"].dt.day,
        warned=said["warned"],
        expected=said["probability"],
        dollars=said["dollars"],
        dollars_seen=seen,
    )
    sums = table.groupby(["month", "day"], as_index=False).sum()
    auc = roc_auc_score(trial[TARGET], said["probability"])
    sums = sums.assign(expected=sums["expected"].round(4), roc_auc=round(float(auc), 4))
    sums.insert(0, "release", release.name)
    return sums


def flights(months: dict[int, pd.DataFrame]) -> pd.DataFrame:
    """Return how many flights arrived on each day, and how many of them late."""
    rows = [
        trial.assign(day=trial["date"].dt.day, flights=1)
        .groupby(["month", "day"], as_index=False)[["flights", TARGET, SEEN]]
        .sum()
        for trial in months.values()
    ]
    return pd.concat(rows, ignore_index=True)


def make(chosen: Sequence[Release], months: dict[int, pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Yield the :func:`days` of each release, from the month before it was built on.

    A release that cannot be trained, since its months have fewer than two late flights, is left
    out.
    """
    for release in chosen:
        label = SEEN if release.damaged else TARGET
        if sum(months[month][label].sum() for month in release.months) < 2:
            continue
        package = train(release, months)
        for month in range(release.built - 1, LAST + 1):
            yield days(release, package, months[month])
        print(f"release {release.name}: warns from {package.threshold} on", flush=True)


def main() -> None:
    """Write both tables."""
    months = {month: load_month(month) for month in range(1, LAST + 1)}
    production_year.FOLDER.mkdir(exist_ok=True)
    table = pd.concat(make(releases(), months), ignore_index=True)
    small = dict.fromkeys(["month", "day"], np.int8)
    small |= dict.fromkeys(["warned", "dollars", "dollars_seen"], np.int32)
    table.astype(small).to_parquet(production_year.FOLDER / "days.parquet", index=False)
    columns = dict.fromkeys(["flights", TARGET, SEEN], np.int32)
    flights(months).astype(columns).to_parquet(
        production_year.FOLDER / "flights.parquet", index=False
    )


if __name__ == "__main__":
    main()
