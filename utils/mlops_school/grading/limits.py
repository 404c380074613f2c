"""Limits that a process sets itself before it runs code of somebody else."""

import os
import sys
import threading
from typing import Any

WAIT = 5  # so many times as long as it may compute, a process may be there
ADDRESSES = 2  # a process may reserve so many times more memory than it may use


def end_with_the_grader() -> None:
    """End this process when the one that started it has ended, even if that was killed.

    That one holds the other end of the standard input. What runs here finds the input empty.
    """
    held = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)

    def wait() -> None:
        while os.read(held, 1):
            pass
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def limit_this_process(limits: dict[str, Any]) -> None:
    """Let the system refuse more memory, CPU time and file sizes; Windows knows no such limits.

    Parameters
    ----------
    limits : dict
        The fields of :class:`mlops_school.grading.sandbox.Limits`.
    """
    if os.name != "posix":
        return
    import resource

    memory = limits["memory_mb"] * 1_000_000 * ADDRESSES
    wanted = {
        resource.RLIMIT_FSIZE: limits["file_mb"] * 1_000_000,
        resource.RLIMIT_CPU: int(limits["seconds"]) + 60,
        resource.RLIMIT_CORE: 0,
    }
    if sys.platform == "linux":  # macOS reserves more than any limit before it begins
        wanted[resource.RLIMIT_AS] = memory
    for which, most in wanted.items():
        _, hard = resource.getrlimit(which)
        if hard != resource.RLIM_INFINITY:
            most = min(most, hard)
        resource.setrlimit(which, (most, most))
