"""Checking that the course is whole: its manifests, its files, each of its lessons and labs."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from mlops_school import exercises, manifest
from mlops_school.authoring import check_lesson, check_outputs
from mlops_school.manifest import KINDS, Lab, Lesson, Unit

_LESSON_ID = re.compile(r"\d\d(_[a-z0-9]+)+")
_LAB_ID = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def problems() -> list[str]:
    """Return everything in the course that must be put right, a line each."""
    lessons = manifest.load_manifest()
    labs = manifest.load_labs()
    found = [*_order(lessons), *_lab_order(labs, lessons), *_strays(lessons, labs)]
    for unit in (*lessons, *labs):
        for check in (_entry, check_lesson.problems, check_outputs.problems):
            found += [f"{unit.id}: {problem}" for problem in check(unit)]
    return found


def _order(lessons: Sequence[Lesson]) -> Iterator[str]:
    """Yield what is wrong with ids, their order and what builds on what."""
    for attribute in ("id", "number", "slug"):
        for value, count in Counter(getattr(lesson, attribute) for lesson in lessons).items():
            if count > 1:
                yield f"course.toml: {count} lessons have the {attribute} {value!r}."
    for earlier, later in pairwise(lessons):
        if later.number < earlier.number:
            yield f"course.toml: {later.id} stands after {earlier.id}."
    ids = [lesson.id for lesson in lessons]
    for place, lesson in enumerate(lessons):
        for prerequisite in lesson.prerequisites:
            if prerequisite not in ids:
                yield f"{lesson.id}: it builds on {prerequisite!r}, which is no lesson."
            elif prerequisite not in ids[:place]:
                yield f"{lesson.id}: it builds on {prerequisite}, which does not come earlier."


def _lab_order(labs: Sequence[Lab], lessons: Sequence[Lesson]) -> Iterator[str]:
    """Yield what is wrong with the ids of labs and what they build on."""
    for id_, count in Counter(lab.id for lab in labs).items():
        if count > 1:
            yield f"labs.toml: {count} labs have the id {id_!r}."
    known = {lesson.id for lesson in lessons}
    for lab in labs:
        for prerequisite in lab.prerequisites:
            if prerequisite not in known:
                yield f"{lab.id}: it builds on {prerequisite!r}, which is no lesson."


def _strays(lessons: Sequence[Lesson], labs: Sequence[Lab]) -> Iterator[str]:
    """Yield the files that belong to no lesson and no lab: forgotten, or with a misspelt name."""
    modules = Path(exercises.__path__[0])
    owned = {modules / "__init__.py", modules / "labs", modules / "labs" / "__init__.py"}
    for lesson in lessons:
        owned |= {lesson.source, lesson.quiz, modules / f"{lesson.slug}.py"}
    for lab in labs:
        owned |= {lab.source, modules / "labs" / f"{lab.id}.py"}
    sources = [manifest.COURSE / name for name in ("lessons", "quizzes", "labs")]
    for folder in (*sources, modules, modules / "labs"):
        for path in sorted(folder.glob("*")):
            if path not in owned and path.name != "__pycache__":
                yield f"{folder.name}/{path.name}: no lesson in the manifest has this file."


def _entry(unit: Unit) -> Iterator[str]:
    """Yield what its entry in the manifest lacks."""
    names = ["title", "phase", "goals"]
    numbers = {"minutes": "how many minutes it takes"}
    if isinstance(unit, Lab):
        if not _LAB_ID.fullmatch(unit.id):
            yield "its id must be the tool's name in small letters, such as feast."
        if not unit.tools:
            yield "the manifest gives it no tools."
        names.append("summary")
        numbers |= {
            "download_mb": "what it downloads",
            "disk_mb": "how much disk it takes",
            "memory_mb": "how much memory it takes",
            "seconds": "how many seconds it runs",
        }
    elif not _LESSON_ID.fullmatch(unit.id):
        yield "its id must be two digits and a slug in small letters, such as 09_building."
    for tool in unit.tools:
        if tool.kind not in KINDS:
            yield f"the kind of {tool.name} must be one of: {', '.join(KINDS)}."
        elif tool.kind != KINDS[0] and not tool.reason:
            yield f"the manifest gives no reason why {tool.name} {tool.kind}."
    for name in names:
        if not getattr(unit, name):
            yield f"the manifest gives it no {name}."
    if not all(str(goal).strip() for goal in unit.goals):
        yield "one of its goals is blank."
    for name, words in numbers.items():
        if not getattr(unit, name) > 0:
            yield f"the manifest must say {words}."
