"""From each requirement to the tests that show it, their last result, and the release."""

import ast
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from mlops_school.errors import CourseError
from mlops_school.process import Requirement
from mlops_school.repository import Repository

GAP = "no test yet"
UNRELEASED = "not released"
COLUMNS = ["requirement", "title", "test", "result", "since", "alert", "rollback"]

_NAMED_AFTER = re.compile(r"test_(R\d+)_")


def test_functions(text: str) -> list[str]:
    """Return the names of the tests in a file of tests, in order."""
    tree = ast.parse(text)
    names = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return [name for name in names if name.startswith("test")]


test_functions.__test__ = False  # pytest is not to take it for a test


def requirement_of(test: str) -> str | None:
    """Return the id in the name of a test, such as ``R6`` in ``test_R6_refuses_noon``."""
    match = _NAMED_AFTER.match(test)
    return match[1] if match else None


def trace(
    requirements: Mapping[str, Requirement], repository: Repository, report: pd.DataFrame
) -> pd.DataFrame:
    """Return which tests show that each requirement is met, and since when.

    Nothing is typed by hand: the tests are found in the files of each release.

    Parameters
    ----------
    requirements : mapping of str to Requirement
        By id.
    repository : Repository
        Its tags are the releases.
    report : DataFrame
        The last results, as :func:`mlops_school.testing.run_tests` returns them.

    Returns
    -------
    DataFrame
        A row for each pair of a ``requirement`` (its id; also its ``title``) and a ``test`` named
        after it, with the ``result`` of its last run, the first release that has it (``since``),
        and where the requirement has its ``alert`` and its ``rollback``. A requirement without a
        test has one row, with the result ``GAP``.

    Raises
    ------
    CourseError
        If a test is named after a requirement that there is not.
    """
    since = _first_releases(repository)
    if strangers := {requirement_of(test) for test in since} - {None, *requirements}:
        raise CourseError(f"A test is named after {min(strangers)}, which is no requirement.")
    rows = []
    for id_, requirement in requirements.items():
        tests = [test for test in since if requirement_of(test) == id_]
        for test in tests or [""]:
            result = _result(test, report) if test else GAP
            row = (id_, requirement.title, test, result, since.get(test, ""))
            rows.append((*row, requirement.alert, requirement.rollback))
    return pd.DataFrame(rows, columns=COLUMNS)


def _first_releases(repository: Repository) -> dict[str, str]:
    """Return, for each test, the first release that has it."""
    since: dict[str, str] = {}
    for commit in repository.log():
        if not commit.tags:
            continue
        with tempfile.TemporaryDirectory() as folder:
            for test in _tests_in(repository.checkout(commit.id, Path(folder))):
                since.setdefault(test, commit.tags[0])
    for test in _tests_in(repository.folder):
        since.setdefault(test, UNRELEASED)
    return since


def _tests_in(folder: Path) -> list[str]:
    files = sorted(folder.rglob("test_*.py"))
    return [test for file in files for test in test_functions(file.read_text(encoding="utf-8"))]


def _result(test: str, report: pd.DataFrame) -> str:
    """Return the outcome of a test; with several cases, of the worst one."""
    cases = report["outcome"][report.index.str.partition("[").get_level_values(0) == test]
    outcomes = [outcome for outcome in ("failed", "skipped", "passed") if outcome in set(cases)]
    return outcomes[0] if outcomes else "not run"
