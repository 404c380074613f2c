"""The real Alertmanager, and an inbox for what it sends, so that its way to people can be tried."""

import json
import queue
import shutil
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from urllib.error import HTTPError
from urllib.request import Request

import pandas as pd
import yaml

from mlops_school import alert_routes
from mlops_school.alerting import RULES
from mlops_school.errors import CourseError
from mlops_school.listener import Listener, Sent
from mlops_school.promql import duration
from mlops_school.servers import Server, opener

NAMES = ("alertmanager", "prometheus-alertmanager")  # its makers', and Debian's
FILE = "alertmanager.yml"
HASTE = 30  # an alert waits for two seconds instead of a minute
PATIENCE = 30.0  # seconds, for what should come within two
A_WHILE = 2.0  # seconds in which a group that has something to say says it
# Companies wait half a minute for alerts that belong together, and five for more of them.
TIMES = {"group_by": ["severity"], "group_wait": "500ms", "group_interval": "1s"}


def find() -> str | None:
    """Return the path of Alertmanager, or None if it is not installed."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def write_quick_rules(path: Path, rules: Path = RULES) -> Path:
    """Write alert rules that wait for a thirtieth of their time, and return where.

    Parameters
    ----------
    path : Path
        Where to write them.
    rules : Path
        A file of rules. What they wait for is their ``for``: a minute is two seconds then.
    """
    read = yaml.safe_load(rules.read_text(encoding="utf-8"))
    for rule in (rule for group in read["groups"] for rule in group["rules"] if "for" in rule):
        rule["for"] = f"{duration(rule['for']) / HASTE * 1000:.0f}ms"
    path.write_text(yaml.safe_dump(read, sort_keys=False), encoding="utf-8")
    return path


def configuration(route: str, inbox: str, inhibition: str = "") -> str:
    """Return the text of a configuration of Alertmanager.

    Parameters
    ----------
    route : str
        A route with those below it, in YAML.
    inbox : str
        The address at which each of ``alert_routes.PEOPLE`` has a path. Other receivers are there,
        and tell nobody.
    inhibition : str
        A rule of inhibition in YAML, if there is one.

    Raises
    ------
    CourseError
        If that is no YAML.
    """
    tree = alert_routes.read(route)
    receivers = [
        {"name": name, "webhook_configs": [{"url": f"{inbox}/{name}"}]}
        if name in alert_routes.PEOPLE
        else {"name": name}
        for name in alert_routes.all_receivers(tree)
    ]
    parts = {"route": TIMES | tree, "receivers": receivers}
    if inhibition:
        parts["inhibit_rules"] = [alert_routes.read(inhibition)]
    return yaml.safe_dump(parts, sort_keys=False)


def amtool(folder: Path, *words: str) -> str:
    """Return what Alertmanager's own tool says in a folder.

    Raises
    ------
    CourseError
        If it is not installed, or does not agree; with what it says.
    """
    program = shutil.which("amtool")
    if not program:
        raise CourseError("This computer has no amtool. It comes with Alertmanager; install that.")
    went = subprocess.run(
        [program, *words], cwd=folder, capture_output=True, text=True, encoding="utf-8"
    )
    if went.returncode:
        raise CourseError(f"amtool: {(went.stderr + went.stdout).strip()}")
    return went.stdout.strip()


class Inbox(Listener):
    """Gets what Alertmanager sends to people: for each receiver, at a path of this address."""

    def __init__(self) -> None:
        self._messages: dict[str, queue.Queue[str]] = defaultdict(queue.Queue)
        super().__init__(self._keep)

    def _keep(self, sent: Sent) -> tuple[int, bytes]:
        self._messages[sent.path.strip("/")].put(_in_words(json.loads(sent.body)))
        return 200, b"{}"

    def next(self, receiver: str) -> str:
        """Return the oldest message to a receiver that was not read yet; wait for it if need be.

        Raises
        ------
        CourseError
            If none comes.
        """
        try:
            return self._messages[receiver].get(timeout=PATIENCE)
        except queue.Empty:
            raise CourseError(
                f"Nothing has come to {receiver} in {PATIENCE:.0f} seconds. Is Alertmanager "
                "running? Run the cells from the one that starts it again."
            ) from None

    def unread(self, receiver: str) -> list[str]:
        """Return all messages to a receiver that were not read yet, after a while for new ones."""
        time.sleep(A_WHILE)
        found = []
        with suppress(queue.Empty):
            while True:
                found.append(self._messages[receiver].get_nowait())
        return found


def _in_words(message: Mapping[str, Any]) -> str:
    """Return a notification as somebody would read it on a small screen."""
    by_status: dict[str, set[str]] = defaultdict(set)
    for alert in message["alerts"]:
        by_status[alert["status"]].add(alert["labels"]["alertname"])
    return "; ".join(f"{status}: {', '.join(sorted(by_status[status]))}" for status in by_status)


class Alertmanager:
    """The real program, on a free port of this computer.

    It ends with :meth:`stop`, at the end of a ``with`` block, or with this Python.

    Parameters
    ----------
    folder : Path
        In which its configuration is, in the file ``alertmanager.yml``. What it remembers is kept
        elsewhere, and goes away with it.

    Attributes
    ----------
    address : str
        Where it is.

    Raises
    ------
    CourseError
        If it is not installed, or cannot be started with this configuration.
    """

    def __init__(self, folder: Path) -> None:
        program = find()
        if not program:
            raise CourseError("This computer has no Alertmanager. Install it, and try again.")
        self._folder = folder
        self._data = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._server = Server(
            [
                program,
                f"--config.file={folder / FILE}",
                f"--storage.path={self._data.name}",
                "--web.listen-address=127.0.0.1:{port}",
                "--cluster.listen-address=",  # alone: nothing listens for others of its kind
            ],
            env={"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
            health="/-/ready",
        )
        self.address = self._server.address

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self.stop()

    def reload(self) -> None:
        """Read the configuration again.

        Raises
        ------
        CourseError
            If it is none. Then the one before goes on.
        """
        self._ask("/-/reload", b"")

    def amtool(self, *words: str) -> str:
        """Return what ``amtool`` says when it asks this Alertmanager."""
        return amtool(self._folder, f"--alertmanager.url={self.address}", *words)

    def add(self, alerts: Iterable[Mapping[str, str]]) -> None:
        """Tell it of alerts that nothing but this call has caused, for five minutes.

        Parameters
        ----------
        alerts : iterable of mapping
            The labels of each, with its ``alertname``.
        """
        now = datetime.now(UTC).isoformat()
        body = [{"labels": dict(labels), "startsAt": now} for labels in alerts]
        self._ask("/api/v2/alerts", json.dumps(body).encode())

    def alerts(self) -> pd.DataFrame:
        """Return the alerts that it knows of now.

        Returns
        -------
        DataFrame
            By name: ``severity``, who the ``receivers`` are, and ``state``, which is ``active``,
            ``silenced`` or ``inhibited``.
        """
        rows = {}
        for alert in json.loads(self._ask("/api/v2/alerts")):
            status = alert["status"]
            reasons = {"silenced": status["silencedBy"], "inhibited": status["inhibitedBy"]}
            rows[alert["labels"]["alertname"]] = {
                "severity": alert["labels"].get("severity", ""),
                "receivers": ", ".join(receiver["name"] for receiver in alert["receivers"]),
                "state": next((name for name, why in reasons.items() if why), "active"),
            }
        columns = ["severity", "receivers", "state"]
        table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
        return table.sort_index().rename_axis("alert")

    def wait_for(self, alert: str) -> str:
        """Wait until it knows of an alert, and return its state.

        Raises
        ------
        CourseError
            If that takes too long.
        """
        deadline = time.monotonic() + PATIENCE
        while alert not in (known := self.alerts()).index:
            if time.monotonic() > deadline:
                raise CourseError(f"Alertmanager has heard nothing of {alert}.")
            time.sleep(0.1)
        return str(known.loc[alert, "state"])

    def stop(self) -> None:
        """End it; if it has ended already, do nothing."""
        self._server.stop()
        self._data.cleanup()

    def _ask(self, path: str, body: bytes | None = None) -> str:
        request = Request(self.address + path, body, {"Content-Type": "application/json"})
        try:
            with opener.open(request, timeout=10) as answer:
                return answer.read().decode("utf-8")
        except HTTPError as error:
            with error:
                text = error.read().decode("utf-8", "replace").strip()
            raise CourseError(f"Alertmanager answers: {text}") from None
        except OSError as error:
            raise CourseError(
                f"Alertmanager does not answer ({error}). Start it again: run the cells from the "
                "one that starts it."
            ) from None
