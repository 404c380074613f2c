"""Executing a notebook in a kernel of its own, and measuring what that costs."""

import json
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager, KernelManager
from jupyter_core.paths import jupyter_runtime_dir
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from mlops_school import labs
from mlops_school.errors import CourseError
from mlops_school.manifest import Lab, Unit

AT_ONCE = 2  # kernels that run at the same time, here and in the tests
# Their OpenMP threads share the cores: two kernels with two threads each on two cores take three
# times as long as with one thread, since idle threads spin.
THREADS = str(max(1, (os.cpu_count() or 1) // AT_ONCE))
CELL_SECONDS = 600  # a cell that takes longer hangs: a whole lesson should be done in 45
QUIET = "--log-level=ERROR"  # a kernel's own log, which is not its notebook's output


class _OverFiles:
    """Talks to the kernel through socket files, where the system has them.

    Jupyter's default are ports, which it chooses before the kernel opens them; on a busy machine
    another program takes one of them in between, and the kernel ends with "Address already in use".
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        if os.name == "posix":
            folder = Path(jupyter_runtime_dir())
            folder.mkdir(parents=True, exist_ok=True)
            self.transport = "ipc"
            # Named here, since the names of the socket files are made from it. The system takes
            # about 100 characters, so it is short.
            self.connection_file = str(folder / f"{secrets.token_hex(8)}.json")


class Kernel(_OverFiles, KernelManager):
    """Starts and ends a kernel, as nbval does it."""


class AsyncKernel(_OverFiles, AsyncKernelManager):
    """Starts and ends a kernel, as nbclient and papermill do it."""


@dataclass(frozen=True)
class Cost:
    """What one execution cost.

    Attributes
    ----------
    start : float
        Seconds until the kernel was ready.
    cells : float
        Seconds in cells, all together.
    wall : float
        Seconds from beginning to end, the kernel's shutdown included.
    cpu : float
        Seconds of CPU time of the kernel and its children.
    peak : int
        The most memory that the kernel held, in bytes.
    """

    start: float
    cells: float
    wall: float
    cpu: float
    peak: int


def execute(notebook: NotebookNode, unit: Unit, **environment: str) -> Cost:
    """Execute a notebook in place, with the working directory that a learner has.

    Parameters
    ----------
    notebook : NotebookNode
        It receives outputs, execution counts, and the state of its widgets.
    unit : Lesson or Lab
        What it was made of. A lab's kernel runs in the environment of the lab.
    **environment : str
        Environment variables for the kernel, beside those of this process.

    Raises
    ------
    CourseError
        If a cell fails, with the cell's id; what was executed so far is in `notebook`.
    """
    folder = unit.notebook.parent
    folder.mkdir(parents=True, exist_ok=True)
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        coalesce_streams=True,  # how output is cut into pieces is a matter of chance
        extra_arguments=[QUIET],
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
        kernel_manager_class=kernel_class(unit),
    )
    variables = os.environ | {"OMP_NUM_THREADS": THREADS} | activation(unit) | environment
    began = time.perf_counter()
    cells = 0.0
    cell = None
    try:
        with client.setup_kernel(env=variables):
            start = time.perf_counter() - began
            for index, cell in enumerate(notebook.cells):
                cell_began = time.perf_counter()
                client.execute_cell(cell, index)
                cells += time.perf_counter() - cell_began
            client.set_widgets_metadata()
            usage = _usage(client)
    except (CellExecutionError, CellTimeoutError, RuntimeError) as error:
        where = f"cell {cell.id!r}" if cell else "the start of its kernel"
        raise CourseError(f"{unit.id}: {where} failed: {describe(error)}.") from None
    return Cost(start, cells, time.perf_counter() - began, usage["cpu"], usage["peak"])


def kernel_class(unit: Unit) -> type[AsyncKernel]:
    """Return what starts the kernel of a lesson, or of a lab with the lab's own Python.

    The environment of a lab is made first, if need be; the tools of authors are not in it.

    Raises
    ------
    CourseError
        If it cannot be made.
    """
    if not isinstance(unit, Lab):
        return AsyncKernel
    labs.environment(unit).install()

    class LabKernel(AsyncKernel):
        @property
        def kernel_spec(self) -> KernelSpec:
            spec = super().kernel_spec
            spec.argv[0] = str(labs.environment(unit).python)
            return spec

    return LabKernel


def activation(unit: Unit) -> dict[str, str]:
    """Return the environment variables that a kernel of this lesson or lab needs."""
    return labs.environment(unit).activation() if isinstance(unit, Lab) else {}


def describe(error: Exception) -> str:
    """Say in one line what an execution raised, with nbclient or with papermill."""
    if name := getattr(error, "ename", None):
        return f"{name}: {' '.join(error.evalue.split())}"
    if isinstance(error, CellTimeoutError):
        return f"it was not done after {CELL_SECONDS} seconds"
    return f"there is no kernel any more ({error})"


def _usage(client: NotebookClient) -> dict[str, float]:
    """Ask the kernel what it has used."""
    probe = new_code_cell("from mlops_school.authoring import usage; usage.report()")
    client.nb.cells.append(probe)
    client.execute_cell(probe, len(client.nb.cells) - 1)
    client.nb.cells.pop()
    return json.loads(probe.outputs[0].text)
