"""What the process that imports this has used so far; a notebook's kernel is asked at its end."""

import json
import sys
from pathlib import Path

import psutil


def cpu_seconds() -> float:
    """Return the CPU time of this process and of the children that it waited for, in seconds.

    Windows does not say what children used.
    """
    times = psutil.Process().cpu_times()
    return times.user + times.system + times.children_user + times.children_system


def peak_bytes() -> int:
    """Return the most memory that this process has held at a time, in bytes."""
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset
    if sys.platform == "linux":
        # getrusage would also count what the parent held when it made this process.
        status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def report() -> None:
    """Print both as JSON, for the process that started this one."""
    print(json.dumps({"cpu": cpu_seconds(), "peak": peak_bytes()}))
