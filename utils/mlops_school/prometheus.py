"""Collecting metrics and looking at alert rules: Prometheus, or what stands in for it.

:func:`watch` starts the real Prometheus where it is installed, and else a small stand-in, which
asks the same addresses and works out the same expressions.
"""

import json
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import pandas as pd
import yaml
from prometheus_client.parser import text_string_to_metric_families

from mlops_school import alerting, promql, servers
from mlops_school.alerting import Alarms, Alert
from mlops_school.errors import CourseError
from mlops_school.promql_series import NAME, Labels, Series, Vector, labels_of
from mlops_school.servers import Server

PROGRAM = "prometheus"
EVERY = 0.5  # seconds between two looks; in companies, some 15 to 60
PATIENCE = 30.0  # seconds, for what should be seen at the next look
DOWN_AFTER = 2.0  # seconds in which a service that is only slow, on a busy computer, answers again


class Watch:
    """What asks services for their metrics, keeps them, and looks at alert rules.

    It ends with :meth:`stop`, at the end of a ``with`` block, or with this Python.

    Attributes
    ----------
    name : str
        What it is.
    """

    name = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self.stop()

    def query(self, expression: str) -> pd.Series:
        """Return what an expression finds now.

        Parameters
        ----------
        expression : str
            In PromQL.

        Returns
        -------
        Series
            Numbers by labels, those of the address left out; empty if nothing is found.

        Raises
        ------
        CourseError
            If it is no expression, or nothing watches any more.
        """
        found = self._vector(expression)
        numbers = {_as_text(labels): value for labels, value in found.items()}
        return pd.Series(numbers, dtype=float).sort_index()

    def alerts(self) -> pd.DataFrame:
        """Return the alerts of now: ``alert``, its ``requirement``, and its ``state``.

        One row for each rule, whatever the number of series that it has found.
        """
        rows = sorted({(name, needs, state) for name, needs, state in self._alerts()})
        return pd.DataFrame(rows, columns=["alert", "requirement", "state"])

    def wait_for(self, expression: str) -> None:
        """Wait until an expression finds something.

        Raises
        ------
        CourseError
            If that takes too long.
        """
        self._wait(lambda: self._vector(expression), f"`{expression}` has found nothing")

    def settle(self) -> None:
        """Wait until the rules were looked at with what the services say at this moment.

        Raises
        ------
        CourseError
            If that takes too long.
        """
        raise NotImplementedError

    def stop(self) -> None:
        """End it; if it has ended already, do nothing."""
        raise NotImplementedError

    def _vector(self, expression: str) -> Vector:
        raise NotImplementedError

    def _alerts(self) -> list[tuple[str, str, str]]:
        raise NotImplementedError

    def _wait(self, done: Callable[[], Any], problem: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not done():
            if time.monotonic() > deadline:
                raise CourseError(
                    f"{problem} in {PATIENCE:.0f} seconds. Is the service running? Run the cells "
                    "from the one that starts it again."
                )
            time.sleep(EVERY / 5)


def watch(targets: Mapping[str, str], rules: Path = alerting.RULES) -> Watch:
    """Start Prometheus if it is installed and can be started, and else what stands in for it.

    Parameters
    ----------
    targets : mapping of str to str
        The address of each job, such as ``http://127.0.0.1:8000``; its metrics are at ``/metrics``.
    rules : Path
        A file of alert rules.

    Returns
    -------
    Watch
        It has asked each target once.
    """
    started: Watch | None = None
    if installed():
        with suppress(CourseError):
            started = Prometheus(targets, rules)
    if started is None:
        started = StandIn(targets, rules)
    try:
        for job in targets:
            started.wait_for(f'up{{job="{job}"}}')
    except BaseException:
        started.stop()
        raise
    return started


def installed() -> bool:
    """Return whether this computer has Prometheus."""
    return shutil.which(PROGRAM) is not None


class Prometheus(Watch):
    """The real program, on a free port of this computer, with its data in a folder that goes away.

    Parameters
    ----------
    targets, rules
        As for :func:`watch`.
    alertmanager : str, optional
        The address of an Alertmanager, which is told of alerts that fire.

    Raises
    ------
    CourseError
        If it cannot be started.
    """

    name = "Prometheus"

    def __init__(
        self, targets: Mapping[str, str], rules: Path = alerting.RULES, alertmanager: str = ""
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        place = Path(self._folder.name)
        every = f"{EVERY * 1000:.0f}ms"
        settings = {
            "global": {
                "scrape_interval": every,
                "scrape_timeout": every,
                "evaluation_interval": every,
            },
            "rule_files": [str(rules.resolve())],
            "scrape_configs": [
                {"job_name": job, **_at(address)} for job, address in targets.items()
            ],
        }
        if alertmanager:
            settings["alerting"] = {"alertmanagers": [_at(alertmanager)]}
        place.joinpath("prometheus.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        self._server = Server(
            [
                PROGRAM,
                f"--config.file={place / 'prometheus.yml'}",
                f"--storage.tsdb.path={place / 'data'}",
                "--web.listen-address=127.0.0.1:{port}",
                "--log.level=warn",
            ],
            env={"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
            health="/-/ready",
        )
        self.address = self._server.address
        self._down: set[str] = set()  # jobs that were away at the last look

    def settle(self) -> None:
        begun = time.time()
        self._wait(lambda: self._scraped_since(begun), "No scrape was seen")
        scraped = time.time()
        self._wait(lambda: self._looked_since(scraped), "No look at the rules was seen")

    def stop(self) -> None:
        self._server.stop()
        self._folder.cleanup()

    def _scraped_since(self, begun: float) -> bool:
        targets = self._get("targets", state="active")["activeTargets"]
        if any(_seconds(target["lastScrape"]) <= begun for target in targets):
            return False
        down = {target["scrapePool"] for target in targets if target["health"] != "up"}
        if not down <= self._down and time.time() - begun < DOWN_AFTER:
            return False  # it was there before
        self._down = down
        return True

    def _looked_since(self, begun: float) -> bool:
        groups = self._get("rules")["groups"]
        return all(_seconds(group["lastEvaluation"]) > begun for group in groups)

    def _get(self, what: str, **parameters: str) -> Any:
        address = f"{self.address}/api/v1/{what}?{urlencode(parameters)}"
        _, text = servers.get(address)
        answer = json.loads(text)
        if answer["status"] != "success":
            raise CourseError(f"Prometheus answers: {answer['error']}")
        return answer["data"]

    def _vector(self, expression: str) -> Vector:
        found = self._get("query", query=expression)
        if found["resultType"] == "scalar":
            return {(): float(found["result"][1])}
        if found["resultType"] != "vector":
            raise CourseError(f"`{expression}` is no number for each series, but several.")
        return {labels_of(entry["metric"]): float(entry["value"][1]) for entry in found["result"]}

    def _alerts(self) -> list[tuple[str, str, str]]:
        return [
            (alert["labels"]["alertname"], alert["labels"]["requirement"], alert["state"])
            for alert in self._get("alerts")["alerts"]
        ]


class StandIn(Watch):
    """What stands in for Prometheus where it is not installed.

    A thread of this Python asks the same addresses and looks at the same rules. It keeps all in
    memory, for as long as a lesson takes, and works out what :mod:`mlops_school.promql` can.

    Parameters
    ----------
    targets, rules
        As for :func:`watch`.
    """

    name = "a stand-in for Prometheus"

    def __init__(self, targets: Mapping[str, str], rules: Path = alerting.RULES) -> None:
        self._targets = dict(targets)
        self._alarms = Alarms(alerting.load_rules(rules))
        self._series, self._there = Series(), {job: set() for job in targets}
        self._now: list[Alert] = []
        self._looks = 0
        self._lock, self._over = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=_repeat, args=(weakref.ref(self), self._over))
        self._thread.daemon = True
        self._thread.start()

    def settle(self) -> None:
        wanted = self._looks + 2  # the one that is under way may have begun before
        self._wait(lambda: self._looks >= wanted, "No look at the rules was seen")

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def look(self) -> None:
        """Ask all targets, and look at the rules."""
        now = time.time()
        answers = {job: _scrape(address) for job, address in self._targets.items()}
        with self._lock:
            for job, address in self._targets.items():
                own = {"job": job, "instance": address.removeprefix("http://")}
                self._keep(job, answers[job], own, now)
            self._now = self._alarms.look(self._series, now)
            self._looks += 1

    def _keep(
        self, job: str, found: dict[Labels, float] | None, own: dict[str, str], now: float
    ) -> None:
        samples = {labels_of(dict(labels) | own): value for labels, value in (found or {}).items()}
        for gone in self._there[job] - set(samples):
            self._series.add(dict(gone), now, None)
        for labels, value in samples.items():
            self._series.add(dict(labels), now, value)
        self._series.add({NAME: "up", **own}, now, float(found is not None))
        self._there[job] = set(samples)

    def _vector(self, expression: str) -> Vector:
        if self._over.is_set():
            raise CourseError("The stand-in for Prometheus was stopped. Start it again.")
        with self._lock:
            found = promql.query(expression, self._series, time.time())
        return found if isinstance(found, dict) else {(): found}

    def _alerts(self) -> list[tuple[str, str, str]]:
        with self._lock:
            return [
                (alert.rule.name, alert.rule.labels["requirement"], alert.state)
                for alert in self._now
            ]


def _repeat(stand_in: Callable[[], StandIn | None], over: threading.Event) -> None:
    while not over.wait(EVERY):
        if (one := stand_in()) is None:
            return
        one.look()
        del one


def _scrape(address: str) -> dict[Labels, float] | None:
    """Return what a target says of itself, or None if it does not answer."""
    with suppress(CourseError, ValueError):
        status, text = servers.get(f"{address}/metrics")
        if status == 200:
            return {
                labels_of({NAME: sample.name, **sample.labels}): sample.value
                for family in text_string_to_metric_families(text)
                for sample in family.samples
            }
    return None


def _at(address: str) -> dict[str, Any]:
    return {"static_configs": [{"targets": [address.removeprefix("http://")]}]}


def _seconds(moment: str) -> float:
    """Return a moment, as Prometheus writes it, in seconds."""
    return pd.Timestamp(moment).timestamp()


def _as_text(labels: Labels) -> str:
    """Return labels as a learner writes them, without what differs from computer to computer."""
    left_out = (NAME, "instance", "job")
    return ", ".join(f'{name}="{value}"' for name, value in labels if name not in left_out)
