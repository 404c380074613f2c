"""The champion into service, and the release before it back again: ``school rollback``.

Services look at one folder. It holds a package for each version of the registry that was put there,
and a pointer to the one that serves (see :mod:`mlops_school.service.releases`).
"""

import json
import time
from collections.abc import Callable
from pathlib import Path

from mlops_school import compatibility, registry, tracking
from mlops_school.compatibility import DELIVERED, Columns
from mlops_school.errors import CourseError
from mlops_school.model_package import ModelPackage
from mlops_school.paths import workspace
from mlops_school.process import load_requirements
from mlops_school.servers import get
from mlops_school.service.releases import point_to

WITHIN = load_requirements()["R10"].limits["within_seconds"]


def place() -> Path:
    """Return the folder at which services look."""
    return workspace() / "service"


def deploy(delivered: Columns = DELIVERED) -> str:
    """Let services take the champion, and return its release.

    Parameters
    ----------
    delivered : mapping of str to Column
        What the services deliver to a model.

    Raises
    ------
    CourseError
        If a gate stops it, or it does not fit the services. They go on with what they have.
    """
    folder = _bring(registry.CHAMPION, delivered)
    point_to(place(), folder.name)
    return ModelPackage.load(folder).version


def back() -> str:
    """Make the release before the champion again, let services take it, and return its name.

    It may be done twice: the second time, nothing changes.

    Raises
    ------
    CourseError
        If there is no registry, or nothing to go back to.
    """
    if not (workspace() / "mlflow" / "mlflow.db").exists():
        raise CourseError(
            "There is nothing to go back to: no release was registered yet. "
            "Lessons 11 and 15 register the first ones."
        )
    tracking.connect()
    if registry.at(registry.CHAMPION) is None or registry.at(registry.PREVIOUS) is None:
        raise CourseError(
            "There is nothing to go back to: no release was the champion before the present one. "
            "The service was left alone."
        )
    folder = _bring(registry.PREVIOUS, DELIVERED)  # what cannot serve must not become the champion
    registry.rollback()
    point_to(place(), folder.name)
    return ModelPackage.load(folder).version


def _bring(alias: str, delivered: Columns) -> Path:
    """Copy the package of an alias to where services look, and return its folder."""
    folder = registry.export(place() / str(registry.at(alias)), alias)
    compatibility.require(folder, delivered)
    return folder


def await_health(
    address: str, holds: Callable[[dict[str, str]], bool], within: float = WITHIN
) -> dict[str, str]:
    """Ask a service for its health until something holds of it, and return that health.

    Parameters
    ----------
    address : str
        Of the service, such as ``http://127.0.0.1:8000``.
    holds : callable
        Takes the health, with ``release`` and ``refused``.
    within : float
        Seconds to wait at most; by default those of requirement R10.

    Raises
    ------
    CourseError
        If the service does not answer, or it does not hold in time.
    """
    deadline = time.monotonic() + within
    while True:
        health = json.loads(get(f"{address}/health")[1])
        if holds(health):
            return health
        if time.monotonic() > deadline:
            raise CourseError(
                f"After {within:g} seconds, the service still says: {health}. Is it started on the "
                f"folder {place().name} of your workspace?"
            )
        time.sleep(0.1)
