"""Packing a model for the registry: the package, and what MLflow must know of it, in one folder."""

import shutil
from pathlib import Path

import mlflow
import sklearn
import skops
from mlflow.models import infer_signature

from mlops_school.features import FEATURES, load_examples
from mlops_school.model_package import ModelPackage
from mlops_school.training import TRUSTED_TYPES

CARD = "MODEL_CARD.md"


def pack(package: ModelPackage, folder: Path, card: str = "") -> Path:
    """Write a model into a folder, in the place of what was there, and return the folder.

    It is a model package, which a service loads, and an MLflow model with its signature, which a
    registry takes: both share the one file of the model.

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
    # From a whole month: of five flights, no seat number might happen to be missing, and the
    # signature would then forbid what is often so.
    examples = load_examples([max(package.months) + 1])[FEATURES]
    mlflow.sklearn.save_model(
        package.model,
        str(folder),
        signature=infer_signature(examples, package.model.predict_proba(examples.head())),
        # Given, since MLflow would otherwise spend seconds to find them out.
        pip_requirements=[f"scikit-learn=={sklearn.__version__}", f"skops=={skops.__version__}"],
        skops_trusted_types=TRUSTED_TYPES,
        pyfunc_predict_fn="predict_proba",
    )
    package.write(folder)
    if card:
        (folder / CARD).write_text(card, encoding="utf-8", newline="\n")
    return folder
