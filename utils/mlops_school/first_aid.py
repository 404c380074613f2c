"""First aid: a sentence that says what to do, below the errors that beginners meet first."""

import ast
import difflib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from IPython import get_ipython
from IPython.core.interactiveshell import ExecutionResult
from IPython.display import Markdown, display

from mlops_school.paths import COURSE, NOTEBOOKS, ROOT
from mlops_school.solutions import split_cells

_ALIKE = 0.6  # of 1; a cell that is less like every original one is the learner's own
_ATTRIBUTES = re.compile(r' id="(?P<id>[^"]+)"')


class Original(NamedTuple):
    """A code cell as the course gives it.

    Attributes
    ----------
    id : str
        Its name in the lesson.
    heading : str
        The last heading above it.
    code : str
        Its text.
    is_given : bool
        Whether nothing in it is left for the learner to write.
    fails : bool
        Whether an error is meant to come.
    """

    id: str
    heading: str
    code: str
    is_given: bool
    fails: bool


def begin(name: str) -> None:
    """Watch the cells of this notebook from now on, if it is one.

    Parameters
    ----------
    name : str
        The id of its lesson or lab.
    """
    shell = get_ipython()
    if shell is None:
        return
    for watch in [*shell.events.callbacks["post_run_cell"]]:  # of an earlier pass
        if isinstance(getattr(watch, "__self__", None), _Watch):
            shell.events.unregister("post_run_cell", watch)
    shell.events.register("post_run_cell", _Watch(name).after)


class _Watch:
    """What is called when a cell has run."""

    def __init__(self, name: str) -> None:
        self.name = name

    def after(self, result: ExecutionResult) -> None:
        error = result.error_in_exec
        if error is None or result.info is None:
            return
        shell = get_ipython()
        known = {name for name in shell.user_ns if not name.startswith("_")}
        cell_id = getattr(result.info, "cell_id", None)
        for advice in advise(self.name, error, result.info.raw_cell, known, cell_id):
            display(Markdown(f"**First aid:** {advice}"))


def advise(
    name: str, error: BaseException, code: str, known: set[str], cell_id: str | None = None
) -> Iterator[str]:
    """Yield what a learner can do about an error, in Markdown.

    Parameters
    ----------
    name : str
        The id of the lesson or lab.
    error : BaseException
        What the cell ended with.
    code : str
        The cell, as it was run.
    known : set of str
        The names that are defined now.
    cell_id : str, optional
        The cell's id, if the front end says it.
    """
    originals = read_originals(name)
    original = _find(originals, code, cell_id)
    if original and original.fails and original.code == code.strip():
        return
    if isinstance(error, NameError) and error.name:
        yield from _missing_name(error.name, known, originals, original)
    elif isinstance(error, FileNotFoundError) and error.filename:
        yield from _missing_file(Path(str(error.filename)))
    if original and original.is_given and original.code != code.strip():
        yield (
            "You have changed this cell since you got it, which is welcome. If the error came with "
            f"that, this is the original:\n\n```python\n{original.code}\n```"
        )


def _missing_name(
    name: str, known: set[str], originals: list[Original], current: Original | None
) -> Iterator[str]:
    before = originals[: originals.index(current)] if current else originals
    for cell in reversed(before):
        if name in _defines(cell.code):
            yield (
                f"`{name}` comes from a cell above, below the heading *{cell.heading}*, which has "
                "not run since the kernel started, or has failed. Menu **Run ▸ Run All Above "
                "Selected Cell**, then run this cell again."
            )
            return
    if close := difflib.get_close_matches(name, sorted(known), 1):
        yield f"There is no `{name}`. Did you mean `{close[0]}`?"


def _missing_file(path: Path) -> Iterator[str]:
    if path.is_absolute():
        return
    sentence = f"`{path.as_posix()}` is looked for in the folder of the notebook"
    for folder in (ROOT, COURSE, NOTEBOOKS):
        if (folder / path).exists():
            found = (folder / path).relative_to(ROOT).as_posix()
            yield f"{sentence}. The course has it as `{found}`, so write `../{found}`."
            return
    yield f"{sentence}, and is not there. Check its name, or give the path from that folder."


def read_originals(name: str) -> list[Original]:
    """Return the code cells of a lesson or lab in order; none if its source is not there.

    An answer's cell has the reference solution in it: nobody is shown that, but it tells which
    names the answer defines.
    """
    paths = [COURSE / folder / f"{name}.py" for folder in ("lessons", "labs")]
    text = next((path.read_text(encoding="utf-8") for path in paths if path.exists()), "")
    originals = []
    heading = ""
    for attributes, body in split_cells(text):
        if "[markdown]" in attributes:
            for line in re.findall(r"^# #+ (.+)$", body, flags=re.MULTILINE):
                heading = line
        elif found := _ATTRIBUTES.search(attributes):
            is_given = "### BEGIN SOLUTION" not in body
            fails = "raises-exception" in attributes
            originals.append(Original(found["id"], heading, body.strip(), is_given, fails))
    return originals


def _find(originals: list[Original], code: str, cell_id: str | None) -> Original | None:
    """Return what a cell was before the learner changed it, if it is one of the course's."""
    for cell in originals:
        if cell.id == cell_id:
            return cell
    alike = [(difflib.SequenceMatcher(None, c.code, code).ratio(), c) for c in originals]
    ratio, best = max(alike, key=lambda pair: pair[0], default=(0.0, None))
    return best if ratio >= _ALIKE else None


def _defines(code: str) -> set[str]:
    """Return the names that a cell gives a value."""
    lines = [line for line in code.splitlines() if not line.lstrip().startswith(("%", "!"))]
    try:
        tree = ast.parse("\n".join(lines))
    except SyntaxError:
        return set()
    names = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                names |= {(a.asname or a.name).partition(".")[0] for a in aliases}
    return names
