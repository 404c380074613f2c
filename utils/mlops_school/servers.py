"""Running a web service as a process of its own."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

from mlops_school.errors import CourseError

START_SECONDS = 30  # how long a service may take until it is healthy
STOP_SECONDS = 5  # how long it may take to end when it is asked to
LOG_LINES = 20  # of the log, when something went wrong

# Opens addresses of this machine. Its proxy, if it has one, does not lead back to it.
opener = build_opener(ProxyHandler({}))


class Server:
    """A web service in a process of its own, on a free port of this computer.

    It is started, and healthy, when this object exists. It ends with :meth:`stop`, at the end of a
    ``with`` block, or at the latest with this Python.

    Parameters
    ----------
    command : sequence of str
        The program and its arguments. It must listen on a port of 127.0.0.1, which the environment
        variable ``PORT`` tells it, and which stands for ``{port}`` in its arguments.
    cwd : Path, optional
        Its working directory.
    env : mapping of str to str, optional
        Environment variables for it, beside those of this process.
    health : str or None
        The path that it answers with status 200 as soon as it is ready for work. None if it does
        not speak HTTP: then it is ready when it listens.

    Attributes
    ----------
    address : str
        Where it is, such as ``http://127.0.0.1:8000``.

    Raises
    ------
    CourseError
        If it cannot be started or does not become healthy, with the end of its log.
    """

    def __init__(
        self,
        command: Sequence[str],
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        health: str | None = "/health",
    ) -> None:
        port = str(free_port())
        self.address = f"http://127.0.0.1:{port}"
        variables = os.environ | {"PORT": port, "PYTHONUTF8": "1"} | dict(env or {})
        variables["PYTHONDONTWRITEBYTECODE"] = "1"  # what runs is a version, and stays as it is
        handle, name = tempfile.mkstemp(suffix=".log")  # a pipe would fill up, and block it
        os.close(handle)
        self._log = Path(name)
        try:
            with self._log.open("wb") as output:
                self._process = subprocess.Popen(
                    [part.replace("{port}", port) for part in command],
                    cwd=cwd,
                    env=variables,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
        except OSError as error:
            self._log.unlink()
            raise CourseError(f"`{command[0]}` cannot be started: {error.strerror}.") from None
        weakref.finalize(self, _end, self._process, self._log)  # at the exit of Python, too
        try:
            self._wait_until_healthy(health, int(port))
        except BaseException:  # the learner may interrupt the cell
            self.stop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        if kind is not None and self.log:
            print(f"The log of the server ends with:\n{self._last_lines()}", file=sys.stderr)

    @property
    def running(self) -> bool:
        """Whether its process runs."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """The number by which the operating system knows its process."""
        return self._process.pid

    @property
    def log(self) -> str:
        """What it has printed so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def stop(self) -> None:
        """End its process; if it has ended already, do nothing."""
        _terminate(self._process)

    def _wait_until_healthy(self, path: str | None, port: int) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with suppress(OSError, HTTPException):
                if path is None:
                    socket.create_connection(("127.0.0.1", port), timeout=5).close()
                else:
                    opener.open(self.address + path, timeout=5).close()
                return
            with suppress(subprocess.TimeoutExpired):
                status = self._process.wait(timeout=0.05)
                raise CourseError(
                    f"The server did not start: it ended with status {status}. "
                    f"Its log ends with:\n{self._last_lines()}"
                )
        raise CourseError(
            f"The server was not healthy after {START_SECONDS} seconds: {path or 'it'} did not "
            f"answer{' with status 200' if path else ''}. Its log ends with:\n{self._last_lines()}"
        )

    def _last_lines(self) -> str:
        return "\n".join(self.log.splitlines()[-LOG_LINES:])


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def given_port() -> int:
    """Return the port that a :class:`Server` gave to this process, or 8000 if nobody has."""
    return int(os.environ.get("PORT", "8000"))


def get(address: str) -> tuple[int, str]:
    """Return the status and the text with which a server answers."""
    try:
        with opener.open(address, timeout=10) as answer:
            return answer.status, answer.read().decode("utf-8", "replace")
    except HTTPError as error:  # an answer, too
        with error:
            return error.code, error.read().decode("utf-8", "replace")
    except OSError as error:
        raise CourseError(f"{address} does not answer ({error}). Is its server running?") from None


def _end(process: subprocess.Popen[bytes], log: Path) -> None:
    _terminate(process)
    with suppress(OSError):  # on Windows, a process that it started may hold the file
        log.unlink()


def _terminate(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
