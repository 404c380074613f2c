"""The delay service as a project for BentoML, which the lab on BentoML serves and packs."""

import os
import re
import shutil
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from mlops_school.paths import COURSE, ROOT, new_folder
from mlops_school.servers import Server

SERVICE = "bento_service:DelayService"
# What the service imports, beside the course and BentoML. The bento names the versions of today.
_PACKAGES = ("numpy", "pandas", "pyarrow", "pydantic", "pyyaml", "scikit-learn", "skops")
# The code and data of the course that a forecast needs, as in the Dockerfile of lesson 13.
_NEEDED = ("utils/mlops_school", "course/data", "course/requirements.toml")


def new_project(name: str = "labs/bentoml") -> Path:
    """Return the folder of a new project: the service, what it needs, and what lies about.

    BentoML's own files go into the workspace, too, and not into the home folder of the learner; it
    sends nothing to its makers. It reads both from the environment when it is imported.

    Parameters
    ----------
    name : str
        Of the folder in the workspace that is emptied for it.

    Raises
    ------
    CourseError
        If the folder cannot be emptied.
    """
    folder = new_folder(name)
    # Beside the project: BentoML looks through all that is in it.
    os.environ |= {"BENTOML_HOME": str(folder / "home"), "BENTOML_DO_NOT_TRACK": "True"}
    project = folder / "project"
    project.mkdir()
    shutil.copy(COURSE / "serving" / "bento_service.py", project)
    for part in _NEEDED:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, project / part, ignore=_unwanted)
        else:
            shutil.copy(ROOT / part, project / part)
    for daily in (".env", "requests.log"):
        (project / daily).write_text("nobody's business", encoding="utf-8")
    return project


def serve(what: str, folder: Path, **variables: str) -> Server:
    """Start ``bentoml serve`` on a free port, and return it when the model is loaded.

    Parameters
    ----------
    what : str
        A service such as ``SERVICE``, or ``.`` for the bento in the folder.
    folder : Path
        Where it runs.
    **variables
        Environment variables for it.

    Raises
    ------
    CourseError
        If it does not become ready.
    """
    address = ("--host", "127.0.0.1", "--port", "{port}")
    # It has so much to import that the next start should find the byte code of this one.
    variables = {"PYTHONDONTWRITEBYTECODE": ""} | variables
    command = [sys.executable, "-m", "bentoml", "serve", what, *address]
    return Server(command, folder, variables, health="/readyz")


def recipe(include: Sequence[str]) -> str:
    """Return the text of a ``bentofile.yaml``.

    Parameters
    ----------
    include : sequence of str
        Patterns, as in a ``.gitignore``, of the files of the project that go into the bento.
    """
    parts: dict[str, Any] = {"service": SERVICE, "include": list(include)}
    parts["envs"] = [{"name": "PYTHONPATH", "value": "src/utils"}]
    packages = [f"{name}=={version(name)}" for name in _PACKAGES]
    # To lock them, BentoML would ask the internet what they need in turn.
    parts["python"] = {"lock_packages": False, "packages": packages}
    return yaml.safe_dump(parts, sort_keys=False)


def mean_batch(metrics: str, method: str) -> float:
    """Return how many requests went together into one call of a method, on average.

    Parameters
    ----------
    metrics : str
        What the service says at ``/metrics``.
    method : str
        Its name; it must have been called.
    """
    pattern = rf'adaptive_batch_size_(sum|count){{.*method_name="{method}".*}} (\S+)'
    found = dict(re.findall(pattern, metrics))
    return float(found["sum"]) / float(found["count"])


def _unwanted(_: str, names: list[str]) -> list[str]:
    """Leave out byte code, which Python makes again."""
    return [name for name in names if name == "__pycache__"]
