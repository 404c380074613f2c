"""Packing a model for the registry: the package, and what others must know of it, in one folder."""

import logging
import shutil
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import sklearn
import skops
from mlflow.models import infer_signature

from mlops_school import compatibility
from mlops_school.features import CATEGORICAL, FEATURES, NUMERIC
from mlops_school.model_package import ModelPackage
from mlops_school.training import TRUSTED_TYPES

CARD = "MODEL_CARD.md"

# It warns where there is no pip, as in an environment that uv has made. That is no fault.
logging.getLogger("mlflow.utils.environment").setLevel(logging.ERROR)


def pack(package: ModelPackage, folder: Path, card: str = "") -> Path:
    """Write a model into a folder, in the place of what was there, and return the folder.

    It is a model package, which a service loads, and an MLflow model with its signature, which a
    registry takes: both share the one file of the model. Beside it stands which features it needs.

    Parameters
    ----------
    package : ModelPackage
        The model.
    folder : Path
        It is made if need be.
    card : str
        The model card, in Markdown; without it, there is none.
    """
    shutil.rmtree(folder, ignore_errors=True)
    # A signature that is inferred from real flights calls required what happened to be known of
    # them. So one row lacks whatever may be missing.
    names = {**dict.fromkeys(CATEGORICAL, "?"), **dict.fromkeys(NUMERIC, 0.0)}
    examples = pd.DataFrame([names, names | dict.fromkeys(NUMERIC, np.nan)])[FEATURES]
    mlflow.sklearn.save_model(
        package.model,
        str(folder),
        signature=infer_signature(examples, package.model.predict_proba(examples)),
        # Given, since MLflow would otherwise spend seconds to find them out.
        pip_requirements=[f"scikit-learn=={sklearn.__version__}", f"skops=={skops.__version__}"],
        skops_trusted_types=TRUSTED_TYPES,
        pyfunc_predict_fn="predict_proba",
    )
    package.write(folder)
    compatibility.write(folder)
    if card:
        (folder / CARD).write_text(card, encoding="utf-8", newline="\n")
    return folder
