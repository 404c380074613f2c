"""Grading, without nbgrader: assignments, what is handed in, plain answers, and a small class."""

import ast
import csv
import functools
import json
import os
import sys
import zipfile
from collections import Counter
from datetime import UTC, date, datetime
from operator import attrgetter
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from mlops_school.cli import main
from mlops_school.errors import CourseError
from mlops_school.exercises import Blank
from mlops_school.grading import commands, plain
from mlops_school.grading.assignment import POINTS, assignment, tasks
from mlops_school.grading.classroom import Classroom
from mlops_school.grading.collecting import Collected, collect, safe_name
from mlops_school.grading.grader import Grader
from mlops_school.grading.handed_in import LARGEST, HandedIn, Step, read, recognise, restore
from mlops_school.grading.sandbox import Limits, Sandbox, protection
from mlops_school.grading.scan import suspicious
from mlops_school.manifest import find_lessons, load_manifest
from mlops_school.model_pipeline import Plan

each_lesson = pytest.mark.parametrize("lesson", load_manifest(), ids=attrgetter("id"))
(START, SDLC) = find_lessons(["00_start_here", "02_sdlc"])
SOLVED = {name: task.solved for name, task in tasks(START).items()}
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


def content(answers=SOLVED, change=lambda notebook: None):
    """Return what is handed in, as bytes."""
    notebook = assignment(START)
    for cell in notebook.cells:
        cell.source = answers.get(cell.id, cell.source)
    change(notebook)
    return nbformat.writes(notebook).encode()


# ---- assignments


@each_lesson
def test_every_exercise_of_a_lesson_is_an_answer_and_a_locked_check(lesson):
    notebook = assignment(lesson)
    nbformat.validate(notebook)
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    graded = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
    for answer, check in zip(graded[::2], graded[1::2], strict=True):
        task = tasks(lesson)[answer.id]
        assert notebook.cells.index(check) == notebook.cells.index(answer) + 1
        assert "____" in answer.source
        assert f"{task.name}.check(" not in answer.source
        assert check.source == task.call
        assert set(task.answers) & set(task.arguments)
        assert answer.metadata.nbgrader == {
            "grade": False,
            "grade_id": task.name,
            "locked": False,
            "schema_version": 3,
            "solution": True,
            "task": False,
        }
        assert check.metadata.nbgrader == {
            "grade": True,
            "grade_id": f"{task.name}-points",
            "locked": True,
            "points": POINTS,
            "schema_version": 3,
            "solution": False,
            "task": False,
        }
    assert not any(cell.get("outputs") for cell in notebook.cells)


@each_lesson
def test_a_handed_in_lesson_is_recognised_and_restored(lesson):
    cells = read(lesson.notebook.read_bytes())
    recognise(cells, lesson)
    restored = restore(cells, lesson)
    assert restored.notes == []
    assert [step.after for step in restored.steps if step.after] == list(tasks(lesson))
    expected = {cell.id: cell.source for cell in assignment(lesson).cells}
    for cell in restored.notebook.cells:
        # The course's own notebook has the check in the cell of the answer.
        assert cell.source.startswith(expected[cell.id].partition("\n# q")[0])
    other = SDLC if lesson == START else START
    with pytest.raises(CourseError, match=f"is that of {lesson.id}, not of {other.id}"):
        recognise(cells, other)


# ---- what was handed in


@pytest.mark.parametrize(
    ("damaged", "reason"),
    [
        (content()[:-50], "damaged"),
        (b"", "damaged"),
        (b"\x89PNG\xff", "damaged"),
        (b"[1, 2]", "no cells"),
        (b'{"cells": 5}', "no cells"),
        (b'{"cells": [5]}', "no cells"),
        (b'{"cells": [{"cell_type": "code", "source": 5}]}', "no cells"),
        (b'{"cells": []}', "empty"),
        (b'{"cells": ' * 100_000, "damaged"),
        (b" " * (LARGEST + 1), "larger than 50 MB"),
    ],
    ids=range(10),
)
def test_a_damaged_notebook_is_refused_with_the_reason(damaged, reason):
    with pytest.raises(CourseError, match=reason):
        read(damaged)


def test_another_notebook_is_no_lesson():
    cells = read(nbformat.writes(new_notebook(cells=[new_code_cell("x = 1")])).encode())
    with pytest.raises(CourseError, match="is not that of 00_start_here"):
        recognise(cells, START)


def sources(restored):
    return {cell.id: cell.source for cell in restored.notebook.cells}


def test_deleted_and_changed_cells_are_brought_back():
    def change(notebook):
        notebook.cells = [cell for cell in notebook.cells if cell.id not in ("load", "q2")]
        for cell in notebook.cells:
            if cell.id == "missing":
                cell.source = "arrived = None"
        notebook.cells.reverse()

    restored = restore(read(content(SOLVED, change)), START)
    given = sources(restore([], START))
    assert restored.notes == ["q2: its cell is missing"]
    assert list(sources(restored)) == list(given)
    assert sources(restored)["missing"] == given["missing"]
    assert sources(restored)["q2"] == given["q2"]
    assert sources(restored)["q1"] == SOLVED["q1"]


def test_what_learners_add_stays_at_its_place():
    def change(notebook):
        place = next(n for n, cell in enumerate(notebook.cells) if cell.id == "q1")
        notebook.cells.insert(place + 1, new_code_cell("flights_per_day += 0"))
        notebook.cells.insert(place, new_code_cell("days = 31"))
        notebook.cells.insert(0, new_markdown_cell("Ann's"))

    restored = restore(read(content(SOLVED, change)), START)
    ran = [step.source or step.after for step in restored.steps]
    place = ran.index(SOLVED["q1"])
    assert ran[place - 1 : place + 3] == ["days = 31", SOLVED["q1"], "flights_per_day += 0", "q1"]
    assert restored.notebook.cells[0].source == "Ann's"
    assert [step.own for step in restored.steps].count(True) == len(SOLVED) + 2


def test_answers_are_found_without_ids():
    cells = [HandedIn("", cell.kind, cell.source) for cell in read(START.notebook.read_bytes())]
    answered = [
        HandedIn(
            "", cell.kind, cell.source.replace("flights_per_day = ____", "flights_per_day = 5")
        )
        for cell in cells
    ]
    recognise(answered, START)
    assert sources(restore(answered, START))["q1"].startswith("flights_per_day = 5")


def test_half_a_character_does_no_harm():
    text = content({"q1": "x = 'HALF'"}).replace(b"HALF", rb"\ud83d")
    nbformat.writes(restore(read(text), START).notebook).encode()


# ---- plain data


def same(one, other):
    if isinstance(one, pd.DataFrame | pd.Series | pd.Index):
        return type(one) is type(other) and one.equals(other)
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    return type(one) is type(other) and one == other


SIMPLE = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8"))
    | st.binary()
    | st.dates()
    | st.timedeltas()
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.recursive(
        SIMPLE,
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner)
        ),
        max_leaves=8,
    )
)
def test_plain_values_come_back_as_they_were(value):
    assert plain.decode(json.loads(json.dumps(plain.encode(value)))) == value


@pytest.mark.parametrize(
    "value",
    [
        np.float64(0.1),
        np.bool_(True),
        np.arange(6.0).reshape(2, 3),
        (1, [2, (3,)]),
        {1, "a"},
        range(3),
        Path("a/b").parent,
        date(2013, 7, 1),
        pd.Timestamp("2013-07-01", tz="America/New_York"),
        pd.Timedelta(minutes=-3),
        pd.Series([1.5, 2], ["a", "b"], name="x"),
        pd.Series(pd.Categorical(["a", "b", "a"])),
        pd.DataFrame({"t": pd.to_datetime(["2013-01-01"]), "n": [1], "s": ["ä"]}),
        pd.DataFrame({"s": pd.array(["a"], pd.StringDtype("pyarrow", na_value=np.nan))}),
        pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["x", None]),
        Plan("2", months=(1, 2), settings={"max_leaf_nodes": 15}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_arrays_tables_and_the_courses_records_come_back(value):
    again = plain.decode(json.loads(json.dumps(plain.encode(value))))
    if isinstance(value, Path):
        assert str(again) == str(value)
    else:
        assert same(value, again)


def test_what_is_derived_from_plain_data_becomes_plain():
    class Equal(float):
        def __eq__(self, other):
            return True

        __hash__ = None

    assert type(plain.decode(plain.encode(Equal(2)))) is float
    assert plain.decode(plain.encode(Counter("aab"))) == {"a": 2, "b": 1}
    assert plain.decode(plain.encode({"a": 1}.keys())) == ["a"]
    assert isinstance(plain.decode(plain.encode(Blank())), Blank)


def deep():
    value = []
    for _ in range(100):
        value = [value]
    return value


@pytest.mark.parametrize("value", [len, object(), lambda: 1, np.array([len]), deep()], ids=range(5))
def test_code_is_not_plain(value):
    with pytest.raises(plain.NotPlain):
        plain.encode(value)


@pytest.mark.parametrize(
    "parts",
    [
        None,
        [],
        ["no such kind"],
        ["int", "x"],
        ["record", "os:system", ["command"], [["str", "exit 1"]]],
        ["record", "mlops_school.errors:CourseError", [], []],
        ["record", "mlops_school.nowhere:Plan", [], []],
        ["array", "gASVKAAAAAAAAACMBXBvc2l4lIwGc3lzdGVtlJOUjAZleGl0IDGUhZRSlC4="],  # a pickle
        ["table", ["AAAA", []]],
        ["dict", [["list", []]], [["none"]]],
    ],
    ids=range(10),
)
def test_what_is_no_answer_is_refused_and_not_run(parts):
    with pytest.raises(plain.NotPlain):
        plain.decode(parts)


# ---- folders and zip files


def write_all(folder, files):
    for number, (name, text) in enumerate(files.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
        os.utime(path, (1e9 + number, 1e9 + number))  # the later ones are newer


@pytest.mark.parametrize(
    ("name", "learner"),
    [
        ("ann.ipynb", "ann"),
        ("Ann Lee_00_start_here.ipynb", "Ann Lee"),
        ("00_start_here_ann.ipynb", "ann"),
        ("ann_00_start_here (2).ipynb", "ann"),
        ("ann.ipynb.txt", "ann"),
        ("ann/whatever.ipynb", "ann"),
        ("ann/sub/whatever.ipynb", "ann"),
        ("lesson 0/ann.ipynb", "ann"),
        ("Ann Lee_123_assignsubmission_file_/00_start_here.ipynb", "Ann Lee"),
        ("Ann Lee_123_assignsubmission_file_00_start_here.ipynb", "Ann Lee"),
        ("leeann_LATE_123_456_00_start_here.ipynb", "leeann"),
        ("Zoe\u0308.ipynb", "Zoë"),
        ("Ω [x]*.ipynb", "Ω _x_"),
        ("../../evil.ipynb", "_"),
    ],
)
def test_a_file_belongs_to_the_learner_whose_name_it_has(tmp_path, name, learner):
    archive = tmp_path / "all.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(name, content())
        file.writestr(
            name.rpartition("/")[0] + "/second_one.ipynb" if "lesson 0" in name else "x.ipynb",
            content(),
        )
        file.writestr("__MACOSX/._ann.ipynb", b"")
    found = {one.learner for one in collect(archive, START)}
    assert learner in found or (learner == "_" and not {one for one in found if ".." in one})


def test_each_oddity_is_a_sentence_about_its_learner(tmp_path):
    files = {
        "right.ipynb": content(),
        "twice/a.ipynb": content({}),
        "twice/b.ipynb": content(),
        "half/good.ipynb": content(),
        "half/bad.ipynb": b"{",
        "damaged.ipynb": content()[:-9],
        "other.ipynb": SDLC.notebook.read_bytes(),
        "pdf/report.pdf": b"%PDF",
        "00_start_here.ipynb": content(),
        ".DS_Store": b"",
        "twice/.ipynb_checkpoints/c.ipynb": b"",
    }
    write_all(tmp_path, files)
    found = {one.learner: one for one in collect(tmp_path, START)}
    assert {name for name, one in found.items() if not one.problem} == {"right", "twice", "half"}
    assert found["twice"].content == content()
    assert found["twice"].notes == ("handed in 2 notebooks; the newest counts, not a.ipynb",)
    assert "bad.ipynb is left out: the file is damaged" in found["half"].notes[0]
    assert found["other"].problem == "the notebook is that of 02_sdlc, not of 00_start_here"
    assert found["pdf"].problem == "handed in report.pdf, which is no notebook"
    assert "does not say whose it is" in found["(no name)"].problem


def test_two_spellings_of_a_name_are_one_learner(tmp_path):
    write_all(tmp_path, {"Ann/a.ipynb": content({}), "ann.ipynb": content()})
    if len(list(tmp_path.iterdir())) == 2:
        (one,) = collect(tmp_path, START)
        assert "2 notebooks" in one.notes[0]


@pytest.mark.parametrize("source", ["nothing", "empty", "text.zip"])
def test_no_folder_is_a_sentence(tmp_path, source):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.zip").write_text("no zip file", encoding="utf-8")
    with pytest.raises(CourseError, match="no folder|no files|cannot be read"):
        collect(tmp_path / source, START)


@given(st.text())
def test_a_safe_name_is_a_name_in_a_folder(name):
    safe = safe_name(name)
    assert not {"/", "\\", "\0", ":", "+", "*", "[", "{"} & set(safe)
    assert safe == safe.strip(" .") and safe_name(safe) == safe


# ---- the classroom's folder


def handed(text, time=NOON, problem=""):
    return Collected("ann", "ann.ipynb", time, text, problem)


def test_what_was_handed_in_is_kept(tmp_path):
    room = Classroom(tmp_path)
    assert room.keep(START, handed(b"", problem="damaged")) == "cannot be graded"
    assert room.keep(START, handed(b"first")) == "collected"
    assert room.keep(START, handed(b"first")) == "as before"
    assert room.keep(START, handed(b"older", NOON.replace(hour=9))).startswith("older")
    assert room.keep(START, handed(b"", problem="damaged")) == "the one before counts"
    assert room.record(START, "ann").notes == ["ann.ipynb is left out: damaged"]
    assert room.keep(START, handed(b"second", NOON.replace(hour=13))) == "collected"
    assert room.record(START, "ann").problem == ""
    folder = tmp_path / "submitted" / "ann" / START.id
    assert (folder / f"{START.id}.ipynb").read_bytes() == b"second"
    assert (folder / "timestamp.txt").read_text() == "2026-12-01 13:00:00.000000 UTC"
    (replaced,) = tmp_path.glob("replaced/*/ann-*.ipynb")
    assert replaced.read_bytes() == b"first"


def test_an_exchange_may_leave_anything(tmp_path):
    room = Classroom(tmp_path)
    for name, text in {"ann": content(), "bob": b"{"}.items():
        write_all(tmp_path / "submitted" / name / START.id, {"renamed.ipynb": text})
    (tmp_path / "submitted" / "cid" / START.id).mkdir(parents=True)
    assert room.submissions(START) == {"ann": content()}
    problems = {one.learner: one.problem for one in room.records(START)}
    assert problems["ann"] == ""
    assert "damaged" in problems["bob"]
    assert problems["cid"] == "handed in no notebook"
    write_all(tmp_path / "submitted" / "bob" / START.id, {f"{START.id}.ipynb": content()})
    assert room.submissions(START).keys() == {"ann", "bob"}
    assert room.record(START, "bob").problem == ""


def test_backups_hold_submissions_and_are_not_without_number(tmp_path):
    room = Classroom(tmp_path / "room")
    room.keep(START, handed(b"first"))
    paths = [room.back_up(START) for _ in range(7)]
    assert [path.exists() for path in paths] == [False] * 2 + [True] * 5
    with zipfile.ZipFile(paths[-1]) as archive:
        name = f"submitted/ann/{START.id}/{START.id}.ipynb"
        assert archive.read(name) == b"first"


def test_one_command_at_a_time(tmp_path):
    with (
        Classroom(tmp_path).used(),
        pytest.raises(CourseError, match="Another"),
        Classroom(tmp_path).used(),
    ):
        pass


def test_a_spreadsheet_takes_the_table_as_it_is(tmp_path):
    path = tmp_path / "reports" / "table.csv"
    commands._write_table(path, [["learner", "q1"], ["Zoë", 1.0], ["=1+1", 0.5], ["a,b", ""]])
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    assert rows == [["learner", "q1"], ["Zoë", "1"], ["'=1+1", "0.5"], ["a,b", ""]]


def test_the_command_collects_and_says_what_of_whom(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(commands, "run_in_environment", lambda words: None)
    write_all(tmp_path / "in", {"Zoë.ipynb": content(), "bob.ipynb": b"{"})
    words = ["grade", "collect", START.id, str(tmp_path / "in"), "--classroom", str(tmp_path / "c")]
    assert main(words) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Zoë: collected",
        "bob: cannot be graded. the file is damaged: it is not the text of a notebook",
        f"1 submissions of {START.id}. Grade them: school grade autograde {START.id}",
    ]
    assert main([*words[:2], "no_lesson", *words[3:]]) == 1
    assert "There is no lesson no_lesson" in capsys.readouterr().err


def test_when_it_is_due():
    assert commands.parse_due("2026-12-01T18:00").tzinfo == UTC
    with pytest.raises(CourseError, match="no date and time"):
        commands.parse_due("tomorrow")


# ---- what a teacher should look at


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("x = q1.reference()", "looks at the solution"),
        ("import mlops_school.exercises as e", "reaches into the checks"),
        ("from mlops_school import exercises", "reaches into the checks"),
        ("import sys; sys._getframe()", "reaches into Python"),
        ("import shutil; shutil.rmtree('/')", "removes files"),
        ("import os; os._exit(0)", "ends the program"),
        ("q1 = 5", "replaces an exercise"),
        ("class q1: pass", "replaces an exercise"),
        ("!rm -rf /", "removes files"),
    ],
)
def test_suspicious_words_are_found(code, words):
    assert suspicious([Step("q1", code, own=True)], {}) == [f"q1 {words}"]
    assert suspicious([Step("q1", code)], {}) == []


def test_hints_that_are_comments_are_not_taken_for_what_is_usual():
    given = {"q1": "x = ____\n# q1.solution()"}
    steps = [Step("q1", "exec(q1.reference())", own=True)]
    assert suspicious(steps, given) == ["q1 looks at the solution"]


@each_lesson
def test_no_solution_of_the_course_is_suspicious(lesson):
    given = sources(restore([], lesson))
    steps = [
        Step(name, f"{task.solved}\n{task.call}\n# {name}.solution()", own=True)
        for name, task in tasks(lesson).items()
    ]
    assert suspicious(steps, given) == []


# ---- a small class


@functools.cache
def small_class(folder):
    """Grade, not shut in, so that it is the same on every system."""
    cache = folder / "cache"
    cache.mkdir()
    grader = Grader(START, Limits(), confined=False, hidden=[], cache=cache)
    forged = "from mlops_school import exercises\nexercises.Exercise.outcome = None\n"
    class_ = {
        "right": SOLVED,
        "odd": {
            "q1": forged + "flights_per_day = print",
            "q2": "late_share = 1 / 0",
            "q3": "print('x' * 100_000)\nmean_delay = 5\nimport os\nos._exit(0)",
        },
    }
    submissions = {name: read(content(answers)) for name, answers in class_.items()}
    return grader.grade(submissions, tell=lambda line: None)


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    return small_class(tmp_path_factory.mktemp("small"))


def test_right_answers_get_all_points(graded):
    one = graded["right"]
    assert one.points == {"q1": 1, "q2": 1, "q3": 1}
    assert one.flags == []
    nbformat.validate(one.notebook)
    (load,) = (cell for cell in one.notebook.cells if cell.id == "load")
    assert load.outputs[0].text == "27,004 flights, 19 columns\n"
    (check,) = (cell for cell in one.notebook.cells if cell.id == "q1-points")
    assert check.outputs[0].data["text/plain"].startswith("✓ Correct")


def test_other_answers_get_none_and_a_reason(graded):
    one = graded["odd"]
    assert one.points == {"q1": 0, "q2": 0, "q3": 0}
    assert "builtin_function_or_method" in one.outcomes["q1"].message
    assert one.outcomes["q2"].message == (
        "your cell stopped with `ZeroDivisionError: division by zero`."
    )
    assert one.outcomes["q3"].status == "not attempted"
    assert "its program ended in cell q3" in one.flags
    assert "q1 reaches into the checks" in one.flags
    nbformat.validate(one.notebook)
    checks = [cell for cell in one.notebook.cells if cell.id.endswith("-points")]
    assert [check.outputs[0].output_type for check in checks] == ["error"] * 3


# ---- the sandbox


def test_what_takes_too_much_is_ended():
    sandbox = Sandbox([])
    try:
        limits = Limits(seconds=0.5)
        ended = sandbox.run(["-c", "while True: pass"], limits, confined=False)
        assert ended.why == "it was not done after 0.5 seconds"
        limits = Limits(memory_mb=100)
        ended = sandbox.run(["-c", "x = b'x' * 10**9; input()"], limits, confined=False)
        assert ended.why == "it took more than 100 MB of memory"
        ended = sandbox.run(["-c", "import os; print(sorted(os.environ))"], limits, confined=False)
        assert "SCHOOL_WORKSPACE" in ended.output and "SECRET" not in ended.output
        assert (ended.why, ended.code) == ("", 0)
    finally:
        sandbox.remove()
    assert not sandbox.folder.exists()


def test_protection_is_tried_and_not_assumed(tmp_path):
    (tmp_path / "gradebook.db").touch()
    hole = protection(tmp_path)
    assert (tmp_path / "gradebook.db").exists()
    if sys.platform != "linux":
        assert hole.startswith("this system has nothing")


def test_nothing_but_linux_needs_the_confining_script():
    assert "mlops_school.grading.confine" not in sys.modules


def test_the_confining_script_needs_nothing_but_python():
    tree = ast.parse((Path(commands.__file__).parent / "confine.py").read_text(encoding="utf-8"))
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name).split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert imported <= sys.stdlib_module_names
