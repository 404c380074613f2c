"""A fair race of models: one month chooses everybody's threshold, a later month judges."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.metrics import log_loss
from sklearn.pipeline import Pipeline

from mlops_school import evaluation, intervals
from mlops_school.features import FEATURES, TARGET
from mlops_school.training import make_boosting


def run(
    late: ArrayLike,
    later: pd.DataFrame,
    chosen_by: Mapping[str, np.ndarray],
    judged_by: Mapping[str, np.ndarray],
) -> pd.DataFrame:
    """Return how good each model was in a later month, beside the first one.

    Parameters
    ----------
    late : array-like of bool, shape (n_flights,)
        Whether each flight of the month that chooses was late.
    later : DataFrame of shape (n_later_flights, 2 or more)
        ``date`` and ``late`` of the flights of the month that judges.
    chosen_by, judged_by : mapping of str to ndarray
        The probabilities of each model, by its name, for the flights of the two months.

    Returns
    -------
    DataFrame
        By name: ``roc_auc`` and ``dollars`` per flight in the later month, at the threshold that is
        cheapest for that model in the earlier one; and how many dollars per flight more than the
        first model's, as the 95 percent interval ``low`` to ``high`` for draws of equal days.
    """
    rows, draws = {}, {}
    for name, probability in judged_by.items():
        threshold = evaluation.cost_curve(late, chosen_by[name]).idxmin()
        table = later[["date", "late"]].assign(
            probability=probability, warned=probability >= threshold
        )
        rows[name] = intervals.metrics(table)[["roc_auc", "dollars"]]
        draws[name] = intervals.bootstrap(table)["dollars"]
    found = pd.DataFrame(rows).T
    more = pd.DataFrame(draws).sub(next(iter(draws.values())), axis=0)
    return found.join(intervals.interval(more))


def best_count(model: Pipeline, table: pd.DataFrame) -> int:
    """Return how many of a model's trees have the smallest loss on a later month.

    Parameters
    ----------
    model : Pipeline
        Of :func:`mlops_school.training.make_boosting`, fitted.
    table : DataFrame
        Flights with ``FEATURES`` and ``late``.
    """
    ready = model[:-1].transform(table[FEATURES])
    steps = model[-1].staged_predict_proba(ready)
    return 1 + int(np.argmin([log_loss(table[TARGET], step[:, 1]) for step in steps]))


def stopped_trees(learn: pd.DataFrame, later: pd.DataFrame) -> Pipeline:
    """Return boosted trees of some flights, as many as have the smallest loss on later ones.

    Parameters
    ----------
    learn, later : DataFrame
        Flights with ``FEATURES`` and ``late``.
    """

    def grow(**settings: int) -> Pipeline:
        model = make_boosting(early_stopping=False, **settings)
        return model.fit(learn[FEATURES], learn[TARGET])

    return grow(max_iter=best_count(grow(), later))
