"""Which test, alert and rollback rule each requirement has: found in the artefacts, not typed."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import yaml

from mlops_school.errors import CourseError
from mlops_school.paths import COURSE, ROOT
from mlops_school.process import Requirement, load_requirements
from mlops_school.traceability import requirement_of, test_functions

GAP = "GAP"  # promised, and not found
NOT_PROMISED = "-"

TESTS = (
    COURSE / "model_tests",
    ROOT / "utils" / "mlops_school" / "delay_service",
    ROOT / "tests" / "unit",
)
ALERTS = COURSE / "monitoring" / "alerts.yml"
ROLLBACK = COURSE / "operations" / "rollback.toml"

Found = dict[str, list[str]]  # by the id of a requirement


def find_tests(folders: Sequence[Path] = TESTS) -> Found:
    """Return the tests that are named after a requirement, such as ``test_R6_refuses_noon``."""
    found: Found = {}
    for path in sorted(path for folder in folders for path in folder.rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        for name in test_functions(text) if "test_R" in text else ():
            if id_ := requirement_of(name):
                found.setdefault(id_, []).append(name)
    return found


def find_alerts(path: Path = ALERTS) -> Found:
    """Return the alerts of a file of Prometheus rules, by their label ``requirement``.

    Raises
    ------
    CourseError
        If it cannot be read.
    """
    found: Found = {}
    try:
        groups = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        for rule in (rule for group in groups for rule in group["rules"] if "alert" in rule):
            for id_ in re.findall(r"R\d+", str(rule.get("labels", {}).get("requirement", ""))):
                found.setdefault(id_, []).append(rule["alert"])
    except FileNotFoundError:
        return {}
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise _unreadable(path, error) from None
    return found


def find_rollbacks(alerts: Found, path: Path = ROLLBACK) -> Found:
    """Return what the rollback rules do, by requirement.

    Parameters
    ----------
    alerts : dict
        Of :func:`find_alerts`. A rule whose alert is not among them is never called for, and counts
        as none.
    path : Path
        Of the rules.

    Raises
    ------
    CourseError
        If the file cannot be read.
    """
    found: Found = {}
    known = {name for names in alerts.values() for name in names}
    try:
        for rule in tomllib.loads(path.read_text(encoding="utf-8"))["rule"]:
            for id_ in re.findall(r"R\d+", str(rule["requirement"])):
                if rule["alert"] in known:
                    found.setdefault(id_, []).append(rule["action"])
    except FileNotFoundError:
        return {}
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise _unreadable(path, error) from None
    return found


def _unreadable(path: Path, error: Exception) -> CourseError:
    return CourseError(
        f"{path} cannot be read ({type(error).__name__}). It comes with the course: run "
        f"`git checkout -- {path.relative_to(ROOT).as_posix()}`, or copy the course again."
    )


def trace(
    tests: Mapping[str, list[str]],
    alerts: Mapping[str, list[str]],
    rollbacks: Mapping[str, list[str]],
    requirements: Mapping[str, Requirement] | None = None,
) -> pd.DataFrame:
    """Return what guards each requirement.

    Parameters
    ----------
    tests, alerts, rollbacks : mapping of str to list of str
        What was found, by requirement.
    requirements : mapping of str to Requirement, optional
        By default those of the course. They say in words where a test, an alert and a rollback are
        promised.

    Returns
    -------
    DataFrame
        Indexed by ``requirement``: ``title``, and ``test`` (its name without the requirement),
        ``alert`` and ``rollback``: the one with the shortest name, and how many more there are;
        ``GAP`` if one is promised, but none was found.
    """
    rows = []
    for id_, one in (requirements or load_requirements()).items():
        row = {"requirement": id_, "title": one.title}
        for kind, found, promised in (
            ("test", tests, one.test),
            ("alert", alerts, one.alert),
            ("rollback", rollbacks, one.rollback),
        ):
            names = [name.removeprefix(f"test_{id_}_") for name in found.get(id_, ())]
            names = sorted(set(names), key=lambda name: (len(name), name))
            more = f" (+{len(names) - 1})" if len(names) > 1 else ""
            row[kind] = names[0] + more if names else GAP if promised else NOT_PROMISED
        rows.append(row)
    return pd.DataFrame(rows).set_index("requirement")


def trace_course() -> pd.DataFrame:
    """Return :func:`trace` of all that is in the course."""
    alerts = find_alerts()
    return trace(find_tests(), alerts, find_rollbacks(alerts))
