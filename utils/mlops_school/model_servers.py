"""Servers that are made for models, with a release of the delay service in them."""

import json
import shutil
import sys
from pathlib import Path

from mlops_school import open_inference
from mlops_school.model_package import ModelPackage
from mlops_school.paths import COURSE
from mlops_school.servers import Server, free_port

# They have so much to import that the next start should find the byte code of this one.
_KEEP_BYTE_CODE = {"PYTHONDONTWRITEBYTECODE": ""}


def add_model(repository: Path, name: str, package: ModelPackage, runtime: str) -> Path:
    """Put a release into a model repository of MLServer, and return its folder.

    Parameters
    ----------
    repository : Path
        A folder. In it, each version of a model has a folder with ``model-settings.json``.
    name : str
        Of the model, in the address of its requests.
    package : ModelPackage
        The release.
    runtime : str
        The class that answers, of ``course/serving/mlserver_runtime.py``.
    """
    folder = repository / f"{name}-{package.version}"
    package.write(folder / "release")
    shutil.copy(COURSE / "serving" / "mlserver_runtime.py", folder)
    settings = {
        "name": name,
        "implementation": f"mlserver_runtime.{runtime}",
        "parameters": {"uri": "./release", "version": package.version, "content_type": "pd"},
        "inputs": [
            # Text comes as bytes over gRPC, and is to be text for the runtime.
            one | ({"parameters": {"content_type": "str"}} if one["datatype"] == "BYTES" else {})
            for one in open_inference.metadata()
        ],
    }
    path = folder / "model-settings.json"
    path.write_text(json.dumps(settings, indent=1), encoding="utf-8")
    return folder


def serve_mlserver(repository: Path) -> tuple[Server, str]:
    """Start ``mlserver start`` on a model repository.

    Returns
    -------
    server : Server
        Ready, with all models of the repository.
    grpc : str
        Where it speaks gRPC, such as ``127.0.0.1:8001``.

    Raises
    ------
    CourseError
        If it does not become ready.
    """
    grpc = free_port()
    settings = {
        "HOST": "127.0.0.1",  # by default, whoever is in the network may ask
        "HTTP_PORT": "{port}",
        "GRPC_PORT": str(grpc),
        "METRICS_PORT": str(free_port()),
        "PARALLEL_WORKERS": "0",  # one process, instead of one more that answers
        "DEBUG": "false",
    }
    variables = {f"MLSERVER_{name}": value for name, value in settings.items()}
    command = [sys.executable, "-c", "from mlserver.cli import main; main()", "start", "."]
    server = Server(command, repository, variables | _KEEP_BYTE_CODE, health="/v2/health/ready")
    return server, f"127.0.0.1:{grpc}"


def serve_kserve(release: Path) -> Server:
    """Start KServe's Python server with a release, and return it when it is ready.

    Parameters
    ----------
    release : Path
        The folder of a model package.

    Raises
    ------
    CourseError
        If it does not become ready.
    """
    program = COURSE / "serving" / "kserve_server.py"
    command = [sys.executable, str(program), str(release)]
    return Server(command, env=_KEEP_BYTE_CODE, health="/v2/health/ready")
