"""Rules for the outputs in the notebook of one lesson or lab, as it is stored."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from mlops_school.authoring.assemble import read_notebook
from mlops_school.authoring.build import NOT_STORED
from mlops_school.manifest import Unit
from mlops_school.paths import ROOT

# Names that many machines have for their user tell nothing, and may stand in any text.
_ANYBODY = {"", "root", "home", "user", "runner", "jovyan"}


def problems(unit: Unit) -> Iterator[str]:
    """Yield what must be put right in the stored outputs, a sentence each.

    A notebook that is missing or damaged is none of this one's business: see ``build --check``.
    """
    try:
        notebook = read_notebook(unit.notebook)
    except (FileNotFoundError, ValueError):
        return
    for cell in notebook.cells:
        if cell.cell_type == "code":
            for problem in dict.fromkeys(_cell_problems(cell)):
                yield f"cell {cell.id!r} of its notebook {problem}"
    for found in _private(notebook.metadata):
        yield f"a widget of its notebook tells about this computer: {found}"


def _cell_problems(cell: NotebookNode) -> Iterator[str]:
    if cell.source.strip() and cell.execution_count is None:
        yield "was not executed."
    if NOT_STORED in cell.metadata.get("tags", ()) and cell.outputs:
        yield f"has the tag {NOT_STORED!r} and outputs all the same."
    for output in cell.outputs:
        if output.get("name") == "stderr":
            yield f"prints a warning or an error: {output.text.strip().partition(chr(10))[0]}"
        data = output.get("data", {})
        pictures = re.findall(r"<img\b[^>]*>", data.get("text/html", ""))
        described = all(re.search(r"\balt=([\"'])\s*[^\s\"']", tag) for tag in pictures)
        if not described or any(kind.startswith("image/") for kind in data):
            yield "shows a picture without a text alternative; use plots.show."
        for found in _private(output):
            yield f"tells about this computer: {found}"


def _private(value: Any) -> Iterator[str]:
    """Yield absolute paths, and the user's name, from all the text in a part of a notebook."""
    patterns = [
        r"(?<![\w.~])/(?:home|Users|root|tmp|private|var/folders)/[^\s\"'<>]*",
        r"\b[A-Z]:\\\w[^\s\"'<>]*",
        re.escape(str(ROOT)),
    ]
    if (user := Path.home().name) not in _ANYBODY:
        patterns.append(rf"\b{re.escape(user)}\b")
    private = re.compile("|".join(patterns))
    for text in _texts(value):
        text = re.sub(r"base64,[A-Za-z0-9+/=]+", "", text)
        yield from (found[0] for found in private.finditer(text))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
