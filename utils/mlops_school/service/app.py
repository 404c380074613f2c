"""The delay service as a FastAPI application."""

from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from mlops_school.forecasts import Flight, Forecast, Forecaster
from mlops_school.model_package import ModelPackage


def create_app(package: Path) -> FastAPI:
    """Return the application that serves a model package.

    Parameters
    ----------
    package : Path
        The folder of the package.

    Raises
    ------
    CourseError
        If it cannot be loaded.
    """
    forecaster = Forecaster(ModelPackage.load(package))
    app = FastAPI(title="Delay service", version=forecaster.package.version)

    @app.get("/health")
    def health() -> dict[str, str]:
        """Say that the service is ready, and which release it is (requirement R12)."""
        return {"status": "ready", "release": forecaster.package.version}

    @app.post("/forecast")
    def forecast(flight: Flight) -> Forecast:
        """Say how probable it is that a flight arrives 15 or more minutes late."""
        return forecaster.forecast([flight])[0]

    @app.exception_handler(RequestValidationError)
    def refuse(request: Request, error: RequestValidationError) -> JSONResponse:
        """Name each thing that is wrong with a request (requirement R6)."""
        wrong = [
            {"where": ".".join(map(str, entry["loc"])), "what": entry["msg"]}
            for entry in error.errors()
        ]
        return JSONResponse({"wrong": wrong}, status_code=422)

    return app
