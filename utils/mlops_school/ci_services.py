"""The same pipeline in the files of four CI services: where they stand, and what is in them."""

import json
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner

from mlops_school.errors import CourseError
from mlops_school.paths import COURSE

_COMMAND = re.compile(r"python -m mlops_school\.model_pipeline \w+")


@dataclass(frozen=True)
class Service:
    """A CI service.

    Attributes
    ----------
    name : str
        What people call it.
    file : Path
        Our pipeline in its language.
    place : str
        Where it looks for that file in a repository.
    schema : str
        The name of its schema in check-jsonschema; empty if its file is no YAML.
    """

    name: str
    file: Path
    place: str
    schema: str = ""


_FOLDER = COURSE / "pipelines"
SERVICES = {
    service.name: service
    for service in (
        Service(
            "GitHub Actions",
            _FOLDER / "github" / "delivery.yml",
            ".github/workflows/delivery.yml",
            "vendor.github-workflows",
        ),
        Service(
            "GitLab CI",
            _FOLDER / "gitlab" / ".gitlab-ci.yml",
            ".gitlab-ci.yml",
            "vendor.gitlab-ci",
        ),
        Service("Jenkins", _FOLDER / "jenkins" / "Jenkinsfile", "Jenkinsfile"),
        Service(
            "CircleCI",
            _FOLDER / "circleci" / "config.yml",
            ".circleci/config.yml",
            "vendor.circle-ci",
        ),
    )
}


def read(name: str) -> str:
    """Return the text of our pipeline in the language of a service."""
    return SERVICES[name].file.read_text(encoding="utf-8")


def mistakes(name: str, text: str) -> list[str]:
    """Return what a service's schema says against the text of a pipeline, offline.

    The schema comes with check-jsonschema; it knows which words may stand where, not what they do.

    Raises
    ------
    CourseError
        If there is no schema for the service's files.
    """
    service = SERVICES[name]
    if not service.schema:
        raise CourseError(f"{name} has no schema: its file is a program, not YAML.")
    from check_jsonschema import main  # takes a second, and only this needs it

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pipeline.yml"
        file.write_text(text, encoding="utf-8")
        options = ["--builtin-schema", service.schema, "--output-format", "json", str(file)]
        report = json.loads(CliRunner().invoke(main, options).stdout)
    if report.get("parse_errors"):
        return ["The file is not valid YAML."]
    best = [error.get("best_deep_match", error) for error in report["errors"]]
    return sorted(f"{one['path'].removeprefix('$.')}: {one['message']}" for one in best)


def stages(name: str, text: str) -> list[str]:
    """Return the commands of a pipeline, in the order in which the service would run them.

    Raises
    ------
    CourseError
        If the text does not say an order, one job after the other.
    """
    try:
        if name == "Jenkins":
            return _COMMAND.findall(text)
        content = yaml.load(text, Loader=yaml.BaseLoader)  # a safe loader: all values are text
        jobs, order = {"GitHub Actions": _github, "GitLab CI": _gitlab, "CircleCI": _circle}[name](
            content
        )
        return [command for job in order for command in _COMMAND.findall(str(jobs[job]))]
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise CourseError(f"The order of the stages cannot be read from it ({error!r}).") from None


def _github(content: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[str]]:
    return content["jobs"], _chain(
        {name: job.get("needs") for name, job in content["jobs"].items()}
    )


def _gitlab(content: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[str]]:
    jobs = {name: job for name, job in content.items() if "script" in job and "stage" in job}
    return jobs, sorted(jobs, key=lambda name: content["stages"].index(jobs[name]["stage"]))


def _circle(content: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[str]]:
    (workflow,) = content["workflows"].values()
    needs: dict[str, Any] = {}
    for entry in workflow["jobs"]:
        needs |= (
            {entry: None}
            if isinstance(entry, str)
            else {name: job.get("requires") for name, job in entry.items()}
        )
    return content["jobs"], _chain(needs)


def _chain(needs: Mapping[str, Any]) -> list[str]:
    """Return jobs in their only possible order; raise ValueError if some may run at once."""
    lists = {name: [one] if isinstance(one, str) else one or [] for name, one in needs.items()}
    sorter, order = TopologicalSorter(lists), []
    sorter.prepare()
    while ready := sorter.get_ready():
        if len(ready) > 1:
            raise ValueError(f"{' and '.join(sorted(ready))} would run at once")
        order += ready
        sorter.done(*ready)
    return order
