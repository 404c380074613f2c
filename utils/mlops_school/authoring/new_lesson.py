"""A new lesson: a small one that passes every check, to be rewritten part by part."""

import json
import re
from pathlib import Path

from mlops_school.authoring import course_map, tool_table
from mlops_school.errors import CourseError
from mlops_school.manifest import Lesson, load_manifest
from mlops_school.paths import COURSE, ROOT

SKELETON = Path(__file__).with_name("skeleton")
README = ROOT / "README.md"
MANIFEST = COURSE / "course.toml"

ENTRY = """
[[lesson]]
id = "{id}"
title = {title}
phase = "{phase}"
minutes = {minutes}
goals = [
    "*say what learners will be able to do; each goal completes: you will be able to ...*",
]
prerequisites = ["00_start_here"]
tools = ["pandas"]
fast = {{}}
"""


def create(id_: str, title: str, phase: str, minutes: int) -> list[Path]:
    """Write the files of a lesson at the end of the course, and return them.

    Parameters
    ----------
    id_ : str
        Two digits, after those of the last lesson, and a slug: ``17_airlines``.
    title, phase : str
        What readers see, and the phase of the lifecycle that it belongs to.
    minutes : int
        How long a learner will need.

    Raises
    ------
    CourseError
        If the id or the phase does not fit. Nothing is written then.
    """
    last = load_manifest()[-1]
    lesson = Lesson(id_, title, phase, minutes, goals=())
    if not re.fullmatch(r"\d\d(_[a-z0-9]+)+", id_) or lesson.number <= last.number:
        raise CourseError(
            f"{id_} is no id for a lesson that comes after {last.id}. It has two digits and a "
            f"slug in small letters, such as {int(last.number) + 1:02}_airlines."
        )
    phases = list(dict.fromkeys(known.phase for known in load_manifest()))
    if phase not in phases:
        raise CourseError(f"{phase} is no phase of the course. These are: {', '.join(phases)}.")
    exercises = ROOT / "utils" / f"{lesson.exercises.replace('.', '/')}.py"
    if exercises.exists():
        raise CourseError(f"Another lesson has the slug {lesson.slug} already. Choose another.")
    names = {"LESSON_ID": id_, "SLUG": lesson.slug, "TITLE": title, "NUMBER": lesson.number}
    files = {"lesson": lesson.source, "exercises": exercises, "quiz": lesson.quiz}
    for part, file in files.items():
        text = (SKELETON / f"{part}.txt").read_text(encoding="utf-8")
        for name, value in names.items():
            text = text.replace(name, value)
        _write(file, text)
    quoted = json.dumps(title, ensure_ascii=False)  # as TOML has it, too
    entry = ENTRY.format(id=id_, title=quoted, phase=phase, minutes=minutes)
    _write(MANIFEST, MANIFEST.read_text(encoding="utf-8") + entry)
    _write(README, _with_row(README.read_text(encoding="utf-8"), lesson, last))
    load_manifest.cache_clear()
    _write(course_map.FILE, course_map.draw())
    _write(tool_table.PATH, tool_table.table())
    return [*files.values(), MANIFEST, README, course_map.FILE, tool_table.PATH]


def _with_row(text: str, lesson: Lesson, last: Lesson) -> str:
    """Return the README with the lesson in its table, below the one that was last."""
    row = (
        f"| [{lesson.title}](notebooks/{lesson.notebook.name}) | {lesson.phase} | "
        f"{lesson.minutes} |"
    )
    before = re.search(rf"^\| .*notebooks/{last.notebook.name}\).*$", text, flags=re.MULTILINE)
    return f"{text[: before.end()]}\n{row}{text[before.end() :]}" if before else text


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8", newline="\n")
