"""The page that JupyterLab opens: the map of the course, and how far the learner has come."""

import os
from contextlib import suppress
from pathlib import Path

from mlops_school import files, paths
from mlops_school.errors import CourseError
from mlops_school.manifest import load_manifest
from mlops_school.standing import Standing, standings

FILE = "start.md"
_BOXES = 5  # of a bar, which a screen reader is spared: the numbers stand beside it


def path() -> Path:
    """Return where the page is."""
    return paths.workspace() / FILE


def to_open() -> Path:
    """Write the page, and return what JupyterLab is to open: the page, or else the first lesson.

    JupyterLab shows nothing outside the folder of the course, where a workspace may be.
    """
    try:
        page = path()
        page.relative_to(paths.ROOT)
        write()
    except (CourseError, ValueError):
        return load_manifest()[0].notebook
    return page


def write() -> None:
    """Write the page anew.

    Raises
    ------
    CourseError
        If the workspace cannot be written to.
    """
    page = path()
    text = render(standings(), page.parent)
    with files.replacing(page) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def refresh() -> None:
    """Write the page anew if there is one; what fails is made good the next time."""
    with suppress(CourseError):
        if path().exists():
            write()


def render(lessons: list[Standing], folder: Path) -> str:
    """Return the page in Markdown.

    Parameters
    ----------
    lessons : list of Standing
        All lessons, in order.
    folder : Path
        Where the page will be: its links are relative.
    """
    rows = [
        f"| {_link(one, folder)} | {one.lesson.phase} | {one.lesson.minutes} | "
        f"{one.exercises_solved} of {one.exercises} | {one.questions_solved} of {one.questions} | "
        f"{_bar(one)} |"
        for one in lessons
    ]
    return f"""\
# NS AI School: MLOps

{_next_step(lessons, folder)}

![The course as a loop: after orientation and foundations come data, building, testing, delivery, \
deployment, monitoring and maintenance, which leads back to data; the capstone goes through all of \
it. The table below says the same.]({_relative(paths.COURSE / "map.svg", folder)})

## Your progress

| Lesson | Phase | Minutes | Exercises | Quiz | |
| --- | --- | ---: | ---: | ---: | --- |
{chr(10).join(rows)}

You have solved {sum(one.solved for one in lessons)} of {sum(one.tasks for one in lessons)} \
exercises and questions. This page is written anew whenever you solve one; if it was open, menu \
**File ▸ Reload … from Disk** shows the new one.

## When you need help

| What you want | Where it is |
| --- | --- |
| the meaning of a word | the [glossary]({_relative(paths.COURSE / "glossary/README.md", folder)}) |
| to try one tool of the field for real | menu **File ▸ New ▸ Terminal**, then `school lab` |
| which tools there are, and how real they are here | the \
[table of tools]({_relative(paths.COURSE / "tools.md", folder)}) |
| to begin a lesson again with an empty memory | menu **Kernel ▸ Restart Kernel** |
| a cell as it was before you changed it | it fails, and *First aid* below it shows the original |
| to take your progress along | in a terminal, `school progress --export progress.json` |
"""


def _next_step(lessons: list[Standing], folder: Path) -> str:
    """Say where to go on: at the first lesson that is not complete."""
    for one in lessons:
        if not one.is_complete:
            words = "Go on with" if any(other.solved for other in lessons) else "Begin with"
            return f"**{words} {_link(one, folder)}**, about {one.lesson.minutes} minutes."
    return (
        '**You have solved everything.** In a terminal, `school certificate "Your Name"` makes a '
        "page to print."
    )


def _bar(one: Standing) -> str:
    """Return how much of a lesson is solved as boxes, and in a word when all is."""
    if not one.solved:
        return ""
    full = _BOXES * one.solved // one.tasks
    return "▰" * full + "▱" * (_BOXES - full) + (" complete" if one.is_complete else "")


def _link(one: Standing, folder: Path) -> str:
    return f"[{one.lesson.name}]({_relative(one.lesson.notebook, folder)})"


def _relative(target: Path, folder: Path) -> str:
    return Path(os.path.relpath(target, folder)).as_posix()
