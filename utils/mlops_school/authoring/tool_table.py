"""The table of all tools of the course, made from the manifests: ``course/tools.md``."""

from collections import defaultdict
from pathlib import Path

from mlops_school.manifest import Lab, Unit, load_labs, load_manifest
from mlops_school.paths import COURSE

PATH = COURSE / "tools.md"

_TEXT = """\
# The tools of the course

A tool **runs for real** if its own program does here what it does in a company, if small. An
**emulator** is another program that answers like it. Where only **definitions** are checked, the
tool's own checker or client reads them, and nothing runs. What **needs an account** goes as far as
its official client goes without one.

| tool | where | how real | why |
|---|---|---|---|
{rows}

---

Made from `course.toml` and `labs.toml` by `python -m mlops_school.authoring.tool_table`; a test
holds that it is up to date.
"""


def table() -> str:
    """Return the table as Markdown: each tool once for each kind in which it is used."""
    places = defaultdict(list)
    reasons = defaultdict(list)
    for unit in (*load_manifest(), *load_labs()):
        for tool in unit.tools:
            key = tool.name, tool.kind
            places[key].append(_link(unit))
            reasons[key] += [tool.reason] if tool.reason else []
    rows = [
        f"| {name} | {', '.join(places[name, kind])} | {kind} | {' '.join(reasons[name, kind])} |"
        for name, kind in sorted(places, key=lambda key: (key[0].lower(), key[1]))
    ]
    return _TEXT.format(rows="\n".join(rows))


def _link(unit: Unit) -> str:
    """Return a link to the notebook of a lesson or lab, as seen from ``course``."""
    path = unit.notebook.relative_to(COURSE.parent).as_posix()
    name = f"lab {unit.id}" if isinstance(unit, Lab) else f"lesson {unit.number}"
    return f"[{name}](../{path})"


def write(path: Path = PATH) -> None:
    """Write the table."""
    path.write_text(table(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write()
