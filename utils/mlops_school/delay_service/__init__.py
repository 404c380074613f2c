"""A small delay service, as it stood at each step of its making.

Its files are in the folders of this one. A step holds only the files that it adds or changes.
"""

import sys
from pathlib import Path

import pandas as pd

from mlops_school import data
from mlops_school.features import LATE_FROM
from mlops_school.repository import Repository
from mlops_school.servers import Server
from mlops_school.testing import run_tests

STEPS = ("draft", "test", "repair", "reproduce", "fix")

# How the service is started; the server chooses the port.
START = [sys.executable, "-m", "uvicorn", "service:app", "--host", "127.0.0.1", "--port", "{port}"]


def files_of(step: str) -> dict[str, str]:
    """Return the files that a step adds or changes: their text, by name."""
    folder = Path(__file__).with_name(step)
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".pyc"
    }


def count_flights(months: list[int]) -> pd.DataFrame:
    """Return how many flights left in each hour, and how many of them were late.

    Flights that never arrived have no arrival delay, and are left out.

    Returns
    -------
    DataFrame
        The columns ``flights`` and ``late``, indexed by ``hour`` of scheduled departure.
    """
    flights = data.load_flights(months, columns=["hour", "arr_delay"]).dropna()
    late = flights["arr_delay"] >= LATE_FROM
    return late.groupby(flights["hour"]).agg(flights="size", late="sum")


def deploy(repository: Repository, version: str, releases: Path) -> Server:
    """Start a version as it is in Git, from a clean copy of its own.

    Parameters
    ----------
    repository : Repository
        The service's.
    version : str
        Its tag, which the service says when asked for its health.
    releases : Path
        The folder that holds a copy of each release.

    Raises
    ------
    CourseError
        If there is no such version, or it does not start.
    """
    copy = repository.checkout(version, releases / version)
    return Server(START, cwd=copy, env={"RELEASE": version})


def verify(folder: Path, *tests: str) -> pd.DataFrame:
    """Start the service that is in a folder, run its tests on it, and return their outcomes.

    Parameters
    ----------
    folder : Path
        A copy of the service, with its model and its tests.
    *tests : str
        Which files of tests to run; by default, all.

    Raises
    ------
    CourseError
        If the service does not start, or no test ran.
    """
    with Server(START, cwd=folder) as server:
        return run_tests(folder, *tests, SERVICE_ADDRESS=server.address)
