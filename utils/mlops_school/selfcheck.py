"""Whether this computer is ready for the course."""

import platform
import shutil
import subprocess
from collections.abc import Callable
from importlib.metadata import version

import pandas as pd
import psutil

from mlops_school import data
from mlops_school.errors import CourseError
from mlops_school.paths import workspace

GIB = 2**30
MEMORY_NEEDED = 1.0  # GiB, for the most demanding lesson
DISK_NEEDED = 0.5  # GiB, for models and experiments


def run() -> pd.DataFrame:
    """Return one row for each thing that the course needs.

    Returns
    -------
    DataFrame
        Indexed by what was checked: what was ``found``, whether it is ``ready``, and, if it is
        not, what to do.
    """
    checks = {
        "Python": platform.python_version,
        "packages": _packages,
        "Git": _git,
        "flight data": _flight_data,
        "workspace": _workspace,
        "free memory": _memory,
        "free disk": _disk,
    }
    rows = [_row(name, check) for name, check in checks.items()]
    return pd.DataFrame(rows).set_index("checked")


def _row(name: str, check: Callable[[], str]) -> dict[str, str]:
    try:
        return {"checked": name, "found": check(), "ready": "yes", "what to do": ""}
    except CourseError as error:
        return {"checked": name, "found": "", "ready": "NO", "what to do": str(error)}


def _packages() -> str:
    names = ["jupyterlab", "pandas", "scikit-learn", "mlflow"]
    return ", ".join(f"{name} {version(name)}" for name in names)


def _git() -> str:
    program = shutil.which("git")
    if program is None:
        raise CourseError(
            "Lessons about versions need Git, which is not installed. Get it from "
            "https://git-scm.com/downloads, and start JupyterLab again."
        )
    answer = subprocess.run([program, "--version"], capture_output=True, encoding="utf-8")
    return answer.stdout.strip()


def _flight_data() -> str:
    return f"{len(data.load_flights([1])):,} flights in January"


def _workspace() -> str:
    return f"{workspace().name}, can be written to"


def _memory() -> str:
    free = psutil.virtual_memory().available / GIB
    if free < MEMORY_NEEDED:
        raise CourseError(
            f"Only {free:.1f} GiB of memory are free. Close other programs, and in JupyterLab shut "
            "down kernels that you do not use (the square of circles on the left)."
        )
    return f"{free:.1f} GiB"


def _disk() -> str:
    free = shutil.disk_usage(workspace()).free / GIB
    if free < DISK_NEEDED:
        raise CourseError(f"Only {free:.1f} GiB of disk are free. Make room before you go on.")
    return f"{free:.1f} GiB"
