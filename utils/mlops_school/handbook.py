"""The handbook of operations in ``course/operations``: rules, runbook, and pages to fill."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from string import Formatter

from mlops_school import files
from mlops_school.errors import CourseError
from mlops_school.paths import COURSE
from mlops_school.process import Requirement

FOLDER = COURSE / "operations"
ACTIONS = ("rollback", "retrain", "pause warnings")
_SECTION = re.compile(r"^## (R\d+)$", flags=re.MULTILINE)


@dataclass(frozen=True)
class Rule:
    """When a release is undone, and how.

    Attributes
    ----------
    requirement, alert : str
        What is broken, and the alert that says so.
    when : str
        What must be true before anything is done.
    action : str
        One of ``ACTIONS``.
    command : str
        What is typed for it, with the number of the month that begins in the place of ``MONTH``;
        empty if a person has to do it.
    """

    requirement: str
    alert: str
    when: str
    action: str
    command: str = ""


def load_rules(path: Path = FOLDER / "rollback.toml") -> list[Rule]:
    """Return the rules, in the order of the file.

    Raises
    ------
    CourseError
        If it cannot be read, or an entry is not a rule.
    """
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))["rule"]
        return [Rule(**entry) for entry in entries]
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        names = ", ".join(field.name for field in fields(Rule))
        raise CourseError(
            f"{path.name} holds no rules that can be read ({error}). Each begins with [[rule]] and "
            f"has {names}."
        ) from None


def problems(
    rules: Iterable[Rule], requirements: Mapping[str, Requirement], alerts: Mapping[str, str]
) -> list[str]:
    """Return what is wrong with the rules, a sentence each.

    Parameters
    ----------
    rules : iterable of Rule
        To be checked.
    requirements : mapping of str to Requirement
        By id. Each that names a place for its rollback needs a rule.
    alerts : mapping of str to str
        The requirement of each alert, by the name of the alert.
    """
    rules, found = list(rules), []
    ruled = {rule.requirement for rule in rules}
    for id_, requirement in requirements.items():
        if requirement.rollback and id_ not in ruled:
            found.append(f"{id_} has a rollback, and no rule says when.")
    for rule in rules:
        if rule.requirement not in requirements:
            found.append(f"{rule.requirement} is no requirement.")
        if rule.action not in ACTIONS:
            found.append(f"{rule.requirement}: {rule.action!r} is none of {', '.join(ACTIONS)}.")
        if alerts.get(rule.alert) != rule.requirement:
            found.append(f"{rule.requirement}: no alert of it is called {rule.alert}.")
        if not rule.when.strip():
            found.append(f"{rule.requirement}: nothing says when the rule holds.")
    return found


def sections() -> dict[str, str]:
    """Return the sections of the runbook, in Markdown, by the id of their requirement."""
    parts = _SECTION.split((FOLDER / "runbook.md").read_text(encoding="utf-8"))
    return {id_: text.strip() for id_, text in zip(parts[1::2], parts[2::2], strict=True)}


def fill(name: str, facts: Mapping[str, object], place: Path) -> str:
    """Fill a page of the handbook, write it, and return its text.

    Parameters
    ----------
    name : str
        Of the file, such as ``postmortem.md``.
    facts : mapping of str to object
        What stands in the place of each ``{name}``.
    place : Path
        Where to write it; its folder is made if need be.

    Raises
    ------
    CourseError
        If a fact is missing or blank: a page with holes looks finished, and is not.
    """
    template = (FOLDER / name).read_text(encoding="utf-8")
    wanted = {field for _, field, _, _ in Formatter().parse(template) if field}
    known = {fact for fact, value in facts.items() if str(value).strip()}
    if missing := sorted(wanted - known):
        raise CourseError(f"{name} is not filled: it lacks {', '.join(missing)}.")
    text = template.format_map(facts)
    place.parent.mkdir(parents=True, exist_ok=True)
    with files.replacing(place) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    return text


def rows(cells: Iterable[Iterable[object]]) -> str:
    """Return the rows of a table in Markdown."""
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in cells)
