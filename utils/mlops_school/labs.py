"""Tool labs: each one runs in an environment of its own, made when it is first started."""

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from mlops_school import launch
from mlops_school.errors import CourseError
from mlops_school.manifest import Lab, find_lab, load_labs
from mlops_school.paths import ROOT

ENVIRONMENTS = ROOT / ".labs"
OWN_UV = ROOT / ".uv"  # where utils/bootstrap.py installs uv if the machine has none
PROGRAMS = "Scripts" if os.name == "nt" else "bin"
# Scripts of packages would run code at installation; what is installed here needs none.
NPM = ("install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix")


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
    if is_active(lab):
        return launch.learn(lab.notebook)
    install(lab)
    # Ctrl+C is meant for JupyterLab; this process waits until it has ended.
    signal.signal(signal.SIGINT, lambda *_: None)
    # With its own record of running servers, it is not taken for the course's JupyterLab.
    own = {"JUPYTER_RUNTIME_DIR": str(environment(lab) / "runtime")}
    school = shutil.which("school", path=str(environment(lab) / PROGRAMS))
    return subprocess.call([school, "lab", lab.id], env=os.environ | activation(lab) | own)


def require(name: str) -> None:
    """Make sure that this notebook runs in the environment of its lab, on a machine that can.

    Raises
    ------
    CourseError
        If it does not.
    """
    lab = find_lab(name)
    require_machine(lab)
    if not is_active(lab):
        raise CourseError(
            "This notebook needs the environment of its lab. Open a terminal (File, New, Terminal) "
            f"and run `school lab {name}`: it opens the notebook in a JupyterLab of its own."
        )


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
    missing = [program for program in lab.programs if not shutil.which(program)]
    if missing:
        return f"it has no {' and no '.join(missing)}. Install that, and start the lab again."
    free = psutil.virtual_memory().available / 1e6
    if free < lab.memory_mb:
        return (
            f"the lab needs {lab.memory_mb} MB of memory, and {free:.0f} MB are free. Close other "
            "programs, shut down the kernels of other notebooks, and start it again."
        )
    return ""


def install(lab: Lab) -> None:
    """Make the environment of a lab as ``uv.lock`` says; silent if it is there already.

    Raises
    ------
    CourseError
        If there is no uv (or npm, where it is needed), no place, or no connection to the internet
        when one is needed.
    """
    command = [
        *(find_uv(), "sync", "--frozen", "--no-dev", "--group", f"lab-{lab.id}"),
        *("--python", sys.executable),
    ]
    variables = os.environ | {
        "UV_PROJECT_ENVIRONMENT": str(environment(lab)),
        # Most packages are the course's, and take no disk a second time. Their byte code would
        # take 300 MB and half a minute; a lab uses little of it, and Python makes that itself.
        "UV_COMPILE_BYTECODE": "0",
    }
    variables.pop("VIRTUAL_ENV", None)  # the course's, which uv would warn of
    checked = subprocess.run(
        [*command, "--check", "--offline"], cwd=ROOT, env=variables, capture_output=True
    )
    commands = [command] if checked.returncode else []
    if not _has_npm_programs(lab):
        commands.append([_find_npm(), *NPM, str(environment(lab)), *lab.npm])
    if not commands:
        return
    _require_place(lab)
    print(
        f"The lab {lab.title} gets an environment of its own. About {lab.download_mb} MB are "
        "downloaded, and also the packages of the course if uv has not kept them. This takes "
        "minutes, and only once ...",
        flush=True,
    )
    if any(subprocess.call(command, cwd=ROOT, env=variables) for command in commands):
        raise CourseError(
            "The lab's packages could not be installed; the reason is above. Check that this "
            "machine is connected to the internet and has free disk space, then run the same "
            "command again: what has been downloaded is kept."
        )


def environment(lab: Lab) -> Path:
    """Return the folder of a lab's environment."""
    return ENVIRONMENTS / lab.id


def python(lab: Lab) -> Path:
    """Return the Python of a lab's environment."""
    return environment(lab) / PROGRAMS / ("python.exe" if os.name == "nt" else "python")


def npm_folder(lab: Lab) -> Path:
    """Return the folder into which npm has installed the programs of a lab."""
    return environment(lab) / "node_modules"


def is_active(lab: Lab) -> bool:
    """Tell whether this process runs in the environment of a lab."""
    return Path(sys.prefix).resolve() == environment(lab).resolve()


def activation(lab: Lab) -> dict[str, str]:
    """Return the environment variables with which programs of a lab's environment are found."""
    programs = str(environment(lab) / PROGRAMS)
    return {
        "PATH": os.pathsep.join([programs, os.environ.get("PATH", "")]),
        "VIRTUAL_ENV": str(environment(lab)),
    }


def find_uv() -> str:
    """Return the path of uv: the one that started the course, its own, or the machine's.

    Raises
    ------
    CourseError
        If there is none.
    """
    uv = (
        shutil.which(os.environ.get("UV", ""))
        or shutil.which("uv", path=str(OWN_UV / PROGRAMS))
        or shutil.which("uv")
    )
    if not uv:
        raise CourseError(
            "A lab needs the program uv, which this machine does not have. Install it with "
            "`pip install uv`, and run the same command again."
        )
    return uv


def _has_npm_programs(lab: Lab) -> bool:
    """Tell whether npm has installed what the manifest says, and come to its end."""
    try:
        # npm writes this file last.
        text = (npm_folder(lab) / ".package-lock.json").read_text(encoding="utf-8")
        packages = json.loads(text)["packages"]
    except (OSError, ValueError, KeyError):
        packages = {}
    wanted = (program.rpartition("@") for program in lab.npm)
    return all(
        packages.get(f"node_modules/{name}", {}).get("version") == version
        for name, _, version in wanted
    )


def _find_npm() -> str:
    npm = shutil.which("npm")
    if not npm:
        raise CourseError(
            "This lab needs the program npm, which this machine does not have. Install Node.js, "
            "which brings it, and run the same command again."
        )
    return npm


def _require_place(lab: Lab) -> None:
    """Raise unless the environment can be made where it belongs."""
    try:
        ENVIRONMENTS.mkdir(exist_ok=True)
        free = shutil.disk_usage(ENVIRONMENTS).free
    except OSError:
        raise CourseError(
            f"The folder {ENVIRONMENTS} cannot be made. Copy the course to a folder of your own, "
            "and start the lab there."
        ) from None
    if free < lab.disk_mb * 1e6:
        raise CourseError(
            f"The lab needs {lab.disk_mb} MB of disk, and {free / 1e6:.0f} MB are free in "
            f"{ENVIRONMENTS}. Make room there, and run the same command again."
        )
