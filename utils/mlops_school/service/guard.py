"""What every request passes on its way in, and every answer on its way out."""

import asyncio
import re
import time
from collections.abc import Callable
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mlops_school.service import observe
from mlops_school.service.refusals import refusal

MAXIMUM_BYTES = 10_000  # of a body; a flight takes some 150
BODY_SECONDS = 5.0  # how long a client may take to send one
GONE = 499  # the client went away before it had sent its request

# How a proxy tells below which path it serves us. It becomes part of pages, so it must be a path.
_PREFIX = re.compile(r"(/[\w.@~%+-]+)+", flags=re.ASCII)
_REQUEST_ID = re.compile(r"[\w-]{1,64}", flags=re.ASCII)


class Guard:
    """Limits what comes in, and counts and logs what goes out.

    It sees a request once its headers are complete. To shut out clients that open connections and
    send nothing is left to the proxy in front.

    Parameters
    ----------
    app : ASGI application
        Who answers.
    metrics : Metrics
        Where requests are counted.
    release : callable
        Returns the release in service.
    """

    def __init__(self, app: ASGIApp, metrics: observe.Metrics, release: Callable[[], str]) -> None:
        self._app, self._metrics, self._release = app, metrics, release

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        headers, path, status = Headers(scope=scope), scope["path"], 500
        given = headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid4().hex

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        wrong: list[str] = []  # whoever refuses it says there what it was
        scope["state"] = {**scope.get("state", {}), "wrong": wrong}
        try:
            body = await _read(headers, receive)
            if isinstance(body, bytes):
                await self._app(_below_prefix(scope, headers), _again(body, receive), answer)
            elif body == GONE:
                status = GONE
            else:
                wrong.append("body")
                what = {408: "did not come in time", 413: f"has over {MAXIMUM_BYTES:,} bytes"}
                await refusal(body, "body", what[body])(scope, receive, answer)
        finally:
            seconds = time.perf_counter() - start
            label = observe.path_label(path)
            self._metrics.requests.labels(label, status).inc()
            self._metrics.seconds.labels(label).observe(seconds)
            observe.write(
                "request",
                request_id=request_id,
                client=observe.client_name(headers.get("user-agent", "")),
                method=scope["method"],
                path=label,
                status=status,
                wrong=observe.names_only(wrong),
                milliseconds=round(1000 * seconds, 1),
                release=self._release(),
            )


async def _read(headers: Headers, receive: Receive) -> bytes | int:
    """Return the body of a request, or the status with which it is refused."""
    length = headers.get("content-length", "0")
    if length.isdecimal() and int(length[:20]) > MAXIMUM_BYTES:
        return 413  # before a byte of it is read
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return GONE
                body += message.get("body", b"")
                if len(body) > MAXIMUM_BYTES:
                    return 413
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        return 408


def _again(body: bytes, receive: Receive) -> Receive:
    """Return a channel that gives a body that was read already, then what comes after it."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return receive_again


def _below_prefix(scope: Scope, headers: Headers) -> Scope:
    """Add the path below which a proxy serves us, such as ``/proxy/8000``, for links in pages."""
    prefix = headers.get("x-forwarded-prefix", headers.get("x-proxycontextpath", "")).rstrip("/")
    if _PREFIX.fullmatch(prefix):
        return {**scope, "root_path": prefix, "path": prefix + scope["path"]}
    return scope
