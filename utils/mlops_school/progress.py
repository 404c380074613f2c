"""A learner's progress: one small JSON file in the workspace."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from mlops_school.errors import CourseError
from mlops_school.paths import workspace

VERSION = 1
LOCK_SECONDS = 10  # how long to wait for another notebook that is at it

Progress = dict[str, dict[str, dict[str, Any]]]  # lesson id → task name → what is known of it


def file() -> Path:
    """Return where progress is kept."""
    return workspace() / "progress.json"


def load() -> Progress:
    """Return what is known of each task, by lesson id and name.

    A damaged file is set aside under another name, and said so; nothing is deleted.

    Raises
    ------
    CourseError
        If the workspace cannot be used.
    """
    with _locked() as path:
        return _load(path)


def record(
    lesson: str,
    task: str,
    *,
    outcome: str | None = None,
    hints: int = 0,
    solution_seen: bool = False,
) -> None:
    """Remember one event of an exercise or a quiz question. What is solved stays solved.

    Parameters
    ----------
    lesson, task : str
        Which one it was, such as ``"09_building", "q1"``.
    outcome : {"not yet", "correct"}, optional
        What a check found, if it was a check.
    hints : int
        How many of the hints have been shown.
    solution_seen : bool
        Whether the solution has been shown.

    Raises
    ------
    CourseError
        If the workspace cannot be written to.
    """
    with _updating() as known:
        entry = known.setdefault(lesson, {}).get(task, {})
        known[lesson][task] = _merge(
            entry,
            {
                "solved": outcome == "correct",
                "attempts": entry.get("attempts", 0) + (outcome is not None),
                "hints": hints,
                "solution_seen": solution_seen,
            },
        )


def export(path: Path | str) -> None:
    """Write a copy of the progress to `path`, to keep or to carry to another computer.

    Raises
    ------
    CourseError
        If `path` cannot be written to.
    """
    _write(Path(path), load())


def import_(path: Path | str) -> None:
    """Add the progress in `path`, as :func:`export` wrote it. What is solved here stays solved.

    Raises
    ------
    CourseError
        If `path` is missing or is not an exported progress file. Nothing is changed then.
    """
    try:
        theirs = _read(Path(path))
    except FileNotFoundError:
        raise CourseError(f"There is no file {path}. Give the one that you exported.") from None
    except OSError as error:
        raise CourseError(f"{path} cannot be read: {error.strerror or error}.") from None
    with _updating() as ours:
        for lesson, tasks in theirs.items():
            for task, entry in tasks.items():
                mine = ours.setdefault(lesson, {}).get(task, {})
                ours[lesson][task] = _merge(mine, entry)


def _merge(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Keep the better of two records, so that the order of merging makes no difference."""
    return {
        "solved": bool(one.get("solved", False) or other.get("solved", False)),
        "attempts": max(one.get("attempts", 0), other.get("attempts", 0)),
        "hints": max(one.get("hints", 0), other.get("hints", 0)),
        "solution_seen": bool(one.get("solution_seen", False) or other.get("solution_seen", False)),
    }


@contextmanager
def _updating() -> Iterator[Progress]:
    """Give the progress to change, and write it back."""
    with _locked() as path:
        known = _load(path)
        yield known
        _write(path, known)


@contextmanager
def _locked() -> Iterator[Path]:
    """Give the file of progress while no other process reads or writes it."""
    path = file()
    try:
        with FileLock(path.with_suffix(".lock"), timeout=LOCK_SECONDS):
            yield path
    except Timeout:
        raise CourseError(
            f"Another program has been using {path.name} for {LOCK_SECONDS} seconds. "
            "Close other notebooks of the course and run the cell again."
        ) from None
    except OSError as error:
        raise CourseError(f"{path} cannot be used: {error.strerror or error}.") from None


def _load(path: Path) -> Progress:
    try:
        return _read(path)
    except FileNotFoundError:
        return {}
    except CourseError:
        aside = path.with_name(f"progress.damaged-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.json")
        path.replace(aside)
        print(
            f"Your progress file could not be read. It is kept as {aside.name}; a new one begins."
        )
        return {}


def _read(path: Path) -> Progress:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["version"] != VERSION:
            raise CourseError(f"{path} was written by another version of the course.")
        # Merging with nothing proves that every entry has the form that it should.
        return {
            lesson: {task: _merge(entry, {}) for task, entry in tasks.items()}
            for lesson, tasks in content["tasks"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CourseError(f"{path} is not a progress file of this course.") from None


def _write(path: Path, known: Progress) -> None:
    """Replace `path` in one step: a power cut leaves the old file or the new one, whole."""
    text = json.dumps({"version": VERSION, "tasks": known}, indent=1, sort_keys=True)
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=".progress-", delete=False
        ) as file:
            temporary = Path(file.name)
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())  # or the new name may reach the disk before the text does
        temporary.replace(path)
    except OSError as error:
        raise CourseError(f"{path} cannot be written: {error.strerror or error}.") from None
    finally:
        if temporary:
            temporary.unlink(missing_ok=True)
