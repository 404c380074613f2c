"""The notebook of a lesson as an assignment of nbgrader: what is to be answered, and graded."""

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from mlops_school.errors import CourseError
from mlops_school.manifest import Lesson
from mlops_school.solutions import read_solutions

POINTS = 1  # for each exercise; there are no parts of a point, as there is no half of "correct"
SCHEMA = 3  # of nbgrader's metadata

_BLANK = re.compile(r"\b____\b")


@dataclass(frozen=True)
class Task:
    """One exercise of a lesson, as its answer cell shows it.

    Attributes
    ----------
    name : str
        ``q1``; its answer cell has the same id.
    given : str
        The code of that cell, with ``____`` for each answer, up to the check.
    solved : str
        The same code with the reference solution.
    call : str
        The check: ``q1.check(flights_per_day, january)``.
    arguments : tuple of str
        What the check is given, as code.
    answers : frozenset of str
        Those of them that are the learner's; the others are the lesson's.
    rest : str
        What follows the check, such as the hints.
    """

    name: str
    given: str
    solved: str
    call: str
    arguments: tuple[str, ...]
    answers: frozenset[str]
    rest: str

    @property
    def check_id(self) -> str:
        """The id of the cell that is graded."""
        return f"{self.name}-points"


def tasks(lesson: Lesson) -> dict[str, Task]:
    """Return the exercises of a lesson by name, in order.

    Raises
    ------
    CourseError
        If the notebook is not what the build makes of the lesson's source.
    """
    solutions = read_solutions(lesson.source)
    found = {
        cell.id: _task(cell.id, cell.source, solutions[cell.id])
        for cell in stored(lesson).cells
        if cell.id in solutions
    }
    if not found or len(found) < len(solutions):
        raise CourseError(
            f"The notebook of {lesson.id} lacks exercises. Run `school build {lesson.id}`."
        )
    return found


def stored(lesson: Lesson) -> NotebookNode:
    """Return the notebook that learners get, as it is stored; nobody is to change it.

    Raises
    ------
    CourseError
        If it is missing or damaged.
    """
    return _read(lesson.notebook)


def assignment(lesson: Lesson) -> NotebookNode:
    """Return the notebook with nbgrader's metadata, without outputs.

    The answer cell of an exercise is followed by one that checks it: that one is locked, and
    earns the point. Everything else is the learner's to change; it is brought back for grading.

    Raises
    ------
    CourseError
        If the notebook is not what the build makes of the lesson's source.
    """
    wanted = tasks(lesson)
    cells = []
    for cell in stored(lesson).cells:
        cell = nbformat.from_dict(cell)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        cells.append(cell)
        if task := wanted.get(cell.id):
            cell.source = "\n".join(filter(None, (task.given.rstrip(), task.rest)))
            cell.metadata["nbgrader"] = _metadata(task.name, solution=True)
            metadata = {"nbgrader": _metadata(task.check_id, points=POINTS)}
            cells.append(new_code_cell(task.call, id=task.check_id, metadata=metadata))
    notebook = nbformat.from_dict(stored(lesson))
    notebook.metadata.pop("widgets", None)  # what was shown, which is an output
    notebook.cells = cells
    return notebook


@cache
def _read(path: Path) -> NotebookNode:
    try:
        return nbformat.read(path, as_version=4)
    except (OSError, ValueError, nbformat.ValidationError):
        raise CourseError(
            f"{path} is missing or damaged. Bring it back from the copy of the course "
            "that you downloaded."
        ) from None


def _task(name: str, source: str, solved: str) -> Task:
    lines = source.splitlines()
    for node in ast.parse(source).body:
        match node:
            case ast.Expr(ast.Call(ast.Attribute(ast.Name(id=exercise), "check"), args=arguments)):
                if exercise == name:
                    break
    else:
        raise CourseError(f"The answer cell {name} does not check its exercise.")
    given = "\n".join(lines[: node.lineno - 1])
    return Task(
        name,
        given.strip(),
        solved,
        "\n".join(lines[node.lineno - 1 : node.end_lineno]),
        tuple(ast.unparse(argument) for argument in arguments),
        frozenset(_answers(given)),
        "\n".join(lines[node.end_lineno :]),
    )


def _answers(given: str) -> set[str]:
    """Return the names of what holds a blank: variables, functions and classes."""
    names = set()
    for node in ast.parse(given).body:
        if not _BLANK.search(ast.unparse(node)):
            continue
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        names |= {
            part.id
            for part in ast.walk(node)
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
        }
    return names


def _metadata(grade_id: str, *, points: int = 0, solution: bool = False) -> dict[str, object]:
    metadata = {
        "grade": bool(points),
        "grade_id": grade_id,
        "locked": bool(points),
        "schema_version": SCHEMA,
        "solution": solution,
        "task": False,
    }
    return metadata | ({"points": points} if points else {})
