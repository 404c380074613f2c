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


def fresh_folder(name: str) -> Path:
    """Return a folder of the workspace, emptied of what an earlier pass through a lesson left.

    Raises
    ------
    CourseError
        If another program holds a file in it.
    """
    folder = workspace() / name
    try:
        for path in folder.rglob("*"):
            path.chmod(path.stat().st_mode | stat.S_IWRITE)  # Git writes files that are read-only
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
    except OSError as error:
        raise CourseError(
            f"The folder {folder} cannot be emptied ({error.strerror}). Close what uses it: "
            "terminals, editors, and other notebooks; then run this cell again."
        ) from None
    return folder
