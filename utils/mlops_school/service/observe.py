"""What the service tells of itself: a line in the log for each request, and metrics."""

import json
import logging
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Histogram, Info, generate_latest

from mlops_school.forecasts import Flight, Forecast

log = logging.getLogger("mlops_school.service")
log.propagate = False

PATHS = ("/", "/docs", "/forecast", "/health", "/metrics", "/openapi.json")
# The upper ends of the histogram's bars, in seconds; one of them is the limit of requirement R5.
SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class Metrics:
    """Numbers that Prometheus collects; each application has its own.

    A label has few values, and none that a client can invent: each new one would be a new series.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        given = {"registry": self.registry}
        self.requests = Counter(
            "delay_requests", "Requests, by path and status", ["path", "status"], **given
        )
        self.seconds = Histogram(
            "delay_request_seconds", "Time to the answer", ["path"], buckets=SECONDS, **given
        )
        self.forecasts = Counter("delay_forecasts", "Forecasts", ["release"], **given)
        self.warnings = Counter("delay_warnings", "Forecasts that warn", ["release"], **given)
        self.probability = Histogram(
            "delay_probability",
            "Probability of each forecast",
            ["release"],
            buckets=[tenth / 10 for tenth in range(1, 11)],
            **given,
        )
        self.release = Info("delay_release", "The release that serves", **given)
        self.reloads = Counter("delay_reloads", "Packages found", ["outcome"], **given)

    def count(self, forecasts: Sequence[Forecast]) -> None:
        """Count forecasts that were given."""
        for forecast in forecasts:
            self.forecasts.labels(forecast.release).inc()
            self.warnings.labels(forecast.release).inc(forecast.warn)
            self.probability.labels(forecast.release).observe(forecast.probability)

    def text(self) -> bytes:
        """Return all numbers in the text format of Prometheus."""
        return generate_latest(self.registry)


def path_label(path: str) -> str:
    """Return a path if it is one of the service's own, else ``other``."""
    return path if path in PATHS else "other"


def client_name(agent: str) -> str:
    """Return the product that a ``User-Agent`` begins with, such as ``curl/8.5``.

    The rest of it, which may tell one person's browser from another's, is left out.
    """
    found = re.match(r"[\w.-]{1,40}(/[\w.-]{1,20})?", agent, flags=re.ASCII)
    return found[0] if found else "unknown"


def names_only(where: Sequence[str]) -> list[str]:
    """Return which parts of a request were wrong. A name that a client invents may say anything."""
    known = {*Flight.model_fields, "body", "content-type", "method", "path", "service"}
    return sorted({name if name in known else "other" for name in where})


def write(event: str, **facts: object) -> None:
    """Write a line of JSON into the log. Nothing of a request's content belongs into it."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    log.info(json.dumps({"time": now, "event": event, **facts}))
