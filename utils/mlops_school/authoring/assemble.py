"""Notebooks put together from the source of a lesson or lab and the manifest."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from mlops_school import manifest
from mlops_school.authoring.source import FOOTER, HEADER, SETUP, Cell, read_cells
from mlops_school.manifest import Lesson, Unit

# Without the version of Python: it would differ from one machine to the next.
METADATA: dict[str, dict[str, Any]] = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"},
}

# Python shows the comment beside the error, if the kernel is another one.
SETUP_CODE = """\
# No mlops_school? Then this is not the kernel of the course. Menu Kernel, Change Kernel, Python 3.
# If that does not help, close JupyterLab, and start it in the course's folder: see README.md.
from mlops_school import first_aid

first_aid.begin("{name}")"""


def learner_notebook(unit: Unit) -> NotebookNode:
    """Return the notebook that learners open: ``____`` stands for each answer; not executed.

    Raises
    ------
    CourseError
        If the source must be put right.
    """
    return _notebook(unit, Cell.unsolved)


def solved_notebook(unit: Unit) -> NotebookNode:
    """Return the notebook with the reference solutions; not executed.

    Raises
    ------
    CourseError
        If the source must be put right.
    """
    return _notebook(unit, Cell.solved)


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


def _notebook(unit: Unit, text: Callable[[Cell], str]) -> NotebookNode:
    cells = [
        new_markdown_cell(_header(unit), id=HEADER),
        new_code_cell(SETUP_CODE.format(name=unit.id), id=SETUP),
    ]
    for cell in read_cells(unit.source):
        make = new_code_cell if cell.kind == "code" else new_markdown_cell
        metadata = {"tags": list(cell.tags)} if cell.tags else {}
        cells.append(make(text(cell), id=cell.id, metadata=metadata))
    footer = _footer(unit) if isinstance(unit, Lesson) else _lab_footer()
    cells.append(new_markdown_cell(footer, id=FOOTER))
    return new_notebook(cells=cells, metadata=METADATA)


def _header(unit: Unit) -> str:
    lessons = {lesson.id: lesson for lesson in manifest.load_manifest()}
    kind, folder = ("lesson", "") if isinstance(unit, Lesson) else ("lab", "../")
    tools = ", ".join(tool.name for tool in unit.tools)
    facts = [f"**{unit.phase}**", f"about {unit.minutes} minutes", tools]
    lines = [f"# {unit.name}", "", " · ".join(filter(None, facts)), ""]
    if unit.prerequisites:
        links = ", ".join(_link(lessons[id_], folder) for id_ in unit.prerequisites)
        lines += [f"Builds on {links}.", ""]
    lines += [f"After this {kind} you will be able to", "", *(f"- {goal}" for goal in unit.goals)]
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


def _lab_footer() -> str:
    start = _link(manifest.load_manifest()[0], "../")
    return f"---\n\nStart: {start} | In a terminal, `school lab` lists all labs."


def _link(lesson: Lesson, folder: str = "") -> str:
    return f"[{lesson.name}]({folder}{lesson.notebook.name})"
