"""Where things are: the course, its data and the learner's workspace."""

import os
import shutil
import stat
from pathlib import Path

from mlops_school.errors import CourseError

ROOT = Path(__file__).resolve().parents[2]
COURSE = ROOT / "course"
DATA = COURSE / "data"
NOTEBOOKS = ROOT / "notebooks"
BUILD = ROOT / "build"


def workspace() -> Path:
    """Return the folder that holds what the learner makes, and create it if need be.

    It is ``workspace`` in the course folder, or the folder that the environment variable
    ``SCHOOL_WORKSPACE`` names (for a course folder that is shared and read-only).

    Raises
    ------
    CourseError
        If the folder cannot be created or written to.
    """
    folder = Path(os.environ.get("SCHOOL_WORKSPACE") or ROOT / "workspace").absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        raise CourseError(
            f"The folder {folder} cannot be written to. Move the course to a folder of your own, "
            "or set the environment variable SCHOOL_WORKSPACE to one, and start again."
        )
    return folder


def new_folder(name: str) -> Path:
    """Return the folder `name` of the workspace, empty, whatever an earlier pass left in it.

    Raises
    ------
    CourseError
        If it cannot be emptied.
    """
    folder = workspace() / name
    try:
        if folder.exists():
            for path in folder.rglob("*"):  # Git makes files that Windows will not remove
                if path.is_file() and not path.is_symlink():
                    path.chmod(path.stat().st_mode | stat.S_IWUSR)
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
    except OSError:
        raise CourseError(
            f"The folder {folder} cannot be emptied. Close the programs and terminals that use it, "
            "shut down other kernels of this lesson, and run this cell again."
        ) from None
    return folder
