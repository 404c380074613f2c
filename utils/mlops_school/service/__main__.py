"""Serve a model package: ``python -m mlops_school.service FOLDER``, on the port ``PORT``."""

import os
import sys
from pathlib import Path

import uvicorn

from mlops_school.service.app import create_app

uvicorn.run(
    create_app(Path(sys.argv[1])),
    host="127.0.0.1",
    port=int(os.environ.get("PORT", "8000")),
    log_level="warning",
)
