"""Limits that a process sets itself before it runs code of somebody else."""

import os
import sys
from typing import Any

ADDRESSES = 2  # a process may reserve so many times more memory than it may use


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
