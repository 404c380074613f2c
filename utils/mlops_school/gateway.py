"""A gateway in front of the service: it decides which release answers, and can be told otherwise.

It is a small stand-in for what an ingress controller or a service mesh does. Clients know one
address; behind it, releases come and go. ``python -m mlops_school.gateway`` runs it, on the port
``PORT``; :class:`Gateway` starts it and talks to it.

Its own pages, below ``/gateway``, lie on the port of the clients, which is fine on one computer.
Elsewhere they belong on a port that clients cannot reach.
"""

import asyncio
import hashlib
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.request import Request

import aiohttp
from aiohttp import web

from mlops_school.errors import CourseError
from mlops_school.servers import Server, given_port, opener

BACKEND_SECONDS = 10  # that a release may take for an answer
SHADOW_SECONDS = 2  # the same for a shadow, which nobody waits for
SHADOW_OPEN = 8  # requests to a shadow at a time; when it is slow, others are not mirrored
FAST_SECONDS = 0.2  # requirement R5
_PASSED = ("Content-Type", "Accept")  # headers of a request that a release gets to see
# How long a connection to a release is kept for the next request. Shorter than the release keeps it
# (uvicorn: 5 seconds), or a request would now and then meet one that is just being closed.
KEEP_SECONDS = 2
NO_RELEASE = 502  # the status that a client gets if the release gives no answer


@dataclass
class Table:
    """Which release answers.

    Attributes
    ----------
    releases : dict of str to str
        The address of each release.
    live : str
        The release that answers.
    canary : str, optional
        A release that answers a share of the flights in its place.
    share : float
        That share, from 0 to 1.
    shadow : str, optional
        A release that gets a copy of each request, and whose answers nobody gets.
    """

    releases: dict[str, str] = field(default_factory=dict)
    live: str = ""
    canary: str | None = None
    share: float = 0.0
    shadow: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise CourseError(f"A share is a number from 0 to 1; {self.share} is not.")
        for name in (self.live, self.canary, self.shadow):
            if name is not None and name not in self.releases:
                raise CourseError(f"Release {name!r} has no address; {list(self.releases)} have.")

    def choose(self, body: bytes) -> str:
        """Return the release that answers a request."""
        return self.canary if self.canary and bucket(body) < self.share else self.live


def bucket(body: bytes) -> float:
    """Return a number from 0 to 1 that is always the same for the same flight.

    It is made from a hash, so that it has nothing to do with what is in the request, and does not
    change from one Python to the next, as ``hash`` does.
    """
    with suppress(ValueError):  # whatever it is, some release will refuse it
        body = json.dumps(json.loads(body), sort_keys=True).encode()
    return int.from_bytes(hashlib.sha256(body).digest()[:6], "big") / 2**48


@dataclass
class Count:
    """What a release has done so far: requests, and how many of them were of a kind."""

    open: int = 0  # not answered yet
    answered: int = 0
    failed: int = 0  # no answer, or a status from 500 on
    slow: int = 0  # slower than requirement R5 wants
    warned: int = 0
    compared: int = 0  # as a shadow, with the answer that the client got
    differ: int = 0  # of these, with another answer to the question whether to warn

    def minus(self, before: "Count") -> "Count":
        """Return what has come since an earlier count."""
        now, then = asdict(self), asdict(before)
        return Count(**{name: now[name] - then[name] for name in now})


class Proxy:
    """The application: it passes requests on, counts, and can be given another table."""

    def __init__(self) -> None:
        self.table = Table({"": ""})
        self.counts: dict[str, Count] = {}
        self._mirrored: set[asyncio.Task[None]] = set()

    def app(self) -> web.Application:
        """Return the application for a web server."""
        app = web.Application()
        app.cleanup_ctx.append(self._connect)
        app.router.add_get("/gateway/health", self._health)
        app.router.add_get("/gateway/counts", self._show_counts)
        app.router.add_put("/gateway/table", self._replace_table)
        app.router.add_route("*", "/{path:.*}", self._pass_on)
        return app

    async def _connect(self, app: web.Application) -> AsyncIterator[None]:
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_SECONDS)
        async with aiohttp.ClientSession(connector=connector) as self._session:
            yield

    async def _health(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "ready"})

    async def _show_counts(self, request: web.Request) -> web.Response:
        return web.json_response({name: asdict(count) for name, count in self.counts.items()})

    async def _replace_table(self, request: web.Request) -> web.Response:
        # One assignment: a request sees the old table or the new one, never a mixture.
        self.table = Table(**await request.json())
        return web.json_response({})

    async def _pass_on(self, request: web.Request) -> web.Response:
        body = await request.read()
        table = self.table
        name = table.choose(body)
        status, answer, kind = await self._ask(table, name, request, body, BACKEND_SECONDS)
        if table.shadow:
            self._mirror(table, request, body, answer)
        return web.Response(body=answer, status=status, headers={"Content-Type": kind})

    async def _ask(
        self, table: Table, name: str, request: web.Request, body: bytes, seconds: float
    ) -> tuple[int, bytes, str]:
        """Return a release's answer: its status, its bytes and their kind; and count it."""
        count = self.counts.setdefault(name, Count())
        count.open += 1
        start = time.perf_counter()
        try:
            async with self._session.request(
                request.method,
                table.releases[name] + request.path_qs,
                data=body,
                headers={
                    name: request.headers[name] for name in _PASSED if name in request.headers
                },
                timeout=aiohttp.ClientTimeout(total=seconds),
            ) as response:
                answer = await response.read()
                found = response.status, answer, response.headers.get("Content-Type", "")
        except (aiohttp.ClientError, TimeoutError):
            found = NO_RELEASE, b'{"wrong": "the release gives no answer"}', "application/json"
        finally:
            count.open -= 1
        count.answered += 1
        count.failed += found[0] >= 500
        count.slow += time.perf_counter() - start > FAST_SECONDS
        count.warned += _warns(found[1]) is True
        return found

    def _mirror(self, table: Table, request: web.Request, body: bytes, answer: bytes) -> None:
        """Ask the shadow, too, and compare, after the client has its answer."""
        if len(self._mirrored) >= SHADOW_OPEN:
            return

        async def compare() -> None:
            _, other, _ = await self._ask(table, table.shadow, request, body, SHADOW_SECONDS)
            count = self.counts[table.shadow]
            count.compared += 1
            count.differ += _warns(other) != _warns(answer)

        task = asyncio.create_task(compare())
        self._mirrored.add(task)  # asyncio itself would forget it
        task.add_done_callback(self._mirrored.discard)


class Gateway(Server):
    """The gateway in a process of its own, with a table that can be changed while it runs.

    Parameters
    ----------
    **table
        As of :class:`Table`.
    """

    def __init__(self, **table: Any) -> None:
        self.table = Table(**table)
        super().__init__([sys.executable, "-m", __name__], health="/gateway/health")
        self.route()

    def route(self, **changes: Any) -> None:
        """Change some entries of the table; from the next request on, it is as they say.

        Raises
        ------
        CourseError
            If a release has no address, or a share is none.
        """
        self.table = Table(**asdict(self.table) | changes)
        content = json.dumps(asdict(self.table)).encode()
        address = f"{self.address}/gateway/table"
        headers = {"Content-Type": "application/json"}
        with opener.open(Request(address, content, headers, method="PUT"), timeout=10):
            pass

    def counts(self, release: str) -> Count:
        """Return what a release has done so far."""
        with opener.open(f"{self.address}/gateway/counts", timeout=10) as answer:
            return Count(**json.load(answer).get(release, {}))

    def drain(self, release: str, seconds: float = BACKEND_SECONDS) -> None:
        """Wait until a release has answered all that it was asked.

        Raises
        ------
        CourseError
            If it still has not after some seconds.
        """
        deadline = time.monotonic() + seconds
        while self.counts(release).open:
            if time.monotonic() > deadline:
                raise CourseError(f"Release {release} still has requests after {seconds} seconds.")
            time.sleep(0.05)


def _warns(answer: bytes) -> bool | None:
    """Return whether an answer warns; None if it is no forecast."""
    try:
        return json.loads(answer).get("warn")
    except (ValueError, AttributeError):
        return None


if __name__ == "__main__":
    web.run_app(Proxy().app(), host="127.0.0.1", port=given_port(), print=None)
