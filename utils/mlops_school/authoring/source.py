"""The source of a lesson: its cells as text, with the solutions marked in them."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jupytext

from mlops_school.errors import CourseError

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
GENERATED = HEADER, SETUP, FOOTER = "header", "setup", "footer"  # ids of cells that the build makes

_CELL = re.compile(r"# ?%%")
_LIKE_MARKER = re.compile(r"#\s*(begin|end)[ _-]*solution", re.IGNORECASE)
_VALID_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")

# Jupytext would take a comment such as `# copy the table` for a shell command, and uncomment it.
_FORMAT = {"extension": ".py", "format_name": "percent", "comment_magics": False}


@dataclass(frozen=True)
class Cell:
    """One cell of a lesson as its author wrote it.

    Attributes
    ----------
    id : str
        Its name within the lesson, which its cell in the notebook keeps for good.
    kind : str
        ``"code"`` or ``"markdown"``.
    source : str
        Its text, solution and markers included.
    tags : tuple of str
        What tools are to know of it, such as ``"parameters"``.
    """

    id: str
    kind: str
    source: str
    tags: tuple[str, ...] = ()

    @property
    def has_solution(self) -> bool:
        """Whether a part of it is left for learners to write."""
        return any(inside for inside, _ in _parts(self.source))

    @property
    def given(self) -> list[str]:
        """The lines that learners are given, without the solution."""
        return [line for inside, lines in _parts(self.source) if not inside for line in lines]

    def solved(self) -> str:
        """Return its text with the solution, but without the markers."""
        return "\n".join(line for _, lines in _parts(self.source) for line in lines)

    def unsolved(self) -> str:
        """Return its text with ``____`` in place of each answer.

        Of a solution, only what it assigns and what it returns in the end is left.

        Raises
        ------
        ValueError
            If there is nothing that a learner could fill in, or the solution is not Python.
        """
        return "\n".join(
            line
            for inside, lines in _parts(self.source)
            for line in (_blanks(lines) if inside else lines)
        )


def read_cells(path: Path) -> list[Cell]:
    """Return the cells of a lesson's source in percent format.

    Parameters
    ----------
    path : Path
        A file of ``course/lessons``.

    Raises
    ------
    CourseError
        If it is missing, or something in it must be put right; one line for each such thing.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CourseError(f"{path.name}: there is no such file in {path.parent}.") from None
    problems = list(_marker_problems(text))
    cells = []
    # With an unbalanced marker a cell has no certain parts, so nothing more is said of it.
    if not problems:
        nodes = jupytext.reads(text, fmt=_FORMAT).cells
        cells = [
            Cell(
                str(node.metadata.get("id", "")),
                node.cell_type,
                node.source,
                tuple(node.metadata.get("tags", ())),
            )
            for node in nodes
        ]
        problems += _cell_problems(cells)
    if problems:
        raise CourseError("\n".join(f"{path.name}{problem}" for problem in problems))
    return cells


def _marker_problems(text: str) -> Iterator[str]:
    """Yield, with its line, what is wrong with the markers of solutions."""
    begun = 0  # the line in which the present solution began; 0 outside of one
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() == BEGIN:
            if begun:
                yield f":{number}: a solution begins inside the one that begins in line {begun}."
            begun = number
        elif line.strip() == END:
            if not begun:
                yield f":{number}: a solution ends here that has not begun in this cell."
            begun = 0
        elif _LIKE_MARKER.search(line):
            yield f":{number}: write the markers exactly as `{BEGIN}` and `{END}`."
        elif begun and _CELL.match(line):
            yield f":{begun}: this solution does not end in its cell; `{END}` is missing."
            begun = 0
    if begun:
        yield f":{begun}: this solution does not end in its cell; `{END}` is missing."


def _cell_problems(cells: list[Cell]) -> Iterator[str]:
    """Yield what is wrong with ids and solutions."""
    for cell in cells:
        if not cell.id:
            beginning = cell.source.partition("\n")[0]
            yield f": the cell that begins with `{beginning}` has no id."
        elif not _VALID_ID.fullmatch(cell.id):
            yield f": {cell.id!r} is no valid id; use at most 64 letters, digits, - and _."
        elif cell.id in GENERATED:
            yield f": the id {cell.id!r} belongs to a cell that the build makes."
        if cell.kind not in ("code", "markdown"):
            yield f": cell {cell.id!r} is {cell.kind}; lessons have code and markdown only."
        try:
            cell.unsolved()
        except ValueError as error:
            yield f": cell {cell.id!r}: {error}"
    for id_, count in Counter(cell.id for cell in cells if cell.id).items():
        if count > 1:
            yield f": {count} cells have the id {id_!r}."


def _parts(source: str) -> Iterator[tuple[bool, list[str]]]:
    """Yield the runs of lines in turn: whether they are a solution, and the lines."""
    lines: list[str] = []
    for line in source.split("\n"):
        if line.strip() in (BEGIN, END):
            inside = line.strip() == END
            if lines or inside:
                yield inside, lines
            lines = []
        else:
            lines.append(line)
    if lines:
        yield False, lines


def _blanks(lines: list[str]) -> list[str]:
    """Return the lines that a learner gets in place of a solution."""
    # Lines that are indented belong to a block, which Python reads only with its beginning.
    indented = next((line for line in lines if line.strip()), "")[:1].isspace()
    text = "\n".join(["if True:", *lines] if indented else lines)
    try:
        body = ast.parse(text).body
    except SyntaxError as error:
        raise ValueError(f"the solution is not valid Python ({error.msg}).") from None
    if indented:
        body = body[0].body
    blanks = [blank for node in body if (blank := _blank(node, text))]
    if body and isinstance(body[-1], ast.Return) and body[-1].value:
        blanks.append("return ____")
    if not blanks:
        raise ValueError("the solution neither assigns nor returns anything to fill in.")
    indent = " " * body[0].col_offset
    return [indent + blank for blank in dict.fromkeys(blanks)]


def _blank(node: ast.stmt, text: str) -> str | None:
    """Return an assignment with its value blank; None for any other statement."""
    match node:
        case ast.Assign(targets=targets):
            names = " = ".join(ast.get_source_segment(text, target) for target in targets)
            return f"{names} = {_shape(targets[0])}"
        case ast.AnnAssign(target=target, annotation=annotation, value=ast.expr()):
            name, kind = (ast.get_source_segment(text, part) for part in (target, annotation))
            return f"{name}: {kind} = ____"
    return None


def _shape(target: ast.expr) -> str:
    """Return a blank for each name of a target: one ``____`` cannot be unpacked."""
    if not isinstance(target, ast.Tuple | ast.List):
        return "____"
    parts = [
        f"({_shape(part)})" if isinstance(part, ast.Tuple | ast.List) else "____"
        for part in target.elts
    ]
    return ", ".join(parts) + ("," if len(parts) == 1 else "")
