"""Building the notebooks that are committed: from source to executed notebook."""

import json
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from mlops_school import manifest
from mlops_school.authoring.assemble import learner_notebook, read_notebook, write_notebook
from mlops_school.authoring.kernel import AT_ONCE, execute
from mlops_school.errors import CourseError
from mlops_school.manifest import Lesson, Unit

# Cells with this tag are stored without outputs: a quiz would show its answers.
NOT_STORED = "quiz"

_WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
_WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def build(units: list[Unit]) -> None:
    """Build the learner notebooks of these lessons and labs, execute them and store them.

    Each is executed in an empty workspace. A notebook whose execution fails stays as it was.

    Raises
    ------
    CourseError
        If any failed, one line for each, after the others were built.
    """
    failures = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            for result in [pool.submit(_build, unit) for unit in units]:
                try:
                    print(result.result(), flush=True)
                except CourseError as error:
                    failures.append(str(error))
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise
    if failures:
        raise CourseError("\n".join(failures))


def drift(units: list[Unit]) -> list[str]:
    """Return in what the stored notebooks are not what their sources say, outputs aside.

    Parameters
    ----------
    units : list of Lesson or Lab
        What to compare. Notebooks that belong to nothing are reported in any case.
    """
    problems = []
    for unit in units:
        try:
            difference = _difference(learner_notebook(unit), unit.notebook)
        except CourseError as error:
            problems += str(error).splitlines()
        else:
            if difference:
                command = "make build" if isinstance(unit, Lesson) else f"school build {unit.id}"
                problems.append(f"{unit.id}: {difference}. Run `{command}`.")
    owned = {unit.notebook for unit in (*manifest.load_manifest(), *manifest.load_labs())}
    for path in sorted(manifest.NOTEBOOKS.rglob("*.ipynb")):
        if path not in owned and ".ipynb_checkpoints" not in path.parts:
            problems.append(f"{path.name}: no lesson in the manifest has this notebook. Remove it.")
    return problems


def _build(unit: Unit) -> str:
    notebook = learner_notebook(unit)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as workspace:
        cost = execute(notebook, unit, SCHOOL_WORKSPACE=workspace)
    for cell in notebook.cells:
        if NOT_STORED in cell.metadata.get("tags", ()):
            cell.outputs = []
    write_notebook(_with_shown_widgets(notebook), unit.notebook)
    return f"{unit.id}: {len(notebook.cells)} cells, {cost.cells:.1f} s"


def _with_shown_widgets(notebook: NotebookNode) -> NotebookNode:
    """Keep the state of the widgets that an output shows, with names that do not change.

    With it JupyterLab draws a slider before anything was run. Widgets name themselves at random.
    """
    widgets = notebook.metadata.pop("widgets", {})
    if not widgets:
        return notebook
    state = widgets[_WIDGET_STATE]["state"]
    shown = [
        output.data[_WIDGET_VIEW]["model_id"]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if _WIDGET_VIEW in output.get("data", {})
    ]
    for model in shown:  # which grows, for a widget refers to the widgets inside it
        inside = re.findall(r"IPY_MODEL_(\w+)", json.dumps(state[model]))
        shown += [other for other in inside if other not in shown]
    if shown:
        widgets[_WIDGET_STATE]["state"] = {model: state[model] for model in shown}
        notebook.metadata["widgets"] = widgets
    text = json.dumps(notebook)
    for number, model in enumerate(shown):
        text = text.replace(model, f"{number:032x}")
    return nbformat.from_dict(json.loads(text))


def _difference(expected: NotebookNode, path: Path) -> str | None:
    """Say in what a stored notebook differs from the one it should be; None if in nothing."""
    try:
        stored = read_notebook(path)
    except FileNotFoundError:
        return "its notebook is missing"
    except ValueError:
        return "its notebook is damaged"
    ids = [cell.id for cell in expected.cells]
    stored_ids = [cell.get("id") for cell in stored.get("cells", ())]
    if lacking := [id_ for id_ in ids if id_ not in stored_ids]:
        return f"its notebook lacks {_cells(lacking)}"
    if surplus := [id_ for id_ in stored_ids if id_ not in ids]:
        return f"its notebook has {_cells(surplus)}, which the source does not have"
    if ids != stored_ids:
        return "the cells of its notebook are in another order than in the source"
    pairs = zip(expected.cells, stored.cells, strict=True)
    if changed := [cell.id for cell, other in pairs if _said(cell) != _said(other)]:
        return f"its notebook differs from the source in {_cells(changed)}"
    if _frame(expected) != _frame(stored):
        return "the metadata of its notebook are not those that the build writes"
    return None


def _cells(ids: list[str]) -> str:
    return f"cell{'s' * (len(ids) > 1)} {', '.join(map(repr, ids))}"


def _said(cell: NotebookNode) -> dict[str, Any]:
    """Return what the author said in a cell, without what executing it added."""
    return {key: cell[key] for key in cell if key not in ("outputs", "execution_count")}


def _frame(notebook: NotebookNode) -> dict[str, Any]:
    """Return what is around the cells, without what executing them added."""
    metadata = {key: notebook.metadata[key] for key in notebook.metadata if key != "widgets"}
    return {**notebook, "cells": None, "metadata": metadata}
