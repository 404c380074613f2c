"""Servers on this computer, for as long as a lesson needs them."""

import atexit
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from http.client import HTTPException
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.request import ProxyHandler, build_opener

from mlops_school.errors import CourseError

PATIENCE = 60  # seconds until a server must answer, on a slow computer
STOP_SECONDS = 5  # until one that does not stop is killed
LOG_LINES = 15  # of the log's end, in an error


class Server:
    """A program that serves HTTP on a free port of this computer, and stops with it.

    Use it in a ``with`` statement, or call :meth:`start` and :meth:`stop`. What is still running
    when Python ends is stopped then.

    Parameters
    ----------
    command : sequence of str
        The program and its arguments. ``{port}`` in an argument stands for the port; it must
        listen on 127.0.0.1.
    cwd : Path
        Its working directory.
    env : mapping, optional
        Environment variables, beside those of this process.
    health : str
        The path that it answers with status 200 as soon as it is ready.

    Attributes
    ----------
    address : str
        ``http://127.0.0.1:`` and the port, once it has started.
    """

    def __init__(
        self,
        command: Sequence[str],
        cwd: Path,
        env: Mapping[str, str] | None = None,
        health: str = "/health",
    ) -> None:
        self.command = command
        self.cwd = cwd
        self.env = dict(env or {})
        self.health = health
        self.address = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._log = Path(self._folder.name) / "log"

    def start(self) -> Self:
        """Start it, unless it runs already, and return as soon as it answers.

        Raises
        ------
        CourseError
            If it ends or stays silent; the end of its log is in the message.
        """
        if self._process and self._process.poll() is None:
            return self
        port = str(_free_port())
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [part.replace("{port}", port) for part in self.command],
                cwd=self.cwd,
                env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"} | self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        atexit.register(self.stop)
        self.address = f"http://127.0.0.1:{port}"
        try:
            self._wait_until_ready(self._process)
        except BaseException:  # the learner's interrupt, too, leaves no server behind
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop it, if it runs."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
        atexit.unregister(self.stop)

    def log(self) -> str:
        """Return what it has printed since it was started."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            try:
                process.wait(timeout=0.05)
            except subprocess.TimeoutExpired:
                if time.monotonic() > deadline:
                    raise self._failure(f"did not answer within {PATIENCE} seconds") from None
            else:
                raise self._failure("ended before it answered")

    def _answers(self) -> bool:
        try:
            # The machine's proxy, if it has one, does not lead back to this machine.
            with build_opener(ProxyHandler({})).open(f"{self.address}{self.health}", timeout=5):
                return True
        except (OSError, HTTPException):
            return False

    def _failure(self, what: str) -> CourseError:
        end = "\n".join(self.log().splitlines()[-LOG_LINES:])
        return CourseError(f"The server {what}. Its log ends:\n{end}")


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
