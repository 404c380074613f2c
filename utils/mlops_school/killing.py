"""Kill a program at a moment of its own choice.

It is a real process, and the operating system kills it: no ``finally`` runs.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import NoReturn


def kill(module: str, *arguments: str) -> bool:
    """Start a module as a program, and kill it as soon as it calls :func:`tell_and_wait`.

    Parameters
    ----------
    module : str
        Its full name.
    *arguments : str
        What its command line holds.

    Returns
    -------
    bool
        False if it ended by itself before.
    """
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        reached = program.stdout.readline()
        program.kill()
        # On Windows, the Python of an environment starts another one, which ends a moment later.
        # The pipe ends with the last of them, and only then are its files free.
        program.stdin.close()
        program.stdout.read()
    return bool(reached)


def at_call(number: int) -> Callable[[], None]:
    """Return what does nothing until it is called for the nth time: then :func:`tell_and_wait`."""
    left = number

    def called() -> None:
        nonlocal left
        left -= 1
        if not left:
            tell_and_wait()

    return called


def tell_and_wait() -> NoReturn:
    """Say that the moment has come, and wait for the end."""
    print("reached", flush=True)
    sys.stdin.read()  # nothing comes, unless the program that is to kill this one has ended
    os._exit(1)
