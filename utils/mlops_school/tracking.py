"""Recording training runs with MLflow, in one SQLite file of the learner's workspace."""

import logging
import os
import shutil
import sqlite3
import tempfile
from ast import literal_eval
from contextlib import closing, suppress
from pathlib import Path

import mlflow
import pandas as pd
import sklearn
import skops
from filelock import FileLock
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from mlflow.models.model import ModelInfo
from sklearn.pipeline import Pipeline

from mlops_school import data
from mlops_school.errors import CourseError
from mlops_school.features import FEATURES, TARGET, load_examples
from mlops_school.origin import provenance as provenance
from mlops_school.paths import BUILD, workspace
from mlops_school.training import TRUSTED_TYPES, make_boosting

LOCK_SECONDS = 5  # how long to wait for another program that is writing

logging.getLogger("alembic").setLevel(logging.WARNING)
# Files of another computer are fetched with a bar that says how long it took: other each time.
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")


def connect() -> Path:
    """Let MLflow work with the database of the workspace, which is made if need be.

    Returns
    -------
    Path
        The folder of the database.

    Raises
    ------
    CourseError
        If another program holds the database, or it is damaged, or the workspace cannot be
        written to.
    """
    folder = workspace() / "mlflow"
    folder.mkdir(exist_ok=True)
    database = folder / "mlflow.db"
    with FileLock(folder / "mlflow.lock"):  # two lessons may start at the same moment
        if not database.exists():
            _make_database(database)
    _check_free(database)
    mlflow.set_tracking_uri(_uri(database))
    return folder


def start(experiment: str, artifacts: str | None = None) -> None:
    """Let MLflow record into an experiment of the workspace, and begin it afresh.

    Runs that an earlier pass through the lesson left there go to MLflow's trash, so that a lesson
    that is run twice shows no run twice. They can be restored from it.

    Parameters
    ----------
    experiment : str
        Its name; it is made if need be.
    artifacts : str, optional
        Where a new experiment keeps its files, such as ``s3://bucket/path``; by default beside the
        database.

    Raises
    ------
    CourseError
        As :func:`connect` does.
    """
    folder = connect()
    if mlflow.active_run():  # left open by a cell that was stopped
        mlflow.end_run("KILLED")
    if mlflow.get_experiment_by_name(experiment) is None:
        beside = (folder / "artifacts" / experiment).as_uri()
        mlflow.create_experiment(experiment, artifacts or beside)
    earlier = mlflow.set_experiment(experiment).experiment_id
    for run in mlflow.search_runs([earlier], output_format="list"):
        mlflow.delete_run(run.info.run_id)
    for model in mlflow.search_logged_models([earlier], output_format="list"):
        mlflow.MlflowClient().delete_logged_model(model.model_id)


def log_model(model: Pipeline, examples: pd.DataFrame) -> ModelInfo:
    """Store a model in the active run, with its signature and what it needs.

    The file is in the skops format: opening it builds scikit-learn objects of known types and runs
    no other code, which a pickle might.

    Parameters
    ----------
    model : Pipeline
        A fitted classifier.
    examples : DataFrame
        A few rows such as it takes.
    """
    return mlflow.sklearn.log_model(
        model,
        name="model",
        signature=infer_signature(examples, model.predict_proba(examples)),
        # Given, since MLflow would otherwise spend seconds to find them out.
        pip_requirements=[f"scikit-learn=={sklearn.__version__}", f"skops=={skops.__version__}"],
        skops_trusted_types=TRUSTED_TYPES,
        pyfunc_predict_fn="predict_proba",
    )


def retrain(run_id: str) -> Pipeline:
    """Train the model of a run again, from nothing but the run's record (requirement R4).

    Parameters
    ----------
    run_id : str
        A run whose parameters are ``months``, ``seed`` and settings of
        :func:`~mlops_school.training.make_boosting`, and which has a tag ``data_version``.

    Raises
    ------
    CourseError
        If the record does not suffice, or the data are no longer those of the run.
    """
    try:
        record = mlflow.get_run(run_id).data
    except MlflowException:
        raise CourseError(f"MLflow has no run {run_id!r}.") from None
    lacking = sorted({"months", "seed"} - set(record.params))
    lacking += sorted({"data_version"} - set(record.tags))
    if lacking:
        raise CourseError(f"The record of this run lacks: {', '.join(lacking)}.")

    settings = {name: literal_eval(value) for name, value in record.params.items()}
    months = settings.pop("months")
    if data.version(months) != record.tags["data_version"]:
        raise CourseError("The data have changed since this run, so it cannot be reproduced.")
    examples = load_examples(months)
    return make_boosting(**settings).fit(examples[FEATURES], examples[TARGET])


def count_runs() -> dict[str, int]:
    """Return how many runs each experiment of the workspace has, those in the trash left out."""
    mlflow.set_tracking_uri(_uri(workspace() / "mlflow" / "mlflow.db"))
    return {
        experiment.name: len(mlflow.search_runs([experiment.experiment_id], output_format="list"))
        for experiment in mlflow.search_experiments()
    }


def _uri(database: Path) -> str:
    return f"sqlite:///{database.as_posix()}"


def _make_database(database: Path) -> None:
    """Make a database without runs.

    MLflow takes seconds to make one and copying takes none, so the first one is kept as a template.
    """
    template = BUILD / f"mlflow-{mlflow.__version__}.db"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if template.exists():
            source = template
        else:
            source = Path(folder) / "mlflow.db"
            mlflow.set_tracking_uri(_uri(source))
            mlflow.search_experiments()  # makes the tables
            with suppress(OSError):  # a read-only course folder: then each workspace waits
                BUILD.mkdir(exist_ok=True)
                _copy_whole(source, template)
        _copy_whole(source, database)


def _copy_whole(source: Path, target: Path) -> None:
    """Copy a file so that `target` is never half there, even if this process is killed."""
    partial = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.copyfile(source, partial)
    partial.replace(target)


def _check_free(database: Path) -> None:
    """Raise a CourseError unless the database can be written now."""
    try:
        with closing(sqlite3.connect(database, timeout=LOCK_SECONDS)) as connection:
            connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        raise CourseError(
            f"The experiment database {database} cannot be written now ({error}). Close other "
            "notebooks and MLflow windows that use it, then run this cell again; no run is lost."
        ) from None
    except sqlite3.DatabaseError as error:
        raise CourseError(
            f"The experiment database {database} is damaged ({error}). Rename it to keep it, "
            "then run this cell again: a new one is made."
        ) from None
