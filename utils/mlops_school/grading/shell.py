"""Execute the cells of a notebook in this very process, and note what they show.

There is no kernel, and nobody to talk to: a process that is shut in has a folder only.
"""

import _thread
import contextlib
import io
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from mlops_school.grading.limits import WAIT

LOOK_SECONDS = 0.2
TEXT = 20_000  # characters of what a cell writes that are kept
PICTURE = 300_000  # characters of a picture, or it is left out
SHOWN = ("text/plain", "image/png")  # no HTML: it could run in the teacher's browser


class Shell:
    """What a notebook's kernel is to its cells: a memory, and a place for outputs.

    Attributes
    ----------
    memory : dict
        The names that the cells have defined.
    """

    def __init__(self) -> None:
        config = Config()
        config.HistoryManager.enabled = False
        config.InteractiveShell.colors = "nocolor"
        self._shell = _Interactive.instance(config=config)
        self.memory: dict[str, Any] = self._shell.user_ns

    def run(self, source: str, seconds: float) -> dict[str, Any]:
        """Run a cell, and return what came of it.

        Returns
        -------
        dict
            ``outputs`` as in a notebook, ``error`` (empty, or its type and message), and
            ``seconds``.
        """
        self._shell.outputs = outputs = []
        began = time.monotonic()
        with _writing_to(outputs), interrupted_after(seconds):
            result = self._shell.run_cell(source, store_history=False)
        raised = result.error_before_exec or result.error_in_exec
        late = isinstance(raised, KeyboardInterrupt)
        return {
            "outputs": outputs,
            "error": f"{type(raised).__name__}: {raised}"[:TEXT] if raised else "",
            "late": late,
            "seconds": round(time.monotonic() - began, 2),
        }


@contextlib.contextmanager
def interrupted_after(seconds: float) -> Iterator[None]:
    """Raise KeyboardInterrupt in the main thread if this computes longer, or waits much longer.

    What counts is computing: on a busy machine, the clock would stop what is nearly done.
    """
    # A program that was started in the background may have been told to ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    done = threading.Event()
    began, computed = time.monotonic(), time.process_time()

    def look() -> None:
        while not done.wait(LOOK_SECONDS):
            waited = time.monotonic() - began > WAIT * seconds
            if waited or time.process_time() - computed > seconds:
                _interrupt()
                return

    threading.Thread(target=look, daemon=True).start()
    try:
        yield
    finally:
        done.set()


def _interrupt() -> None:
    if os.name == "posix":  # it also wakes what sleeps
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    else:
        _thread.interrupt_main()


class _Interactive(InteractiveShell):
    """IPython without a terminal; what it shows goes into a list."""

    outputs: list[dict[str, Any]]

    def init_display_pub(self) -> None:
        self.display_pub = _Publisher(parent=self)

    def init_displayhook(self) -> None:
        super().init_displayhook()
        self.displayhook = _Hook(parent=self, shell=self)
        self.display_trap.hook = self.displayhook

    def enable_gui(self, gui: str | None = None) -> None:
        """Do without windows."""

    def _showtraceback(self, etype: type, evalue: BaseException, stb: list[str]) -> None:
        self.outputs.append(
            {
                "output_type": "error",
                "ename": etype.__name__,
                "evalue": str(evalue)[:TEXT],
                "traceback": [line[:TEXT] for line in stb[-30:]],
            }
        )


class _Publisher(DisplayPublisher):
    def publish(self, data: dict[str, Any], metadata: Any = None, **settings: Any) -> None:
        self.parent.outputs.append(_shown(data))

    def clear_output(self, wait: bool = False) -> None:
        self.parent.outputs.clear()


class _Hook(DisplayHook):
    def write_output_prompt(self) -> None:
        """Leave out the number of an output."""

    def write_format_data(self, format_dict: dict[str, Any], md_dict: Any = None) -> None:
        self.shell.outputs.append(_shown(format_dict))

    def finish_displayhook(self) -> None:
        """Leave everything as it was noted."""


def _shown(data: dict[str, Any]) -> dict[str, Any]:
    kept = {
        kind: data[kind][: PICTURE if kind != "text/plain" else TEXT]
        for kind in SHOWN
        if isinstance(data.get(kind), str) and (kind == "text/plain" or len(data[kind]) < PICTURE)
    }
    return {"output_type": "display_data", "data": kept, "metadata": {}}


@contextlib.contextmanager
def _writing_to(outputs: list[dict[str, Any]]) -> Iterator[None]:
    """Note what is printed, its beginning."""
    written = {name: _Beginning() for name in ("stdout", "stderr")}
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = written.values()
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        for name, stream in written.items():
            if text := stream.text():
                outputs.insert(0, {"output_type": "stream", "name": name, "text": text})


class _Beginning(io.TextIOBase):
    """A file that keeps the beginning of what is written to it."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._left = TEXT
        self._cut = False

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self._left > 0:
            self._parts.append(str(text[: self._left]))
            self._left -= len(text)
        else:
            self._cut = True
        return len(text)

    def text(self) -> str:
        return "".join(self._parts) + "\n[and more, which was cut off]" * self._cut
