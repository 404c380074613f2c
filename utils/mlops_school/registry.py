"""The registry of models: versions that never change, and names that point at one of them."""

import shutil
import tempfile
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import Model

from mlops_school import champion, files, tracking
from mlops_school.compatibility import NEEDS
from mlops_school.errors import CourseError
from mlops_school.features import FEATURES
from mlops_school.gates import Verdict
from mlops_school.model_package import DESCRIPTION, MODEL, ModelPackage
from mlops_school.origin import provenance
from mlops_school.packing import CARD, pack

EXPERIMENT, NAME = "11-delivery", "11-delay-forecast"
CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"


def start() -> None:
    """Begin with a registry that holds nothing but release 1, which is the champion.

    Raises
    ------
    CourseError
        If the database cannot be used.
    """
    tracking.start(EXPERIMENT)
    if mlflow.search_registered_models(filter_string=f"name = '{NAME}'"):
        _client().delete_registered_model(NAME)
    connect()


def connect() -> None:
    """Use the registry of the workspace; if it has no champion, release 1 becomes it.

    Raises
    ------
    CourseError
        If the database cannot be used.
    """
    tracking.connect()
    if mlflow.get_experiment_by_name(EXPERIMENT) is None:
        tracking.start(EXPERIMENT)
    mlflow.set_experiment(EXPERIMENT)
    if not mlflow.search_registered_models(filter_string=f"name = '{NAME}'"):
        _client().create_registered_model(NAME)
    if at(CHAMPION) is None:
        release = ModelPackage.load(champion.folder())
        with tempfile.TemporaryDirectory() as folder:
            packed = pack(release, Path(folder) / "package")
            point(CHAMPION, add(packed, key=f"release {release.version}"))


def add(folder: Path, key: str) -> int:
    """Register a package, unless that was done before, and return the number of its version.

    Parameters
    ----------
    folder : Path
        A model package; what else lies in the folder is stored with it.
    key : str
        What it was made from. Of one key, only the first package is registered.

    Raises
    ------
    CourseError
        If the package is not whole.
    """
    for version in _versions():
        if version.tags.get("key") == key:
            return int(version.version)
    package = ModelPackage.load(folder)
    with mlflow.start_run(run_name=f"release {package.version}") as run:
        mlflow.log_params({"months": list(package.months), **_settings(package)})
        mlflow.set_tags(dict(package.record))
        mlflow.log_artifacts(str(folder), "package")
    tags = {"key": key, "release": package.version, "sha256": files.sha256(folder / MODEL)}
    source = f"{run.info.artifact_uri}/package"
    return int(_client().create_model_version(NAME, source, run.info.run_id, tags=tags).version)


def at(alias: str) -> int | None:
    """Return the number of the version that an alias points at, if there is one."""
    try:
        return int(_client().get_model_version_by_alias(NAME, alias).version)
    except MlflowException:
        return None


def champion_version() -> int:
    """Return the number of the version that is the champion.

    Raises
    ------
    CourseError
        If there is none.
    """
    if (version := at(CHAMPION)) is None:
        raise CourseError("No version is the champion. Point the alias at one.")
    return version


def aliases_of(version: int) -> list[str]:
    """Return the names that point at a version, in alphabetical order."""
    aliases = _client().get_registered_model(NAME).aliases
    return sorted(alias for alias, number in aliases.items() if int(number) == version)


def delete(version: int) -> None:
    """Take a version out of the registry; its files stay where they are."""
    _client().delete_model_version(NAME, str(version))


def key_of(version: int) -> str:
    """Return the key with which a version was registered, or an empty text."""
    return _get(version).tags.get("key", "")


def point(alias: str, version: int) -> None:
    """Let an alias point at a version: one row of the database changes, or nothing does."""
    _client().set_registered_model_alias(NAME, alias, str(version))


def check(version: int) -> list[Verdict]:
    """Return what the gates in front of an alias say of a registered version."""
    folder = folder_of(version)
    try:
        signature = Model.load(folder).signature
    except (MlflowException, OSError):
        signature = None
    columns = signature.inputs.input_names() if signature else []
    fits = columns == FEATURES
    reason = f"says which {len(FEATURES)} columns the model takes" if fits else "has no signature"
    if columns and not fits:
        reason = "has the signature of a model that takes other columns"
    verdicts = [Verdict("unsigned", "R6", fits, reason)]
    try:
        ModelPackage.load(folder)
    except CourseError as error:
        reason = str(error).replace(str(folder), "the package")
    else:
        same = files.sha256(folder / MODEL) == _get(version).tags.get("sha256")
        reason = "" if same else "the SHA-256 of its model is not the one that was registered"
    words = reason or "the bytes that were registered, and known types only"
    return [*verdicts, Verdict("changed", "R4", not reason, words)]


def promote(version: int) -> bool:
    """Make a version the champion, if it passes :func:`check`; tell whether anything changed.

    The alias ``previous`` then points at the champion before. It moves first: whoever is killed
    between the two steps leaves the old champion in service, and may promote again.

    Raises
    ------
    CourseError
        If a gate stops it. The champion stays.
    """
    refuse(check(version), f"Version {version} is not promoted")
    before = at(CHAMPION)
    if before == version:
        return False
    if before is not None:
        point(PREVIOUS, before)
    point(CHAMPION, version)
    return True


def rollback() -> int:
    """Make the previous champion the champion again, and return its version.

    If it is the champion already, nothing changes.

    Raises
    ------
    CourseError
        If there was none, or a gate stops it.
    """
    version = at(PREVIOUS)
    if version is None:
        raise CourseError("There is no previous champion to go back to.")
    refuse(check(version), f"Version {version} is not made the champion again")
    point(CHAMPION, version)
    return version


def refuse(verdicts: list[Verdict], what: str) -> None:
    """Raise a CourseError with the reasons if a gate stops."""
    if stopped := [str(verdict) for verdict in verdicts if not verdict.passed]:
        raise CourseError("\n".join([f"{what}.", *stopped]))


def export(folder: Path, alias: str = CHAMPION) -> Path:
    """Copy the package of an alias into a folder that a service loads without the registry.

    Raises
    ------
    CourseError
        If there is no such alias, or a gate stops the version. The folder then stays as it was.
    """
    version = at(alias)
    if version is None:
        raise CourseError(f"No version is the {alias}.")
    refuse(check(version), f"Version {version}, the {alias}, is not exported")
    source = folder_of(version)
    folder.mkdir(parents=True, exist_ok=True)
    for name in (MODEL, DESCRIPTION, CARD, NEEDS):
        if (source / name).exists():
            with files.replacing(folder / name) as part:
                shutil.copyfile(source / name, part)
    return folder


def table() -> pd.DataFrame:
    """Return the versions of the registry: their release and aliases, and what gates stop them."""
    rows = [
        {
            "version": number,
            "release": version.tags.get("release", "?"),
            "aliases": ", ".join(aliases_of(number)),
            "stopped by": ", ".join(v.gate for v in check(number) if not v.passed),
        }
        for version in _versions()
        for number in [int(version.version)]
    ]
    return pd.DataFrame(rows).set_index("version")


def folder_of(version: int) -> Path:
    """Return the folder in which the registry keeps the files of a version."""
    return Path(mlflow.artifacts.download_artifacts(artifact_uri=_get(version).source))


def _client() -> mlflow.MlflowClient:
    return mlflow.MlflowClient()


def _get(version: int) -> ModelVersion:
    try:
        return _client().get_model_version(NAME, str(version))
    except MlflowException:
        raise CourseError(f"The registry has no version {version}.") from None


def _versions() -> list[ModelVersion]:
    found = _client().search_model_versions(f"name = '{NAME}'")
    return sorted(found, key=lambda version: int(version.version))


def _settings(package: ModelPackage) -> dict[str, str]:
    """Return the part of a record that trains the model: all but where it comes from."""
    origin = provenance(package.months)
    return {name: value for name, value in package.record.items() if name not in origin}
