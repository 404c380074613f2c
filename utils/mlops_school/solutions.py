"""The reference solutions, read from where they stand once: the sources of the lessons."""

import re
from pathlib import Path

_MARKER = re.compile(r"^ *### (BEGIN|END) SOLUTION$\n?", flags=re.MULTILINE)


def read_solutions(source: Path) -> dict[str, str]:
    """Return the code of each answer cell of a lesson, by cell id.

    Parameters
    ----------
    source : Path
        The lesson in percent format. If there is none, nothing is returned.
    """
    if not source.exists():
        return {}
    solutions = {}
    for header, code in split_cells(source.read_text(encoding="utf-8")):
        name = re.search(r'id="([^"]+)"', header)
        if name and _MARKER.search(code):
            answer, _, _ = code.partition(f"{name[1]}.check(")  # the rest only checks it
            solutions[name[1]] = _MARKER.sub("", answer).strip()
    return solutions


def split_cells(text: str) -> list[tuple[str, str]]:
    """Return the first line and the rest of each cell of a text in percent format."""
    cells = re.split(r"^# %%(?=\s)", text, flags=re.MULTILINE)[1:]
    return [(header, body) for header, _, body in (cell.partition("\n") for cell in cells)]
