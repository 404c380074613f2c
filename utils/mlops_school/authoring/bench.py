"""Measuring what the lessons cost, and how well the tests of notebooks use the machine."""

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date

import papermill
import psutil
from nbformat.v4 import new_code_cell, new_notebook

from mlops_school import manifest, paths
from mlops_school.authoring.assemble import learner_notebook, solved_notebook
from mlops_school.authoring.kernel import AT_ONCE, THREADS, Cost, execute
from mlops_school.errors import CourseError
from mlops_school.manifest import Lesson

LESSON_SECONDS = 45
LESSON_MEGABYTES = 1000
SUITE_FACTOR = 1.25  # times what the kernels alone would take

# All months through the package of lessons 05 to 08, which no single lesson does.
YEAR = """\
from mlops_school.authoring import year
from mlops_school.paths import new_folder

rates, table = year.flow(new_folder("year"))"""

# The tests of notebooks, as `make test` runs them.
SUITE = ["-m", "pytest", "tests/notebooks", "-q", "-n", str(AT_ONCE), "--dist", "loadgroup"]


def bench() -> int:
    """Measure every lesson and the tests of notebooks, and write ``course/benchmark.md``.

    Returns
    -------
    int
        1 if a target is missed, otherwise 0.

    Raises
    ------
    CourseError
        If a lesson or a test fails: then there is nothing to measure.
    """
    lessons = manifest.load_manifest()
    costs, repeated = [], []
    for lesson in lessons:
        # Tests execute the solved notebook, too, with fast parameters, in the same workspace.
        solved = papermill.execute_notebook(
            solved_notebook(lesson), None, parameters=lesson.fast, prepare_only=True
        )
        with _workspace() as workspace:
            costs.append(execute(learner_notebook(lesson), lesson, SCHOOL_WORKSPACE=workspace))
            strict = {"SCHOOL_WORKSPACE": workspace, "SCHOOL_STRICT": "1"}
            repeated.append(execute(solved, lesson, **strict))
        print(f"{lesson.id}: {costs[-1].wall:.1f} s, {_megabytes(costs[-1]):.0f} MB", flush=True)
    with _workspace() as workspace:
        notebook = new_notebook(cells=[new_code_cell(YEAR)])
        year = execute(notebook, lessons[0], SCHOOL_WORKSPACE=workspace)
    print(f"the year: {year.wall:.1f} s, {_megabytes(year):.0f} MB", flush=True)
    suite = _suite_seconds()
    print(f"tests of notebooks: {suite:.1f} s", flush=True)
    report, met = _report(lessons, costs, repeated, year, suite)
    path = manifest.COURSE / "benchmark.md"
    path.write_text(report, encoding="utf-8", newline="\n")
    print(f"Written to {path}. Targets {'met' if met else 'missed'}.")
    return 0 if met else 1


def _workspace() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(ignore_cleanup_errors=True)


def _suite_seconds() -> float:
    """Run the tests of notebooks and return their wall time in seconds."""
    began = time.perf_counter()
    suite = subprocess.run(
        [sys.executable, *SUITE], cwd=paths.ROOT, capture_output=True, text=True, encoding="utf-8"
    )
    seconds = time.perf_counter() - began
    if suite.returncode:
        print(suite.stdout, suite.stderr, sep="\n")
        raise CourseError("The tests of notebooks fail, so they were not measured. See above.")
    return seconds


def _report(
    lessons: Sequence[Lesson],
    costs: Sequence[Cost],
    repeated: Sequence[Cost],
    year: Cost,
    suite: float,
) -> tuple[str, bool]:
    """Return the report as Markdown, and whether all targets are met.

    Parameters
    ----------
    lessons : sequence of Lesson
        The lessons.
    costs : sequence of Cost
        What the learner notebook of each cost.
    repeated : sequence of Cost
        What the solved notebook of each cost, with fast parameters.
    year : Cost
        What the year of data cost on its way through lessons 05 to 08.
    suite : float
        Wall time of the tests of notebooks in seconds.
    """
    kernels = [*costs, *repeated]
    cells = sum(cost.cells for cost in kernels)
    starts = sum(cost.start for cost in kernels)
    cores = min(AT_ONCE, os.cpu_count() or 1)
    ideal = cells / cores + starts
    within = [
        cost.wall <= LESSON_SECONDS and _megabytes(cost) <= LESSON_MEGABYTES
        for cost in [*costs, year]
    ]
    suite_within = suite <= SUITE_FACTOR * ideal
    rows = "\n".join(
        f"| {lesson.id} | {cost.wall:.1f} | {cost.start:.1f} | {cost.cells:.1f} | {cost.cpu:.1f} "
        f"| {_megabytes(cost):.0f} | {_yes(good)} |"
        for lesson, cost, good in zip(lessons, costs, within[:-1], strict=True)
    )
    report = f"""# Benchmark

Measured by `make bench` on {date.today():%d %B %Y}: {machine()}.

## Lessons

Each learner notebook from top to bottom with full parameters, alone on the machine, in a new kernel
and a new workspace, with `OMP_NUM_THREADS={THREADS}`, as the tests execute it. Targets: at most
{LESSON_SECONDS} s and {LESSON_MEGABYTES} MB.

| lesson | wall time, s | kernel start, s | cells, s | CPU time, s | peak memory, MB | met |
|---|--:|--:|--:|--:|--:|---|
{rows}

Wall time includes the start and the end of the kernel. CPU time is the kernel's and its children's;
peak memory is the kernel's.

All flights of the year go from raw CSV through the pipeline, the gate, a table of rates and the
features (lessons 05 to 08) in one process in {year.cells:.1f} s, with {_megabytes(year):.0f} MB.
Within the same targets: {_yes(within[-1])}.

## Tests of notebooks

The tests start {len(kernels)} kernels on {AT_ONCE} workers: nbval executes each learner notebook
once, papermill each solved one with fast parameters. Target: at most {SUITE_FACTOR} times
what the kernels need alone, which is the time of their cells divided by {cores} cores, and the time
of their starts.

| | s |
|---|--:|
| cells of all kernels | {cells:.1f} |
| starts of all kernels | {starts:.1f} |
| cells / {cores} + starts | {ideal:.1f} |
| target: {SUITE_FACTOR} times that | {SUITE_FACTOR * ideal:.1f} |
| **the tests** | **{suite:.1f}** |

Met: {_yes(suite_within)}.
"""
    return report, all([*within, suite_within])


def machine() -> str:
    """Return what this computer is, in a line."""
    memory = psutil.virtual_memory().total / 1e9
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GB of memory, "
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    )


def _megabytes(cost: Cost) -> float:
    return cost.peak / 1e6


def _yes(good: bool) -> str:
    return "yes" if good else "**no**"
