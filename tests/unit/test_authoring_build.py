"""Notebooks: put together, executed, stored, and compared with their sources."""

import json
from pathlib import Path

import nbformat
import pytest

from mlops_school.authoring.assemble import learner_notebook, solved_notebook, write_notebook
from mlops_school.authoring.build import build, drift
from mlops_school.errors import CourseError
from mlops_school.manifest import Tool

SOURCE = """\
# %% [markdown] id="why"
# ## Why — a naïve question

# %% id="blank"
____ = "____"

# %% id="q1"
### BEGIN SOLUTION
a = 1 + 1
### END SOLUTION
print(f"a is {a}")

# %% tags=["quiz", "nbval-ignore-output"] id="quiz"
print("the key to the quiz")

# %% id="last"
"été"
"""
FAILING = '# %% id="fine"\nprint(1)\n\n# %% id="broken"\n1 / 0\n\n# %% id="after"\nprint(2)\n'


def read(path):
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def cells_of(lesson):
    return {cell.id: cell for cell in read(lesson.notebook).cells}


@pytest.fixture
def lesson(small_course):
    return small_course.add("01_small", SOURCE)


@pytest.fixture
def stored(lesson):
    """Return the lesson with a notebook that is up to date, though nobody executed it."""
    write_notebook(learner_notebook(lesson), lesson.notebook)
    return lesson


def tamper(lesson, change):
    notebook = read(lesson.notebook)
    change(notebook)
    write_notebook(notebook, lesson.notebook)


# Put together


def test_learner_gets_blanks_and_solved_gets_answers(lesson):
    learner, solved = learner_notebook(lesson), solved_notebook(lesson)
    assert learner.cells[4].source == 'a = ____\nprint(f"a is {a}")'
    assert solved.cells[4].source == 'a = 1 + 1\nprint(f"a is {a}")'
    assert [cell.id for cell in learner.cells] == [cell.id for cell in solved.cells]
    assert [cell.id for cell in learner.cells] == [
        *("header", "setup", "why", "blank", "q1", "quiz", "last", "footer")
    ]
    assert "SOLUTION" not in nbformat.writes(learner) + nbformat.writes(solved)


def test_notebook_is_valid_and_carries_nothing_by_chance(lesson):
    notebook = learner_notebook(lesson)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    assert "version" not in notebook.metadata.language_info
    assert [cell.metadata for cell in notebook.cells if cell.metadata] == [
        {"tags": ["quiz", "nbval-ignore-output"]}
    ]


def test_same_source_gives_the_same_bytes(lesson, tmp_path):
    for name in ("one.ipynb", "two.ipynb"):
        write_notebook(learner_notebook(lesson), tmp_path / name)
    one, two = ((tmp_path / name).read_bytes() for name in ("one.ipynb", "two.ipynb"))
    assert one == two
    assert one.endswith(b"}\n")
    assert b"\r" not in one
    assert "naïve".encode() in one
    assert b'\n "cells"' in one


def test_header_tells_what_the_manifest_says(small_course):
    first = small_course.add("00_start", "", title="Start here")
    second = small_course.add(
        "01_small",
        "",
        phase="Building",
        minutes=75,
        goals=("build", "choose"),
        tools=(Tool("MLflow"), Tool("pandas")),
        prerequisites=("00_start",),
    )
    assert learner_notebook(second).cells[0].source == (
        "# 01 · Small\n\n"
        "**Building** · about 75 minutes · MLflow, pandas\n\n"
        "Builds on [00 · Start here](00_start.ipynb).\n\n"
        "After this lesson you will be able to\n\n- build\n- choose"
    )
    assert "Builds on" not in learner_notebook(first).cells[0].source


def test_footer_links_to_lessons_of_the_manifest_only(small_course):
    lessons = [small_course.add(f"0{number}_small", "") for number in range(3)]
    footers = [learner_notebook(lesson).cells[-1].source for lesson in lessons]
    assert footers == [
        "---\n\n**Next: [01 · Small](01_small.ipynb)**",
        "---\n\nStart: [00 · Small](00_small.ipynb) | **Next: [02 · Small](02_small.ipynb)**",
        "---\n\nStart: [00 · Small](00_small.ipynb) | Previous: [01 · Small](01_small.ipynb)",
    ]


def test_failed_write_leaves_the_old_file_and_no_rest(stored, monkeypatch):
    before = stored.notebook.read_bytes()

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_notebook(solved_notebook(stored), stored.notebook)
    assert stored.notebook.read_bytes() == before
    assert list(stored.notebook.parent.iterdir()) == [stored.notebook]


# Executed and stored


def test_build_stores_outputs_but_not_the_quiz(lesson, capsys):
    build([lesson])
    cells = cells_of(lesson)
    assert cells["q1"].outputs[0].text == "a is ____\n"
    assert cells["last"].outputs[0].data["text/plain"] == "'été'"
    assert cells["quiz"].outputs == []
    counts = [cell.execution_count for cell in cells.values() if cell.cell_type == "code"]
    assert counts == [1, 2, 3, 4, 5]
    assert capsys.readouterr().out.startswith("01_small: 8 cells, ")
    assert "version" not in read(lesson.notebook).metadata.language_info
    assert drift([lesson]) == []


def test_building_again_changes_nothing(small_course):
    lesson = small_course.add(
        "01_small",
        '# %% id="widgets"\nimport ipywidgets\n\n'
        'ipywidgets.VBox([ipywidgets.IntSlider(description="shown")])\n\n'
        '# %% tags=["quiz"] id="quiz"\nipywidgets.Text(description="hidden")\n',
    )
    build([lesson])
    first = lesson.notebook.read_bytes()
    build([lesson])
    assert lesson.notebook.read_bytes() == first
    state = read(lesson.notebook).metadata.widgets["application/vnd.jupyter.widget-state+json"]
    (view,) = cells_of(lesson)["widgets"].outputs
    view = view.data["application/vnd.jupyter.widget-view+json"]
    assert state["state"][view["model_id"]]["model_name"] == "VBoxModel"
    assert "shown" in json.dumps(state)
    assert "hidden" not in json.dumps(state)
    assert drift([lesson]) == []


def test_kernel_works_where_learners_do_in_an_empty_workspace(small_course, workspace):
    lesson = small_course.add(
        "01_small",
        '# %% id="where"\nimport os\nfrom pathlib import Path\n\n'
        'print(Path.cwd().name, Path(os.environ["SCHOOL_WORKSPACE"]).is_dir())\n'
        'print(os.listdir(os.environ["SCHOOL_WORKSPACE"]))\n'
        'Path(os.environ["SCHOOL_WORKSPACE"], "made").touch()\n',
    )
    for _ in range(2):
        build([lesson])
        assert cells_of(lesson)["where"].outputs[0].text == "notebooks True\n[]\n"
    assert not workspace.exists()


def test_failing_cell_is_named_and_the_old_notebook_kept(small_course, capsys):
    failing = small_course.add("01_failing", FAILING)
    dying = small_course.add("02_dying", '# %% id="exit"\nimport os\n\nos._exit(1)\n')
    sound = small_course.add("03_sound", '# %% id="fine"\nprint(1)\n')
    failing.notebook.parent.mkdir()
    failing.notebook.write_text("old", encoding="utf-8")
    with pytest.raises(CourseError) as raised:
        build([failing, dying, sound])
    first, second = str(raised.value).splitlines()
    assert first == "01_failing: cell 'broken' failed: ZeroDivisionError: division by zero."
    assert second.startswith("02_dying: cell 'exit' failed: there is no kernel any more")
    assert failing.notebook.read_text(encoding="utf-8") == "old"
    assert not dying.notebook.exists()
    assert cells_of(sound)["fine"].outputs[0].text == "1\n"
    assert capsys.readouterr().out.startswith("03_sound: 4 cells")


def test_error_that_is_meant_to_be_seen_is_stored(small_course):
    lesson = small_course.add("01_small", '# %% tags=["raises-exception"] id="oops"\n1 / 0\n')
    build([lesson])
    assert cells_of(lesson)["oops"].outputs[0].ename == "ZeroDivisionError"


def test_faulty_source_is_not_built(small_course):
    lesson = small_course.add("01_small", "# %%\nno_id = 1\n")
    with pytest.raises(CourseError, match="has no id"):
        build([lesson])
    assert not lesson.notebook.exists()


# Compared


def test_no_drift_right_after_the_build(stored):
    assert drift([stored]) == []


def test_outputs_and_counts_are_no_drift(stored):
    def execute(notebook):
        cell = notebook.cells[4]
        cell.execution_count = 7
        cell.outputs = [nbformat.v4.new_output("stream", text="any")]
        notebook.metadata["widgets"] = {}

    tamper(stored, execute)
    assert drift([stored]) == []


def change_text(notebook):
    notebook.cells[4].source += "\n"


def change_tags(notebook):
    notebook.cells[5].metadata.tags = ["quiz"]


def change_kind(notebook):
    notebook.cells[2] = nbformat.v4.new_raw_cell(notebook.cells[2].source, id="why")


def change_id(notebook):
    notebook.cells[2].id = "because"


def drop_cell(notebook):
    del notebook.cells[3]


def add_cell(notebook):
    notebook.cells.append(nbformat.v4.new_code_cell("mine", id="mine"))


def swap_cells(notebook):
    notebook.cells.append(notebook.cells.pop(2))


def change_metadata(notebook):
    notebook.metadata.language_info.version = "3.11.7"


def change_format(notebook):
    notebook.nbformat_minor = 6


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (change_text, "its notebook differs from the source in cell 'q1'"),
        (change_tags, "its notebook differs from the source in cell 'quiz'"),
        (change_kind, "its notebook differs from the source in cell 'why'"),
        (change_id, "its notebook lacks cell 'why'"),
        (drop_cell, "its notebook lacks cell 'blank'"),
        (add_cell, "its notebook has cell 'mine', which the source does not have"),
        (swap_cells, "in another order"),
        (change_metadata, "the metadata of its notebook"),
        (change_format, "the metadata of its notebook"),
    ],
)
def test_each_change_is_drift(stored, change, complaint):
    tamper(stored, change)
    (problem,) = drift([stored])
    assert problem.startswith("01_small: ")
    assert complaint in problem
    assert problem.endswith("Run `make build`.")


def test_changed_source_and_manifest_are_drift(small_course, stored):
    stored.source.write_text(SOURCE.replace("Why", "How"), encoding="utf-8")
    altered = small_course.alter(stored, minutes=50)
    (problem,) = drift([altered])
    assert "cells 'header', 'why'" in problem


def test_missing_damaged_and_stray_notebooks_are_drift(small_course, stored):
    missing = small_course.add("02_missing", SOURCE)
    damaged = small_course.add("03_damaged", SOURCE)
    damaged.notebook.write_text("{", encoding="utf-8")
    strange = small_course.add("04_strange", SOURCE)
    strange.notebook.write_text('{"cells": [], "nbformat": 4}', encoding="utf-8")
    faulty = small_course.add("05_faulty", "# %%\nno_id = 1\n")
    (stored.notebook.parent / "Untitled.ipynb").write_text("{}", encoding="utf-8")
    footer, *problems = drift([stored, missing, damaged, strange, faulty])
    assert "cell 'footer'" in footer
    assert [problem.partition(": ")[::2] for problem in problems] == [
        ("02_missing", "its notebook is missing. Run `make build`."),
        ("03_damaged", "its notebook is damaged. Run `make build`."),
        ("04_strange", "its notebook is damaged. Run `make build`."),
        ("05_faulty.py", "the cell that begins with `no_id = 1` has no id."),
        ("Untitled.ipynb", "no lesson in the manifest has this notebook. Remove it."),
    ]


# -- tool labs


def test_the_notebook_of_a_lab_says_what_it_is_and_leads_to_the_lessons(small_course, lesson):
    lab = small_course.alter_lab(
        small_course.add_whole_lab("tool"), prerequisites=("01_small",), tools=(Tool("Tool"),)
    )
    cells = learner_notebook(lab).cells
    assert cells[0].source.startswith(
        "# Lab · Small\n\n**Tool lab that runs for real** · about 5 minutes · Tool\n\n"
        "Builds on [01 · Small](../01_small.ipynb).\n\nAfter this lab you will be able to\n"
    )
    assert "Start: [01 · Small](../01_small.ipynb)" in cells[-1].source
    assert "school lab" in cells[-1].source


def test_the_notebook_of_a_lab_is_compared_with_its_source(small_course, stored):
    lab = small_course.add_whole_lab("tool")
    assert drift([stored, lab]) == ["tool: its notebook is missing. Run `school build tool`."]
    write_notebook(learner_notebook(lab), lab.notebook)
    assert drift([stored, lab]) == []
    small_course.labs.remove(lab)
    (problem,) = drift([stored])
    assert problem.startswith("tool.ipynb: no lesson in the manifest has this notebook.")
