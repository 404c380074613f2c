"""Notebooks as pages: pictures that load when they are seen, tables that can be read aloud."""

import base64
import io
import re
from collections.abc import Callable
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from PIL import Image

from mlops_school.authoring.build import NOT_STORED
from mlops_school.authoring.source import FOOTER, SETUP

_WIDGET = "application/vnd.jupyter.widget-view+json"
_PICTURE = re.compile(r'<img alt="(?P<alt>[^"]*)" src="data:image/png;base64,(?P<data>[\w+/=]+)">')
_COLOURS = 128  # of a chart; more make the file larger, and nobody sees them

# What the site cannot do, in the place where a notebook does it.
_QUIZ = "**The quiz is in JupyterLab**, where it tells you why each answer is right or wrong."
_SLIDERS = "**In JupyterLab, this picture has sliders**, which draw it anew."
_NOTE = (
    ":::{{admonition}} Interactive\n:class: interactive\n{text} [Open the lesson]({up}run.md).\n:::"
)


def readable(notebook: NotebookNode, name: str, figures: Path, up: str) -> NotebookNode:
    """Make a notebook a page that needs nothing but itself and its pictures.

    Parameters
    ----------
    notebook : NotebookNode
        It is changed.
    name : str
        Of its pictures, before the name of their cell.
    figures : Path
        The folder into which its pictures are written.
    up : str
        The way from the page to the site's first folder: ``../`` for each folder between.

    Returns
    -------
    NotebookNode
        The same notebook, without the cell that helps its kernel, and without its last one: the
        site has links to the next page of its own.
    """
    notebook.metadata.pop("widgets", None)  # or each page would load what draws them
    cells = []
    for cell in notebook.cells:
        if cell.id in (SETUP, FOOTER):
            continue
        cells.append(cell)
        if NOT_STORED in cell.metadata.get("tags", ()):
            cells.append(_note(cell, _QUIZ, up))
        for number, output in enumerate(cell.get("outputs", ())):
            data = output.get("data", {})
            if data.pop(_WIDGET, None):
                cells.append(_note(cell, _SLIDERS, up))
            if page := data.get("text/html"):
                stem = f"{name}-{cell.id}" + f"-{number}" * (number > 0)
                page = _PICTURE.sub(_writer(figures, stem, up), "".join(page))
                data["text/html"] = accessible(page)
    notebook.cells = cells
    return notebook


def accessible(table: str) -> str:
    """Return what pandas writes as HTML, so that a table says what its headers are headers of."""
    table = re.sub(r"<style.*?</style>\s*", "", table, flags=re.DOTALL)
    table = re.sub(r"<th\b([^>]*)>(\s|&nbsp;)*</th>", r"<td\1></td>", table)
    head, body, rest = table.partition("<tbody>")
    head = re.sub(r"<th\b", '<th scope="col"', head)
    rest = re.sub(r"<th\b", '<th scope="row"', rest)
    return (head + body + rest).replace(' border="1"', "")


def _note(cell: NotebookNode, text: str, up: str) -> NotebookNode:
    return new_markdown_cell(_NOTE.format(text=text, up=up), id=f"{cell.id}-interactive"[:64])


def _writer(figures: Path, stem: str, up: str) -> Callable[[re.Match], str]:
    """Return what puts a file in the place of a picture that stands in the page itself."""
    written = 0

    def write(match: re.Match) -> str:
        nonlocal written
        file = f"{stem}{f'-{written}' * (written > 0)}.png"
        written += 1
        picture = Image.open(io.BytesIO(base64.b64decode(match["data"]))).convert("RGB")
        smaller = picture.quantize(_COLOURS, dither=Image.Dither.NONE)
        smaller.save(figures / file, optimize=True)
        return (
            f'<img alt="{match["alt"]}" src="{up}{figures.name}/{file}" loading="lazy" '
            f'width="{picture.width}" height="{picture.height}">'
        )

    return write
