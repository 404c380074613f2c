"""A JupyterHub on this computer, with which a teacher tries how a class works."""

import os
import re
import secrets
import shutil
import subprocess

from mlops_school.environments import Environment
from mlops_school.errors import CourseError
from mlops_school.paths import COURSE, ROOT, workspace
from mlops_school.servers import free_port

HUB = COURSE / "hub"
PROXY = "configurable-http-proxy"
OLDEST_NODE = 20  # in which that proxy runs


def environment() -> Environment:
    """Return the environment of the hub, whether it has been made or not."""
    return Environment(
        title="The hub",
        folder=ROOT / ".labs" / "hub",
        group="classroom",
        npm=(f"{PROXY}@5.3.0",),
        download_mb=40,
        disk_mb=150,
    )


def start() -> None:
    """Serve a hub on this computer until Ctrl+C; this process becomes the hub.

    Anybody who can reach a port of this computer and knows the password, which is printed, can log
    in under any name. What the names make is kept in the folder ``hub`` of the workspace.

    Raises
    ------
    CourseError
        If this machine cannot run it, or its environment cannot be made.
    """
    require_machine()
    own = environment()
    own.install()
    folder = workspace() / "hub"
    folder.mkdir(exist_ok=True)
    password = secrets.token_urlsafe(9)
    ports = [str(free_port()) for _ in range(3)]
    variables = own.activation() | {
        "SCHOOL_HUB_FOLDER": str(folder),
        "SCHOOL_HUB_PASSWORD": password,
        "SCHOOL_HUB_PORTS": " ".join(ports),
        "SCHOOL_HUB_PROXY": str(own.node_modules / PROXY / "bin" / PROXY),
    }
    print(
        f"In a few seconds, open http://127.0.0.1:{ports[0]}/ and log in with any name (use a "
        f"private window for each further one) and the password {password}\n\n"
        "This hub is for trying, on this computer only: it limits nobody's memory, and keeps "
        "nobody from another's files. For a class, read course/hub/README.md.\n"
        f"What the names make is kept in {folder}.\n"
        "Leave this window open. Ctrl+C here ends the hub and all its servers.",
        flush=True,
    )
    command = [str(own.python), "-m", "jupyterhub", "--log-level=WARN"]
    os.chdir(folder)
    os.execve(
        own.python,
        [*command, f"--config={HUB / 'jupyterhub_config.py'}"],
        os.environ | variables,
    )


def require_machine() -> None:
    """Make sure that this machine can run a hub.

    Raises
    ------
    CourseError
        If it cannot.
    """
    if os.name == "nt":
        raise CourseError(
            "JupyterHub does not run on Windows. Try it in the Windows Subsystem for Linux, or "
            "go on with course/hub/README.md on a Linux server."
        )
    missing = [name for name in ("node", "bash", "git") if not shutil.which(name)]
    if missing:
        raise CourseError(
            f"The hub needs {' and '.join(missing)}, which this machine does not have. Install "
            "that (Node.js brings node), and run the same command again."
        )
    version = subprocess.run(["node", "--version"], capture_output=True, encoding="utf-8").stdout
    if int(re.match(r"v?(\d*)", version)[1] or 0) < OLDEST_NODE:
        raise CourseError(
            f"The hub needs Node.js {OLDEST_NODE} or later, and this machine has {version.strip()}."
            " Install a newer one from https://nodejs.org, and run the same command again."
        )
