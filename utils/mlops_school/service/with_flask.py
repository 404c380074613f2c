"""Serve a model package with Flask: ``python -m mlops_school.service.with_flask FOLDER``."""

import sys
from pathlib import Path

import flask
import waitress
from pydantic import ValidationError

from mlops_school.forecasts import Flight, Forecaster, what_is_wrong
from mlops_school.model_package import ModelPackage
from mlops_school.servers import given_port


def create_app(package: Path) -> flask.Flask:
    """Return the delay service as a Flask application, with forecasts and health only."""
    forecaster = Forecaster(ModelPackage.load(package))
    app = flask.Flask(__name__)

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ready", "release": forecaster.package.version}

    @app.post("/forecast")
    def forecast() -> dict | tuple[dict, int]:
        try:
            flight = Flight.model_validate_json(flask.request.get_data())
        except ValidationError as error:
            return {"wrong": [what_is_wrong(entry) for entry in error.errors()]}, 422
        return forecaster.forecast([flight])[0].model_dump()

    return app


def main(folder: Path) -> None:
    """Serve the package of a folder until the process is ended, on the port ``PORT``."""
    # Flask itself only says what to answer. Waitress listens, with one thread, as in the others.
    waitress.serve(create_app(folder), host="127.0.0.1", port=given_port(), threads=1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
