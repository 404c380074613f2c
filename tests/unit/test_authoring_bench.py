"""What executing a notebook costs, and the report of it."""

import re
import subprocess
import sys

import pytest

from mlops_school.authoring import bench
from mlops_school.authoring.assemble import learner_notebook
from mlops_school.authoring.kernel import Cost, execute
from mlops_school.errors import CourseError

SMALL = '# %% id="small"\nprint(1)\n'
# A second of CPU time in a child, and 200 MB that are touched and given back.
BUSY = """\
# %% id="busy"
import subprocess
import sys

spin = "import time\\nwhile time.process_time() < 1: sum(range(99_999))"
subprocess.run([sys.executable, "-c", spin], check=True)

# %% id="large"
large = b"x" * 200_000_000
del large
"""


def cost(wall=10.0, peak=500_000_000, cells=8.0, start=0.5):
    return Cost(start=start, cells=cells, wall=wall, cpu=9.0, peak=peak)


@pytest.fixture
def bench_with(small_course, monkeypatch):
    """Return a function that benchmarks a lesson, with what was measured given."""
    small_course.add("01_small", SMALL)
    executed = []

    def bench_with(measured=None, suite=10.0):
        def execute(notebook, lesson, **environment):
            code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
            executed.append((code, environment))
            return measured or cost()

        monkeypatch.setattr(bench, "execute", execute)
        monkeypatch.setattr(bench, "_suite_seconds", lambda: suite)
        monkeypatch.setattr(bench.os, "cpu_count", lambda: 2)
        status = bench.bench()
        report = (small_course.root / "course" / "benchmark.md").read_text(encoding="utf-8")
        return status, report, executed

    return bench_with


def test_cost_is_measured(small_course):
    small, busy = small_course.add("01_small", SMALL), small_course.add("02_busy", BUSY)
    cheap = execute(learner_notebook(small), small)
    dear = execute(learner_notebook(busy), busy)
    assert cheap.cpu > 0
    if sys.platform != "win32":  # which does not say what children used
        assert dear.cpu > cheap.cpu + 0.8
    assert dear.peak > cheap.peak + 150_000_000
    assert 10_000_000 < cheap.peak < 300_000_000
    for measured in (cheap, dear):
        assert 0 < measured.start < measured.wall
        assert 0 < measured.cells < measured.wall


def test_measuring_leaves_no_trace_in_the_notebook(small_course):
    lesson = small_course.add("01_small", SMALL)
    notebook = learner_notebook(lesson)
    execute(notebook, lesson)
    assert [cell.id for cell in notebook.cells] == ["header", "setup", "small", "footer"]


def test_report_names_targets_and_what_was_measured(bench_with):
    status, report, executed = bench_with()
    assert status == 0
    assert "| 01_small | 10.0 | 0.5 | 8.0 | 9.0 | 500 | yes |" in report
    # Two kernels: 16 s of cells on 2 cores, and 1 s of starts.
    assert "| cells / 2 + starts | 9.0 |" in report
    assert "| target: 1.25 times that | 11.2 |" in report
    assert "| **the tests** | **10.0** |" in report
    assert re.search(r"2 cores, \d+ GB of memory, \w+ .*, Python 3\.\d+\.\d+\.", report)
    assert "in one process in 8.0 s, with 500 MB.\nWithin the same targets: yes." in report
    assert report.endswith("Met: yes.\n")
    assert executed[-1][0] == [bench.YEAR]
    environments = [environment for _, environment in executed]
    assert [environment.get("SCHOOL_STRICT") for environment in environments] == [None, "1", None]
    first, second, third = [environment["SCHOOL_WORKSPACE"] for environment in environments]
    assert first == second != third


def test_tests_are_measured_with_fast_parameters(bench_with, small_course):
    lesson = small_course.lessons[0]
    lesson.source.write_text('# %% tags=["parameters"] id="p"\nn = 9\n', encoding="utf-8")
    small_course.alter(lesson, fast={"n": 2})
    _, _, executed = bench_with()
    full, fast, _ = [code for code, _ in executed]
    assert full[1:] == ["n = 9"]  # the first cell is the same in all lessons
    assert fast[1:] == ["n = 9", "# Parameters\nn = 2\n"]


@pytest.mark.parametrize(
    ("measured", "suite"),
    [
        (cost(wall=45.1), 10.0),
        (cost(peak=1_000_000_001), 10.0),
        (cost(), 11.3),
    ],
)
def test_missed_target_is_shown_and_fails(bench_with, measured, suite):
    status, report, _ = bench_with(measured, suite)
    assert status == 1
    assert "**no**" in report


@pytest.mark.parametrize(
    ("measured", "suite"),
    [(cost(wall=45.0), 10.0), (cost(peak=1_000_000_000), 10.0), (cost(), 11.2)],
)
def test_target_that_is_just_met_passes(bench_with, measured, suite):
    assert bench_with(measured, suite)[0] == 0


def test_suite_is_the_tests_of_notebooks_on_two_workers(monkeypatch):
    calls = []

    def run(command, **settings):
        calls.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(bench.subprocess, "run", run)
    assert bench._suite_seconds() >= 0
    assert calls[0][1:] == [
        *("-m", "pytest", "tests/notebooks", "-q", "-n", "2", "--dist", "loadgroup")
    ]


def test_failing_suite_is_not_measured(monkeypatch, capsys):
    failed = subprocess.CompletedProcess([], 1, "1 failed", "")
    monkeypatch.setattr(bench.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(CourseError, match="fail, so they were not measured"):
        bench._suite_seconds()
    assert "1 failed" in capsys.readouterr().out


def test_failing_lesson_is_not_measured(small_course):
    small_course.add("01_small", '# %% id="broken"\n1 / 0\n')
    with pytest.raises(CourseError, match="01_small: cell 'broken' failed: ZeroDivisionError"):
        bench.bench()
    assert not (small_course.root / "course" / "benchmark.md").exists()
