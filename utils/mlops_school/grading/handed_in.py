"""A notebook that was handed in: what it is, and the lesson with its answers put in their places.

Learners delete cells, add some, change what was given, rename the file, and their tools drop the
ids of cells. So nothing is graded as it came: each answer is found in it, and put into the
lesson's own notebook.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from mlops_school import manifest
from mlops_school.errors import CourseError
from mlops_school.grading.assignment import Task, assignment, stored, tasks
from mlops_school.manifest import Lesson

LARGEST = 50_000_000  # bytes of a file that is read at all
LEAST_LIKENESS = 0.3  # the share of a lesson's cells by which it is recognised


@dataclass(frozen=True)
class HandedIn:
    """A cell as it was handed in.

    Attributes
    ----------
    id : str
        nbgrader's name of it, or its own; may be empty.
    kind, source : str
        ``"code"`` or anything else, and its text.
    """

    id: str
    kind: str
    source: str


@dataclass(frozen=True)
class Step:
    """A cell of the restored notebook that is executed.

    Attributes
    ----------
    id, source : str
        Which one it is, and its code.
    own : bool
        Whether the learner wrote it.
    after : str
        The exercise whose answers are ready when it has run; mostly none.
    """

    id: str
    source: str
    own: bool = False
    after: str = ""


@dataclass
class Restored:
    """The lesson's notebook with a learner's answers.

    Attributes
    ----------
    notebook : NotebookNode
        With nbgrader's metadata, not executed.
    steps : list of Step
        What of it is executed, up to the last exercise.
    notes : list of str
        What was not as it should be, in words.
    """

    notebook: NotebookNode
    steps: list[Step] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read(content: bytes) -> list[HandedIn]:
    """Return the cells of a notebook, of any version of the format.

    Raises
    ------
    CourseError
        If it is damaged: the reason, to be put after the name of a learner.
    """
    if len(content) > LARGEST:
        raise CourseError(f"the file is larger than {LARGEST // 1_000_000} MB")
    try:
        notebook = json.loads(content.decode("utf-8-sig"))
        if "worksheets" in notebook:  # as it was before 2015
            notebook = nbformat.convert(nbformat.from_dict(notebook), 4)
        cells = [_cell(cell) for cell in notebook["cells"]]
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise CourseError("the file is damaged: it is not the text of a notebook") from None
    except Exception:  # whatever the parts of the file are instead of cells
        raise CourseError("the file is damaged: it has no cells") from None
    if not cells:
        raise CourseError("the notebook is empty")
    return cells


def recognise(cells: list[HandedIn], lesson: Lesson) -> None:
    """Make sure that cells are those of a lesson.

    Raises
    ------
    CourseError
        If they are of another one, or of none.
    """
    likeness = _likeness(cells, lesson)
    if likeness > 2 * LEAST_LIKENESS:
        return
    others = {other.id: _likeness(cells, other) for other in manifest.load_manifest()}
    best = max(others, key=others.__getitem__)
    if others[best] < LEAST_LIKENESS:
        raise CourseError(f"the notebook is not that of {lesson.id}")
    if best != lesson.id:
        raise CourseError(f"the notebook is that of {best}, not of {lesson.id}")


def restore(cells: list[HandedIn], lesson: Lesson) -> Restored:
    """Return the lesson's notebook with the answers in these cells.

    What else the learner added is kept at its place, for an answer may need it.
    """
    wanted = tasks(lesson)
    notebook = assignment(lesson)
    known = _matched(cells, notebook, wanted)
    found = {id_: cells[place] for place, id_ in known.items()}
    restored = Restored(notebook)
    result = []
    added = _added(cells, known)
    result += _extra(added.get("", ()), "start")
    for cell in notebook.cells:
        handed_in = found.get(cell.id)
        if cell.id in wanted:
            if handed_in is None:
                restored.notes.append(f"{cell.id}: its cell is missing")
            elif handed_in.kind != "code":
                restored.notes.append(f"{cell.id}: its cell is not code")
            else:
                cell.source = handed_in.source
        result.append(cell)
        result += _extra(added.get(cell.id, ()), cell.id)
    notebook.cells = _check_last(result, wanted)
    restored.steps = list(_steps(notebook, wanted))
    return restored


def _cell(cell: dict[str, Any]) -> HandedIn:
    source = cell["source"]
    text = source if isinstance(source, str) else "".join(source)
    metadata = cell.get("metadata") or {}
    id_ = (metadata.get("nbgrader") or {}).get("grade_id") or cell.get("id") or ""
    return HandedIn(str(id_), str(cell["cell_type"]), _without_surrogates(text))


def _without_surrogates(text: str) -> str:
    """Return a text that can be written; half a character, which JSON can hold, cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _likeness(cells: list[HandedIn], lesson: Lesson) -> float:
    """Return the share of a lesson's cells that are there, by id or by text."""
    ids = {cell.id for cell in cells}
    sources = {cell.source.strip() for cell in cells}
    expected = stored(lesson).cells
    there = sum(cell.id in ids or cell.source.strip() in sources for cell in expected)
    return there / len(expected)


def _matched(
    cells: list[HandedIn], notebook: NotebookNode, wanted: dict[str, Task]
) -> dict[int, str]:
    """Return which cell of the lesson each cell is, by its place; new ones are left out."""
    expected = {cell.id: cell for cell in notebook.cells}
    sources: dict[str, str] = {}
    for cell in notebook.cells:
        sources.setdefault(cell.source.strip(), cell.id)
    known: dict[int, str] = {}

    def take(place: int, id_: str | None) -> None:
        if id_ and id_ in expected and place not in known and id_ not in known.values():
            known[place] = id_

    for place, cell in enumerate(cells):
        take(place, cell.id)
    for place, cell in enumerate(cells):
        take(place, sources.get(cell.source.strip()))
    checks = {name: re.compile(rf"^{name}\.(check|hint)\(", re.MULTILINE) for name in wanted}
    for place, cell in enumerate(cells):
        if cell.kind == "code":
            for name, check in checks.items():
                if check.search(cell.source):
                    take(place, name)
    return known


def _added(cells: list[HandedIn], known: dict[int, str]) -> dict[str, list[HandedIn]]:
    """Return the cells that the learner added, by the id of the lesson's cell above them."""
    added: dict[str, list[HandedIn]] = {}
    above = ""
    for place, cell in enumerate(cells):
        if place in known:
            above = known[place]
        elif cell.source.strip():
            added.setdefault(above, []).append(cell)
    return added


def _extra(cells: list[HandedIn] | tuple[()], above: str) -> list[NotebookNode]:
    makers = {"code": new_code_cell, "markdown": new_markdown_cell}
    return [
        makers[cell.kind](cell.source, id=f"added-{above}-{number}"[-64:])
        for number, cell in enumerate(cells, 1)
        if cell.kind in makers
    ]


def _check_last(cells: list[NotebookNode], wanted: dict[str, Task]) -> list[NotebookNode]:
    """Put the cell that is graded below what the learner added between the answer and it."""
    checks = {task.check_id for task in wanted.values()}
    result: list[NotebookNode] = []
    waiting: NotebookNode | None = None
    for cell in cells:
        if waiting is not None and not cell.id.startswith("added-"):
            result.append(waiting)
            waiting = None
        if cell.id in checks:
            waiting = cell
        else:
            result.append(cell)
    return result + ([waiting] if waiting is not None else [])


def _steps(notebook: NotebookNode, wanted: dict[str, Task]) -> Iterator[Step]:
    """Yield what is executed; the check of an exercise is not, its answers are taken there."""
    checks = {task.check_id: name for name, task in wanted.items()}
    left = len(wanted)
    for cell in notebook.cells:
        if not left:
            return
        if cell.cell_type != "code":
            continue
        if cell.id in checks:
            left -= 1
            yield Step(cell.id, "", after=checks[cell.id])
        else:
            yield Step(cell.id, cell.source, cell.id in wanted or cell.id.startswith("added-"))
