"""Fairness among people: the German credit data, who is refused, and two ways to mend it."""

import numpy as np
import pandas as pd
from fairlearn.postprocessing import ThresholdOptimizer
from fairlearn.reductions import ErrorRate, ExponentiatedGradient, TruePositiveRateParity
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from mlops_school import data
from mlops_school.exploration import wilson

YOUNG_TO = 25  # years
ACCEPTED_BAD, REFUSED_GOOD = 5, 1  # what the documentation of the data says a mistake costs
GRANT_FROM = ACCEPTED_BAD / (ACCEPTED_BAD + REFUSED_GOOD)  # a credit pays from here on
FOLDS = 5
# A column that belongs to other rows, one that is probably the wrong way round, and the outcome.
_LEFT_OUT = ["personal_status_and_sex", "foreign_worker", "creditability"]


def applicants() -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Return the applicants of the German credit data.

    Returns
    -------
    features : DataFrame of shape (1000, 18)
        What is known of each, without the columns that the data card warns of.
    good, young : ndarray of bool, shape (1000,)
        Whether each paid back, and whether each is 25 or younger.
    """
    table = data.load_german_credit()
    good = (table["creditability"] == "good").to_numpy()
    return table.drop(columns=_LEFT_OUT), good, (table["age_in_years"] <= YOUNG_TO).to_numpy()


def _by_cost(
    features: pd.DataFrame,
    good: np.ndarray,
    young: np.ndarray,
    others: pd.DataFrame,
    others_young: np.ndarray,
) -> np.ndarray:
    return train(features, good).predict_proba(others)[:, 1] >= GRANT_FROM


def _without_age(
    features: pd.DataFrame,
    good: np.ndarray,
    young: np.ndarray,
    others: pd.DataFrame,
    others_young: np.ndarray,
) -> np.ndarray:
    blind = features.drop(columns="age_in_years")
    return _by_cost(blind, good, young, others.drop(columns="age_in_years"), others_young)


def _limit_for_each_group(
    features: pd.DataFrame,
    good: np.ndarray,
    young: np.ndarray,
    others: pd.DataFrame,
    others_young: np.ndarray,
) -> np.ndarray:
    model = train(features, good)
    # The optimiser counts mistakes. With every bad risk five times over, it counts costs.
    rows = np.repeat(np.arange(len(good)), np.where(good, REFUSED_GOOD, ACCEPTED_BAD))
    limits = ThresholdOptimizer(
        estimator=model,
        constraints="true_positive_rate_parity",  # equally many of the good are granted
        objective="accuracy_score",
        predict_method="predict_proba",
        prefit=True,
        grid_size=500,
    ).fit(features.iloc[rows], good[rows].astype(int), sensitive_features=young[rows])
    return limits.predict(others, sensitive_features=others_young, random_state=0) == 1


def _fair_training(
    features: pd.DataFrame,
    good: np.ndarray,
    young: np.ndarray,
    others: pd.DataFrame,
    others_young: np.ndarray,
) -> np.ndarray:
    prepare = _prepare(features).fit(features)
    model = ExponentiatedGradient(
        _regression(),
        TruePositiveRateParity(difference_bound=0.02),
        objective=ErrorRate(costs={"fp": ACCEPTED_BAD, "fn": REFUSED_GOOD}),
        max_iter=4,  # more would change the shares by a point or less
    ).fit(prepare.transform(features), good.astype(int), sensitive_features=young)
    return model.predict(prepare.transform(others), random_state=0) == 1


WAYS = {
    "by cost alone": _by_cost,
    "without age": _without_age,
    "a limit for each group": _limit_for_each_group,
    "fair training": _fair_training,
}


def decide(way: str) -> np.ndarray:
    """Return to whom a bank grants a credit, each decided by a model that has not seen them.

    Parameters
    ----------
    way : str
        One of ``WAYS``. ``by cost alone``: from the probability on from which it pays. ``without
        age``: the same, but the model is not told the age. ``a limit for each group``: the limits
        are moved apart afterwards until equally many good applicants of each group are granted
        (M. Hardt, E. Price and N. Srebro, 2016). ``fair training``: the model is trained so that it
        holds by itself (A. Agarwal and others, 2018).

    Returns
    -------
    ndarray of bool, shape (1000,)
    """
    features, good, young = applicants()
    granted = np.zeros(len(good), dtype=bool)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    for train, test in folds.split(features, 2 * good + young):
        granted[test] = WAYS[way](
            features.iloc[train], good[train], young[train], features.iloc[test], young[test]
        )
    return granted


def describe(good: np.ndarray, young: np.ndarray, granted: np.ndarray) -> pd.DataFrame:
    """Return how a decision treats the young and the others.

    Parameters
    ----------
    good, young, granted : ndarray of bool, shape (n_people,)
        Whether each is a good risk, is young, and was granted a credit.

    Returns
    -------
    DataFrame
        For ``young`` and ``older``: ``people``; the share of them ``granted``; of the good ones,
        the share ``refused``, with its 95 percent interval ``low`` to ``high``; and of those who
        were granted a credit, the share that is ``bad``.
    """
    rows = {}
    for name, group in {"young": young, "older": ~young}.items():
        refused, of = (group & good & ~granted).sum(), (group & good).sum()
        low, high = wilson(refused, of)
        rows[name] = {
            "people": group.sum(),
            "granted": granted[group].mean(),
            "refused": refused / of,
            "low": float(low),
            "high": float(high),
            "bad": (~good)[group & granted].mean(),
        }
    return pd.DataFrame.from_dict(rows, orient="index").astype({"people": int})


def price(good: np.ndarray, granted: np.ndarray) -> float:
    """Return what the mistakes of a decision cost per applicant, in refused good ones."""
    mistakes = ACCEPTED_BAD * (granted & ~good) + REFUSED_GOOD * (~granted & good)
    return float(mistakes.mean())


def train(features: pd.DataFrame, good: np.ndarray, weight: np.ndarray | None = None) -> Pipeline:
    """Return a model of who pays back, a logistic regression.

    Parameters
    ----------
    features : DataFrame of shape (n_people, n_features)
        As :func:`applicants` returns them.
    good : ndarray of bool, shape (n_people,)
        Whether each paid back.
    weight : ndarray of shape (n_people,), optional
        How much each counts in the training; by default all count equally.
    """
    model = make_pipeline(_prepare(features), _regression())
    return model.fit(features, good, logisticregression__sample_weight=weight)


def _regression() -> LogisticRegression:
    return LogisticRegression(C=0.1, max_iter=1000)


def _prepare(features: pd.DataFrame) -> ColumnTransformer:
    numbers = features.select_dtypes("number").columns
    classes = features.columns.difference(numbers)
    codes = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return make_column_transformer((codes, classes), (StandardScaler(), numbers))
