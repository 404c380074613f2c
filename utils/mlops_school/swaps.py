"""Changing from one release to another while requests come in."""

import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from mlops_school import data, load
from mlops_school.forecasts import as_requests
from mlops_school.gateway import Count, Gateway
from mlops_school.process import load_requirements
from mlops_school.servers import Server

Judge = Callable[[Count, Count], str]

LOOK_SECONDS = 0.1  # between two looks at a canary
ENOUGH = 20  # answers of a canary before anyone asks how quick it is
# Requirement R5 allows 5 percent. An automatic rule needs a limit that noise does not reach.
TOO_SLOW = 0.5
_REFUSED = load_requirements()["R6"].limits


def under_load(
    gateway: Gateway,
    bodies: Sequence[Mapping[str, Any]],
    action: Callable[[], Any] = lambda: None,
    per_second: float = 8,
    seconds: float = 3.0,
) -> pd.DataFrame:
    """Do something half a second after requests have begun to come in, steadily.

    Parameters
    ----------
    gateway : Gateway
        That gets the requests.
    bodies : sequence of mapping
        What they ask.
    action : callable
        What is done. Requests come in until it has ended, too, if it takes longer.
    per_second, seconds : float
        Requests a second, and for how long at least.

    Returns
    -------
    DataFrame
        As of :func:`mlops_school.load.at_rate`.
    """
    address = f"{gateway.address}/forecast"
    rounds: list[pd.DataFrame] = []
    done = threading.Event()

    def send() -> None:
        rounds.append(load.at_rate(address, bodies, per_second, seconds))
        while not done.is_set():
            rounds.append(load.at_rate(address, bodies, per_second, 0.5))

    sender = threading.Thread(target=send)
    sender.start()
    try:
        time.sleep(0.5)
        action()
    finally:
        done.set()
        sender.join()
    return pd.concat(rounds, ignore_index=True)


def lost(answers: pd.DataFrame) -> int:
    """Return how many requests got no answer from a release (requirement R11)."""
    return int(load.summarise(answers)["failed"])


def breaks_a_promise(stable: Count, candidate: Count) -> str:
    """Return which requirement a candidate breaks that can be seen at once; empty if none."""
    if candidate.failed:
        return f"R6: a request got a status above {_REFUSED['refused_to']}, or none"
    slow, slow_stable = (one.slow / max(one.answered, 1) for one in (candidate, stable))
    if candidate.answered >= ENOUGH and slow > TOO_SLOW >= slow_stable:
        return "R5: most answers take too long"
    return ""


def warns_otherwise(needed: int, margin: float) -> Judge:
    """Return a rule: after some answers, the share of warnings must be about that of the other.

    Parameters
    ----------
    needed : int
        Answers of the candidate.
    margin : float
        By how much the shares may differ.
    """

    def judge(stable: Count, candidate: Count) -> str:
        if min(candidate.answered, stable.answered) < needed:
            return ""
        gap = candidate.warned / candidate.answered - stable.warned / stable.answered
        return f"it warns far too {'often' if gap > 0 else 'seldom'}" if abs(gap) > margin else ""

    return judge


def watch(gateway: Gateway, candidate: str, rules: Sequence[Judge], seconds: float) -> str:
    """Watch a canary, and roll it back as soon as a rule is broken.

    Parameters
    ----------
    gateway : Gateway
        Its table says which release is the stable one.
    candidate : str
        The canary. What it has done before does not count.
    rules : sequence of callable
        Each gets what the stable release and the candidate have done since the beginning, and
        returns why to roll back, or an empty text.
    seconds : float
        For how long it is watched, at most.

    Returns
    -------
    str
        Why it was rolled back; empty if it was not.
    """
    stable = gateway.table.live
    before = gateway.counts(stable), gateway.counts(candidate)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        now = gateway.counts(stable), gateway.counts(candidate)
        since = [new.minus(old) for new, old in zip(now, before, strict=True)]
        for rule in rules:
            if reason := rule(*since):
                gateway.route(canary=None, share=0.0)
                return reason
        time.sleep(LOOK_SECONDS)
    return ""


def try_canary(
    gateway: Gateway,
    candidate: str,
    share: float,
    rules: Sequence[Judge],
    bodies: Sequence[Mapping[str, Any]],
    seconds: float,
    per_second: float = 8,
) -> str:
    """Let a candidate answer a share of the flights under traffic, and watch it.

    Parameters
    ----------
    gateway, candidate, rules, seconds
        As for :func:`watch`.
    share : float
        Of the flights, from 0 to 1.
    bodies : sequence of mapping
        What clients ask.
    per_second : float
        How often they ask.

    Returns
    -------
    str
        As of :func:`watch`.
    """
    reasons: list[str] = []
    gateway.route(canary=candidate, share=share)
    look = partial(watch, gateway, candidate, rules, seconds)
    under_load(gateway, bodies, lambda: reasons.append(look()), per_second, seconds=1)
    return reasons[0]


def start(folders: Mapping[str, Path]) -> dict[str, Server]:
    """Start the service for some model packages, all at once.

    Parameters
    ----------
    folders : mapping of str to Path
        The folder of each release.

    Returns
    -------
    dict of str to Server
        The servers, which are healthy, by release.
    """
    command = [sys.executable, "-m", "mlops_school.service"]
    with ThreadPoolExecutor() as pool:
        servers = pool.map(lambda folder: Server([*command, str(folder)]), folders.values())
        return dict(zip(folders, servers, strict=True))


def afternoon(month: int, day: int, n: int = 60) -> list[dict[str, Any]]:
    """Return what clients ask about some flights that leave in the afternoon of a day.

    Returns
    -------
    list of dict
        The bodies of `n` requests, drawn at random, always the same.
    """
    flights = data.load_flights([month])
    flights = flights[(flights["day"] == day) & (flights["hour"] >= 14)].sample(n, random_state=0)
    return as_requests(flights)
