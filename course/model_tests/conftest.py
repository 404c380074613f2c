"""What the tests of a model share: the package in the folder MODEL_PACKAGE, and some flights."""

import os
from pathlib import Path

import pytest

from mlops_school.features import FEATURES, load_examples
from mlops_school.model_package import ModelPackage


@pytest.fixture(scope="session")
def package():
    return ModelPackage.load(Path(os.environ["MODEL_PACKAGE"]))


@pytest.fixture(scope="session")
def flights():
    """Return the features of 1,000 flights of May."""
    return load_examples([5]).sample(1000, random_state=0)[FEATURES]


@pytest.fixture(scope="session")
def predict(package):
    return lambda table: package.model.predict_proba(table[FEATURES])[:, 1]
