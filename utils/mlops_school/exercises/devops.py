"""Exercises of lesson 04, DevOps."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from mlops_school import pipeline
from mlops_school.delivery import Release
from mlops_school.dora import Deployment
from mlops_school.errors import CourseError
from mlops_school.exercises import Blank, NotYet, StillBlank, exercise
from mlops_school.pipeline import Status
from mlops_school.repository import Repository

LESSON = "04_devops"

_SECRETS = (
    'PASSWORD = "jfk-2013"',
    "password = 'lga'",
    '    weather_password="ewr"',
    'DATABASE_PASSWORD = "let me in"',
)
_HARMLESS = (
    'password = os.environ["WEATHER_PASSWORD"]',
    "# ask the weather office for the password",
    'print("wrong password")',
    'AIRPORT = "JFK"',
)


@exercise(
    LESSON,
    hints=(
        "A password is given away when a line has a name with `password` in it on the left of "
        "`=`, and a text in quotation marks on the right.",
        "`line.split('=')[0]` is what stands on the left; `.lower()` makes its letters small. "
        "`line.partition('=')[2]` is what stands on the right.",
        "`.strip()` takes the blanks away from the right side; its first character, `[:1]`, must "
        "be one of the two kinds of quotation marks.",
    ),
    wrong={
        "def has_secret(line):\n    return 'password' in line.lower()": "holds no password",
        "def has_secret(line):\n    return 'PASSWORD =' in line": "lets",
        "def has_secret(line):\n    return '\"' in line or \"'\" in line": "holds no password",
        "def has_secret(line):\n    return False": "lets",
        "def has_secret(line):\n    print('password' in line)": "returns",
        "has_secret = 'password'": "function",
    },
)
def q1(has_secret: Callable[[str], bool]) -> str:
    """When must the hook refuse a line?"""
    if not callable(has_secret):
        raise NotYet("`has_secret` is a function that takes a line.")
    for line in (*_SECRETS, *_HARMLESS):
        answer = has_secret(line)
        if isinstance(answer, Blank):
            raise StillBlank
        if not isinstance(answer, bool):
            raise NotYet(f"for a line it returns `{answer!r}`. It must be True or False.")
        if answer and line in _HARMLESS:
            raise NotYet(f"it refuses `{line}`, which holds no password. People would go round it.")
        if not answer and line in _SECRETS:
            raise NotYet(f"it lets `{line}` through, and the password is public for good.")
    return "it refuses what is dangerous and nothing else, so nobody has a reason to switch it off."


_JOBS = ("test", "package", "deploy")
_RIGHT = "needs = {'test': [], 'package': ['test'], 'deploy': ['package']}"


@exercise(
    LESSON,
    hints=(
        "Ask of each job: what must have gone well before it may begin?",
        "A job that needs nothing has an empty list. One of the three has.",
        "Nothing may be packed that is not tested, and nothing deployed that is not packed.",
    ),
    wrong={
        _RIGHT.replace("['test']", "[]"): "The test was red, and `package` ran",
        _RIGHT.replace("['package']", "[]"): "The test was red, and `deploy` ran",
        _RIGHT.replace("['package']", "['test']"): "`package` failed, and `deploy` ran",
        _RIGHT.replace("[]", "['deploy']"): "for ever",
        _RIGHT.replace("['test']", "['tests']"): "no job of this workflow",
        "needs = {'package': ['test']}": "three jobs",
    },
)
def q2(needs: Mapping[str, Sequence[str]]) -> str:
    """Which job needs which?"""
    if not isinstance(needs, Mapping) or set(needs) != set(_JOBS):
        raise NotYet(f"give a dictionary with the three jobs {', '.join(_JOBS)} as keys.")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        repository = Repository.create(Path(folder))
        try:
            red = _run(repository, needs, broken="test")
            unpacked = _run(repository, needs, broken="package")
            good = _run(repository, needs)
        except CourseError as error:
            raise NotYet(str(error)) from None
    for job in ("package", "deploy"):
        if red[job] != "skipped":
            raise NotYet(f"the workflow was run. The test was red, and `{job}` ran all the same.")
    if unpacked["deploy"] != "skipped":
        raise NotYet("the workflow was run. `package` failed, and `deploy` ran all the same.")
    if set(good.values()) != {"passed"}:
        raise NotYet("the workflow was run on a good commit, and not all jobs ran.")
    return "run three times: a red test stops it, a failed build stops it, a good commit is live."


def _run(
    repository: Repository, needs: Mapping[str, Sequence[str]], broken: str = ""
) -> dict[str, Status]:
    """Run a workflow with these needs, in which one job fails, and return the jobs' status."""
    lines = ["on: push", "jobs:"]
    for job in _JOBS:
        names = [needs[job]] if isinstance(needs[job], str) else [*needs[job]]
        lines += [f"  {job}:", "    runs-on: ubuntu-latest", f"    needs: {names}"]
        lines += ["    steps:", "      - run: python -m this"]
        if job == broken:
            lines += ["      - run: python -m nothing_of_this_name"]
    repository.write("ci.yml", "\n".join(lines) + "\n")
    repository.commit(f"Break {broken or 'nothing'}")
    return pipeline.run(repository, file="ci.yml").jobs


def _releases() -> dict[str, Any]:
    lives = {"1.0": True, "1.1": True, "1.2": False, "1.3": True}
    releases = [Release(version, live) for version, live in lives.items()]
    return {"releases": releases, "production": SimpleNamespace(releases=releases)}


@exercise(
    LESSON,
    hints=(
        "Read the list of releases from its end. Which versions have worked in production?",
        "The one that was refused has never answered a passenger.",
        "You want to lose as little as possible: the newest version that is known to work.",
    ),
    wrong={
        "rollback_to = '1.3'": "makes the mistakes",
        "rollback_to = '1.2'": "never",
        "rollback_to = '1.0'": "more than you must",
        "rollback_to = 1.1": "text",
        "rollback_to = '2.0'": "no release",
    },
    given=_releases,
)
def q3(rollback_to: str, releases: Sequence[Release]) -> str:
    """Which version is the one to go back to?"""
    if not isinstance(rollback_to, str):
        raise NotYet("a version is a text, in quotation marks: 1.10 comes after 1.9.")
    lived = list(dict.fromkeys(release.version for release in releases if release.live))
    if rollback_to not in {release.version for release in releases}:
        raise NotYet("there is no release of that version.")
    if rollback_to == lived[-1]:
        raise NotYet("that is the version that makes the mistakes.")
    if rollback_to not in lived:
        raise NotYet("that version did not become healthy, so it was never live.")
    if rollback_to != lived[-2]:
        raise NotYet("it works, but you give up more than you must. Is a newer one known to work?")
    return "the newest version that has worked in production. Its artefact is still there."


def _deployments() -> dict[str, Any]:
    kinds = [("1.0", "release"), ("1.1", "release"), ("1.3", "release"), ("1.1", "rollback")]
    noon = np.datetime64("2013-03-04T12:00").astype(object)
    return {
        "deployments": [
            Deployment(version, kind, noon, (noon,), failed=version == "1.3")
            for version, kind in kinds
        ]
    }


@exercise(
    LESSON,
    hints=(
        "Which rows of the table brought a change to production? They are what could fail.",
        "A deployment failed if something had to be done at once to repair it.",
        "Version 1.2 is not in the table, as nobody was ever served by it.",
    ),
    wrong={
        "change_failure_rate = 1 / 4": "four",
        "change_failure_rate = 2 / 4": "refused",
        "change_failure_rate = 2 / 3": "refused",
        "change_failure_rate = 1": "count",
        "change_failure_rate = 100 / 3": "percent",
        "change_failure_rate = '1 of 3'": "number",
        "change_failure_rate = 0": "rollback",
    },
    given=_deployments,
)
def q4(change_failure_rate: float, deployments: Sequence[Deployment]) -> str:
    """Which share of deployments failed?"""
    if not isinstance(change_failure_rate, Real) or isinstance(change_failure_rate, bool):
        raise NotYet("the answer is a number.")
    changes = [one for one in deployments if one.kind != "rollback"]
    failed = sum(one.failed for one in changes)
    right = failed / len(changes)
    if np.isclose(change_failure_rate, right):
        return "a rollback is no change, and what never went live did not fail in production."
    if np.isclose(change_failure_rate, failed):
        raise NotYet("that is the count of failures. A rate is a share of the deployments.")
    if np.isclose(change_failure_rate, 100 * right):
        raise NotYet("that is in percent. Give the share, between 0 and 1.")
    if np.isclose(change_failure_rate, failed / (len(changes) + 1)):
        raise NotYet(
            "you count four deployments. A rollback brings no change, and a version that was "
            "refused was never live."
        )
    if change_failure_rate > right:
        raise NotYet("you count a failure too many: 1.2 was refused, so no passenger noticed.")
    raise NotYet("look for a rollback: the deployment before it had failed.")


_GUARDS = ("hook", "test", "health check", "monitoring")


@exercise(
    LESSON,
    hints=(
        "Each guard looks at something else: the lines of a commit, what the code does, a process "
        "that starts, the work in production.",
        "Ask which is the first that can see it at all. Nobody writes a test for what nobody has "
        "thought of.",
        "Each of the four guards is right once.",
    ),
    wrong={
        "guard = {'A': 'test', 'B': 'test', 'C': 'health check', 'D': 'monitoring'}": "for good",
        "guard = {'A': 'hook', 'B': 'monitoring', 'C': 'health check', 'D': 'test'}": "paid for",
        "guard = {'A': 'hook', 'B': 'test', 'C': 'test', 'D': 'monitoring'}": "there",
        "guard = {'A': 'hook', 'B': 'test', 'C': 'health check', 'D': 'test'}": "thought",
        "guard = {'A': 'hook'}": "A, B, C and D",
        "guard = {'A': 'hook', 'B': 'test', 'C': 'luck', 'D': 'monitoring'}": "one of",
    },
)
def q5(guard: Mapping[str, str]) -> str:
    """Which guard is the first that can catch each fault?"""
    if not isinstance(guard, Mapping) or set(guard) != set("ABCD"):
        raise NotYet("give a dictionary with the keys A, B, C and D.")
    if unknown := [name for name in guard.values() if name not in _GUARDS]:
        raise NotYet(f"`{unknown[0]}` is no guard here. Take one of {', '.join(_GUARDS)}.")
    reasons = {
        "A": "once it is in a commit that others have, it is there for good. Catch it before.",
        "B": "what a few lines can compare should not be paid for by passengers, nor seen late.",
        "C": "where the tests run, the library is there. Which guard sees the real machine?",
        "D": "the code does what it was made for, and nobody has thought of this. Who would see?",
    }
    for fault, right in zip("ABCD", _GUARDS, strict=True):
        if guard[fault] != right:
            raise NotYet(f"{fault}: {reasons[fault]}")
    return "the earlier a fault is caught, the cheaper it is; and the last guard must be there too."
