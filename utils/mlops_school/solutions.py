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
    for cell in re.split(r"^# %%(?=\s)", source.read_text(encoding="utf-8"), flags=re.MULTILINE):
        header, _, code = cell.partition("\n")
        name = re.search(r'id="([^"]+)"', header)
        if name and _MARKER.search(code):
            answer, _, _ = code.partition(f"{name[1]}.check(")  # the rest only checks it
            solutions[name[1]] = _MARKER.sub("", answer).strip()
    return solutions
