"""Set the course up and run one of its commands: ``python utils/bootstrap.py learn``.

It needs nothing but Python, and is written so that a Python that is too old can still read it
and say so: no annotations, no f-strings, no pathlib.
"""
# ruff: noqa: ANN001, ANN201, PTH100, PTH118, PTH120, RUF005, UP010, UP032

from __future__ import print_function

import os
import shutil
import signal
import subprocess
import sys

OLDEST, NEWEST = (3, 11), (3, 14)  # the Pythons that pyproject.toml allows
UV = "0.13.9"  # what is installed where the machine has no uv
OLDEST_UV = (0, 8)  # the first that knows every option used below

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
OWN_UV = os.path.join(ROOT, ".uv")
PROGRAMS = "Scripts" if os.name == "nt" else "bin"

# A learner's command neither needs the developers' packages nor removes them.
LEARNER_COMMANDS = ("learn", "lab", "progress", "grade", "hub")
LEARNER_PACKAGES = ["--no-dev", "--inexact"]

LINT = ["python -m ruff check .", "python -m ruff format --check ."]
TEST = ["school check", "school build --check", "python -m pytest -n 2 --dist loadgroup"]
# In the environments of the labs; -rs names those that are left out.
TEST_LABS = ["python -m pytest tests/labs -m labs -n 2 --dist loadgroup -rs"]
# In the environments of the classroom, with a class of 30.
TEST_CLASSROOM = ["python -m pytest tests/classroom -m classroom -n 2 --dist loadgroup -rs"]
STEPS = {
    "lint": LINT,
    "test": LINT + TEST,
    "test-labs": TEST_LABS,
    "test-classroom": TEST_CLASSROOM,
}  # any other command is one of `school`


def main(words):
    """Set the course up, run a command and return its exit status.

    Parameters
    ----------
    words : list of str
        The command and its arguments; without any, ``learn``.

    Raises
    ------
    SystemExit
        With a sentence to print, if the course cannot be set up.
    """
    check_python(sys.version_info)
    command, arguments = (words or ["learn"])[0], words[1:]
    uv = find_uv() or install_uv()
    sync(uv, LEARNER_PACKAGES if command in LEARNER_COMMANDS else [])
    steps = [step.split() for step in STEPS.get(command, ["school " + command])]
    steps[-1] += arguments
    # Ctrl+C is meant for the program that runs; this one waits until it has ended.
    signal.signal(signal.SIGINT, lambda *_: None)
    for step in steps:
        status = subprocess.call([program(VENV, step[0])] + step[1:], cwd=ROOT, env=activated(uv))
        if status:
            return status
    return 0


def check_python(version):
    """Exit with a sentence if the course does not run on this version of Python."""
    if not OLDEST <= tuple(version[:2]) <= NEWEST:
        sys.exit(
            "The course needs Python {}.{} to {}.{}, and this is Python {}.{} ({}). Install one of "
            "those from https://www.python.org/downloads/ and run the command again with it, "
            "for example: make learn PYTHON=python3.12".format(
                *(OLDEST + NEWEST + tuple(version[:2]) + (sys.executable,))
            )
        )


def find_uv():
    """Return the path of a uv that works, the machine's or else the course's own, or None."""
    for uv in filter(None, (shutil.which("uv"), program(OWN_UV, "uv"))):
        try:
            answer = subprocess.check_output([uv, "--version"], stderr=subprocess.DEVNULL)
            version = answer.decode().split()[1].split(".")
            if (int(version[0]), int(version[1])) >= OLDEST_UV:
                return uv
        except (OSError, subprocess.CalledProcessError, ValueError, IndexError):
            pass  # what cannot say its version cannot install either
    return None


def install_uv():
    """Install uv into a folder of the course and return its path; the machine stays as it is."""
    try:
        import ensurepip  # noqa: F401  (Debian and Ubuntu package it separately)
        import venv  # noqa: F401
    except ImportError:
        sys.exit(
            "This Python ({}) cannot make virtual environments. On Debian or Ubuntu, run: sudo apt "
            "install python3-venv. Then run the same command again.".format(sys.executable)
        )
    print("Preparing the course: installing uv, which installs everything else ...", flush=True)
    shutil.rmtree(OWN_UV, ignore_errors=True)  # what an interrupted installation left
    try:
        subprocess.check_call([sys.executable, "-m", "venv", OWN_UV])
        pip = [program(OWN_UV, "python"), "-m", "pip", "--disable-pip-version-check"]
        subprocess.check_call(pip + ["install", "--quiet", "uv==" + UV])
    except (OSError, subprocess.CalledProcessError):
        shutil.rmtree(OWN_UV, ignore_errors=True)
        sys.exit(
            "The program uv could not be installed; the reason is above. Check that this machine "
            "is connected to the internet and has free disk space, then run the same command again."
        )
    return program(OWN_UV, "uv")


def sync(uv, packages):
    """Bring the course's environment to what ``uv.lock`` says; silent if it is there already."""
    command = [uv, "sync", "--frozen"] + packages
    if not program(VENV, "python"):
        command += ["--python", sys.executable]
    environment = activated(uv)
    if subprocess.call(
        command + ["--check", "--offline"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ):
        print("Installing the course's packages; this takes minutes, and only once ...", flush=True)
        if subprocess.call(command, cwd=ROOT, env=environment):
            sys.exit(
                "The course's packages could not be installed; the reason is above. Check that "
                "this machine is connected to the internet and has free disk space, then run the "
                "same command again: what has been downloaded is kept."
            )


def program(folder, name):
    """Return the path of a program in a virtual environment, or None if it has none such."""
    return shutil.which(name, path=os.path.join(folder, PROGRAMS))


def activated(uv):
    """Return the environment variables with which everything is installed and run."""
    environment = dict(
        os.environ,
        # As an activated environment has it, so that `!mlflow` in a notebook is the course's.
        PATH=os.path.join(VENV, PROGRAMS) + os.pathsep + os.environ.get("PATH", ""),
        VIRTUAL_ENV=VENV,
        UV=uv,
        UV_PROJECT_ENVIRONMENT=VENV,
        UV_COMPILE_BYTECODE="1",  # or the first lesson waits for it
    )
    for name in ("PYTHONHOME", "PYTHONPATH"):  # another Python's packages are not the course's
        environment.pop(name, None)
    return environment


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
