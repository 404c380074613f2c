"""Load tests: many requests to a service over real HTTP, and how long each answer took."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from itertools import count
from typing import Any

import aiohttp
import pandas as pd

TIMEOUT = 10.0  # seconds after which a client gives up on an answer
_COLUMNS = ["due", "seconds", "status"]
NO_ANSWER = 0  # stands for the status of a request that got none


def at_rate(
    address: str, bodies: Sequence[Mapping[str, Any]], per_second: float, seconds: float
) -> pd.DataFrame:
    """Send requests at a steady rate, whether or not earlier ones have been answered.

    That is how the world behaves: clients do not wait for each other. A request counts from the
    moment when it was due, so a service that stands still for a second makes late all that came in
    that second, not one request ("coordinated omission", Tene 2013).

    Parameters
    ----------
    address : str
        Where to send them, by POST.
    bodies : sequence of mapping
        What to send, as JSON; from the first again after the last.
    per_second : float
        Requests a second.
    seconds : float
        For how long.

    Returns
    -------
    DataFrame of shape (n_requests, 3)
        For each request, when it was ``due``, in seconds from the start; the ``seconds`` until its
        answer, or until it was given up; and its ``status``, or ``NO_ANSWER``.
    """

    async def send_all(session: aiohttp.ClientSession, start: float) -> list[tuple]:
        async def send(number: int) -> tuple:
            due = number / per_second
            await asyncio.sleep(start + due - time.perf_counter())
            return await _post(session, address, bodies[number % len(bodies)], start, due)

        return await asyncio.gather(*map(send, range(round(per_second * seconds))))

    return _run(send_all)


def by_clients(
    address: str, bodies: Sequence[Mapping[str, Any]], clients: int, seconds: float
) -> pd.DataFrame:
    """Let some clients send requests, each its next one as soon as the last one is answered.

    That finds out how many requests a second a service can answer.

    Parameters
    ----------
    address, bodies, seconds
        As for :func:`at_rate`.
    clients : int
        How many there are.

    Returns
    -------
    DataFrame
        As of :func:`at_rate`.
    """

    async def send_all(session: aiohttp.ClientSession, start: float) -> list[tuple]:
        async def send(body: Mapping[str, Any], due: float) -> tuple:
            return await _post(session, address, body, start, due)

        return await _take_turns(send, bodies, clients, seconds, start)

    return _run(send_all)


def alone(
    function: Callable[[Any], object], arguments: Sequence[Any], seconds: float
) -> pd.DataFrame:
    """Call a function again and again without any network, for comparison with a service.

    Parameters
    ----------
    function : callable
        What the service does for a request.
    arguments : sequence
        What to call it with; from the first again after the last.
    seconds : float
        For how long.

    Returns
    -------
    DataFrame
        As of :func:`at_rate`.
    """
    start = time.perf_counter()
    answers = []
    while (due := time.perf_counter() - start) < seconds:
        function(arguments[len(answers) % len(arguments)])
        answers.append((due, time.perf_counter() - start - due, 200))
    return pd.DataFrame(answers, columns=_COLUMNS)


def by_grpc_clients(
    address: str, bodies: Sequence[Mapping[str, Any]], clients: int, seconds: float
) -> pd.DataFrame:
    """Do what :func:`by_clients` does, with a service that speaks gRPC.

    Parameters
    ----------
    address : str
        Where it listens, such as ``http://127.0.0.1:8000``, as ``Server.address`` says it.
    bodies, clients, seconds
        As for :func:`at_rate`.

    Returns
    -------
    DataFrame
        As of :func:`at_rate`; the ``status`` is that of HTTP with the same meaning.
    """
    # Here, since they want one version of protobuf, which those who ask over HTTP may not have.
    import grpc

    from mlops_school.service.rpc import delay_pb2, delay_pb2_grpc

    async def main() -> list[tuple]:
        start = time.perf_counter()
        async with grpc.aio.insecure_channel(address.removeprefix("http://")) as channel:
            stub = delay_pb2_grpc.DelayStub(channel)

            async def send(body: Mapping[str, Any], due: float) -> tuple:
                try:
                    await stub.Ask(delay_pb2.Flight(**body), timeout=TIMEOUT)
                    status = 200
                except grpc.aio.AioRpcError as error:
                    refused = error.code() == grpc.StatusCode.INVALID_ARGUMENT
                    status = 422 if refused else NO_ANSWER
                return due, time.perf_counter() - start - due, status

            return await _take_turns(send, bodies, clients, seconds, start)

    return _run_apart(main)


def failed(answers: pd.DataFrame) -> pd.Series:
    """Tell which requests had no answer, or one with a status from 500 on."""
    return (answers["status"] == NO_ANSWER) | (answers["status"] >= 500)


def summarise(answers: pd.DataFrame) -> pd.Series:
    """Return what a load test found.

    Parameters
    ----------
    answers : DataFrame
        Of :func:`at_rate` or :func:`by_clients`.

    Returns
    -------
    Series
        ``requests``; how many of them :func:`failed`; answers ``per_second``; and the percentiles
        ``p50``, ``p95`` and ``p99`` of the time to the answer, in milliseconds.
    """
    without = failed(answers)
    took = (answers["due"] + answers["seconds"]).max()
    percentiles = 1000 * answers["seconds"].quantile([0.50, 0.95, 0.99])
    return pd.Series(
        {
            "requests": len(answers),
            "failed": int(without.sum()),
            "per_second": (~without).sum() / took,
            **dict(zip(["p50", "p95", "p99"], percentiles, strict=True)),
        }
    )


async def _take_turns(
    send: Callable[[Mapping[str, Any], float], Coroutine[Any, Any, tuple]],
    bodies: Sequence[Mapping[str, Any]],
    clients: int,
    seconds: float,
    start: float,
) -> list[tuple]:
    """Let each client send its next request as soon as its last one is answered."""
    numbers = count()

    async def client() -> list[tuple]:
        answers = []
        while (due := time.perf_counter() - start) < seconds:
            answers.append(await send(bodies[next(numbers) % len(bodies)], due))
        return answers

    per_client = await asyncio.gather(*(client() for _ in range(clients)))
    return [answer for answers in per_client for answer in answers]


async def _post(
    session: aiohttp.ClientSession, address: str, body: Mapping[str, Any], start: float, due: float
) -> tuple[float, float, int]:
    try:
        async with session.post(address, json=body) as answer:
            await answer.read()
            status = answer.status
    except (aiohttp.ClientError, TimeoutError):
        status = NO_ANSWER
    return due, time.perf_counter() - start - due, status


def _run(
    send_all: Callable[[aiohttp.ClientSession, float], Coroutine[Any, Any, list[tuple]]],
) -> pd.DataFrame:
    async def main() -> list[tuple]:
        # Without a limit of its own: a queue in the client would hide that of the service.
        connector = aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(total=TIMEOUT)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            return await send_all(session, time.perf_counter())

    return _run_apart(main)


def _run_apart(main: Callable[[], Coroutine[Any, Any, list[tuple]]]) -> pd.DataFrame:
    found: list[list[tuple]] = []
    # In a thread of its own: the notebook's has an event loop already.
    thread = threading.Thread(target=lambda: found.append(asyncio.run(main())))
    thread.start()
    thread.join()
    return pd.DataFrame(found[0], columns=_COLUMNS)
