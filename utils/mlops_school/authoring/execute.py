"""Executing the solved lessons with papermill: every exercise must accept its solution."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbclient.exceptions import CellTimeoutError
from nbformat import NotebookNode
from nbformat.v4 import new_output
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
from papermill.exceptions import PapermillExecutionError
from tqdm import tqdm

from mlops_school import paths
from mlops_school.authoring.assemble import solved_notebook, write_notebook
from mlops_school.authoring.kernel import CELL_SECONDS, QUIET, AsyncKernel, describe
from mlops_school.errors import CourseError
from mlops_school.manifest import Lesson


class _Stopped(Exception):
    """A cell, whose id comes first, came to no end; the reason comes second."""


class _Engine(NBClientEngine):
    """Papermill's own engine, but an error that is meant to be seen does not stop it."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, **settings: Any
    ) -> None:
        cells = nb_man.nb.cells
        try:
            super().execute_managed_notebook(nb_man, kernel_name, **settings)
        except (CellTimeoutError, RuntimeError) as error:
            begun = [c.id for c in cells if c.metadata.papermill["status"] != nb_man.PENDING]
            raise _Stopped(begun[-1] if begun else cells[0].id, describe(error)) from None
        for cell in cells:
            if "raises-exception" in cell.metadata.tags:
                cell.outputs = [_as_text(output) for output in cell.outputs]


papermill_engines.register("school", _Engine)


def run(lessons: list[Lesson], fast: bool) -> None:
    """Execute solved lessons one after the other in one new workspace, as a learner would.

    Parameters
    ----------
    lessons : list of Lesson
        The lessons to execute.
    fast : bool
        Whether to inject the manifest's fast parameters.

    Raises
    ------
    CourseError
        If any failed, one line for each, after the others ran.
    """
    failures = []
    began = time.perf_counter()
    # On a terminal two bars, of the course and of the lesson; in a log one line a lesson.
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as workspace,
        _environment(SCHOOL_WORKSPACE=workspace),
        tqdm(lessons, desc="course", unit="lesson", disable=None) as course,
    ):
        for lesson in course:
            lesson_began = time.perf_counter()
            try:
                execute_solved(
                    lesson, paths.BUILD, fast=fast, cwd=lesson.notebook.parent, progress=True
                )
            except CourseError as error:
                failures.append(str(error))
                outcome = "failed after"
            else:
                outcome = "passed in"
            tqdm.write(f"{lesson.id}: {outcome} {time.perf_counter() - lesson_began:.1f} s")
    passed = len(lessons) - len(failures)
    print(f"{passed} of {len(lessons)} lessons passed, {time.perf_counter() - began:.0f} s.")
    if failures:
        raise CourseError("\n".join(failures))


def execute_solved(
    lesson: Lesson, folder: Path, *, fast: bool, cwd: Path, progress: bool = False
) -> Path:
    """Build the solved notebook of a lesson and execute it in strict mode.

    Parameters
    ----------
    lesson : Lesson
        The lesson.
    folder : Path
        Receives ``solutions/NN_slug.ipynb`` and, executed, ``executed/NN_slug.ipynb``.
    fast : bool
        Whether to inject the manifest's fast parameters.
    cwd : Path
        The kernel's working directory.
    progress : bool
        Whether to show a progress bar on a terminal.

    Returns
    -------
    Path
        The executed notebook.

    Raises
    ------
    CourseError
        If a cell fails or an exercise is not correct, with the cell's id.
    """
    solved = folder / "solutions" / lesson.notebook.name
    executed = folder / "executed" / lesson.notebook.name
    write_notebook(solved_notebook(lesson), solved)
    executed.parent.mkdir(parents=True, exist_ok=True)
    cwd.mkdir(parents=True, exist_ok=True)
    bar: Any = {"desc": lesson.id, "position": 1, "leave": False, "disable": None}
    try:
        with _environment(SCHOOL_STRICT="1"):
            papermill.execute_notebook(
                solved,
                executed,
                parameters=lesson.fast if fast else {},
                engine_name="school",
                kernel_name="python3",
                kernel_manager_class=AsyncKernel,
                progress_bar=bar if progress else False,
                request_save_on_cell_execute=False,  # writing it 70 times takes a second
                cwd=cwd,
                execution_timeout=CELL_SECONDS,
                extra_arguments=[QUIET],
            )
    except PapermillExecutionError as error:
        stop, reason = _failed_cell(executed), describe(error)
    except _Stopped as error:
        stop, reason = error.args
    else:
        return executed
    raise CourseError(f"{lesson.id}: cell {stop!r} failed: {reason}.")


def _as_text(output: NotebookNode) -> NotebookNode:
    """Return an output as it is, but an error as the text of its traceback."""
    if output.output_type != "error":
        return output
    return new_output("stream", name="stderr", text="\n".join(output.traceback))


def _failed_cell(executed: Path) -> str:
    """Return the id of the cell where papermill stopped."""
    cells = nbformat.read(executed, as_version=4).cells
    failed = [c.id for c in cells if c.metadata.get("papermill", {}).get("status") == "failed"]
    return failed[0]


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """Set environment variables of this process for a time: its kernels inherit them."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
