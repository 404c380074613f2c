"""The service that MLflow has ready for any of its models."""

import shlex
import sys
from pathlib import Path

import mlflow
from mlflow.models import infer_signature
from mlflow.pyfunc import scoring_server

from mlops_school.features import FEATURES, load_examples
from mlops_school.model_package import ModelPackage
from mlops_school.servers import Server
from mlops_school.training import TRUSTED_TYPES


def save(package: ModelPackage, folder: Path) -> Path:
    """Write the model of a package as an MLflow model into a new folder, and return the folder."""
    examples = load_examples(package.months[:1])[FEATURES].head()
    mlflow.sklearn.save_model(
        package.model,
        folder,
        serialization_format="skops",
        skops_trusted_types=TRUSTED_TYPES,
        pyfunc_predict_fn="predict_proba",
        signature=infer_signature(examples),
        pip_requirements=["scikit-learn", "skops"],  # asking the model would take seconds
    )
    return folder


def serve(folder: Path) -> Server:
    """Start what ``mlflow models serve --env-manager local`` starts, and return the server.

    Without the program around it, which does nothing but wait, and needs 250 MB for that.

    Raises
    ------
    CourseError
        If it does not become healthy.
    """
    command, variables = scoring_server.get_cmd(str(folder))
    program, *arguments = shlex.split(command)
    where = ["--host", "127.0.0.1", "--port", "{port}"]
    start = [sys.executable, "-m", program, *where, *arguments]
    return Server(start, env=variables, health="/ping")
