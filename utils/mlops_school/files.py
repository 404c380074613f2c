"""Files that are there as a whole or not at all, and the hashes of their bytes."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlops_school.errors import CourseError

UNFINISHED = ".part"  # the end of the name of a file that is still being written


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give another name to write to; in the end, that file takes the place of `path` in one step.

    Yields
    ------
    Path
        The name beside `path`. If what writes there fails or is killed, `path` is as it was.

    Raises
    ------
    CourseError
        If the system refuses, for example as another program keeps the old file open (on Windows).
    """
    part = path.with_name(path.name + UNFINISHED)  # the same folder, so the same disk
    try:
        yield part
        with part.open("r+b") as stream:
            os.fsync(stream.fileno())  # on the disk, not only on its way there
        part.replace(path)
    except OSError as error:
        raise cannot_be("written", path, error) from error


def arrived(folder: Path) -> list[Path]:
    """Return the files of a folder by name, but no hidden one and none still being written."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_file() and path.suffix != UNFINISHED and not path.name.startswith(".")
    )


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in 64 hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def md5(path: Path) -> str:
    """Return the MD5 of a file's bytes, by which DVC names it, in 32 hexadecimal digits."""
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def cannot_be(be: str, path: Path, error: OSError) -> CourseError:
    """Return the sentence for a file that cannot `be`, such as "written"."""
    return CourseError(
        f"{path.name} cannot be {be} ({error.strerror or error}). Nothing is lost. Close the "
        f"programs that use {path.parent}, see that you may write to it, and run this cell again."
    )
