"""The delay service as a FastAPI application."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.resources import files
from pathlib import Path

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse, PlainTextResponse
from fastapi_offline import FastAPIOffline
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from pydantic import BaseModel

from mlops_school.forecasts import Flight, Forecast
from mlops_school.service import observe, refusals
from mlops_school.service.guard import Guard
from mlops_school.service.releases import Releases

RELOAD_SECONDS = 0.5  # how often the folder is looked at
MAXIMUM_WAITING = 32  # requests; who comes then would wait for long, and is told so at once


class Health(BaseModel):
    """How the service is (requirement R12).

    Attributes
    ----------
    status : str
        ``ready``.
    release : str
        The release that serves.
    refused : str
        Why a newer package was not taken; empty if all is well.
    """

    status: str
    release: str
    refused: str


def create_app(package: Path) -> FastAPI:
    """Return the application that serves a model package.

    While it runs, it takes another package as soon as that is in the folder and works.

    Parameters
    ----------
    package : Path
        The folder of the package, or one with a pointer to it: see
        :class:`~mlops_school.service.releases.Releases`.

    Raises
    ------
    CourseError
        If it cannot be loaded.
    """
    releases, metrics = Releases(package), observe.Metrics()
    metrics.release.info({"release": releases.version})
    # A forecast keeps a processor busy: more threads would cost memory, and save no time.
    one_at_a_time = CapacityLimiter(1)
    waiting = 0

    def refresh() -> None:
        if releases.refresh():
            outcome = "refused" if releases.refused else "taken"
            metrics.reloads.labels(outcome).inc()
            metrics.release.info({"release": releases.version})
            observe.write("reload", release=releases.version, refused=releases.refused)

    async def watch() -> None:
        while True:
            await asyncio.sleep(RELOAD_SECONDS)
            await run_sync(refresh)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(watch())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    app = FastAPIOffline(
        title="Delay service",
        description="Will a flight from New York arrive 15 or more minutes late?",
        version="1.0",  # of this interface; the release of the model may change meanwhile
        redoc_url=None,
        redirect_slashes=False,  # a path with a slash too many is a wrong path
        lifespan=lifespan,
    )
    app.add_middleware(Guard, metrics=metrics, release=lambda: releases.version)
    refusals.install(app)
    page = files(__package__).joinpath("page.html").read_text(encoding="utf-8")

    @app.get("/", include_in_schema=False)
    async def ask() -> HTMLResponse:
        return HTMLResponse(page)

    @app.get("/health")
    async def health() -> Health:
        """Say that the service is ready, and which release it is."""
        return Health(status="ready", release=releases.version, refused=releases.refused)

    @app.get("/metrics", response_class=PlainTextResponse)
    async def numbers() -> PlainTextResponse:
        """Give the numbers that Prometheus collects."""
        return PlainTextResponse(metrics.text(), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    @app.post("/forecast", responses=refusals.RESPONSES, dependencies=[Depends(_declared_as_json)])
    async def forecast(flight: Flight) -> Forecast:
        """Say how probable it is that a flight arrives 15 or more minutes late."""
        nonlocal waiting
        if waiting >= MAXIMUM_WAITING:
            raise HTTPException(503, headers={"Retry-After": "1"})
        waiting += 1
        try:
            found = await run_sync(releases.forecast, [flight], limiter=one_at_a_time)
        finally:
            waiting -= 1
        metrics.count(found)
        return found[0]

    return app


async def _declared_as_json(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPException(415)
