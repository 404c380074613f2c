"""Taking a release out of the registry for good, without losing what it was."""

import shutil
import tempfile
from pathlib import Path

from mlops_school import files, registry
from mlops_school.errors import CourseError
from mlops_school.model_package import ModelPackage
from mlops_school.paths import workspace


def retire(version: int) -> Path:
    """Archive the package of a version, delete the version, and return the archive.

    The version is deleted only after its archive was unpacked and the model in it was opened.

    Parameters
    ----------
    version : int
        Of the registry.

    Raises
    ------
    CourseError
        If there is no such version, an alias points at it, its package is not whole, or the
        archive cannot be written.
    """
    if names := registry.aliases_of(version):
        raise CourseError(
            f"Version {version} is not retired: {' and '.join(names)} would point at nothing. "
            "Let these aliases point elsewhere first."
        )
    source = registry.folder_of(version)
    name = workspace() / "archive" / f"version-{version}"
    name.parent.mkdir(exist_ok=True)
    try:
        archive = Path(shutil.make_archive(str(name), "zip", source))
    except OSError as error:
        raise files.cannot_be("written", name.with_suffix(".zip"), error) from error
    with tempfile.TemporaryDirectory() as folder:
        shutil.unpack_archive(archive, folder)
        ModelPackage.load(Path(folder))  # it has its digest with it, and compares it
    registry.delete(version)
    return archive
