"""Tool labs: each one runs in an environment of its own, made when it is first started."""

import os
import platform
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from mlops_school import launch
from mlops_school.environments import Environment
from mlops_school.errors import CourseError
from mlops_school.manifest import Lab, find_lab, load_labs
from mlops_school.paths import COURSE, ROOT

ENVIRONMENTS = ROOT / ".labs"


def listing() -> str:
    """Return what there is to know of every lab before it is started, for the terminal."""
    lines = ["Start a lab with: school lab NAME"]
    for lab in load_labs():
        lines += [
            "",
            f"{lab.id}: {lab.title}. {lab.summary}",
            f"    {lab.kind}; {lab.minutes} minutes of work; runs {lab.seconds} s; "
            f"{lab.download_mb} MB to download, {lab.disk_mb} MB of disk, "
            f"{lab.memory_mb} MB of memory",
        ]
    return "\n".join(lines)


def start(lab: Lab) -> int:
    """Open JupyterLab on a lab in its environment, and return its exit status.

    The environment is made, or brought to what ``uv.lock`` says, before.

    Raises
    ------
    CourseError
        If the lab cannot run on this machine, or the environment cannot be made.
    """
    require_machine(lab)
    own = environment(lab)
    if own.is_active():
        return launch.learn(lab.notebook)
    own.install()
    # Ctrl+C is meant for JupyterLab; this process waits until it has ended.
    signal.signal(signal.SIGINT, lambda *_: None)
    # With its own record of running servers, it is not taken for the course's JupyterLab.
    runtime = {"JUPYTER_RUNTIME_DIR": str(own.folder / "runtime")}
    school = shutil.which("school", path=str(own.programs))
    return subprocess.call([school, "lab", lab.id], env=os.environ | own.activation() | runtime)


def require(name: str) -> None:
    """Make sure that this notebook runs in the environment of its lab, on a machine that can.

    Raises
    ------
    CourseError
        If it does not.
    """
    lab = find_lab(name)
    require_machine(lab)
    if not environment(lab).is_active():
        raise CourseError(
            "This notebook needs the environment of its lab. Open a terminal (File, New, Terminal) "
            f"and run `school lab {name}`: it opens the notebook in a JupyterLab of its own."
        )


def run_script(name: str, *words: str | Path) -> str:
    """Run the script of a lab, in its environment of its own, and return what it prints.

    Raises
    ------
    CourseError
        If that environment is not there, or the script fails.
    """
    return environment(find_lab(name)).run_script(*words)


def require_machine(lab: Lab) -> None:
    """Make sure that this machine can run a lab, before anything is installed or done.

    Raises
    ------
    CourseError
        If it has another system or Python, lacks a program, or has too little free memory.
    """
    if obstacle := what_hinders(lab):
        raise CourseError(f"The lab {lab.title} cannot run on this machine: {obstacle}")


def what_hinders(lab: Lab) -> str:
    """Return why this machine cannot run a lab and what would help; empty if it can."""
    if lab.systems and platform.system() not in lab.systems:
        known = " and ".join({"Darwin": "macOS"}.get(name, name) for name in lab.systems)
        return f"it runs on {known} only. Read it in notebooks/labs instead."
    newest = tuple(int(part) for part in lab.newest_python.split(".")) if lab.newest_python else ()
    if newest and sys.version_info[:2] > newest:
        return (
            f"its packages exist for Python up to {lab.newest_python}, and this is Python "
            f"{platform.python_version()}. Set the course up once more, in another folder, with "
            f"Python {lab.newest_python}."
        )
    choices = [program.split("|") for program in lab.programs]
    missing = [" or ".join(names) for names in choices if not any(map(shutil.which, names))]
    if missing:
        return f"it has no {' and no '.join(missing)}. Install that, and start the lab again."
    free = psutil.virtual_memory().available / 1e6
    if free < lab.memory_mb:
        return (
            f"the lab needs {lab.memory_mb} MB of memory, and {free:.0f} MB are free. Close other "
            "programs, shut down the kernels of other notebooks, and start it again."
        )
    return ""


def environment(lab: Lab) -> Environment:
    """Return the environment of a lab, whether it has been made or not."""
    return Environment(
        title=f"The lab {lab.title}",
        folder=ENVIRONMENTS / lab.id,
        group="" if lab.script else f"lab-{lab.id}",
        script=COURSE / lab.script if lab.script else None,
        npm=lab.npm,
        download_mb=lab.download_mb,
        disk_mb=lab.disk_mb,
    )
