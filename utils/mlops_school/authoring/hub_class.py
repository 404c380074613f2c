"""What a class of learners needs on the hub of ``school hub``, and whether everyone can work.

``python -m mlops_school.authoring.hub_class 30`` measures it and writes ``course/hub/measured.md``.
"""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Any, Self

import aiohttp
import nbformat
import psutil
from nbformat import NotebookNode

from mlops_school.authoring.assemble import solved_notebook
from mlops_school.authoring.bench import machine
from mlops_school.authoring.hub_client import Browser
from mlops_school.errors import CourseError
from mlops_school.hub import HUB
from mlops_school.manifest import Lesson, find_lessons
from mlops_school.servers import opener
from mlops_school.solutions import read_solutions

STOP_SECONDS = 60
FEW = 4  # learners, for a lesson that needs much memory
LIGHT, HEAVY = "00_start_here", "08_features"
COLUMNS = (
    "lesson", "learners", "load before", "slowest start, s", "lesson done by all, s", "idle, MB",
    "with kernel, MB", "most, MB", "all learners, MB", "hub and proxy, MB",
)  # fmt: skip


class Hub:
    """The hub of ``school hub``, in a process and a workspace of its own, until :meth:`stop`.

    Parameters
    ----------
    workspace : Path
        Where it and its learners keep what they make.

    Attributes
    ----------
    address, password : str
        Where it is, and with what everybody logs in.
    process : subprocess.Popen
        The hub.

    Raises
    ------
    CourseError
        If it does not start, with what it said.
    """

    def __init__(self, workspace: Path) -> None:
        self.homes = workspace / "hub" / "homes"
        self.log = workspace / "hub.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        program = "import sys; from mlops_school.cli import main; sys.exit(main(['hub']))"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", program],
                env=os.environ | {"SCHOOL_WORKSPACE": str(workspace)},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            self.address, self.password = self._wait()
        except BaseException:
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

    def processes(self) -> list[psutil.Process]:
        """Return it and all that it has started."""
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]

    def stop(self) -> None:
        """End it as Ctrl+C does, with all its servers."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()  # its children notice
                self.process.wait()

    def _wait(self) -> tuple[str, str]:
        while self.process.poll() is None:
            told = self.log.read_text(encoding="utf-8", errors="replace")
            found = re.search(r"open (http://127\.0\.0\.1:\d+)/ .*password (\S+)", told)
            if found and _answers(found[1]):
                return found[1], found[2]
            time.sleep(0.2)
        raise CourseError(f"The hub did not start:\n{self.log.read_text(encoding='utf-8')}")


@dataclass
class Learner:
    """One learner of a class, and what became of the lesson.

    Attributes
    ----------
    name : str
        With which the learner logs in.
    solves : tuple of str
        The exercises that the learner answers, rightly. The others are left open.
    page : str
        The path on which the learner's JupyterLab opens.
    ready : float
        Seconds from the moment when all log in until the learner's server has answered.
    idle, active : float
        Memory in MB of the server alone, and with the kernel after the lesson. What processes share
        is divided among them.
    notebook : NotebookNode
        The lesson as it was saved, read again.
    progress : dict
        What the learner's file of progress holds.
    home : list of str
        What the learner sees at home.
    refused : int
        The status with which a neighbour's home is refused.
    """

    name: str
    solves: tuple[str, ...] = ()
    page: str = ""
    ready: float = 0.0
    idle: float = 0.0
    active: float = 0.0
    notebook: NotebookNode = field(default_factory=NotebookNode)
    progress: dict[str, Any] = field(default_factory=dict)
    home: list[str] = field(default_factory=list)
    refused: int = 0

    @property
    def sentence(self) -> str:
        """What the learner writes into the lesson."""
        return f"This notebook belongs to {self.name}."


@dataclass(frozen=True)
class Attendance:
    """A lesson that a class took at once.

    Attributes
    ----------
    lesson : Lesson
        Which one.
    learners : list of Learner
        The class.
    load : float
        How many processes of this computer wanted a core in the minute before.
    done : float
        Seconds from the moment when all began the lesson until the last one had executed it.
    hub : float
        Memory of the hub and its proxy in MB, while all learners were there.
    """

    lesson: Lesson
    learners: list[Learner]
    load: float
    done: float
    hub: float


def attend(hub: Hub, lesson: Lesson, size: int) -> Attendance:
    """Let a class log in at once, take a lesson, save it, and stop its servers.

    Each learner solves other exercises than the next one, and leaves a sentence in the notebook.

    Raises
    ------
    CourseError
        If one of them cannot.
    """
    return asyncio.run(_attend(hub, lesson, size))


def path_of(lesson: Lesson) -> str:
    """Return where a lesson is in the home of a learner."""
    return f"mlops-school/notebooks/{lesson.notebook.name}"


def browser(hub: Hub, session: aiohttp.ClientSession, name: str) -> Browser:
    """Return the browser of a learner."""
    return Browser(session, hub.address, name, hub.password)


def new_session() -> aiohttp.ClientSession:
    """Return what keeps the cookies of one learner."""
    return aiohttp.ClientSession(
        cookie_jar=aiohttp.CookieJar(unsafe=True),  # for an address without a name, too
        # The proxy closes connections that are idle for seconds, just when one is used again:
        # a browser would ask again.
        connector=aiohttp.TCPConnector(force_close=True),
        timeout=aiohttp.ClientTimeout(total=900),
    )


def memory(hub: Hub) -> dict[str, float]:
    """Return the memory in MB of each learner's processes by name; the hub's own is at ``""``."""
    found = defaultdict(float)
    for process in hub.processes():
        with suppress(psutil.Error):  # it may end while we look
            used = process.memory_full_info()
            name = process.environ().get("JUPYTERHUB_USER", "")
            found[name] += getattr(used, "pss", used.uss) / 1e6  # only Linux divides what is shared
    return found


async def _attend(hub: Hub, lesson: Lesson, size: int) -> Attendance:
    load, *_ = os.getloadavg()
    exercises = list(read_solutions(lesson.source))
    learners = [
        Learner(f"learner-{number:02}", tuple(exercises[number % len(exercises) :]))
        for number in range(size)
    ]
    async with AsyncExitStack() as stack:
        browsers = [
            browser(hub, await stack.enter_async_context(new_session()), learner.name)
            for learner in learners
        ]
        class_ = list(zip(learners, browsers, strict=True))
        began = time.perf_counter()
        await asyncio.gather(*(arrive(*one, began) for one in class_))
        idle = memory(hub)
        began = time.perf_counter()
        await asyncio.gather(*(_work(*one, lesson) for one in class_))
        done = time.perf_counter() - began
        active = memory(hub)
        for learner in learners:
            learner.idle, learner.active = idle[learner.name], active[learner.name]
        neighbours = [*learners[1:], learners[0]]
        together = zip(learners, browsers, neighbours, strict=True)
        await asyncio.gather(*(_look(*one, lesson) for one in together))
        await asyncio.gather(*(one.stop_server() for one in browsers))
    return Attendance(lesson, learners, load, done, active[""])


async def arrive(learner: Learner, browser: Browser, began: float = 0.0) -> None:
    """Log in, have the server started, and note when it was ready."""
    await browser.log_in()
    learner.page = await browser.start_server()
    learner.ready = time.perf_counter() - began


async def _work(learner: Learner, browser: Browser, lesson: Lesson) -> None:
    """Open the lesson, write into it, execute it and save it."""
    path = path_of(lesson)
    notebook = nbformat.from_dict(await browser.read(path))
    solved = {cell.id: cell.source for cell in solved_notebook(lesson).cells}
    for cell in notebook.cells:
        if cell.id in learner.solves:
            cell.source = solved[cell.id]
    notebook.cells[0].source += f"\n\n{learner.sentence}"
    await browser.execute(path, notebook)
    await browser.save(path, notebook)


async def _look(learner: Learner, browser: Browser, neighbour: Learner, lesson: Lesson) -> None:
    """Read again what was saved, and try to read what a neighbour has."""
    learner.notebook = nbformat.from_dict(await browser.read(path_of(lesson)))
    learner.progress = json.loads(await browser.read("mlops-school/workspace/progress.json"))
    learner.home = await browser.read("")
    learner.refused = await browser.status_of(f"user/{neighbour.name}/api/contents")


def _answers(address: str) -> bool:
    with suppress(OSError), opener.open(f"{address}/hub/api", timeout=5):
        return True
    return False


# ---- the report


def report(attendances: Sequence[Attendance]) -> str:
    """Return what was measured, as Markdown."""
    rows = "\n".join(_row(one) for one in attendances)
    header = f"| {' | '.join(COLUMNS)} |"
    return f"""# A class on the hub of `school hub`

Measured by `python -m mlops_school.authoring.hub_class` on {date.today():%d %B %Y}:
{machine()}.
The learners' programs and the hub share this computer.

All learners log in at once, over the hub's real HTTP. Their servers start, they open the lesson,
execute its cells in kernels of their own, save it, and stop. `make test-classroom` does the same,
and checks that everybody's own work is there afterwards, and that nobody can read a neighbour's.

{header}
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|
{rows}

*Load before*: how many processes wanted a core in the minute before; with more of them than cores,
all times are longer than they need be. *Slowest start*: from the moment when all log in until the
last JupyterLab has answered, with a copy of the course made for each. *Idle* and *with kernel*:
what the median learner takes before the lesson, and after its last cell; *most* is the learner who
takes most. Memory that processes share is divided among them (proportional set size).
"""


def measure(size: int) -> str:
    """Run a light lesson with a whole class and a heavy one with a few; return the report.

    Raises
    ------
    CourseError
        If a lesson fails.
    """
    attendances = []
    for name, learners in [(LIGHT, size), (HEAVY, min(FEW, size))]:
        (lesson,) = find_lessons([name])
        with (
            tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
            Hub(Path(folder)) as hub,
        ):
            attendances.append(attend(hub, lesson, learners))
        print(_row(attendances[-1]), flush=True)
    return report(attendances)


def _row(one: Attendance) -> str:
    idle = median(learner.idle for learner in one.learners)
    active = [learner.active for learner in one.learners]
    return (
        f"| {one.lesson.id} | {len(one.learners)} | {one.load:.0f} "
        f"| {max(learner.ready for learner in one.learners):.0f} | {one.done:.0f} "
        f"| {idle:.0f} | {median(active):.0f} | {max(active):.0f} "
        f"| {sum(active):.0f} | {one.hub:.0f} |"
    )


def main(arguments: Sequence[str]) -> int:
    """Measure a class of a size, write the report, and return the exit status."""
    try:
        text = measure(int(arguments[0]) if arguments else 30)
    except CourseError as error:
        print(error, file=sys.stderr)
        return 1
    (HUB / "measured.md").write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
