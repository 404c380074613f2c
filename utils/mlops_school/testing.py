"""Tests that run in a Python of their own, and what came out."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd

from mlops_school.errors import CourseError


def run_tests(folder: Path, *paths: str, **environment: str) -> pd.DataFrame:
    """Run the tests of a folder with pytest.

    Parameters
    ----------
    folder : Path
        A project; pytest is started there.
    *paths : str
        Which of its files to run; by default, all tests.
    **environment : str
        Environment variables for the tests, beside those of this process.

    Returns
    -------
    DataFrame
        A row a test, indexed by its name: its ``file``, its ``outcome`` (passed, failed, skipped)
        and the ``message`` of what failed.

    Raises
    ------
    CourseError
        If no test ran, with what pytest says.
    """
    # Options that someone set for their own work do not belong here.
    inherited = {name: value for name, value in os.environ.items() if name[:6] != "PYTEST"}
    # Python takes a compiled file for that of its source by time and size, and a source that was
    # changed within the same second can have both.
    settings = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    with tempfile.TemporaryDirectory() as temporary:
        report = Path(temporary) / "report.xml"
        options = ["-p", "no:cacheprovider", "-q", f"--junitxml={report}"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *paths],
            cwd=folder,
            env=inherited | settings | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        cases = ElementTree.parse(report).iter("testcase") if report.exists() else ()
        rows = [_row(case) for case in cases]
    if not rows:
        raise CourseError(f"pytest ran no test. It says:\n{(done.stdout + done.stderr).strip()}")
    return pd.DataFrame(rows).set_index("test")


def _row(case: ElementTree.Element) -> dict[str, str]:
    found = {child.tag: child.get("message", "") for child in case}
    if problems := [found[tag] for tag in ("failure", "error") if tag in found]:
        outcome, message = "failed", problems[0]
    elif "skipped" in found:
        outcome, message = "skipped", found["skipped"]
    else:
        outcome, message = "passed", ""
    file = f"{case.attrib['classname'].replace('.', '/')}.py"
    return {"test": case.attrib["name"], "file": file, "outcome": outcome, "message": message}
