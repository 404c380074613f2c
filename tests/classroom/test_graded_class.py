"""A class hands in, and is graded in the classroom's own environment: `make test-classroom`.

SCHOOL_CLASS_SIZE is how many submissions there are; those that matter most come first.
"""

import csv
import os
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from mlops_school.exercises import start_here
from mlops_school.grading import ENVIRONMENT
from mlops_school.grading.assignment import assignment, tasks
from mlops_school.grading.sandbox import protection
from mlops_school.manifest import find_lessons
from mlops_school.paths import COURSE

pytestmark = pytest.mark.classroom

SIZE = int(os.environ.get("SCHOOL_CLASS_SIZE", "30"))
LESSON, OTHER, WITH_CODE = "00_start_here", "02_sdlc", "04_devops"
CELL_SECONDS, SECONDS = 5, 50

RIGHT = {
    "q1": "flights_per_day = len(january) / 31",
    "q2": "late_share = (arrived['arr_delay'] >= 15).mean()",
    "q3": "mean_delay = january['dep_delay'].mean()",
}
IN_OTHER_WORDS = {
    "q1": "flights_per_day = 871.1",
    "q2": "late_share = float(sum(arrived['arr_delay'] >= 15)) / len(arrived)",
    "q3": "mean_delay = {'mean': january['dep_delay'].mean()}['mean']",
}
# As many as it takes until each typical wrong answer of each exercise was given.
TYPICAL = [
    {
        one.name: list(one.wrong)[number % len(one.wrong)]
        for one in (start_here.q1, start_here.q2, start_here.q3)
    }
    for number in range(5)
]
WRONG = TYPICAL[0]
NOTHING, ALL = (0, 0, 0), (1, 1, 1)
ONLY_Q2_IS_LOST, LOST_FROM_Q2 = (1, 0, 1), (1, 0, 0)

DELETE = f"""
import os, shutil
from pathlib import Path
course = Path({str(COURSE)!r})
for folder in [Path.cwd(), Path.cwd().parent, Path.home(), course, "CLASSROOM", "HANDED IN"]:
    shutil.rmtree(folder, ignore_errors=True)
    os.system(f"rm -rf '{{folder}}'")
for path in course.rglob("*"):
    try:
        path.write_text("gone")
    except OSError:
        pass
"""
PATCH = """
import mlops_school.exercises as theirs
theirs.Exercise.check = theirs.Exercise.outcome = lambda self, *a: theirs.Outcome("correct", "")
theirs.NotYet.__new__ = lambda *a: None
"""
OWN_EXERCISES = """
import os
os.environ["SCHOOL_STRICT"] = ""
class Mine:
    def check(self, *answers):
        print("✓ Correct: well done.")
q1 = q2 = q3 = Mine()
"""
EVERY_CELL_PASSES = """
get_ipython().input_transformers_cleanup.append(lambda lines: ["pass\\n"])
"""
EQUAL_TO_EVERYTHING = """
class Any(float):
    def __eq__(self, other): return True
    def __sub__(self, other): return 0.0
    __rsub__ = __sub__
    __hash__ = None
    def __reduce__(self): return (exec, ("import os; os._exit(0)",))
"""
FORGED_FILES = """
import json, os
from pathlib import Path
out = Path.cwd().parent / "out"
(out / "answers").mkdir(exist_ok=True)
(out / "answers" / "q1.json").symlink_to("/etc/passwd")
os.mkfifo(out / "answers" / "q2.json")
with open(out / "journal.jsonl", "a") as journal:
    verdict = {"exercise": "q3", "learner": "0", "status": "correct", "message": ""}
    journal.write(json.dumps(verdict) + "\\n\\x00{not json\\n")
late_share = flights_per_day = []
for _ in range(5000):
    flights_per_day = [flights_per_day]
"""
NETWORK = """
import socket
try:
    socket.create_connection(("127.0.0.1", PORT), timeout=2)
    late_share = None
except OSError:
    late_share = (arrived['arr_delay'] >= 15).mean()
"""
HARMFUL = "only where submissions are shut in"


@dataclass
class Learner:
    """One of the class: what is handed in, and what has to come of it."""

    name: str
    answers: dict[str, str] = field(default_factory=dict)
    points: tuple[int, ...] | None = ALL  # None: cannot be graded
    remark: str = ""  # a part of it
    harmful: bool = False


def class_list():
    """Return who is in the class; the first ones are in the smallest class, too."""
    right = RIGHT
    learners = [
        Learner("Ωμέγα Ñandú", right),
        Learner("untouched", {}, NOTHING),
        Learner("wrong-0", TYPICAL[0], NOTHING),
        Learner("loop", right | {"q2": "while True: pass"}, ONLY_Q2_IS_LOST, "q2 was stopped"),
        Learner("deletes", right | {"q2": DELETE}, NOTHING, "q2 removes files", True),
        Learner("patches", WRONG | {"q1": PATCH + WRONG["q1"]}, NOTHING, "reaches into the checks"),
        Learner(
            "exits", right | {"q2": "import os; os._exit(0)"}, LOST_FROM_Q2, "ended in cell q2"
        ),
        Learner("damaged", right, None, "the file is damaged"),
        Learner("partly", {"q1": RIGHT["q1"]}, (1, 0, 0)),
        Learner("own", WRONG | {"q1": OWN_EXERCISES}, NOTHING, "replaces an exercise"),
        Learner(
            "prints", right | {"q1": "for _ in range(2000): print('x' * 500_000)\n" + RIGHT["q1"]}
        ),
        Learner("stubborn", right | {"q2": STUBBORN}, LOST_FROM_Q2, f"after {SECONDS} seconds"),
        Learner("passes", WRONG | {"q1": EVERY_CELL_PASSES}, NOTHING, "reaches into Python"),
        Learner("equal", WRONG | {"q1": EQUAL_TO_EVERYTHING + "flights_per_day = Any(1)"}, NOTHING),
        Learner(
            "context",
            right | {"q1": "january = january.head(310); flights_per_day = 10"},
            NOTHING,  # what comes after it has the changed table, too
        ),
        Learner("forges", WRONG | {"q1": FORGED_FILES}, NOTHING),
        Learner("looks", {"q1": "exec(q1.reference())"}, (1, 0, 0), "q1 looks at the solution"),
        Learner("raises", right | {"q2": "raise SystemExit"}, ONLY_Q2_IS_LOST),
        Learner("typo", right | {"q2": "late_share = (("}, ONLY_Q2_IS_LOST),
        Learner("fork bomb", right | {"q2": FORKS}, LOST_FROM_Q2, "it ", True),
        Learner("memory", right | {"q2": MEMORY}, LOST_FROM_Q2, "", True),
        Learner("network", right | {"q2": NETWORK}, ALL, "uses the network", True),
        Learner("deleted cells", right, ONLY_Q2_IS_LOST, "q2: its cell is missing"),
        Learner("helper", right | {"q1": "flights_per_day = per_day(january)"}),
        Learner("without ids", IN_OTHER_WORDS),
        Learner("twice", right, ALL, "handed in 2 notebooks"),
        Learner("other lesson", {}, None, f"that of {OTHER}"),
        Learner("changed cells", right),
        Learner("wrong-1", TYPICAL[1], NOTHING),
        Learner(
            "background", right | {"q1": BACKGROUND + RIGHT["q1"]}, ALL, "starts programs", True
        ),
        *(Learner(f"wrong-{n}", answers, NOTHING) for n, answers in enumerate(TYPICAL[2:], 2)),
    ]
    learners += [Learner(f"right-{n}", right) for n in range(SIZE - len(learners))]
    return learners[:SIZE]


STUBBORN = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
FORKS = "import os\nwhile True: os.fork()"
MEMORY = "kept = []\nwhile True: kept.append(bytearray(50_000_000))"
BACKGROUND = """
import subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(987)"])
"""


def lesson_of(id_):
    (lesson,) = find_lessons([id_])
    return lesson


def school_grade(*words, check=True):
    run = "import sys; from mlops_school.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", run, "grade", *map(str, words)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=1500)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def cell_of(notebook, id_):
    (cell,) = (cell for cell in notebook.cells if cell.id == id_)
    return cell


def answered(answers, lesson=LESSON) -> NotebookNode:
    notebook = assignment(lesson_of(lesson))
    for name, code in answers.items():
        cell_of(notebook, name).source = code
    return notebook


def hand_in(learner, folder, classroom, port):
    """Write what a learner hands in into a folder, as the name says."""
    code = {
        name: answer.replace("CLASSROOM", classroom.as_posix())
        .replace("HANDED IN", folder.as_posix())
        .replace("PORT", str(port))
        for name, answer in learner.answers.items()
    }
    notebook = answered(code)
    path = folder / f"{learner.name}_{LESSON}.ipynb"
    match learner.name:
        case "damaged":
            path.write_text(nbformat.writes(notebook)[:-100], encoding="utf-8")
            return
        case "other lesson":
            path.write_bytes(lesson_of(OTHER).notebook.read_bytes())
            return
        case "deleted cells":
            gone = ("q2", "first-cell", "load")
            notebook.cells = [cell for cell in notebook.cells if cell.id not in gone]
        case "helper":
            helper = new_code_cell("def per_day(flights):\n    return len(flights) / 31")
            notebook.cells.insert(notebook.cells.index(cell_of(notebook, "q1")), helper)
        case "changed cells":
            cell_of(notebook, "load").source = "january = None"
        case "without ids":
            for cell in notebook.cells:
                del cell["id"]
                cell.metadata.pop("nbgrader", None)
            cells = notebook.cells  # and with the answers in the cells of the course's notebook
            for name, task in tasks(lesson_of(LESSON)).items():
                (check,) = (cell for cell in cells if cell.source == task.call)
                answer = cells[cells.index(check) - 1]
                assert answer.source == code[name]
                answer.source += f"\n{task.call}"
                cells.remove(check)
            notebook.nbformat_minor = 4
        case "twice":
            path = folder / learner.name / "my homework (1).ipynb"
            path.parent.mkdir()
            older = path.with_name("old.ipynb")
            nbformat.write(answered(WRONG), older)
            os.utime(older, (1e9, 1e9))
    nbformat.write(notebook, path)


@pytest.fixture(scope="module")
def shut_in(tmp_path_factory):
    folder = tmp_path_factory.mktemp("protection")
    (folder / "something").touch()
    ENVIRONMENT.install()
    return not protection(folder)


@dataclass
class Graded:
    """The class after it was graded."""

    classroom: Path
    handed_in: Path
    learners: list[Learner]
    output: str
    rows: dict[str, dict[str, str]]
    unharmed: bool


@pytest.fixture(scope="module")
def graded(tmp_path_factory, shut_in):
    """Release, collect, autograde and report, once for all tests."""
    folder = tmp_path_factory.mktemp("class")
    classroom, handed_in = folder / "classroom", folder / "handed in"
    handed_in.mkdir()
    learners = [one for one in class_list() if shut_in or not one.harmful]
    with socket.create_server(("127.0.0.1", 0)) as server:
        for one in learners:
            hand_in(one, handed_in, classroom, server.getsockname()[1])
        before = everything(COURSE, handed_in)
        here = ("--classroom", classroom)
        school_grade("release", LESSON, *here, "--due", "2100-01-01")
        school_grade("collect", LESSON, handed_in, *here)
        limits = ("--cell-seconds", CELL_SECONDS, "--seconds", SECONDS)
        done = school_grade("autograde", LESSON, *here, *limits)
        school_grade("report", LESSON, *here)
    rows = table(classroom)
    return Graded(
        classroom, handed_in, learners, done.stdout, rows, before == everything(COURSE, handed_in)
    )


def everything(*folders):
    return {
        path: path.read_bytes()
        for folder in folders
        for path in folder.rglob("*.*")
        if path.is_file()
    }


def table(classroom, lesson=LESSON):
    text = (classroom / "reports" / f"{lesson}.csv").read_text(encoding="utf-8-sig")
    return {row["learner"]: row for row in csv.DictReader(text.splitlines())}


@pytest.mark.parametrize("learner", class_list(), ids=lambda one: one.name)
def test_each_learner_gets_what_is_due(graded, learner):
    if learner not in graded.learners:
        pytest.skip(HARMFUL)
    row = graded.rows[learner.name]
    given = tuple(row[name] for name in RIGHT)
    expected = ("",) * 3 if learner.points is None else tuple(map(str, learner.points))
    assert given == expected, row
    assert learner.remark in row["remarks"]
    if learner.points is not None:
        assert row["points"] == str(sum(learner.points))


def test_the_harmless_have_no_remarks(graded):
    for name in ("Ωμέγα Ñandú", "untouched", "wrong-0", "partly", "helper", "right-40"):
        assert graded.rows.get(name, {"remarks": ""})["remarks"] == ""


def test_nothing_is_lost(graded, shut_in):
    assert graded.unharmed
    assert graded.rows.keys() == {one.name for one in graded.learners}
    submitted = {path.parent.parent.name for path in graded.classroom.glob("submitted/*/*/*.ipynb")}
    assert submitted == {one.name for one in graded.learners if one.points is not None}
    assert ("NOT shut in" in graded.output) == (not shut_in)


def test_nothing_goes_on_running(graded):
    def words(process):
        try:
            return " ".join(process.cmdline())
        except psutil.Error:
            return ""

    running = [words(process) for process in psutil.process_iter()]
    assert not [line for line in running if "time.sleep(987)" in line]


def test_each_learner_gets_a_page_that_says_why(graded):
    for one in graded.learners:
        page = graded.classroom / "feedback" / one.name / LESSON / f"{LESSON}.html"
        assert page.exists() == (one.points is not None)
    page = graded.classroom / "feedback" / "wrong-0" / LESSON / f"{LESSON}.html"
    text = page.read_text(encoding="utf-8")
    assert "Not yet: that is the whole month. How many is it on one day?" in text
    assert "<script>alert" not in text


def test_a_second_time_nothing_changes(graded):
    here = ("--classroom", graded.classroom)
    school_grade("collect", LESSON, graded.handed_in, *here)
    done = school_grade("autograde", LESSON, *here)
    count = sum(one.points is not None for one in graded.learners)
    assert f"0 graded, {count} were graded before." in done.stdout
    school_grade("report", LESSON, *here)
    assert table(graded.classroom) == graded.rows


def test_what_is_killed_goes_on_where_it_was(tmp_path, shut_in):
    handed_in, classroom = tmp_path / "in", tmp_path / "classroom"
    handed_in.mkdir()
    nbformat.write(answered(RIGHT), handed_in / "ann.ipynb")
    nbformat.write(answered({"q1": "import time; time.sleep(5)"}), handed_in / "bob.ipynb")
    here = ("--classroom", classroom)
    school_grade("collect", LESSON, handed_in, *here)
    command = [ENVIRONMENT.programs / "school", "grade", "autograde", LESSON, *here]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as program:
        while "executed" not in program.stdout.readline():
            assert program.poll() is None
        started = psutil.Process(program.pid).children(recursive=True)
        program.kill()
    assert not psutil.wait_procs(started, timeout=20)[1]
    school_grade("autograde", LESSON, *here)
    school_grade("report", LESSON, *here)
    assert {name: row["points"] for name, row in table(classroom).items()} == {
        "ann": "3",
        "bob": "0",
    }


FORGERY = """
def has_secret(line):
    import sys, json, os
    frame = sys._getframe()
    while "verdicts" not in frame.f_locals:
        frame = frame.f_back
    facts = {"exercise": "q1", "status": "correct", "message": ""}
    facts["secret"] = frame.f_locals["secret"]
    frame.f_locals["verdicts"].write(json.dumps(facts) + "\\n")
    return False
"""


def test_answers_that_are_functions(tmp_path, shut_in):
    """They run where they are judged, which the last learner shows to be no proof: it is told."""
    handed_in, classroom = tmp_path / "in", tmp_path / "classroom"
    handed_in.mkdir()
    solved = {name: task.solved for name, task in tasks(lesson_of(WITH_CODE)).items()}
    never = "def has_secret(line):\n    return False\n"
    learners = {
        "solved": solved,
        "untouched": {},
        "wrong": {"q1": never},
        "patches": {"q1": PATCH + never},
        "exits": {"q1": "def has_secret(line):\n    import os; os._exit(0)"} | {"q2": solved["q2"]},
        "loops": {"q1": "def has_secret(line):\n    while True: pass"},
        "forges": {"q1": FORGERY},
    }
    for name, answers in learners.items():
        nbformat.write(answered(answers, WITH_CODE), handed_in / f"{name}.ipynb")
    here = ("--classroom", classroom)
    school_grade("collect", WITH_CODE, handed_in, *here)
    school_grade("autograde", WITH_CODE, *here, "--cell-seconds", 10)
    school_grade("report", WITH_CODE, *here)
    rows = table(classroom, WITH_CODE)
    points = {name: row["points"] for name, row in rows.items()}
    assert points == {
        "solved": "5",
        "untouched": "0",
        "wrong": "0",
        "patches": "0",
        "exits": "1",
        "loops": "0",
        "forges": "1",
    }
    assert rows["solved"]["remarks"] == ""
    assert "q1 reaches into Python" in rows["forges"]["remarks"]
