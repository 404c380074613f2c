"""Solved lessons, executed by papermill."""

import os
from pathlib import Path

import nbformat
import pytest

from mlops_school.authoring.execute import execute_solved, run
from mlops_school.errors import CourseError

SOURCE = """\
# %% tags=["parameters"] id="parameters"
size = 100

# %% id="q1"
### BEGIN SOLUTION
twice = 2 * size
### END SOLUTION

# %% id="facts"
import os
from pathlib import Path

print(twice, os.environ["SCHOOL_STRICT"], Path.cwd().name)
"""


def printed(folder, lesson):
    cells = nbformat.read(folder / "executed" / lesson.notebook.name, as_version=4).cells
    return "".join(
        output.text for cell in cells if cell.cell_type == "code" for output in cell.outputs
    )


def test_run_executes_the_solved_notebook_strictly_where_learners_work(small_course):
    lesson = small_course.add("01_small", SOURCE, fast={"size": 3})
    run([lesson], fast=False)
    build = small_course.root / "build"
    assert printed(build, lesson) == "200 1 notebooks\n"
    solved = nbformat.read(build / "solutions" / "01_small.ipynb", as_version=4)
    assert solved.cells[3].source == "twice = 2 * size"


def test_fast_parameters_are_injected(small_course, tmp_path):
    lesson = small_course.add("01_small", SOURCE, fast={"size": 3})
    run([lesson], fast=True)
    assert printed(tmp_path / "build", lesson) == "6 1 notebooks\n"


def test_lessons_share_one_new_workspace(small_course, workspace):
    source = (
        '# %% id="share"\nimport os\nfrom pathlib import Path\n\n'
        'folder = Path(os.environ["SCHOOL_WORKSPACE"])\n'
        "print(os.listdir(folder))\n(folder / 'made').touch()\n"
    )
    lessons = [small_course.add(f"0{number}_small", source) for number in (1, 2)]
    run(lessons, fast=False)
    build = small_course.root / "build"
    assert [printed(build, lesson) for lesson in lessons] == ["[]\n", "['made']\n"]
    assert not workspace.exists()


def test_environment_is_as_before(small_course, monkeypatch):
    lesson = small_course.add("01_small", '# %% id="broken"\n1 / 0\n')
    monkeypatch.delenv("SCHOOL_STRICT", raising=False)
    before = dict(os.environ)
    with pytest.raises(CourseError):
        run([lesson], fast=False)
    assert dict(os.environ) == before


def test_failing_lesson_is_named_after_the_others_ran(small_course, capsys):
    exercise = 'raise ValueError("q1: ✗ Not yet:\\nlook again")'
    failing = small_course.add("01_failing", f'# %% id="q1-check"\n{exercise}\n')
    dying = small_course.add("02_dying", '# %% id="exit"\nimport os\n\nos._exit(1)\n')
    sound = small_course.add("03_sound", '# %% id="fine"\nprint(1)\n')
    with pytest.raises(CourseError) as raised:
        run([failing, dying, sound], fast=False)
    first, second = str(raised.value).splitlines()
    assert first == ("01_failing: cell 'q1-check' failed: ValueError: q1: ✗ Not yet: look again.")
    assert second.startswith("02_dying: cell 'exit' failed: there is no kernel any more")
    assert printed(small_course.root / "build", sound) == "1\n"
    lines = capsys.readouterr().out.splitlines()
    assert [line.rpartition(" ")[0].rpartition(" ")[0] for line in lines[:3]] == [
        "01_failing: failed after",
        "02_dying: failed after",
        "03_sound: passed in",
    ]
    assert lines[3].startswith("1 of 3 lessons passed, ")


def test_cell_that_hangs_is_stopped_and_named(small_course, tmp_path, monkeypatch):
    monkeypatch.setattr("mlops_school.authoring.execute.CELL_SECONDS", 1)
    lesson = small_course.add(
        "01_small",
        '# %% id="fine"\n1\n\n# %% id="hangs"\nimport threading\n\nthreading.Event().wait()\n',
    )
    with pytest.raises(CourseError, match="cell 'hangs' failed: it was not done after"):
        execute_solved(lesson, tmp_path, fast=False, cwd=tmp_path)


def test_error_that_is_meant_to_be_seen_does_not_stop_it(small_course, tmp_path):
    lesson = small_course.add(
        "01_small",
        '# %% tags=["raises-exception"] id="oops"\n1 / 0\n\n# %% id="after"\nprint("after")\n',
    )
    executed = execute_solved(lesson, tmp_path, fast=False, cwd=tmp_path)
    assert executed == tmp_path / "executed" / "01_small.ipynb"
    assert "ZeroDivisionError" in printed(tmp_path, lesson)
    assert printed(tmp_path, lesson).endswith("after\n")


def test_working_directory_is_the_one_asked_for(small_course, tmp_path):
    lesson = small_course.add("01_small", SOURCE)
    before = Path.cwd()
    execute_solved(lesson, tmp_path, fast=True, cwd=tmp_path / "elsewhere")
    assert printed(tmp_path, lesson) == "200 1 elsewhere\n"
    assert Path.cwd() == before


def test_faulty_source_is_not_executed(small_course, tmp_path):
    lesson = small_course.add("01_small", "# %%\nno_id = 1\n")
    with pytest.raises(CourseError, match="has no id"):
        execute_solved(lesson, tmp_path, fast=False, cwd=tmp_path)
    assert not (tmp_path / "executed").exists()
