"""Models for the delay of a flight."""

from typing import Any

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from mlops_school.features import CATEGORICAL, NUMERIC

# What a model file may contain beside scikit-learn's public classes, read and approved: the trees
# of gradient boosting, and how a transformer checks its input. Anything else is refused.
TRUSTED_TYPES = [
    "functools.partial",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.utils.validation.check_array",
]


def make_boosting(*, seed: int = 0, **settings: Any) -> Pipeline:
    """Return gradient-boosted trees that take a table of ``features.FEATURES``.

    A carrier or airport that training has not seen counts as missing, which the trees handle.

    Parameters
    ----------
    seed : int
        Fixes everything that is random in training.
    **settings
        Parameters of :class:`~sklearn.ensemble.HistGradientBoostingClassifier`.
    """
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan
    )
    return make_pipeline(
        make_column_transformer((codes, CATEGORICAL), ("passthrough", NUMERIC)),
        HistGradientBoostingClassifier(
            categorical_features=list(range(len(CATEGORICAL))), random_state=seed, **settings
        ),
    )


def make_logistic(**settings: Any) -> Pipeline:
    """Return a logistic regression that takes a table of ``features.FEATURES``.

    Parameters
    ----------
    **settings
        Parameters of :class:`~sklearn.linear_model.LogisticRegression`.
    """
    # An airport with a few flights would get a coefficient of its own made of noise.
    categories = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=100)
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    return make_pipeline(
        make_column_transformer((categories, CATEGORICAL), (numbers, NUMERIC)),
        LogisticRegression(**{"max_iter": 500, **settings}),
    )
