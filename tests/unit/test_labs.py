"""A lab's environment: how it is made, what can go wrong, and what is said then.

The environments themselves are tried in ``tests/labs``.
"""

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest

from mlops_school import environments, labs, launch
from mlops_school.errors import CourseError
from mlops_school.manifest import load_labs

LAB = load_labs()[0]
SYNC = ["sync", "--frozen", "--no-dev", "--group", f"lab-{LAB.id}", "--python", sys.executable]


class Uv:
    """Stands in for uv: remembers what it is asked, and answers what it is told."""

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        self.commands = []
        self.variables = {}

    def call(self, command, *, cwd=None, env):
        self.commands.append(command)
        self.variables = env
        return self.answers.pop(0)

    def run(self, command, *, cwd, env, capture_output):
        return subprocess.CompletedProcess(command, self.call(command, env=env))


@pytest.fixture
def uv(monkeypatch, tmp_path):
    """Return a function that lets a stand-in for uv answer, in a folder of the test's own."""
    monkeypatch.setattr(labs, "ENVIRONMENTS", tmp_path / ".labs")
    monkeypatch.setattr(environments, "find_uv", lambda: "uv")

    def answers(*statuses):
        stand_in = Uv(*statuses)
        monkeypatch.setattr(environments.subprocess, "run", stand_in.run)
        monkeypatch.setattr(environments.subprocess, "call", stand_in.call)
        return stand_in

    return answers


# -- the list


def test_the_list_says_what_each_lab_is_and_what_it_costs():
    text = labs.listing()
    for lab in load_labs():
        for fact in (
            lab.id,
            lab.title,
            lab.summary,
            lab.kind,
            f"{lab.download_mb} MB",
            lab.seconds,
        ):
            assert str(fact) in text


# -- the machine


@pytest.mark.parametrize(
    ("needs", "words"),
    [
        ({"systems": ("Plan 9",)}, "it runs on Plan 9 only. Read it in"),
        ({"newest_python": "3.10"}, "for Python up to 3.10, and this is Python 3"),
        ({"programs": ("python3-of-mars", "java-of-mars")}, "has no python3-of-mars and no java-"),
        ({"programs": ("java-of-mars|java-of-venus",)}, "it has no java-of-mars or java-of-venus."),
        ({"memory_mb": 10**9}, "needs 1000000000 MB of memory, and"),
    ],
)
def test_a_machine_that_cannot_run_a_lab_says_so_before_anything_is_done(uv, needs, words):
    calls = uv()
    lab = replace(LAB, **needs)
    with pytest.raises(
        CourseError, match=f"The lab {LAB.title} cannot run on this machine: .*{words}"
    ):
        labs.start(lab)
    assert not calls.commands


def test_a_notebook_of_a_lab_says_so_too(monkeypatch):
    monkeypatch.setattr(labs, "find_lab", lambda _: replace(LAB, programs=("java-of-mars",)))
    with pytest.raises(CourseError, match="it has no java-of-mars. Install that"):
        labs.require(LAB.id)


def test_a_machine_that_has_it_all_is_not_stopped():
    this = replace(
        LAB,
        systems=(platform.system(),),
        newest_python=".".join(map(str, sys.version_info[:2])),
        programs=("git", "git-of-mars|git"),
        memory_mb=1,
    )
    assert labs.what_hinders(this) == ""


# -- the environment


def test_the_first_time_says_what_is_downloaded_and_installs(uv, capsys, monkeypatch):
    monkeypatch.setenv("VIRTUAL_ENV", "the course's")
    monkeypatch.setenv("UV_COMPILE_BYTECODE", "1")
    calls = uv(1, 0)
    labs.environment(LAB).install()
    assert calls.commands == [["uv", *SYNC, "--check", "--offline"], ["uv", *SYNC]]
    assert f"About {LAB.download_mb} MB are downloaded" in capsys.readouterr().out
    assert calls.variables["UV_PROJECT_ENVIRONMENT"] == str(labs.environment(LAB).folder)
    assert calls.variables["UV_COMPILE_BYTECODE"] == "0"
    assert "VIRTUAL_ENV" not in calls.variables


def test_the_second_time_is_silent(uv, capsys):
    calls = uv(0)
    labs.environment(LAB).install()
    assert len(calls.commands) == 1
    assert capsys.readouterr().out == ""


@pytest.fixture
def with_npm(monkeypatch):
    """Return a lab that needs a program of npm, which is said to be on this machine."""
    monkeypatch.setattr(environments.shutil, "which", lambda name: f"/{name}")
    return replace(LAB, npm=("azurite@3.35.0",))


def write_npm_lock(lab, version):
    path = labs.environment(lab).node_modules / ".package-lock.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    packages = {"node_modules/azurite": {"version": version}}
    path.write_text(json.dumps({"packages": packages}), encoding="utf-8")


def test_programs_of_npm_come_into_the_same_environment(uv, with_npm):
    calls = uv(1, 0, 0)
    labs.environment(with_npm).install()
    folder = str(labs.environment(with_npm).folder)
    assert calls.commands[1] == ["uv", *SYNC]
    assert calls.commands[2] == ["/npm", *environments.NPM, folder, "azurite@3.35.0"]


@pytest.mark.parametrize(("version", "installed"), [("3.35.0", []), ("3.34.0", ["/npm"])])
def test_npm_is_asked_only_for_what_is_missing(uv, with_npm, version, installed):
    write_npm_lock(with_npm, version)
    calls = uv(0, 0)
    labs.environment(with_npm).install()
    assert [command[0] for command in calls.commands[1:]] == installed


def test_an_installation_by_npm_that_was_killed_is_done_again(uv, with_npm):
    (labs.environment(with_npm).node_modules / "azurite").mkdir(parents=True)
    calls = uv(0, 0)
    labs.environment(with_npm).install()
    assert calls.commands[1][0] == "/npm"


@pytest.mark.parametrize("statuses", [(1, 2), (1, 0, 2), (0, 2)])
def test_npm_without_the_internet_is_a_sentence(uv, with_npm, statuses):
    uv(*statuses)
    with pytest.raises(CourseError, match="connected to the internet"):
        labs.environment(with_npm).install()


def test_no_npm_is_a_sentence(uv, with_npm, monkeypatch):
    uv(1)
    monkeypatch.setattr(environments.shutil, "which", lambda name: None)
    with pytest.raises(CourseError, match="needs the program npm.*Install Node.js"):
        labs.environment(with_npm).install()


def test_packages_that_cannot_be_had_are_a_sentence(uv):
    uv(1, 2)
    with pytest.raises(CourseError, match=r"connected to the internet.*run the same command again"):
        labs.environment(LAB).install()


def test_without_the_internet_a_real_uv_leaves_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(labs, "ENVIRONMENTS", tmp_path / ".labs")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    with pytest.raises(CourseError, match="could not be installed"):
        labs.environment(LAB).install()


def test_a_disk_that_is_full_is_a_sentence_before_anything_is_done(uv, monkeypatch, capsys):
    calls = uv(1)
    usage = namedtuple("usage", "total used free")
    free = int(LAB.disk_mb * 1e6) - 1
    monkeypatch.setattr(environments.shutil, "disk_usage", lambda path: usage(0, 0, free))
    with pytest.raises(CourseError, match=rf"needs {LAB.disk_mb} MB of disk.*Make room"):
        labs.environment(LAB).install()
    assert len(calls.commands) == 1
    assert capsys.readouterr().out == ""


def test_a_folder_that_cannot_be_made_is_a_sentence(uv, monkeypatch, tmp_path):
    uv(1)
    (tmp_path / "file").touch()
    monkeypatch.setattr(labs, "ENVIRONMENTS", tmp_path / "file" / ".labs")
    with pytest.raises(CourseError, match="cannot be made. Copy the course"):
        labs.environment(LAB).install()


# -- a script with packages of its own


@pytest.fixture
def with_script(monkeypatch, tmp_path):
    """Return a function that writes a script, and returns a lab that has it."""
    monkeypatch.setattr(labs, "COURSE", tmp_path)
    monkeypatch.setattr(labs, "ENVIRONMENTS", tmp_path / ".labs")
    lab = replace(LAB, script="old_tool.py")
    monkeypatch.setattr(labs, "find_lab", lambda name: {LAB.id: lab}[name])

    def write(text):
        (tmp_path / "old_tool.py").write_text(text, encoding="utf-8")
        return lab

    return write


@pytest.fixture
def with_environment(with_script):
    """Return the same, and a real uv has made the environment of the script, with nothing in it."""

    def write(text):
        lab = with_script(text)
        folder = labs.environment(lab).script_folder
        venv = [environments.find_uv(), "venv", "--quiet", "--offline", "--no-project"]
        subprocess.check_call([*venv, "--python", sys.executable, str(folder)])
        return lab

    return write


def test_a_script_gets_an_environment_of_its_own_in_that_of_the_lab(uv, with_script, capsys):
    calls = uv(0, 1, 0)
    own = labs.environment(with_script(""))
    own.install()
    course, checked, made = calls.commands
    assert course[1:] == ["sync", "--frozen", "--no-dev", *SYNC[-2:], "--check", "--offline"]
    assert checked == [*made, "--check", "--offline"]
    assert made == ["uv", "sync", "--frozen", "--script", str(own.script), "--active"]
    assert calls.variables["VIRTUAL_ENV"] == str(own.script_folder)
    assert own.folder in own.script_folder.parents
    assert "and also the packages of the course" in capsys.readouterr().out


def test_a_real_uv_takes_that_command_and_the_script_runs_there(uv, with_script, monkeypatch):
    own = labs.environment(with_script("# /// script\n# dependencies = []\n# ///\nprint('ran')\n"))
    calls = uv(0, 1, 0)
    own.install()
    monkeypatch.undo()  # from here on, uv is the real one
    real, *words = environments.find_uv(), *calls.commands[-1][1:]
    subprocess.check_call([real, "lock", "--quiet", "--offline", "--script", str(own.script)])
    subprocess.check_call([real, *words, "--quiet", "--offline"], env=calls.variables)
    assert own.run_script() == "ran\n"


def test_a_script_sees_its_words_and_nothing_of_the_course(with_environment, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(labs.__file__).parents[1]))
    lab = with_environment(
        "import importlib.util, sys\n"
        "print(*sys.argv[1:], 'Zürich →', importlib.util.find_spec('mlops_school'))\n"
    )
    assert labs.run_script(lab.id, "schema", Path("a b")) == "schema a b Zürich → None\n"


def test_a_script_that_fails_shows_its_last_lines(with_environment):
    lab = with_environment(
        "import sys\nprint(*range(99), sep='\\n', file=sys.stderr)\nsys.exit('no month 13')"
    )
    with pytest.raises(CourseError, match="old_tool.py ended with an error") as caught:
        labs.run_script(lab.id)
    assert str(caught.value).splitlines()[1:] == ["95", "96", "97", "98", "no month 13"]


@pytest.mark.skipif(os.name == "nt", reason="Windows ends no process by a signal")
def test_a_script_that_is_killed_says_what_it_may_be(with_environment):
    lab = with_environment("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(CourseError, match="for want of memory"):
        labs.run_script(lab.id)


def test_a_script_without_its_packages_says_how_to_get_them(with_script):
    with pytest.raises(CourseError, match="start the lab again in a terminal"):
        labs.run_script(with_script("").id)


# -- uv


def test_no_uv_is_a_sentence(monkeypatch, tmp_path):
    monkeypatch.delenv("UV", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(environments, "OWN_UV", tmp_path)
    with pytest.raises(CourseError, match="needs the program uv.*pip install uv"):
        environments.find_uv()


@pytest.mark.skipif(os.name == "nt", reason="the stand-ins for uv are shell scripts")
def test_uv_is_the_one_that_started_the_course_or_its_own_or_the_machines(monkeypatch, tmp_path):
    def place(folder):
        file = tmp_path / folder / "uv"
        file.parent.mkdir(parents=True)
        file.write_text("#!/bin/sh\n", encoding="utf-8")
        file.chmod(0o755)
        return str(file)

    started, own, machine = (
        place("started"),
        place(f"own/{environments.PROGRAMS}"),
        place("machine"),
    )
    monkeypatch.setattr(environments, "OWN_UV", tmp_path / "own")
    monkeypatch.setenv("PATH", str(Path(machine).parent))
    monkeypatch.setenv("UV", started)
    assert environments.find_uv() == started
    monkeypatch.setenv("UV", str(tmp_path / "gone"))
    assert environments.find_uv() == own
    monkeypatch.delenv("UV")
    shutil.rmtree(tmp_path / "own")
    assert environments.find_uv() == machine


# -- starting


def test_start_makes_the_environment_and_goes_on_in_it(uv, monkeypatch):
    calls = uv(0, 7)
    monkeypatch.setattr(labs.shutil, "which", lambda name, path: str(Path(path, name)))
    monkeypatch.setattr(labs.signal, "signal", lambda *_: None)
    assert labs.start(LAB) == 7
    programs = labs.environment(LAB).programs
    assert calls.commands[1] == [str(programs / "school"), "lab", LAB.id]
    assert calls.variables["PATH"].split(os.pathsep)[0] == str(programs)
    assert Path(calls.variables["JUPYTER_RUNTIME_DIR"]).parent == labs.environment(LAB).folder


def test_in_its_environment_start_opens_jupyterlab_on_the_notebook(monkeypatch):
    opened = []
    monkeypatch.setattr(sys, "prefix", str(labs.environment(LAB).folder))
    monkeypatch.setattr(launch, "learn", lambda notebook: opened.append(notebook) or 3)
    assert labs.start(LAB) == 3
    assert opened == [LAB.notebook]


def test_starting_leaves_no_handler_behind_when_it_fails(uv):
    before = signal.getsignal(signal.SIGINT)
    uv(1, 2)
    with pytest.raises(CourseError):
        labs.start(LAB)
    assert signal.getsignal(signal.SIGINT) is before


def test_in_another_environment_a_lab_says_how_to_start_it():
    with pytest.raises(CourseError, match=f"`school lab {LAB.id}`"):
        labs.require(LAB.id)


def test_in_its_own_environment_a_lab_runs(monkeypatch):
    monkeypatch.setattr(sys, "prefix", str(labs.environment(LAB).folder))
    labs.require(LAB.id)
