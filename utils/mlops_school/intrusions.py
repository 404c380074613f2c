"""How a registry is poisoned, by carelessness or on purpose, with harmless models."""

import pickle
import tempfile
from pathlib import Path

import mlflow
import skops.io
from sklearn.pipeline import Pipeline

from mlops_school import files, registry
from mlops_school.model_package import DESCRIPTION, ModelPackage
from mlops_school.training import TRUSTED_TYPES


class Surprise:
    """An object whose pickle runs code when it is opened: here, it writes a file.

    Parameters
    ----------
    file : Path
        The file.
    """

    def __init__(self, file: Path) -> None:
        self._file = str(file)

    def __reduce__(self) -> tuple[object, ...]:
        """Tell pickle how to make this object again: whatever it says is called."""
        return Path.write_text, (Path(self._file), "I ran when you opened the model.\n")


def by_hand(model: Pipeline) -> int:
    """Register a model as people do when they are in a hurry, and return its version."""
    with mlflow.start_run(run_name="by hand") as run:
        stored = mlflow.sklearn.log_model(
            model, name="model", pip_requirements=[], skops_trusted_types=TRUSTED_TYPES
        )
    return _add(stored.model_uri, run.info.run_id)


def smuggle(content: bytes) -> int:
    """Register a pickle past the pipeline, make it the champion, and return its version."""
    with mlflow.start_run(run_name="smuggled") as run, tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "model.pkl").write_bytes(content)
        mlflow.log_artifacts(folder, "package")
    version = _add(f"{run.info.artifact_uri}/package", run.info.run_id)
    registry.point(registry.CHAMPION, version)
    return version


def swap_file(version: int, other: ModelPackage) -> None:
    """Put another model's file behind a registered version, and touch nothing else."""
    place = registry.folder_of(version)
    description = (place / DESCRIPTION).read_bytes()
    other.write(place)
    with files.replacing(place / DESCRIPTION) as part:
        part.write_bytes(description)


def swap_package(version: int, other: ModelPackage) -> None:
    """Put another model behind a registered version, with the SHA-256 that fits it."""
    other.write(registry.folder_of(version))


def _add(source: str, run_id: str) -> int:
    client = mlflow.MlflowClient()
    return int(client.create_model_version(registry.NAME, source, run_id).version)


def surprise(file: Path) -> bytes:
    """Return the pickle of a :class:`Surprise`."""
    return pickle.dumps(Surprise(file))


def unknown_types(file: Path) -> list[str]:
    """Return the types in the skops file of a :class:`Surprise` that skops would not build."""
    return skops.io.get_untrusted_types(data=skops.io.dumps(Surprise(file)))
