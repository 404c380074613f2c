"""The command ``school``, and the overview that it prints."""

import re
import subprocess
import sys
import types
from pathlib import Path

import pandas as pd
import pytest

import mlops_school
from mlops_school import cli, labs, manifest, overview, progress, standing
from mlops_school.errors import CourseError

COURSE = """
[[lesson]]
id = "00_tiny"
title = "Tiny"
phase = "Orientation"
minutes = 5
goals = []

[[lesson]]
id = "01_small"
title = "Small"
phase = "Orientation"
minutes = 10
goals = []
"""

LESSON = """
# %% id="q1"
### BEGIN SOLUTION
answer = 2
### END SOLUTION

# %% id="q2"
### BEGIN SOLUTION
other = 3
### END SOLUTION
"""

QUIZ = """
- question: Which?
  answers: [{right: a, why: b}, {wrong: c, why: d}]
"""


@pytest.fixture(autouse=True)
def course(tmp_path, monkeypatch):
    """Make a course of two lessons, the second one without exercises or questions."""
    monkeypatch.setenv("SCHOOL_WORKSPACE", str(tmp_path / "workspace"))
    for folder in ("lessons", "quizzes"):
        (tmp_path / folder).mkdir()
    (tmp_path / "course.toml").write_text(COURSE, encoding="utf-8")
    (tmp_path / "lessons" / "00_tiny.py").write_text(LESSON, encoding="utf-8")
    (tmp_path / "quizzes" / "00_tiny.yml").write_text(QUIZ, encoding="utf-8")
    (tmp_path / "quizzes" / "01_small.yml").write_text("[]", encoding="utf-8")
    lessons = manifest.load_manifest(tmp_path / "course.toml")
    monkeypatch.setattr(manifest, "load_manifest", lambda: lessons)
    monkeypatch.setattr(standing, "load_manifest", lambda: lessons)
    monkeypatch.setattr(manifest, "COURSE", tmp_path)
    standing._tasks.cache_clear()
    yield tmp_path
    standing._tasks.cache_clear()


@pytest.fixture
def authoring(monkeypatch):
    """Stand in for the authoring tools, and collect how they are called."""
    calls = []

    def standing_in(name, answer):
        def call(*arguments, **options):
            calls.append((name, *arguments, *options.items()))
            if isinstance(answer, BaseException):
                raise answer
            return answer

        return call

    def install(module, **answers):
        tools = types.SimpleNamespace(
            **{name: standing_in(name, answer) for name, answer in answers.items()}
        )
        package = types.ModuleType("mlops_school.authoring")
        setattr(package, module, tools)
        monkeypatch.setitem(sys.modules, "mlops_school.authoring", package)
        return calls

    return install


# ---- the overview


def test_the_overview_counts_exercises_and_questions():
    progress.record("00_tiny", "q1", outcome="correct")
    progress.record("00_tiny", "q2", outcome="not yet")
    progress.record("00_tiny", "quiz1", outcome="correct")
    pd.testing.assert_frame_equal(
        overview.summary(),
        pd.DataFrame(
            {"minutes": [5, 10], "exercises": ["1 of 2", "0 of 0"], "quiz": ["1 of 1", "0 of 0"]},
            index=pd.Index(["00 Tiny", "01 Small"], name="lesson"),
        ),
    )


def test_the_overview_counts_no_tasks_that_the_course_does_not_have():
    for task in ("q1", "q2", "q3", "quiz1", "quiz2"):
        progress.record("00_tiny", task, outcome="correct")
    progress.record("77_gone", "q1", outcome="correct")
    table = overview.summary()
    assert table.loc["00 Tiny"].to_dict() == {
        "minutes": 5,
        "exercises": "2 of 2",
        "quiz": "1 of 1",
    }
    assert len(table) == 2


# ---- progress


def test_progress_prints_the_overview(capsys):
    progress.record("00_tiny", "q1", outcome="correct")
    assert cli.main(["progress"]) == 0
    printed = capsys.readouterr()
    assert [line.split() for line in printed.out.splitlines()] == [
        ["minutes", "exercises", "quiz"],
        ["lesson"],
        ["00", "Tiny", "5", "1", "of", "2", "0", "of", "1"],
        ["01", "Small", "10", "0", "of", "0", "0", "of", "0"],
    ]
    assert printed.err == ""


def test_progress_travels_to_another_computer(course, capsys, monkeypatch):
    progress.record("00_tiny", "q1", outcome="correct")
    known = progress.load()
    exported = course / "mine.json"
    assert cli.main(["progress", "--export", str(exported)]) == 0
    monkeypatch.setenv("SCHOOL_WORKSPACE", str(course / "elsewhere"))
    assert cli.main(["progress"]) == 0
    assert "0 of 2" in capsys.readouterr().out.splitlines()[-2]
    assert cli.main(["progress", "--import", str(exported)]) == 0
    assert "1 of 2" in capsys.readouterr().out
    assert progress.load() == known


@pytest.mark.parametrize("way", ["--export", "--import"])
def test_a_file_that_cannot_be_used_is_one_line(way, course, capsys):
    assert cli.main(["progress", way, str(course / "nowhere" / "mine.json")]) == 1
    assert_one_line_of_error(capsys, "mine.json")


def test_progress_cannot_go_both_ways_at_once(capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["progress", "--export", "a", "--import", "b"])
    assert caught.value.code == 2
    assert "not allowed with" in capsys.readouterr().err


def test_a_quiz_that_is_missing_is_one_line(course, capsys):
    (course / "quizzes" / "00_tiny.yml").unlink()
    assert cli.main(["progress"]) == 1
    assert_one_line_of_error(capsys, "00_tiny.yml")


# ---- the other commands


def assert_one_line_of_error(capsys, words):
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert line.startswith("school: ")
    assert words in line


@pytest.mark.parametrize(
    "arguments",
    [["run", "99_nowhere"], ["run", "00_tiny", "99_nowhere", "--fast"], ["build", "99_nowhere"]],
    ids=" ".join,
)
def test_an_unknown_lesson_is_one_line(arguments, authoring, capsys):
    command = arguments[0]
    calls = authoring({"run": "execute", "build": "build"}[command], **{command: 0})
    assert cli.main(arguments) == 1
    assert_one_line_of_error(capsys, "There is no lesson 99_nowhere. The lessons are: 00_tiny, ")
    assert calls == []


def test_run_executes_the_lessons(authoring):
    first, second = manifest.load_manifest()
    calls = authoring("execute", run=None)
    assert cli.main(["run"]) == 0
    assert cli.main(["run", "01_small", "--fast"]) == 0
    assert calls == [
        ("run", [first, second], ("fast", False)),
        ("run", [second], ("fast", True)),
    ]


@pytest.mark.parametrize("status", [0, 1])
def test_build_gives_its_status(status, authoring):
    calls = authoring("build", build=status)
    assert cli.main(["build", "00_tiny"]) == status
    assert calls == [("build", [manifest.load_manifest()[0]])]


@pytest.mark.parametrize("problems", [[], ["00_tiny.ipynb is out of date", "another"]], ids=len)
@pytest.mark.parametrize(
    ("arguments", "module", "function"),
    [(["build", "--check"], "build", "drift"), (["check"], "check", "problems")],
    ids=["build --check", "check"],
)
def test_each_problem_is_one_line(arguments, module, function, problems, authoring, capsys):
    calls = authoring(module, **{function: problems})
    assert cli.main(arguments) == (1 if problems else 0)
    assert capsys.readouterr().out.splitlines() == problems
    assert [call[0] for call in calls] == [function]


@pytest.mark.parametrize("status", [None, 0, 3])
def test_bench_gives_its_status(status, authoring):
    authoring("bench", bench=status)
    assert cli.main(["bench"]) == (status or 0)


def test_learn_gives_the_status_of_jupyterlab(monkeypatch):
    launch = types.SimpleNamespace(learn=lambda: 7)
    monkeypatch.setattr(mlops_school, "launch", launch, raising=False)
    monkeypatch.setitem(sys.modules, "mlops_school.launch", launch)
    assert cli.main(["learn"]) == 7


def test_lab_lists_the_labs(capsys):
    assert cli.main(["lab"]) == 0
    printed = capsys.readouterr().out
    assert "school lab NAME" in printed
    assert "feast: Feast, a feature store." in printed


def test_lab_starts_one_and_gives_its_status(monkeypatch):
    started = []
    monkeypatch.setattr(labs, "start", lambda lab: started.append(lab.id) or 7)
    assert cli.main(["lab", "feast"]) == 7
    assert started == ["feast"]


def test_an_unknown_lab_is_one_line(capsys):
    assert cli.main(["lab", "faest"]) == 1
    assert_one_line_of_error(capsys, "There is no lab faest. The labs are: feast")


def test_build_knows_labs_by_name_and_compares_all(authoring):
    calls = authoring("build", build=0, drift=[])
    assert cli.main(["build", "feast"]) == 0
    assert cli.main(["build", "--check"]) == 0
    assert cli.main(["build", "--check", "00_tiny"]) == 0
    feast, everything, one = ([unit.id for unit in units] for _, units in calls)
    assert feast == ["feast"]
    assert everything[:2] == ["00_tiny", "01_small"]
    assert "feast" in everything
    assert one == ["00_tiny"]


def test_an_error_of_the_course_is_one_line(authoring, capsys):
    authoring("bench", bench=CourseError("The disk is full. Delete something."))
    assert cli.main(["bench"]) == 1
    assert_one_line_of_error(capsys, "school: The disk is full. Delete something.")


def test_an_interrupt_is_quiet(authoring, capsys):
    authoring("bench", bench=KeyboardInterrupt())
    assert cli.main(["bench"]) == 130
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["progress", "--nonsense"]], ids=" ".join)
def test_a_command_that_is_not_there_shows_the_usage(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("usage: school ")


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    for command in (
        "learn",
        "lab",
        "progress",
        "certificate",
        "leaderboard",
        "rollback",
        "run",
        "build",
        "check",
        "bench",
    ):
        assert re.search(rf"^    {command}\s", shown, flags=re.MULTILINE)


def test_starting_does_not_wait_for_what_other_commands_need():
    code = (
        "import sys, mlops_school.cli\n"
        "print([name for name in ('pandas', 'sklearn', 'mlflow', 'IPython', 'jupytext')"
        " if name in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_the_installed_command_is_this_one():
    school = Path(sys.executable).with_name("school")
    answer = subprocess.run(
        [school, "progress", "--import", "nowhere.json"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert answer.stderr.splitlines() == [
        "school: There is no file nowhere.json. Give the one that you exported."
    ]


def test_a_missing_tool_of_authors_is_one_sentence(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mlops_school.authoring.check", None)
    monkeypatch.delattr("mlops_school.authoring.check", raising=False)
    assert cli.main(["check"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert "is not installed" in printed.err
