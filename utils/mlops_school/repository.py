"""A real Git repository, driven from Python."""

import io
import os
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from mlops_school.errors import CourseError

GIT_SECONDS = 60  # the longest that one command may take, with its hooks

# What would make Git behave differently from one computer to the next is settled here, for this
# repository alone; the user's own settings are neither needed nor changed.
_SETTINGS = {
    "user.name": "Learner",
    "user.email": "learner@school.example",
    "commit.gpgSign": "false",
    "tag.gpgSign": "false",
    "core.autocrlf": "false",
    "core.excludesFile": "",
    "core.hooksPath": ".git/hooks",
    "log.showSignature": "false",
    "merge.ff": "true",
    "color.ui": "false",
}


@dataclass(frozen=True)
class Commit:
    """One commit, as :meth:`Repository.log` lists it.

    Attributes
    ----------
    id : str
        Its 40 hexadecimal digits.
    date : datetime
        When it was made, in UTC.
    message : str
        The first line of its message.
    parents : tuple of str
        The ids of the commits that it follows; a merge has two.
    tags : tuple of str
        The names that it was given.
    """

    id: str
    date: datetime
    message: str
    parents: tuple[str, ...]
    tags: tuple[str, ...] = ()


class Repository:
    """A Git repository in a folder.

    Attributes
    ----------
    folder : Path
        The folder, with the files as they are now and Git's own in ``.git``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def create(cls, folder: Path) -> Self:
        """Make a new repository in an empty folder, on the branch ``main``.

        Raises
        ------
        CourseError
            If Git is not installed, or the folder holds something already.
        """
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise CourseError(f"{folder} is not empty. Choose a new folder for the repository.")
        repository = cls(folder)
        repository.git("init", "--quiet", "--template=")
        repository.git("symbolic-ref", "HEAD", "refs/heads/main")  # whatever the user's default
        for name, value in _SETTINGS.items():
            repository.git("config", name, value)
        return repository

    def write(self, name: str, text: str) -> None:
        """Write a file, with the same line ends on every system."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")

    def commit(self, message: str, date: str | None = None) -> str:
        """Commit all changes and return the id of the commit; without a change, the last one's.

        Parameters
        ----------
        message : str
            What the change is for.
        date : str, optional
            When it was made, such as ``2013-02-04 09:00``, in UTC; by default now.

        Raises
        ------
        CourseError
            If a hook refuses it.
        """
        self.git("add", "--all")
        if self.git("status", "--porcelain"):
            self.git("commit", "--quiet", "--message", message, date=date)
        return self.git("rev-parse", "HEAD")

    def tag(self, name: str, message: str | None = None, date: str | None = None) -> None:
        """Give the current commit a name; with a message, the tag has a date of its own, too.

        Raises
        ------
        CourseError
            If another commit has that name.
        """
        if self.git("tag", "--list", name):
            if self.resolve(name) == self.resolve("HEAD"):
                return
            raise CourseError(
                f"{name} is the name of another version, and a released version never changes. "
                "Choose a new name, or run the lesson again from its top."
            )
        annotation = ["--annotate", "--message", message] if message else []
        self.git("tag", *annotation, name, date=date)

    def log(self, version: str = "HEAD") -> list[Commit]:
        """Return a version and all that it is built on, oldest first."""
        fields = "--format=%H%x09%ct%x09%P%x09%D%x09%s"
        order = ["--topo-order", "--reverse", "--decorate-refs=refs/tags/*"]
        lines = self.git("log", *order, fields, self.resolve(version)).splitlines()
        commits = []
        for line in lines:
            id_, seconds, parents, names, message = line.split("\t", 4)
            date = datetime.fromtimestamp(int(seconds), UTC)
            tags = tuple(sorted(name.removeprefix("tag: ") for name in names.split(", ") if name))
            commits.append(Commit(id_, date, message, tuple(parents.split()), tags))
        return commits

    def checkout(self, version: str, folder: Path) -> Path:
        """Copy the files of a version, and nothing else, into a folder, and return the folder.

        Raises
        ------
        CourseError
            If there is no such version, or the folder holds other files.
        """
        archive = self._run("archive", "--format=zip", self.resolve(version)).stdout
        with zipfile.ZipFile(io.BytesIO(archive)) as files:
            own = {folder / name for name in files.namelist()}
            others = [path for path in folder.rglob("*") if path.is_file() and path not in own]
            if others:
                raise CourseError(f"{folder} already holds other files, such as {others[0].name}.")
            files.extractall(folder)
        return folder

    def resolve(self, version: str) -> str:
        """Return the id of the commit that a branch, a tag or another name stands for.

        Raises
        ------
        CourseError
            If there is none.
        """
        try:
            return self.git("rev-parse", "--verify", "--quiet", f"{version}^{{commit}}")
        except CourseError:
            raise CourseError(
                f"The repository has no version {version!r}: no commit, branch or tag of that name."
            ) from None

    def git(self, *arguments: str, date: str | None = None) -> str:
        """Run any other Git command and return what it prints.

        Raises
        ------
        CourseError
            If Git is not installed, or refuses; with what it says.
        """
        return self._run(*arguments, date=date).stdout.decode("utf-8", "replace").strip()

    def _run(self, *arguments: str, date: str | None = None) -> subprocess.CompletedProcess[bytes]:
        if not self.folder.is_dir():
            raise CourseError(f"There is no folder {self.folder}.")
        program = shutil.which("git")
        if program is None:
            raise CourseError(
                "Git is not installed, or not on the PATH. Install it from https://git-scm.com "
                "(Debian, Ubuntu: `sudo apt install git`; macOS: `xcode-select --install`; "
                "Windows: `winget install Git.Git`), start JupyterLab again, and run this cell."
            )
        try:
            done = subprocess.run(
                [program, *arguments],
                cwd=self.folder,
                env=_environment(self.folder, date),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=GIT_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise CourseError(
                f"`git {arguments[0]}` was not done after {GIT_SECONDS} seconds, and was stopped."
            ) from None
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip()).decode("utf-8", "replace")
            raise CourseError(f"Git refused `git {arguments[0]}`. It says:\n{said}")
        return done


def _environment(folder: Path, date: str | None) -> dict[str, str]:
    """Return this process's environment, without what would lead Git to another repository."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    variables["GIT_CEILING_DIRECTORIES"] = str(folder.parent)
    variables |= {"LC_ALL": "C", "PYTHONUTF8": "1"}  # for messages of Git, and of hooks in Python
    if date is not None:
        moment = datetime.fromisoformat(date)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        stamp = f"{int(moment.timestamp())} +0000"
        variables |= {"GIT_AUTHOR_DATE": stamp, "GIT_COMMITTER_DATE": stamp}
    return variables
