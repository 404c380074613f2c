"""From a fresh machine to an environment: what can go wrong, and what is said then."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tomllib
import types
from pathlib import Path

import pytest

from mlops_school.paths import ROOT

SCRIPT = ROOT / "utils" / "bootstrap.py"
NO_NETWORK = {
    "PIP_INDEX_URL": "http://127.0.0.1:9",
    "PIP_RETRIES": "0",
    "PIP_CONFIG_FILE": os.devnull,
}


@pytest.fixture
def bootstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """Load the script as a module for a folder of the test's own and a machine without uv."""
    spec = importlib.util.spec_from_file_location("bootstrap", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", str(tmp_path))
    monkeypatch.setattr(module, "VENV", str(tmp_path / ".venv"))
    monkeypatch.setattr(module, "OWN_UV", str(tmp_path / ".uv"))
    monkeypatch.setenv("PATH", "")
    return module


class Calls:
    """Stands in for ``subprocess.call``: remembers what is called and answers what it is told."""

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        self.commands = []

    def __call__(self, command: list[str], **options: object) -> int:
        self.commands.append([Path(command[0]).stem, *command[1:]])
        return self.answers.pop(0) if self.answers else 0


@pytest.fixture
def installed(bootstrap: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """Give it a machine with uv, where every program that it looks for is there."""
    monkeypatch.setattr(bootstrap, "find_uv", lambda: "uv")
    monkeypatch.setattr(bootstrap, "program", lambda folder, name: str(Path(folder, "bin", name)))
    monkeypatch.setattr(bootstrap.signal, "signal", lambda *_: None)
    return bootstrap


# -- the Python that runs it


def test_the_supported_pythons_are_those_of_the_package(bootstrap):
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (oldest, newest) = bootstrap.OLDEST, bootstrap.NEWEST
    expected = f">={oldest[0]}.{oldest[1]},<{newest[0]}.{newest[1] + 1}"
    assert tomllib.loads(text)["project"]["requires-python"] == expected


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 6, 15), (3, 10, 99), (3, 15, 0)])
def test_another_python_is_named_with_what_to_do(bootstrap, version):
    with pytest.raises(SystemExit) as stop:
        bootstrap.check_python(version)
    sentence = str(stop.value)
    assert f"this is Python {version[0]}.{version[1]} " in sentence
    assert "needs Python 3.11 to 3.14" in sentence
    assert "make learn PYTHON=" in sentence


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 14, 9)])
def test_supported_pythons_pass(bootstrap, version):
    bootstrap.check_python(version)


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.8", "3.10"])
def test_a_real_old_python_can_read_the_script(version):
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = [*pyenv.glob(f"versions/{version}.*/bin/python"), shutil.which(f"python{version}")]
    for python in filter(None, found):
        answer = subprocess.run([python, SCRIPT], capture_output=True, encoding="utf-8")
        if answer.returncode != 127:  # a shim that leads nowhere is no Python
            break
    else:
        pytest.skip(f"this machine has no Python {version}")
    assert answer.returncode == 1
    assert answer.stderr.startswith("The course needs Python 3.11")
    assert len(answer.stderr.splitlines()) == 1


# -- uv


def place(folder: str, version: str, exit_status: int = 0) -> Path:
    """Put a program called uv into a virtual environment's folder."""
    file = Path(folder, "bin", "uv")
    file.parent.mkdir(parents=True)
    file.write_text(f"#!/bin/sh\necho 'uv {version}'\nexit {exit_status}\n", encoding="utf-8")
    file.chmod(0o755)
    return file


posix = pytest.mark.skipif(os.name == "nt", reason="the stand-in for uv is a shell script")


@posix
def test_the_machines_uv_is_preferred(bootstrap, tmp_path, monkeypatch):
    place(bootstrap.OWN_UV, "0.13.9")
    machines = place(str(tmp_path / "machine"), "0.14.0")
    monkeypatch.setenv("PATH", str(machines.parent))
    assert bootstrap.find_uv() == str(machines)


@posix
@pytest.mark.parametrize(("version", "status"), [("0.4.30", 0), ("1.0.0", 1), ("nonsense", 0)])
def test_a_uv_that_is_too_old_or_does_not_work_is_passed_over(
    bootstrap, tmp_path, monkeypatch, version, status
):
    machines = place(str(tmp_path / "machine"), version, status)
    monkeypatch.setenv("PATH", str(machines.parent))
    assert bootstrap.find_uv() is None
    own = place(bootstrap.OWN_UV, "0.13.9")
    assert bootstrap.find_uv() == str(own)


@posix
def test_a_broken_uv_of_the_course_is_replaced(bootstrap, monkeypatch):
    broken = place(bootstrap.OWN_UV, "0.13.9", exit_status=1)
    leftover = broken.with_name("leftover")
    leftover.touch()

    def install(command: list[str]) -> None:
        if "venv" in command:
            assert not leftover.exists()
            shutil.copy(place(bootstrap.OWN_UV, "0.13.9"), broken.with_name("python"))

    monkeypatch.setattr(bootstrap.subprocess, "check_call", install)
    assert bootstrap.find_uv() is None
    assert bootstrap.install_uv() == str(broken)
    assert bootstrap.find_uv() == str(broken)


def test_no_network_leaves_a_sentence_and_nothing_half_made(bootstrap, monkeypatch, capfd):
    for name, value in NO_NETWORK.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(SystemExit) as stop:
        bootstrap.main(["learn"])
    assert "uv could not be installed" in str(stop.value)
    assert "run the same command again" in str(stop.value)
    assert "uv==" in capfd.readouterr().err  # the reason, in pip's words
    assert not Path(bootstrap.OWN_UV).exists()


def test_a_python_without_venv_says_what_to_install(bootstrap, monkeypatch):
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(SystemExit, match="apt install python3-venv"):
        bootstrap.install_uv()


# -- packages


def test_first_time_installs_with_the_python_that_runs_it(installed, monkeypatch):
    calls = Calls(1, 0)  # not in order; installed
    monkeypatch.setattr(installed.subprocess, "call", calls)
    monkeypatch.setattr(installed, "program", lambda folder, name: None)
    installed.sync("uv", installed.LEARNER_PACKAGES)
    wanted = ["uv", "sync", "--frozen", "--no-dev", "--inexact", "--python", sys.executable]
    assert calls.commands == [[*wanted, "--check", "--offline"], wanted]


def test_second_time_installs_nothing(installed, monkeypatch, capsys):
    calls = Calls(0)
    monkeypatch.setattr(installed.subprocess, "call", calls)
    installed.sync("uv", [])
    assert calls.commands == [["uv", "sync", "--frozen", "--check", "--offline"]]
    assert capsys.readouterr().out == ""


def test_packages_that_cannot_be_had_are_a_sentence(installed, monkeypatch):
    monkeypatch.setattr(installed.subprocess, "call", Calls(1, 2))
    with pytest.raises(SystemExit, match=r"connected to the internet.*run the same command again"):
        installed.sync("uv", [])


def test_the_environment_is_active_and_its_own(installed, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "machine")
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    monkeypatch.setenv("UV_PROJECT_ENVIRONMENT", "elsewhere")
    environment = installed.activated("/path/to/uv")
    programs, machine = environment["PATH"].split(os.pathsep)
    assert Path(programs).parent == tmp_path / ".venv"
    assert machine == "machine"
    assert environment["VIRTUAL_ENV"] == environment["UV_PROJECT_ENVIRONMENT"] == installed.VENV
    assert environment["UV_COMPILE_BYTECODE"] == "1"
    assert "PYTHONPATH" not in environment


# -- commands


@pytest.mark.parametrize(
    ("words", "packages", "command"),
    [
        ([], ["--no-dev", "--inexact"], ["school", "learn"]),
        (["learn"], ["--no-dev", "--inexact"], ["school", "learn"]),
        (
            ["progress", "--export", "a b"],
            ["--no-dev", "--inexact"],
            ["school", "progress", "--export", "a b"],
        ),
        (["run", "--fast"], [], ["school", "run", "--fast"]),
        (["lab", "feast"], ["--no-dev", "--inexact"], ["school", "lab", "feast"]),
        (
            ["test-labs"],
            [],
            [
                "python",
                "-m",
                "pytest",
                "tests/labs",
                "-m",
                "labs",
                "-n",
                "2",
                "--dist",
                "loadgroup",
                "-rs",
            ],
        ),
        (["build"], [], ["school", "build"]),
        (["bench"], [], ["school", "bench"]),
    ],
)
def test_a_command_runs_with_the_packages_that_it_needs(
    installed, monkeypatch, words, packages, command
):
    calls = Calls()
    monkeypatch.setattr(installed.subprocess, "call", calls)
    assert installed.main(words) == 0
    assert calls.commands == [
        ["uv", "sync", "--frozen", *packages, "--check", "--offline"],
        command,
    ]


def test_test_runs_every_check_and_passes_words_to_pytest(installed, monkeypatch):
    calls = Calls()
    monkeypatch.setattr(installed.subprocess, "call", calls)
    assert installed.main(["test", "-k", "one or two"]) == 0
    assert [" ".join(command) for command in calls.commands[1:]] == [
        "python -m ruff check .",
        "python -m ruff format --check .",
        "school check",
        "school build --check",
        "python -m pytest -n 2 --dist loadgroup -k one or two",
    ]


@pytest.mark.parametrize("failing", range(5))
def test_test_fails_if_one_of_its_steps_does(installed, monkeypatch, failing):
    calls = Calls(0, *[0] * failing, 3)
    monkeypatch.setattr(installed.subprocess, "call", calls)
    assert installed.main(["test"]) == 3
    assert len(calls.commands) == 1 + failing + 1


# -- make


@pytest.mark.skipif(not shutil.which("make"), reason="this machine has no make")
def test_clean_removes_what_is_generated_and_nothing_of_a_learner(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    generated = [".venv/a", ".uv/a", ".labs/feast/a", "build/a", ".ruff_cache/a"]
    generated += ["utils/x.egg-info/a", "utils/mlops_school/__pycache__/a", "tests/__pycache__/a"]
    kept = ["workspace/progress.json", "workspace/__pycache__/mine", "notebooks/00.ipynb"]
    kept += ["utils/mlops_school/cli.py", "course/course.toml"]
    for name in generated + kept:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    subprocess.run(["make", "clean"], cwd=tmp_path, check=True, capture_output=True)
    assert [name for name in generated if (tmp_path / name).exists()] == []
    assert [name for name in kept if not (tmp_path / name).exists()] == []


@pytest.mark.skipif(not shutil.which("make"), reason="this machine has no make")
@pytest.mark.parametrize("target", ["learn", "run", "test", "test-labs", "build", "lint", "bench"])
def test_make_runs_the_command_of_the_same_name(target):
    dry = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", target, "PYTHON=python3.12"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
        check=True,
        capture_output=True,
        encoding="utf-8",
    )
    assert dry.stdout.strip() == f"python3.12 utils/bootstrap.py {target}"
