"""Checking that the course is whole: its manifest, its files, and each of its lessons."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from mlops_school import exercises, manifest
from mlops_school.authoring import check_lesson, check_outputs
from mlops_school.manifest import Lesson

_LESSON_ID = re.compile(r"\d\d(_[a-z0-9]+)+")


def problems() -> list[str]:
    """Return everything in the course that must be put right, a line each."""
    lessons = manifest.load_manifest()
    found = [*_order(lessons), *_strays(lessons)]
    for lesson in lessons:
        for check in (_entry, check_lesson.problems, check_outputs.problems):
            found += [f"{lesson.id}: {problem}" for problem in check(lesson)]
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


def _strays(lessons: Sequence[Lesson]) -> Iterator[str]:
    """Yield the files that belong to no lesson: forgotten, or with a misspelt name."""
    modules = Path(exercises.__path__[0])
    owned = {modules / "__init__.py"}
    for lesson in lessons:
        owned |= {lesson.source, lesson.quiz, modules / f"{lesson.slug}.py"}
    for folder in (manifest.COURSE / "lessons", manifest.COURSE / "quizzes", modules):
        for path in sorted(folder.glob("*")):
            if path not in owned and path.name != "__pycache__":
                yield f"{folder.name}/{path.name}: no lesson in the manifest has this file."


def _entry(lesson: Lesson) -> Iterator[str]:
    """Yield what its entry in the manifest lacks."""
    if not _LESSON_ID.fullmatch(lesson.id):
        yield "its id must be two digits and a slug in small letters, such as 09_building."
    for name in ("title", "phase", "goals"):
        if not getattr(lesson, name):
            yield f"the manifest gives it no {name}."
    if not all(str(goal).strip() for goal in lesson.goals):
        yield "one of its goals is blank."
    if not lesson.minutes > 0:
        yield "the manifest must say how many minutes it takes."
