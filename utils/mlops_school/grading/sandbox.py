"""Run code of somebody else: apart from everything, and within limits.

On Linux, where the system lets it, the process sees a machine on which every disk is read-only but
its own folder, with no network, no other process, and neither the classroom nor ``/tmp``. Whether
that works is not assumed but tried. Elsewhere there are the limits only.
"""

import contextlib
import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from mlops_school.environments import PROGRAMS
from mlops_school.grading.limits import WAIT
from mlops_school.paths import COURSE, ROOT

LOOK_SECONDS = 0.2  # how often a process is looked at
LEAST_DISK = 500e6  # bytes that have to stay free
OUTPUT = 5_000_000  # bytes of what it writes that are read

# The rights to do as it likes with its own namespaces, and with nothing else.
_UNSHARE = "--user --map-root-user --mount --net --pid --ipc --fork --kill-child"
_CONFINE = Path(__file__).with_name("confine.py")  # not imported: it is for Linux only
_PROBE = Path(__file__).with_name("probe.py")
_WINDOWS = ("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "NUMBER_OF_PROCESSORS")


@dataclass(frozen=True)
class Limits:
    """What the code of one submission may take.

    Attributes
    ----------
    cell_seconds, seconds : float
        Of computing, for a cell and for all together. By the clock it has five times as long, for
        it may wait, or share the machine.
    memory_mb : int
        Of memory, all its processes together.
    processes : int
        At the same time.
    file_mb : int
        For one file.
    """

    cell_seconds: float = 60
    seconds: float = 300
    memory_mb: int = 2500
    processes: int = 100
    file_mb: int = 500


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Attributes
    ----------
    why : str
        Why it was stopped, in words; empty if it came to its end.
    code : int
        Its exit status.
    output, errors : str
        The beginning of what it wrote.
    """

    why: str
    code: int
    output: str
    errors: str


class Sandbox:
    """A folder of its own for code of somebody else, and processes that see little more.

    Parameters
    ----------
    hidden : list of Path
        Folders that the code must not see, beside those of the system.
    cache : Path, optional
        A folder with what programs keep in the home folder to be quicker the next time.
    """

    def __init__(self, hidden: list[Path], cache: Path | None = None) -> None:
        self._holder = tempfile.TemporaryDirectory(prefix="school-", ignore_cleanup_errors=True)
        # Resolved, for a program inside compares it with what the system calls it.
        self.folder = Path(self._holder.name).resolve()
        self._hidden = [path.resolve() for path in hidden]
        for name in ("home", "work", "workspace", "tmp", "out"):
            (self.folder / name).mkdir()
        if cache and cache.exists():
            shutil.copytree(cache, self.folder / "home" / ".cache")

    def remove(self) -> None:
        """Remove the folder with everything that the code left there."""
        self._holder.cleanup()

    def run(
        self,
        words: list[str],
        limits: Limits,
        *,
        confined: bool,
        given: str = "",
        stop: threading.Event | None = None,
    ) -> Ended:
        """Run Python with these words on its command line, until it ends or is ended.

        Parameters
        ----------
        words : list of str
            Such as ``["-m", "mlops_school.grading.runner"]``.
        limits : Limits
            The process is ended when it takes more.
        confined : bool
            Whether to shut it in; see :func:`protection`.
        given : str
            What it reads from its input.
        stop : threading.Event, optional
            Ends it when set.
        """
        command = [sys.executable, "-I", *words]
        if confined:
            hidden = os.pathsep.join(map(str, self._all_hidden()))
            script = [sys.executable, "-I", str(_CONFINE), str(self.folder), hidden]
            command = [_unshare(), *_UNSHARE.split(), *script, *command]
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                command,
                cwd=self.folder / "work",
                env=self._variables(),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=errors,
                start_new_session=True,  # Ctrl+C is the teacher's
            )
            try:
                _give(process, given)
                why = _watch(process, limits, self.folder, stop)
            finally:
                _end(process)
            texts = [_beginning(stream) for stream in (output, errors)]
            return Ended(why, process.returncode, *texts)

    def _all_hidden(self) -> list[Path]:
        """Return what must not be seen; what Python and the course need is not hidden."""
        needed = {Path(path).resolve() for path in (ROOT, sys.prefix, sys.base_prefix)}
        system = [Path(path) for path in ("/tmp", "/var/tmp", "/run", "/dev/mqueue")]
        return [
            path
            for path in [*system, *self._hidden]
            if not any(path == one or path in one.parents for one in needed)
        ]

    def _variables(self) -> dict[str, str]:
        """Return the environment variables: none of the teacher's, which may hold secrets."""
        programs = str(Path(sys.prefix) / PROGRAMS)
        kept = {name: os.environ[name] for name in _WINDOWS if name in os.environ}
        home = str(self.folder / "home")
        return kept | {
            "PATH": os.pathsep.join([programs, os.environ.get("PATH", os.defpath)]),
            "VIRTUAL_ENV": sys.prefix,
            "HOME": home,
            "USERPROFILE": home,
            "APPDATA": home,
            "LOCALAPPDATA": home,
            "XDG_CACHE_HOME": str(self.folder / "home" / ".cache"),
            "TMPDIR": str(self.folder / "tmp"),
            "TEMP": str(self.folder / "tmp"),
            "TMP": str(self.folder / "tmp"),
            "SCHOOL_WORKSPACE": str(self.folder / "workspace"),
            "LANG": "C.UTF-8",
            "PYTHONUTF8": "1",
            "MPLBACKEND": "agg",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
        }


def protection(hidden: Path) -> str:
    """Try to harm the course and a folder from inside, and return what did not hold.

    Parameters
    ----------
    hidden : Path
        The classroom's folder, with something in it.

    Returns
    -------
    str
        Empty if nothing got through; else a sentence's end that says what is not protected.
    """
    if sys.platform != "linux":
        return "this system has nothing to shut a program in that the course could use"
    if not _unshare():
        return "the program unshare is not there"
    with socket.create_server(("127.0.0.1", 0)) as server:
        targets = {
            "folders": [str(COURSE), str(hidden), str(ROOT)],
            "hidden": str(hidden),
            "port": server.getsockname()[1],
        }
        sandbox = Sandbox([hidden])
        try:
            words = [str(_PROBE), json.dumps(targets)]
            ended = sandbox.run(words, Limits(seconds=60), confined=True)
        finally:
            sandbox.remove()
    if ended.code or ended.why:
        lines = ended.errors.strip().splitlines()
        return f"the system refuses it ({ended.why or ' '.join(lines[-1:])})"
    return " and ".join(json.loads(ended.output))


@functools.cache
def _unshare() -> str:
    return shutil.which("unshare") or ""


def _give(process: subprocess.Popen, text: str) -> None:
    with contextlib.suppress(OSError):  # it has ended already, which the watch will find
        process.stdin.write(text.encode())  # and it stays open: its end means that of the grader
        process.stdin.flush()


def _watch(
    process: subprocess.Popen, limits: Limits, folder: Path, stop: threading.Event | None
) -> str:
    """Wait for the end of a process, or for a reason to end it, which is returned."""
    began = time.monotonic()
    while True:
        try:
            process.wait(LOOK_SECONDS)
            return ""
        except subprocess.TimeoutExpired:
            pass
        if stop and stop.is_set():
            return "grading was interrupted"
        running = _tree(process)
        waited = time.monotonic() - began > WAIT * limits.seconds
        if waited or sum(map(_computed, running)) > limits.seconds:
            return f"it was not done after {limits.seconds:g} seconds"
        if len(running) > limits.processes:
            return f"it started more than {limits.processes} processes"
        if sum(map(_memory, running)) > limits.memory_mb * 1e6:
            return f"it took more than {limits.memory_mb} MB of memory"
        if shutil.disk_usage(folder).free < LEAST_DISK:
            return "it filled the disk"


def _tree(process: subprocess.Popen) -> list[psutil.Process]:
    """Return a process and what it started, itself first."""
    try:
        top = psutil.Process(process.pid)
        return [top, *top.children(recursive=True)]
    except psutil.Error:
        return []


def _computed(process: psutil.Process) -> float:
    """Return the CPU time of a process in seconds, and that of its children that have ended."""
    try:
        return sum(process.cpu_times()[:4])
    except psutil.Error:
        return 0


def _memory(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0


def _end(process: subprocess.Popen) -> None:
    """End a process and all that it started; with the first one inside, all others there end."""
    for one in reversed(_tree(process)[:2]):
        _quietly(one.kill)
    for one in _tree(process):
        _quietly(one.kill)
    if os.name == "posix":
        _quietly(lambda: os.killpg(process.pid, 9))
    _quietly(process.kill)
    process.wait()
    _quietly(process.stdin.close)


def _quietly(action: Callable[[], object]) -> None:
    with contextlib.suppress(psutil.Error, OSError):  # it has ended in this moment
        action()


def _beginning(stream: object) -> str:
    stream.seek(0)
    return stream.read(OUTPUT).decode("utf-8", "replace")
