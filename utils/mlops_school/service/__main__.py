"""Serve a model package: ``python -m mlops_school.service FOLDER``, on the port ``PORT``."""

import logging
import sys
from pathlib import Path

import uvicorn

from mlops_school.errors import CourseError
from mlops_school.servers import given_port
from mlops_school.service.app import create_app
from mlops_school.service.observe import log


def main(folder: Path, port: int) -> None:
    """Serve the package of a folder until the process is ended."""
    log.addHandler(logging.StreamHandler(sys.stdout))
    log.setLevel(logging.INFO)
    uvicorn.run(
        create_app(folder),
        host="127.0.0.1",
        port=port,
        log_level="warning",  # what it would say of each request is in our own log
    )


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), given_port())
    except CourseError as problem:
        sys.exit(str(problem))
