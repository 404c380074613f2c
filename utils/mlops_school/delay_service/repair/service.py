"""The delay service over HTTP."""

import os

from delays import hour_of, share_late
from fastapi import FastAPI, HTTPException

app = FastAPI(title="Delay service")


@app.get("/health")
def health() -> dict[str, str]:
    return {"status": "ready", "release": os.environ.get("RELEASE", "draft")}


@app.get("/delay")
def delay(departure: str) -> dict[str, float]:
    try:
        hour = hour_of(departure)
    except ValueError:
        raise HTTPException(422, "departure is a time such as 17:05") from None
    return {"probability": share_late(hour)}
