"""The lessons and tool labs that ``course/course.toml`` and ``labs.toml`` list, as objects."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Self

from mlops_school.errors import CourseError
from mlops_school.paths import COURSE, NOTEBOOKS

KINDS = (
    "runs for real",
    "runs against an emulator",
    "checks definitions only",
    "needs an account",
)


@dataclass(frozen=True)
class Tool:
    """A tool of the field that a lesson or lab uses.

    Attributes
    ----------
    name : str
        As its makers write it.
    kind : str
        How real it is there: one of ``KINDS``.
    reason : str
        Why it is no more real than that, or what is real about it.
    """

    name: str
    kind: str = KINDS[0]
    reason: str = ""

    @classmethod
    def read(cls, entry: str | Mapping[str, str]) -> Self:
        """Return the tool of an entry in a manifest: a name alone, if it runs for real."""
        return cls(entry) if isinstance(entry, str) else cls(**entry)


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
    tools : tuple of Tool
        What it uses.
    fast : dict
        Parameters with which tests execute it, so that it is done in seconds.
    """

    id: str
    title: str
    phase: str
    minutes: int
    goals: tuple[str, ...]
    prerequisites: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
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
    def name(self) -> str:
        """What readers call it: ``09 · Building``."""
        return f"{self.number} · {self.title}"

    @property
    def source(self) -> Path:
        """The text that authors edit."""
        return COURSE / "lessons" / f"{self.id}.py"

    @property
    def exercises(self) -> str:
        """The module of its exercises."""
        return f"mlops_school.exercises.{self.slug}"

    @property
    def quiz(self) -> Path:
        """The questions at its end."""
        return COURSE / "quizzes" / f"{self.id}.yml"

    @property
    def notebook(self) -> Path:
        """The notebook that learners open."""
        return NOTEBOOKS / f"{self.id}.ipynb"


@dataclass(frozen=True)
class Lab:
    """One tool lab as ``course/labs.toml`` describes it.

    Attributes
    ----------
    id : str
        The tool's name in small letters, such as ``feast``. Names the source, the notebook, the
        module of exercises and, after ``lab-``, the group of dependencies in ``pyproject.toml``.
    title, summary : str
        What readers see, and in one sentence what the tool does there.
    minutes : int
        How long a learner needs.
    goals, prerequisites, tools, fast
        As in :class:`Lesson`; the first tool is the one that gives the lab its name.
    download_mb : int
        What is downloaded beside the packages of the course, in megabytes.
    disk_mb : int
        What its environment takes beside the packages that it shares with the course, in megabytes.
    memory_mb, seconds : int
        What the notebook needs at most: memory in megabytes, and time.
    script : str
        A program, relative to ``course``, whose packages cannot be installed beside the course's,
        such as ``testing/tfdv.py``. It says itself which these are, and has a lock of its own
        beside it; the lab has no group of dependencies then.
    programs : tuple of str
        What must be on the machine that is no Python package, such as ``java``. Where a program
        has several names, as in ``alertmanager|prometheus-alertmanager``, one is enough.
    systems : tuple of str
        Where it runs, as ``platform.system`` names it; by default everywhere.
    newest_python : str
        The newest Python for which its packages exist, such as ``3.13``; empty if all will do.
    npm : tuple of str
        Programs that npm installs into its environment, each with its exact version, such as
        ``azurite@3.35.0``.
    npm_mb : int
        The part of ``download_mb`` that npm downloads, in megabytes.
    """

    id: str
    title: str
    summary: str
    minutes: int
    goals: tuple[str, ...]
    download_mb: int
    disk_mb: int
    memory_mb: int
    seconds: int
    prerequisites: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    fast: dict[str, Any] = field(default_factory=dict)
    script: str = ""
    programs: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()
    newest_python: str = ""
    npm: tuple[str, ...] = ()
    npm_mb: int = 0

    @property
    def kind(self) -> str:
        """How real its first tool is: one of ``KINDS``."""
        return self.tools[0].kind if self.tools else ""

    @property
    def name(self) -> str:
        """What readers call it: ``Lab · Feast``."""
        return f"Lab · {self.title}"

    @property
    def phase(self) -> str:
        """What stands in the place of a lesson's phase: how real it is."""
        return f"Tool lab that {self.kind}"

    @property
    def source(self) -> Path:
        """The text that authors edit."""
        return COURSE / "labs" / f"{self.id}.py"

    @property
    def exercises(self) -> str:
        """The module of its exercises."""
        return f"mlops_school.exercises.labs.{self.id}"

    @property
    def notebook(self) -> Path:
        """The notebook that learners open."""
        return NOTEBOOKS / "labs" / f"{self.id}.ipynb"


Unit = Lesson | Lab  # what one notebook is built of


@cache
def load_manifest(path: Path = COURSE / "course.toml") -> tuple[Lesson, ...]:
    """Return the lessons of the course in order.

    Raises
    ------
    CourseError
        If the manifest is missing or is not what it should be.
    """
    return _load(path, "lesson", Lesson)


@cache
def load_labs(path: Path = COURSE / "labs.toml") -> tuple[Lab, ...]:
    """Return the tool labs in order.

    Raises
    ------
    CourseError
        If their manifest is missing or is not what it should be.
    """
    return _load(path, "lab", Lab)


def _load(path: Path, key: str, kind: type[Any]) -> tuple[Any, ...]:
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))[key]
        units = [kind(**{k: _value(k, v) for k, v in entry.items()}) for entry in entries]
    except FileNotFoundError:
        raise CourseError(
            f"There is no {path}. Run this from a complete copy of the course."
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CourseError(f"{path} is not a valid manifest: {error}") from None
    return tuple(units)


def _value(key: str, value: Any) -> Any:
    """Return a value of the manifest as an object has it: lists are tuples there."""
    if key == "tools":
        return tuple(Tool.read(entry) for entry in value)
    return tuple(value) if isinstance(value, list) else value


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


def find_lab(id_: str) -> Lab:
    """Return the tool lab with this id.

    Raises
    ------
    CourseError
        If the manifest has no such lab.
    """
    labs = {lab.id: lab for lab in load_labs()}
    if id_ not in labs:
        raise CourseError(f"There is no lab {id_}. The labs are: {', '.join(labs)}.")
    return labs[id_]


def find_units(ids: Sequence[str] = ()) -> list[Unit]:
    """Return the lessons and tool labs with these ids; by default all lessons, and no lab.

    A lab is taken by its name only, since it may have to install its environment.

    Raises
    ------
    CourseError
        If there is no such lesson or lab.
    """
    labs = [lab for lab in load_labs() if lab.id in ids]
    others = [id_ for id_ in ids if id_ not in {lab.id for lab in labs}]
    return [*(find_lessons(others) if others or not labs else []), *labs]
