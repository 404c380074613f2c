"""The manifest of the course, ``course/course.toml``, as objects."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from mlops_school.errors import CourseError
from mlops_school.paths import COURSE, NOTEBOOKS


@dataclass(frozen=True)
class Lesson:
    """One lesson as the manifest describes it.

    Attributes
    ----------
    id : str
        Two digits and a slug, such as ``09_building``. Names the source, the notebook, the quiz
        and, without the digits, the module of exercises.
    title, phase : str
        What readers see, and the phase of the lifecycle that it belongs to.
    minutes : int
        How long a learner needs.
    goals : tuple of str
        Each completes the sentence "You will be able to …".
    prerequisites : tuple of str
        Ids of earlier lessons that this one builds on.
    tools : tuple of str
        Names of the tools it uses.
    fast : dict
        Parameters with which tests execute it, so that it is done in seconds.
    """

    id: str
    title: str
    phase: str
    minutes: int
    goals: tuple[str, ...]
    prerequisites: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    fast: dict[str, Any] = field(default_factory=dict)

    @property
    def number(self) -> str:
        """Its place in the course, two digits: ``09``."""
        return self.id.partition("_")[0]

    @property
    def slug(self) -> str:
        """Its id without the number: ``building``."""
        return self.id.partition("_")[2]

    @property
    def source(self) -> Path:
        """The text that authors edit."""
        return COURSE / "lessons" / f"{self.id}.py"

    @property
    def quiz(self) -> Path:
        """The questions at its end."""
        return COURSE / "quizzes" / f"{self.id}.yml"

    @property
    def notebook(self) -> Path:
        """The notebook that learners open."""
        return NOTEBOOKS / f"{self.id}.ipynb"


@cache
def load_manifest(path: Path = COURSE / "course.toml") -> tuple[Lesson, ...]:
    """Return the lessons of the course in order.

    Raises
    ------
    CourseError
        If the manifest is missing or is not what it should be.
    """
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))["lesson"]
        lessons = [
            Lesson(**{k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()})
            for entry in entries
        ]
    except FileNotFoundError:
        raise CourseError(
            f"There is no {path}. Run this from a complete copy of the course."
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CourseError(f"{path} is not a valid manifest: {error}") from None
    return tuple(lessons)


def find_lessons(ids: Sequence[str] = ()) -> list[Lesson]:
    """Return the lessons with these ids, in the manifest's order; all of them by default.

    Raises
    ------
    CourseError
        If the manifest has no such lesson.
    """
    lessons = load_manifest()
    if unknown := sorted(set(ids) - {lesson.id for lesson in lessons}):
        known = ", ".join(lesson.id for lesson in lessons)
        raise CourseError(f"There is no lesson {', '.join(unknown)}. The lessons are: {known}.")
    return [lesson for lesson in lessons if not ids or lesson.id in ids]
