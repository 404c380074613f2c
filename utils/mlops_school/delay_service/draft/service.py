"""The delay service over HTTP."""

import os

from delays import hour_of, share_late
from fastapi import FastAPI

app = FastAPI(title="Delay service")


@app.get("/health")
def health() -> dict[str, str]:
    return {"status": "ready", "release": os.environ.get("RELEASE", "draft")}


@app.get("/delay")
def delay(departure: str) -> dict[str, float]:
    return {"probability": share_late(hour_of(departure))}
