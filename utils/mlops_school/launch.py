"""Open JupyterLab on a page of the course, and MLflow's pages on its runs."""

import os
import secrets
import subprocess
import sys
import webbrowser
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any
from urllib.parse import urlencode

from mlops_school import start_page
from mlops_school.errors import CourseError
from mlops_school.paths import ROOT, workspace
from mlops_school.servers import free_port, opener

# Settings of JupyterLab, in the form of its own configuration files; Binder uses the same.
SETTINGS = Path(__file__).with_name("jupyter")


def learn(notebook: Path | None = None) -> int:
    """Open JupyterLab for the course and return its exit status when it is shut down.

    If one is running for the course already, that one is opened and nothing is started. On a
    machine without a display nothing is opened; the address is printed in either case.

    Parameters
    ----------
    notebook : Path, optional
        The notebook to open; by default the start page.

    Raises
    ------
    CourseError
        If JupyterLab is not installed, or has no folder to write to.
    """
    paths = filter(None, (str(SETTINGS), os.environ.get("JUPYTER_CONFIG_PATH")))
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(paths)
    # The kernel "python3" is this environment's, whatever else the learner has installed.
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    try:
        from jupyter_core.paths import jupyter_runtime_dir
        from jupyter_server.serverapp import list_running_servers
        from jupyterlab.labapp import LabApp
    except ImportError:
        raise CourseError(
            f"JupyterLab is not installed for {sys.executable}. Start the course with `make learn` "
            "or `python utils/bootstrap.py learn`, which install it."
        ) from None
    _require_writable(Path(jupyter_runtime_dir()))

    page = (notebook or start_page.to_open()).relative_to(ROOT).as_posix()
    opens = has_display()
    for server in list_running_servers():
        if Path(server["root_dir"]).resolve() == ROOT and _answers(server):
            address = _address(server, page)
            print(f"The course is running already. Its address is:\n\n    {address}\n")
            if opens:
                webbrowser.open(address)
            return 0

    server = LabApp.initialize_server(
        [
            f"--ServerApp.root_dir={ROOT}",
            f"--LabApp.default_url=/lab/tree/{page}",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.open_browser={opens}",
            f"--IdentityProvider.token={secrets.token_hex(24)}",
            "--Application.log_level=ERROR",
        ]
    )
    print(
        f"{'The course opens in your browser. If it does not, open' if opens else 'Open'} "
        f"this address:\n\n    {_address(server.server_info(), page)}\n\n"
        "Leave this window open while you work. Ctrl+C here ends JupyterLab.",
        flush=True,
    )
    server.start()
    return 0


def browse_runs() -> int:
    """Serve MLflow's own pages on the runs of the workspace, until Ctrl+C.

    Raises
    ------
    CourseError
        If no run has been recorded yet.
    """
    database = workspace() / "mlflow" / "mlflow.db"
    if not database.exists():
        raise CourseError("No run has been recorded yet. Lesson 09 records the first ones.")
    port = free_port()
    address = f"http://127.0.0.1:{port}/newest"
    print(f"In about 10 seconds, open {address} in your browser. Ctrl+C here ends it.", flush=True)
    return subprocess.call([sys.executable, "-m", "mlops_school.tiles", "mlflow", str(port)])


def has_display() -> bool:
    """Tell whether a browser opened from here would be seen by the learner."""
    if os.environ.get("CI") or os.environ.get("SSH_CONNECTION"):
        return False
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _address(server: dict[str, Any], page: str) -> str:
    """Return the address of a page on a server."""
    return f"{server['url']}lab/tree/{page}?{urlencode({'token': server['token']})}"


def _answers(server: dict[str, Any]) -> bool:
    """Tell whether a server answers: its process id may have passed to another program."""
    try:
        with opener.open(f"{server['url']}api", timeout=5):
            return True
    except (OSError, HTTPException):
        return False


def _require_writable(folder: Path) -> None:
    """Raise unless Jupyter can keep its record of running servers in this folder."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError:
        raise CourseError(
            f"Jupyter cannot write to the folder {folder}. Set the environment variable "
            "JUPYTER_RUNTIME_DIR to a folder of your own, and start again."
        ) from None
