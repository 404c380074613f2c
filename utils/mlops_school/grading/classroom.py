"""A teacher's folder: what was handed in, what came of it, and nbgrader's gradebook."""

import hashlib
import json
import shutil
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
from filelock import FileLock, Timeout

from mlops_school.errors import CourseError
from mlops_school.files import replacing
from mlops_school.grading.assignment import assignment
from mlops_school.grading.collecting import Collected, safe_name
from mlops_school.grading.grader import Graded
from mlops_school.grading.handed_in import read, recognise
from mlops_school.manifest import Lesson

BACKUPS = 5  # so many of them are kept


@dataclass(frozen=True)
class Record:
    """What is known of what a learner has handed in.

    Attributes
    ----------
    learner, path, time, digest : str
        Who, which file, when it was changed, and its SHA-256.
    problem : str
        Why it cannot be graded; mostly empty.
    notes : list of str
        What else a teacher should know.
    """

    learner: str
    path: str
    time: str
    digest: str
    problem: str
    notes: list[str]


class Classroom:
    """A folder as nbgrader wants it, with what the course adds.

    Parameters
    ----------
    folder : Path
        It is made when something is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    @contextmanager
    def used(self) -> Iterator[None]:
        """Keep other commands out.

        Raises
        ------
        CourseError
            If another one is at work here, or the folder cannot be used.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / ".lock", timeout=1)
            lock.acquire()
        except Timeout:
            raise CourseError(
                f"Another `school grade` is at work in {self.folder}. Wait until it is done."
            ) from None
        except OSError as error:
            raise CourseError(
                f"{self.folder} cannot be used ({error.strerror or error}). "
                "Name another folder with --classroom."
            ) from None
        try:
            yield
        finally:
            lock.release()

    def write_source(self, lesson: Lesson) -> None:
        """Write the assignment from which nbgrader makes the learners' version."""
        path = self._path("source", ".", lesson.id)
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, f"{nbformat.writes(assignment(lesson))}\n".encode())

    def released_file(self, lesson: Lesson) -> Path:
        """Return where the learners' version is."""
        return self._path("release", ".", lesson.id)

    def graded_file(self, lesson: str, learner: str) -> Path:
        """Return where it stands what came of a submission."""
        return self.folder / "graded" / lesson / f"{learner}.json"

    def feedback_file(self, lesson: Lesson, learner: str) -> Path:
        """Return where the page for a learner is."""
        return self._path("feedback", learner, lesson.id).with_suffix(".html")

    def keep(self, lesson: Lesson, collected: Collected) -> str:
        """Keep what a learner has handed in, and return what was done, in a word or two.

        An older one stays, under another name; one that cannot be graded replaces none.
        """
        record = self.record(lesson, collected.learner)
        path = self._path("submitted", collected.learner, lesson.id)
        if collected.problem:
            notes = list(collected.notes)
            if path.exists():
                notes.append(f"{collected.path} is left out: {collected.problem}")
                if record and notes[-1] not in record.notes:
                    kept = asdict(record) | {"notes": [*record.notes, notes[-1]]}
                    self._write_record(lesson, Record(**kept))
                return "the one before counts"
            self._write_record(lesson, _record(collected))
            return "cannot be graded"
        if path.exists():
            content = path.read_bytes()
            if content == collected.content:
                return "as before"
            if record and record.time > _text(collected.time):
                return "older than the one that is here"
            digest = hashlib.sha256(content).hexdigest()
            replaced = self.folder / "replaced" / lesson.id / f"{collected.learner}-{digest}.ipynb"
            replaced.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, replaced)
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path.with_name("timestamp.txt"), _text(collected.time).encode())
        _write(path, collected.content)
        self._write_record(lesson, _record(collected))
        return "collected"

    def submissions(self, lesson: Lesson) -> dict[str, bytes]:
        """Return what is to be graded, by learner; what cannot be gets a record that says why.

        nbgrader's exchange puts submissions there, too, and leaves the names of their files.
        """
        found = {}
        for folder in sorted(self.folder.glob(f"submitted/*/{lesson.id}")):
            learner = folder.parent.name
            path = folder / f"{lesson.id}.ipynb"
            others = sorted(folder.glob("*.ipynb"))
            try:
                if not others:
                    raise CourseError("handed in no notebook")
                if not path.exists():  # renamed
                    shutil.copyfile(others[0], path)
                content = path.read_bytes()
                recognise(read(content), lesson)
                found[learner] = content
                record = self.record(lesson, learner)
                handed_in = _of_exchange(learner, folder, content)
                if record is None or record.digest != handed_in.digest:
                    self._write_record(lesson, handed_in)
            except CourseError as error:
                blank = _of_exchange(learner, folder, b"")
                self._write_record(lesson, Record(**asdict(blank) | {"problem": str(error)}))
        return found

    def record(self, lesson: Lesson, learner: str) -> Record | None:
        """Return what is known of what a learner has handed in, or None."""
        return next((one for one in self.records(lesson) if one.learner == learner), None)

    def records(self, lesson: Lesson) -> list[Record]:
        """Return what is known of each learner, by name."""
        paths = sorted(self.folder.glob(f"records/{lesson.id}/*.json"))
        return [Record(**json.loads(path.read_text(encoding="utf-8"))) for path in paths]

    def key(self, lesson: Lesson, content: bytes) -> str:
        """Return what a verdict depends on: the submission, and the lesson as it is now."""
        text = nbformat.writes(assignment(lesson)).encode()
        return hashlib.sha256(content + text).hexdigest()

    def graded(self, lesson: Lesson, learner: str) -> dict[str, Any] | None:
        """Return what came of a submission, or None if it was not graded."""
        try:
            text = self.graded_file(lesson.id, learner).read_text(encoding="utf-8")
            return json.loads(text)
        except (FileNotFoundError, ValueError):
            return None

    def keep_graded(self, lesson: Lesson, learner: str, key: str, graded: Graded) -> None:
        """Keep what came of a submission; it is still to be entered into the gradebook."""
        facts = {
            "key": key,
            "entered": False,
            "points": graded.points,
            "messages": {name: repr(outcome) for name, outcome in graded.outcomes.items()},
            "flags": graded.flags,
            "notebook": graded.notebook,
        }
        self._write_json(self.graded_file(lesson.id, learner), facts)

    def mark_entered(self, lesson: Lesson, learner: str) -> None:
        """Note that the gradebook has it."""
        facts = self.graded(lesson, learner)
        self._write_json(self.graded_file(lesson.id, learner), facts | {"entered": True})

    def back_up(self, lesson: Lesson) -> Path:
        """Copy the gradebook and the submissions of a lesson to a folder beside this one."""
        folder = self.folder.with_name(f"{self.folder.name}-backups")
        folder.mkdir(exist_ok=True)
        path = folder / f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}-{lesson.id}.zip"
        gradebook = self.folder / "gradebook.db"
        copy = folder / "gradebook.db"
        with replacing(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for one in sorted(self.folder.glob(f"submitted/*/{lesson.id}/*")):
                archive.write(one, one.relative_to(self.folder))
            if gradebook.exists():
                with (
                    closing(sqlite3.connect(gradebook)) as here,
                    closing(sqlite3.connect(copy)) as there,
                ):
                    here.backup(there)  # whole, whatever is being written
                archive.write(copy, gradebook.name)
        copy.unlink(missing_ok=True)
        for old in sorted(folder.glob(f"*-{lesson.id}.zip"))[:-BACKUPS]:
            old.unlink()
        return path

    def _path(self, step: str, learner: str, lesson: str) -> Path:
        return self.folder / step / learner / lesson / f"{lesson}.ipynb"

    def _write_record(self, lesson: Lesson, record: Record) -> None:
        path = self.folder / "records" / lesson.id / f"{safe_name(record.learner)}.json"
        self._write_json(path, asdict(record))

    def _write_json(self, path: Path, facts: dict[str, Any]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, json.dumps(facts, ensure_ascii=False, indent=1).encode())


def _record(collected: Collected) -> Record:
    return Record(
        collected.learner,
        collected.path,
        _text(collected.time),
        collected.digest,
        collected.problem,
        list(collected.notes),
    )


def _of_exchange(learner: str, folder: Path, content: bytes) -> Record:
    try:
        time = (folder / "timestamp.txt").read_text(encoding="utf-8").strip()
    except OSError:
        time = ""
    return Record(learner, "", time, hashlib.sha256(content).hexdigest(), "", [])


def _text(time: datetime) -> str:
    """Return a time as nbgrader writes and reads it."""
    return f"{time:%Y-%m-%d %H:%M:%S.%f} UTC"


def _write(path: Path, content: bytes) -> None:
    with replacing(path) as part:
        part.write_bytes(content)
