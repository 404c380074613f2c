"""The glossary of the course: every term of its lessons and labs, with what it means there."""

import re
import tomllib
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from mlops_school.errors import CourseError
from mlops_school.paths import COURSE

PATH = COURSE / "glossary" / "terms.toml"


@dataclass(frozen=True)
class Term:
    """One entry of the glossary.

    Attributes
    ----------
    name : str
        How it is listed, such as ``data drift``.
    forms : tuple of str
        Other words for the same in lessons: plurals, short forms, other spellings. Small and
        capital letters make no difference in names and forms.
    meaning : str
        One to three sentences, as Markdown.
    lesson : str
        Id of the lesson or lab that introduces it.
    see : tuple of str
        Names of related terms.
    """

    name: str
    forms: tuple[str, ...]
    meaning: str
    lesson: str
    see: tuple[str, ...]

    @property
    def anchor(self) -> str:
        """Its id on a page, of small letters, digits and hyphens: ``data-drift``."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")

    @property
    def spellings(self) -> tuple[str, ...]:
        """Its name and its other forms."""
        return self.name, *self.forms


def load_terms(path: Path = PATH) -> list[Term]:
    """Return all terms, in alphabetical order as they stand in the file.

    Raises
    ------
    CourseError
        If the file is missing or damaged.
    """
    return list(_load(path))


@cache
def _load(path: Path) -> tuple[Term, ...]:
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))["term"]
        return tuple(_term(entry) for entry in entries)
    except FileNotFoundError:
        raise CourseError(
            f"There is no {path}. Run this from a complete copy of the course."
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CourseError(
            f"{path} is no valid glossary: {error}. Take the file from a fresh copy of the course."
        ) from None


def _term(entry: dict[str, Any]) -> Term:
    """Return the term of an entry.

    Raises
    ------
    ValueError
        If a part is missing, unknown, or of the wrong type.
    """
    name = entry.get("name")
    entry = {"forms": [], "see": []} | entry
    if entry.keys() != (expected := {part.name for part in fields(Term)}):
        wrong = ", ".join(sorted(entry.keys() ^ expected))
        raise ValueError(f"the entry of {name!r} lacks or does not know: {wrong}")
    for key, value in entry.items():
        is_list = key in ("forms", "see")
        if isinstance(value, list) != is_list:
            raise ValueError(f"{key} of {name!r} must be a {'list' if is_list else 'text'}")
        texts = value if is_list else [value]
        if not all(isinstance(text, str) and text.strip() for text in texts):
            raise ValueError(f"{key} of {name!r} holds something else than text")
    return Term(**{k: tuple(v) if isinstance(v, list) else _line(v) for k, v in entry.items()})


def _line(text: str) -> str:
    """Return a text that the file breaks into lines as one line."""
    return " ".join(text.split())
