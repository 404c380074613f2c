"""The process of making software: its requirements."""

import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from mlops_school.paths import COURSE

# The words of requirements before they were changed; lesson 07 finds what was wrong with them.
FIRST_WORDING = COURSE / "requirements_first.toml"

# What an entry says in words; whatever else it holds is a limit.
WORDS = ("id", "title", "text", "kind", "test", "alert", "rollback")


@dataclass(frozen=True)
class Requirement:
    """One thing that the delay service must do.

    Attributes
    ----------
    id, title, text : str
        ``R1``, a name, and the sentence that can be put to the test.
    kind : str
        ``functional`` (what the service does) or ``non-functional`` (how well it does it).
    test, alert, rollback : str
        Where it is shown to be met, where someone is told that it no longer is, and where a release
        that breaks it is undone; empty where there is no such place.
    limits : dict
        The numbers in the sentence, by name.
    """

    id: str
    title: str
    text: str
    kind: str = ""
    test: str = ""
    alert: str = ""
    rollback: str = ""
    limits: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.id} {self.title}: {' '.join(self.text.split())}"


@cache
def load_requirements(path: Path = COURSE / "requirements.toml") -> dict[str, Requirement]:
    """Return the requirements by id, in the order of the file."""
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["requirement"]
    requirements = {}
    for entry in entries:
        words = {name: entry.pop(name) for name in WORDS if name in entry}
        requirements[words["id"]] = Requirement(**words, limits=entry)
    return requirements
