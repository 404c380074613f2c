"""Git hooks: programs that Git runs by itself at certain moments, such as before a commit."""

import shlex
import sys
from pathlib import Path

from mlops_school.repository import Repository


def install(repository: Repository, hook: str, script: str) -> None:
    """Let Git run a Python script of the repository; if it fails, Git stops what it was doing.

    The hook itself is a line of shell, which Git runs with a shell of its own on Windows, too. It
    lies in ``.git``, so it is no part of any version: everyone who clones the repository installs
    it again.

    Parameters
    ----------
    repository : Repository
        Where to install it.
    hook : str
        The moment, by Git's name for it, such as ``pre-commit``.
    script : str
        The script's name in the repository.
    """
    command = shlex.join([Path(sys.executable).as_posix(), script])
    name = f".git/hooks/{hook}"
    repository.write(name, f"#!/bin/sh\nexec {command}\n")
    (repository.folder / name).chmod(0o755)
