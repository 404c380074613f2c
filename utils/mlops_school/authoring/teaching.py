"""The teacher's kit as data: plans of lessons, outlines of courses, and what is wrong in them.

What a teacher needs to know of a lesson stands in ``course/instructor/NN_slug.toml``. Cells are
named by their ids, and typical wrong answers by the words that the exercise's check says to them,
so that neither is typed twice. :mod:`mlops_school.authoring.teaching_pages` makes the pages that
teachers read.
"""

import importlib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mlops_school.authoring.source import Cell, read_cells
from mlops_school.errors import CourseError
from mlops_school.exercises import Exercise
from mlops_school.manifest import Lesson, load_manifest
from mlops_school.paths import COURSE

FOLDER = COURSE / "instructor"
LENGTHS = (50, 90, 180)  # minutes for which every lesson has a plan
WITHOUT_BREAK = 95  # minutes after which people need one
WHO = {
    "teacher": "teacher shows",
    "alone": "learners work",
    "pairs": "pairs work",
    "class": "class talks",
    "break": "break",
}


@dataclass(frozen=True)
class Place:
    """Where a cell stands in a lesson, in words that a reader of the notebook can find.

    Attributes
    ----------
    id : str
        The cell's id.
    headings : tuple of str
        The headings in it; if it has none, the nearest one above it.
    number : int
        Which code cell it is, as Jupyter counts after *Run All*; 0 for text.
    """

    id: str
    headings: tuple[str, ...]
    number: int


@dataclass(frozen=True)
class Step:
    """One row of a plan; `cells` are ids, or ``first..last``."""

    minutes: int
    who: str
    what: str
    cells: tuple[str, ...] = ()


@dataclass(frozen=True)
class Omission:
    """Cells that a plan leaves out, and why."""

    cells: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Plan:
    """What a class does in so many minutes."""

    steps: tuple[Step, ...]
    omit: tuple[Omission, ...] = ()


@dataclass(frozen=True)
class Misconception:
    """A typical wrong answer, named by what the check says to it, and what the teacher says."""

    exercise: str
    says: str
    reply: str


@dataclass(frozen=True)
class Kit:
    """What a teacher needs to know of one lesson.

    Attributes
    ----------
    lesson : Lesson
        The lesson.
    leave_with : str
        The one thing that nobody may leave without.
    seconds, memory_mb : int
        What the whole notebook takes, measured once and rounded up.
    slow : tuple of str
        Ids of cells that take more than three seconds.
    prepare : tuple of str
        What to do before the class.
    mistake : Omission
        The mistake to make and repair: its cells, and how to stage it.
    misconceptions : tuple of Misconception
        Typical wrong answers.
    troubles, questions : tuple of (str, str)
        What goes wrong and what to do; what to ask and what to expect.
    without : dict of str to str
        What to do without a ``network``, a ``projector`` and a working ``laptop``.
    plans : dict of int to Plan
        By minutes.
    """

    lesson: Lesson
    leave_with: str
    seconds: int
    memory_mb: int
    slow: tuple[str, ...]
    prepare: tuple[str, ...]
    mistake: Omission
    misconceptions: tuple[Misconception, ...]
    troubles: tuple[tuple[str, str], ...]
    questions: tuple[tuple[str, str], ...]
    without: dict[str, str]
    plans: dict[int, Plan]


def kit_path(lesson: Lesson) -> Path:
    """Return the file of a lesson's kit."""
    return FOLDER / f"{lesson.id}.toml"


def load_kit(lesson: Lesson) -> Kit:
    """Return what is known of teaching a lesson.

    Raises
    ------
    CourseError
        If its file is missing or is not what it should be.
    """
    path = kit_path(lesson)
    try:
        entry = tomllib.loads(path.read_text(encoding="utf-8"))
        plans = {int(length): _plan(plan) for length, plan in entry.pop("plan").items()}
        return Kit(
            lesson=lesson,
            slow=tuple(entry.pop("slow")),
            prepare=tuple(entry.pop("prepare")),
            mistake=_omission(entry.pop("mistake")),
            misconceptions=tuple(Misconception(**one) for one in entry.pop("misconceptions")),
            troubles=_pairs(entry.pop("troubles")),
            questions=_pairs(entry.pop("questions")),
            plans=plans,
            **entry,
        )
    except FileNotFoundError:
        raise CourseError(f"{path.name}: there is no such file in {path.parent}.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CourseError(f"{path.name} is not a valid kit: {error!r}") from None


def _plan(entry: dict[str, Any]) -> Plan:
    steps = [Step(**one | {"cells": tuple(one.get("cells", ()))}) for one in entry["steps"]]
    return Plan(tuple(steps), tuple(_omission(one) for one in entry.get("omit", ())))


def _omission(entry: dict[str, Any]) -> Omission:
    return Omission(tuple(entry["cells"]), entry["why"])


def _pairs(entries: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((first, second) for first, second in entries)


def places(lesson: Lesson) -> dict[str, Place]:
    """Return where each cell of a lesson stands, by id and in order."""
    return _places(lesson.source, lesson.title)


@cache
def _places(source: Path, title: str) -> dict[str, Place]:
    found: dict[str, Place] = {}
    above, number = title, 1  # before them is the cell that the build makes
    for cell in read_cells(source):
        is_code = cell.kind == "code"
        number += is_code
        headings = () if is_code else headings_of(cell)
        found[cell.id] = Place(cell.id, headings or (above,), number if is_code else 0)
        above = found[cell.id].headings[-1]
    return found


def headings_of(cell: Cell) -> tuple[str, ...]:
    """Return the headings in a text cell, without their marks."""
    return tuple(re.findall(r"^#+ +(.+?) *$", cell.source, flags=re.MULTILINE))


def expand(cells: tuple[str, ...], known: dict[str, Place]) -> list[str]:
    """Return the ids that are meant: ``first..last`` stands for both and what is between.

    Raises
    ------
    ValueError
        If there is no such cell, or a range goes backwards.
    """
    order = list(known)
    meant = []
    for words in cells:
        first, _, last = words.partition("..")
        ends = [first, last or first]
        if unknown := [id_ for id_ in ends if id_ not in known]:
            raise ValueError(f"there is no cell {unknown[0]!r}")
        begin, end = (order.index(id_) for id_ in ends)
        if end < begin:
            raise ValueError(f"{words!r} goes backwards")
        meant += order[begin : end + 1]
    return meant


def exercises_of(lesson: Lesson) -> dict[str, Exercise]:
    """Return the exercises of a lesson by name."""
    found = vars(importlib.import_module(lesson.exercises)).values()
    return {one.name: one for one in found if isinstance(one, Exercise)}


def wrong_answer(one: Misconception, lesson: Lesson) -> str:
    """Return the code of the typical wrong answer that is meant.

    Raises
    ------
    ValueError
        If the exercise declares none to which the check says that.
    """
    exercise = exercises_of(lesson).get(one.exercise)
    if exercise is None:
        raise ValueError(f"there is no exercise {one.exercise!r}")
    for code, words in exercise.wrong.items():
        if words == one.says:
            return code
    raise ValueError(f"no wrong answer of {one.exercise} is told {one.says!r}")


def problems(kit: Kit) -> Iterator[str]:
    """Yield what must be put right in the kit of a lesson."""
    known = places(kit.lesson)
    for words in (kit.slow, kit.mistake.cells):
        yield from _unknown(words, known)
    for one in kit.misconceptions:
        try:
            wrong_answer(one, kit.lesson)
        except ValueError as error:
            yield f"{error}."
    if silent := set(exercises_of(kit.lesson)) - {one.exercise for one in kit.misconceptions}:
        yield f"no misconception is named for {', '.join(sorted(silent))}."
    if set(kit.without) != {"network", "projector", "laptop"}:
        yield "it says what to do without network, projector and laptop, no less and no more."
    if tuple(kit.plans) != LENGTHS:
        yield f"there are plans for {LENGTHS} minutes, in this order."
    for length, plan in kit.plans.items():
        for problem in _plan_problems(length, plan, kit.lesson):
            yield f"plan of {length} minutes: {problem}"


def _unknown(cells: tuple[str, ...], known: dict[str, Place]) -> Iterator[str]:
    try:
        expand(cells, known)
    except ValueError as error:
        yield f"{error}."


def _plan_problems(length: int, plan: Plan, lesson: Lesson) -> Iterator[str]:
    """Yield what is wrong with minutes, people, cells, exercises and breaks of a plan."""
    if (total := sum(step.minutes for step in plan.steps)) != length:
        yield f"its minutes sum to {total}."
    yield from _pauses([(step.minutes, step.who == "break") for step in plan.steps])
    known = places(lesson)
    shown, omitted = [], []
    for step in plan.steps:
        if step.who not in WHO:
            yield f"{step.who!r} is none of {', '.join(WHO)}."
        yield from _unknown(step.cells, known)
    for left_out in plan.omit:
        yield from _unknown(left_out.cells, known)
    try:
        shown = [id_ for step in plan.steps for id_ in expand(step.cells, known)]
        omitted = [id_ for left_out in plan.omit for id_ in expand(left_out.cells, known)]
    except ValueError:
        return  # said above
    order = list(known)
    if shown != sorted(shown, key=order.index):
        yield "its cells are not in the order of the lesson."
    if twice := sorted(set(shown) & set(omitted), key=order.index):
        yield f"it both uses and leaves out {', '.join(twice)}."
    exercises = set(exercises_of(lesson))
    if missing := sorted(exercises - set(shown) - set(omitted)):
        yield f"it says nothing of {', '.join(missing)}."
    if length == LENGTHS[-1] and (skipped := sorted(exercises & set(omitted))):
        yield f"in so much time, no exercise is left out: {', '.join(skipped)}."


def _pauses(stretches: list[tuple[int, bool]]) -> Iterator[str]:
    """Yield a problem where people work for too long; each stretch says whether it is a break."""
    worked = 0
    for minutes, is_break in stretches:
        worked = 0 if is_break else worked + minutes
        if worked > WITHOUT_BREAK:
            yield f"people work {worked} minutes without a break."
            return


# ---- outlines


@dataclass(frozen=True)
class Session:
    """A part of a day: a lesson by its plan, or something else with its minutes."""

    minutes: int
    what: str = ""
    lesson: str = ""

    @property
    def is_break(self) -> bool:
        """Whether people rest."""
        return not self.lesson and self.what in ("Break", "Lunch")


@dataclass(frozen=True)
class Meeting:
    """A day or a week: its sessions, and what is done at home after it."""

    title: str
    sessions: tuple[Session, ...]
    homework: str = ""


@dataclass(frozen=True)
class Outline:
    """A whole course.

    Attributes
    ----------
    title, intro : str
        What its page begins with.
    start : int
        When a meeting begins, in minutes after midnight; 0 if that is open.
    limit : int
        The most minutes of a meeting: with its breaks if the hour is fixed, else of work alone.
    meetings : tuple of Meeting
        Its days or weeks.
    """

    title: str
    intro: str
    start: int
    limit: int
    meetings: tuple[Meeting, ...]


def load_outlines(path: Path = FOLDER / "outlines.toml") -> dict[str, Outline]:
    """Return the outlines by name.

    Raises
    ------
    CourseError
        If the file is missing or is not what it should be.
    """
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
        return {
            name: Outline(**entry | {"meetings": tuple(_meeting(one) for one in entry["meetings"])})
            for name, entry in entries.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CourseError(f"{path.name} is not a valid outline: {error!r}") from None


def _meeting(entry: dict[str, Any]) -> Meeting:
    sessions = tuple(Session(**one) for one in entry["sessions"])
    return Meeting(entry["title"], sessions, entry.get("homework", ""))


def outline_problems(outline: Outline) -> Iterator[str]:
    """Yield what must be put right in an outline."""
    taught = [one.lesson for day in outline.meetings for one in day.sessions if one.lesson]
    wanted = [lesson.id for lesson in load_manifest()]
    if taught != wanted:
        yield f"its lessons are not those of the course, once each and in order: {taught}."
    for day in outline.meetings:
        for session in day.sessions:
            if bool(session.lesson) == bool(session.what):
                yield f"{day.title}: a session is either a lesson or something else."
            if session.lesson and session.minutes not in LENGTHS:
                yield f"{day.title}: no plan of {session.lesson} takes {session.minutes} minutes."
        total = sum(one.minutes for one in day.sessions if outline.start or not one.is_break)
        if total > outline.limit:
            yield f"{day.title}: {total} minutes are more than {outline.limit}."
        # A plan of 180 minutes has breaks of its own.
        stretches = [
            (one.minutes if one.minutes < LENGTHS[-1] else 0, one.is_break or not one.minutes)
            for one in day.sessions
        ]
        for problem in _pauses(stretches):
            yield f"{day.title}: {problem}"
