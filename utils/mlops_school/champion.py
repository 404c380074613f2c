"""The model that is in service when a lesson begins: release 1, built as in lesson 09."""

from pathlib import Path
from typing import Any

from mlops_school import evaluation
from mlops_school.errors import CourseError
from mlops_school.features import FEATURES, TARGET, load_examples
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
    learn, choose = load_examples(months), load_examples([max(months) + 1])
    model = make_boosting(seed=seed, **settings).fit(learn[FEATURES], learn[TARGET])
    probability = model.predict_proba(choose[FEATURES])[:, 1]
    threshold = float(evaluation.cost_curve(choose[TARGET], probability).idxmin())
    chosen = {name: str(value) for name, value in {"seed": seed, **settings}.items()}
    record = {**chosen, **provenance(months)}
    return ModelPackage(version, model, threshold, months, record)


def folder() -> Path:
    """Return the folder of release 1 in the workspace; trains it unless it is there and whole.

    It is trained again if the data, the code or the versions of Python and scikit-learn are not
    those of its record.
    """
    place = workspace() / "releases" / "1"
    try:
        record = ModelPackage.load(place).record
    except CourseError:
        record = {}
    if record != {"seed": "0", **provenance(MONTHS)}:
        train().write(place)
    return place
