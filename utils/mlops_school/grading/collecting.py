"""Submissions in a folder or a zip file, as people and learning platforms leave them there."""

import hashlib
import re
import unicodedata
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePath, PurePosixPath

from mlops_school.errors import CourseError
from mlops_school.grading.handed_in import LARGEST, read, recognise
from mlops_school.manifest import Lesson

NOTEBOOK = re.compile(r"\.ipynb(\.txt|\.json)?$", re.IGNORECASE)  # as browsers save it

# `Ann Lee_123_assignsubmission_file_…` is Moodle's, `leeann_LATE_123_456_…` is Canvas's.
_MOODLE = re.compile(r"^(?P<name>.+)_\d+_assignsubmission_(file|onlinetext)_?.*$")
_CANVAS = re.compile(r"^(?P<name>[^_]+)_(?P<late>LATE_)?\d+_\d+_.*$")
_NOT_SAFE = re.compile(r"[^\w .@-]+")
_NAME_LENGTH = 80


@dataclass(frozen=True)
class Found:
    """A file that was found.

    Attributes
    ----------
    path : PurePath
        Where, in the folder or zip file.
    time : datetime
        When it was changed last.
    content : callable
        Reads its bytes; no more than are graded.
    """

    path: PurePath
    time: datetime
    content: Callable[[], bytes]


@dataclass(frozen=True)
class Collected:
    """What one learner has handed in.

    Attributes
    ----------
    learner : str
        The name, as nbgrader and file systems can bear it.
    path : str
        The file that counts.
    time : datetime
        When it was changed last.
    content : bytes
        What is in it; empty if it is not to be graded.
    problem : str
        Why it is not to be graded, in words that follow the learner's name; mostly empty.
    notes : tuple of str
        What else a teacher should know.
    """

    learner: str
    path: str
    time: datetime
    content: bytes = b""
    problem: str = ""
    notes: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """The SHA-256 of what is in it."""
        return hashlib.sha256(self.content).hexdigest()


def collect(source: Path, lesson: Lesson) -> list[Collected]:
    """Return what each learner has handed in of a lesson, by name.

    A file belongs to the learner whose name it has: the file's own, or that of the folder that it
    is in. Of several, the newest that can be graded counts.

    Parameters
    ----------
    source : Path
        A folder or a zip file.

    Raises
    ------
    CourseError
        If there is none, or nothing in it.
    """
    files = [one for one in _files(source) if not _is_hidden(one.path)]
    if not files:
        raise CourseError(f"There are no files in {source}.")
    by_learner: dict[str, list[Found]] = defaultdict(list)
    spelled: dict[str, str] = {}  # some file systems take Ann and ann for the same
    outer = _outer(files, lesson)
    for one in files:
        name = _learner(one.path.relative_to(outer), lesson)
        by_learner[spelled.setdefault(name.casefold(), name)].append(one)
    return [_collected(name, by_learner[name], lesson) for name in sorted(by_learner)]


def _collected(learner: str, files: list[Found], lesson: Lesson) -> Collected:
    """Choose one of a learner's files."""
    notebooks = [one for one in files if NOTEBOOK.search(one.path.name)]
    if not learner:
        names = " and ".join(sorted(str(one.path) for one in files))
        problem = f"{names}: the name does not say whose it is. Put the learner's name before it"
        return Collected("(no name)", names, files[0].time, problem=problem)
    if not notebooks:
        problem = f"handed in {files[0].path.name}, which is no notebook"
        return Collected(learner, str(files[0].path), files[0].time, problem=problem)
    refused: list[Collected] = []
    good: list[Collected] = []
    for one in sorted(notebooks, key=lambda one: (one.time, str(one.path)), reverse=True):
        try:
            content = one.content()
            recognise(read(content), lesson)
            good.append(Collected(learner, str(one.path), one.time, content))
        except CourseError as error:
            reason = str(error)
            refused.append(Collected(learner, str(one.path), one.time, problem=reason))
    if not good:
        return refused[0]
    first, *others = good
    notes = [f"{one.path} is left out: {one.problem}" for one in refused]
    if len({one.digest for one in good}) > 1:
        names = ", ".join(PurePath(one.path).name for one in others)
        notes.append(f"handed in {len(good)} notebooks; the newest counts, not {names}")
    return Collected(learner, first.path, first.time, first.content, notes=tuple(notes))


def _files(source: Path) -> Iterator[Found]:
    """Yield the files of a folder or a zip file."""
    try:
        if source.is_dir():
            for path in sorted(source.rglob("*")):
                if path.is_file():
                    time = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                    yield Found(path.relative_to(source), time, lambda path=path: _read(path))
            return
        with zipfile.ZipFile(source) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        for entry in entries:
            time = datetime(*entry.date_time).astimezone(UTC)  # in a zip file, it is local
            path = PurePosixPath(entry.filename.replace("\\", "/"))
            yield Found(path, time, lambda entry=entry: _unzip(source, entry))
    except FileNotFoundError:
        raise CourseError(f"There is no folder and no zip file {source}.") from None
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        raise CourseError(f"{source} cannot be read as a folder or zip file ({error}).") from None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(LARGEST + 1)
    except OSError as error:
        raise CourseError(f"the file cannot be read ({error.strerror or error})") from None


def _unzip(source: Path, entry: zipfile.ZipInfo) -> bytes:
    """Return what is in an entry, and not more than is allowed, whatever the entry says."""
    try:
        with zipfile.ZipFile(source) as archive, archive.open(entry) as stream:
            return stream.read(LARGEST + 1)
    except Exception as error:  # damaged, encrypted, or packed in a way that Python cannot unpack
        raise CourseError(f"the file cannot be unpacked ({error})") from None


def _is_hidden(path: PurePath) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)


def _outer(files: list[Found], lesson: Lesson) -> PurePath:
    """Return the folder that holds all learners' files or folders; mostly the outermost one."""
    tops = {one.path.parts[0] for one in files}
    if len(tops) > 1 or any(len(one.path.parts) == 1 for one in files):
        return PurePath()
    (top,) = tops
    inside = [one.path.relative_to(top) for one in files]
    whole = all(len(path.parts) > 1 for path in inside)
    named = any(len(path.parts) == 1 and _learner(path, lesson) for path in inside)
    is_learner = _MOODLE.match(top) or not (whole or named) or len(files) == 1
    return PurePath() if is_learner else PurePath(top)


def _learner(path: PurePath, lesson: Lesson) -> str:
    """Return whose file it is, by the first folder or by the file's own name."""
    if len(path.parts) > 1:
        name = path.parts[0]
    else:
        name = NOTEBOOK.sub("", path.name)
        if name == path.name:
            name = path.stem
    for pattern in (_MOODLE, _CANVAS):
        if match := pattern.match(name):
            name = match["name"]
    if len(path.parts) == 1:
        # `ann_00_start_here (1)` is Ann's.
        name = re.sub(rf"[ _-]*{lesson.id}([ _-]*\(\d+\))?[ _-]*", "", name, flags=re.IGNORECASE)
    return safe_name(name)


def safe_name(name: str) -> str:
    """Return a learner's name as nbgrader and all file systems can bear it."""
    name = unicodedata.normalize("NFC", name)  # macOS writes é as two characters
    return _NOT_SAFE.sub("_", name).strip(" .")[:_NAME_LENGTH].strip(" .")
