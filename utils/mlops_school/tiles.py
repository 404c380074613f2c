"""Tiles of JupyterLab's launcher: MLflow's pages on the learner's runs, and the delay service.

jupyter-server-proxy finds the functions :func:`mlflow` and :func:`delay_service` by this package's
entry points, starts their commands when a tile is clicked, and passes requests on to them, so that
they can be reached wherever JupyterLab can: on this computer, on a hub, on Binder.
"""

import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

_START_SECONDS = 120  # a slow laptop imports MLflow for a minute


def mlflow() -> dict[str, Any]:
    """Return what jupyter-server-proxy must know to show MLflow's pages."""
    # MLflow answers only requests that name it as their host and come from its own pages. Those
    # that reach it have passed Jupyter's token.
    own = {"Host": "127.0.0.1:{port}", "Origin": "http://127.0.0.1:{port}"}
    return _tile("mlflow", "MLflow runs", page="newest") | {"request_headers_override": own}


def delay_service() -> dict[str, Any]:
    """Return what jupyter-server-proxy must know to show the pages of the delay service."""
    return _tile("delay-service", "Delay service", page="docs")


def serve_runs(port: int) -> None:
    """Serve MLflow's pages on the runs of the workspace until this process ends.

    ``mlflow server`` would do the same in two processes and with twice the memory.

    Parameters
    ----------
    port : int
        A free port of 127.0.0.1.

    Raises
    ------
    CourseError
        As :func:`mlops_school.tracking.connect` does.
    """
    os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"  # that is a dozen processes
    import uvicorn
    from mlflow import MlflowClient, get_tracking_uri, server
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import RedirectResponse
    from starlette.routing import Mount, Route

    from mlops_school import tracking

    folder = tracking.connect()
    store = os.environ[server.BACKEND_STORE_URI_ENV_VAR] = get_tracking_uri()
    os.environ[server.ARTIFACT_ROOT_ENV_VAR] = (folder / "artifacts").as_uri()
    from mlflow.server.fastapi_app import app  # reads those variables

    def newest(request: Request) -> RedirectResponse:
        """Go to the newest run's experiment; MLflow would open its pages for language models."""
        client = MlflowClient(store)
        experiments = [found.experiment_id for found in client.search_experiments()]
        runs = client.search_runs(experiments, order_by=["start_time DESC"], max_results=1)
        newest = runs[0].info.experiment_id if runs else experiments[-1]
        return RedirectResponse(f"./#/experiments/{newest}/runs?workflowType=machine_learning")

    pages = Starlette(routes=[Route("/newest", newest), Mount("/", app)])
    uvicorn.run(pages, host="127.0.0.1", port=port, log_level="warning")


def serve_forecasts(port: int) -> None:
    """Serve release 1 of the delay service until this process ends.

    Parameters
    ----------
    port : int
        A free port of 127.0.0.1.

    Raises
    ------
    CourseError
        If the workspace cannot be written to.
    """
    from mlops_school import champion
    from mlops_school.service import __main__ as service

    service.main(champion.folder(), port)


def _tile(name: str, title: str, page: str) -> dict[str, Any]:
    icon = Path(__file__).with_name("jupyter") / "icons" / f"{name}.svg"
    return {
        "command": [sys.executable, "-m", "mlops_school.tiles", name, "{port}"],
        "timeout": _START_SECONDS,
        "launcher_entry": {
            "title": title,
            "icon_path": str(icon),
            "path_info": f"{name}/{page}",
            "category": "Other",
        },
    }


def _end_with(parent: int) -> None:
    """End this process when its parent has ended, even if that was killed and could say nothing."""
    import psutil

    while os.getppid() == parent and psutil.pid_exists(parent):  # on Windows, only the second tells
        time.sleep(1)
    os._exit(0)


def main(name: str, port: int) -> int:
    """Serve what a tile opens, and return the exit status.

    Parameters
    ----------
    name : str
        ``mlflow`` or ``delay-service``.
    port : int
        A free port of 127.0.0.1.
    """
    from mlops_school.errors import CourseError

    threading.Thread(target=_end_with, args=[os.getppid()], daemon=True).start()
    try:
        {"mlflow": serve_runs, "delay-service": serve_forecasts}[name](port)
    except CourseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
