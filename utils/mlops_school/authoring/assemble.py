"""Notebooks put together from a lesson's source and the manifest."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from mlops_school import manifest
from mlops_school.authoring.source import FOOTER, HEADER, Cell, read_cells
from mlops_school.manifest import Lesson

# Without the version of Python: it would differ from one machine to the next.
METADATA: dict[str, dict[str, Any]] = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"},
}


def learner_notebook(lesson: Lesson) -> NotebookNode:
    """Return the notebook that learners open: ``____`` stands for each answer; not executed.

    Raises
    ------
    CourseError
        If the source must be put right.
    """
    return _notebook(lesson, Cell.unsolved)


def solved_notebook(lesson: Lesson) -> NotebookNode:
    """Return the notebook with the reference solutions; not executed.

    Raises
    ------
    CourseError
        If the source must be put right.
    """
    return _notebook(lesson, Cell.solved)


def read_notebook(path: Path) -> NotebookNode:
    """Return a stored notebook as it stands there.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If it is damaged.
    """
    try:
        notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
        nbformat.validate(notebook)
    except (ValueError, TypeError, AttributeError, nbformat.ValidationError):
        raise ValueError(f"{path} is no notebook") from None
    return notebook


def write_notebook(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook so that the file is never half there, byte for byte alike on all systems."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.part")
    try:
        text = nbformat.writes(notebook) + "\n"
        partial.write_text(text, encoding="utf-8", newline="\n")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _notebook(lesson: Lesson, text: Callable[[Cell], str]) -> NotebookNode:
    cells = [new_markdown_cell(_header(lesson), id=HEADER)]
    for cell in read_cells(lesson.source):
        make = new_code_cell if cell.kind == "code" else new_markdown_cell
        metadata = {"tags": list(cell.tags)} if cell.tags else {}
        cells.append(make(text(cell), id=cell.id, metadata=metadata))
    cells.append(new_markdown_cell(_footer(lesson), id=FOOTER))
    return new_notebook(cells=cells, metadata=METADATA)


def _header(lesson: Lesson) -> str:
    lessons = {other.id: other for other in manifest.load_manifest()}
    facts = [f"**{lesson.phase}**", f"about {lesson.minutes} minutes", ", ".join(lesson.tools)]
    lines = [f"# {_name(lesson)}", "", " · ".join(filter(None, facts)), ""]
    if lesson.prerequisites:
        links = ", ".join(_link(lessons[id_]) for id_ in lesson.prerequisites)
        lines += [f"Builds on {links}.", ""]
    lines += ["After this lesson you will be able to", "", *(f"- {goal}" for goal in lesson.goals)]
    return "\n".join(lines)


def _footer(lesson: Lesson) -> str:
    lessons = manifest.load_manifest()
    place = lessons.index(lesson)
    links = []
    if place > 0:
        links.append(f"Start: {_link(lessons[0])}")
    if place > 1:
        links.append(f"Previous: {_link(lessons[place - 1])}")
    if place + 1 < len(lessons):
        links.append(f"**Next: {_link(lessons[place + 1])}**")
    return "---\n\n" + " | ".join(links or ["This is the whole course."])


def _link(lesson: Lesson) -> str:
    return f"[{_name(lesson)}]({lesson.notebook.name})"


def _name(lesson: Lesson) -> str:
    return f"{lesson.number} · {lesson.title}"
