"""Versions of files, kept by Git."""

import os
import shutil
import subprocess
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mlops_school.errors import CourseError

NAME, EMAIL = "Learner", "learner@example.org"
BRANCH = "main"
_SETTINGS = {
    "user.name": NAME,
    "user.email": EMAIL,
    "core.autocrlf": "false",  # the bytes that were written, on Windows too
    "commit.gpgsign": "false",
    "tag.gpgsign": "false",
}


@dataclass(frozen=True)
class Commit:
    """One version: its id, its message, and the names (tags) that it was given."""

    id: str
    message: str
    tags: tuple[str, ...] = ()


class Repository:
    """A Git repository with an identity of its own.

    It works for someone who has never set a name for Git, and leaves their settings alone.

    Parameters
    ----------
    path : Path
        The folder of its files.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self) -> Self:
        """Make the folder, which must be new or empty, a repository without commits.

        Raises
        ------
        CourseError
            If Git is missing, or something is in the folder already.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        if any(self.path.iterdir()):
            raise CourseError(f"{self.path} is not empty, so no repository is made of it.")
        self.git("init", "--quiet", "--template=")
        self.git("symbolic-ref", "HEAD", f"refs/heads/{BRANCH}")
        for name, value in _SETTINGS.items():
            self.git("config", name, value)
        return self

    def write(self, name: str, text: str) -> None:
        """Write a file; its name may contain folders, which are made if need be."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")

    def commit(self, message: str) -> str:
        """Keep all files as a new version, and return its id; without a change, the last one's."""
        self.git("add", "--all")
        if self.git("status", "--porcelain"):
            self.git("commit", "--quiet", f"--message={message}")
        return self.git("rev-parse", "HEAD").strip()

    def tag(self, name: str) -> None:
        """Give the last version a name for good.

        Raises
        ------
        CourseError
            If another version has that name.
        """
        tagged = self.git("tag", "--list", "--format=%(objectname)", name).strip()
        if not tagged:
            self.git("tag", name)
        elif tagged != self.git("rev-parse", "HEAD").strip():
            raise CourseError(
                f"{name} is the name of another version, and a released version never changes. "
                "Choose a new name, or run the lesson again from its top."
            )

    def log(self) -> list[Commit]:
        """Return all versions that led to the present one, the newest first."""
        lines = self.git("log", "--format=%H%x09%D%x09%s", "--decorate-refs=refs/tags/*")
        commits = []
        for line in lines.splitlines():
            id_, names, message = line.split("\t", 2)
            tags = tuple(name.removeprefix("tag: ") for name in sorted(names.split(", ")) if name)
            commits.append(Commit(id_, message, tags))
        return commits

    def checkout(self, version: str, folder: Path) -> Path:
        """Copy the files of a version into a folder, without the history, and return the folder.

        Parameters
        ----------
        version : str
            A tag, a branch or a commit.
        folder : Path
            A new or empty folder, or one that holds a copy of the version already.

        Raises
        ------
        CourseError
            If there is no such version, or something else is in the folder.
        """
        with tempfile.TemporaryDirectory() as temporary:
            archive = Path(temporary) / "version.zip"
            self.git("archive", f"--output={archive}", version)
            with zipfile.ZipFile(archive) as content:
                files = {folder / name for name in content.namelist()}
            strangers = set(folder.rglob("*")) - files - {file.parent for file in files}
            if strangers := [path for path in strangers if path.is_file()]:
                raise CourseError(f"{folder} already holds other files, such as {strangers[0]}.")
            shutil.unpack_archive(archive, folder)
        return folder

    def git(self, *arguments: str) -> str:
        """Run a Git command in the repository, and return what it prints.

        Raises
        ------
        CourseError
            If Git is missing, or the command fails, with what Git says.
        """
        # Neither a repository around this one nor the settings of its user change what happens.
        environment = {name: value for name, value in os.environ.items() if name[:4] != "GIT_"}
        environment |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}
        environment["GIT_CEILING_DIRECTORIES"] = str(self.path.parent)
        try:
            done = subprocess.run(
                ["git", *arguments],
                cwd=self.path,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
            )
        except FileNotFoundError:
            if not self.path.is_dir():
                raise CourseError(f"There is no folder {self.path}.") from None
            raise CourseError(
                "This needs Git, which is not installed. Install it from "
                "https://git-scm.com/downloads (on Debian and Ubuntu: `sudo apt install git`), "
                "start JupyterLab again, and run this cell again."
            ) from None
        if done.returncode:
            reason = done.stderr.strip() or done.stdout.strip()
            raise CourseError(f"`git {' '.join(arguments)}` failed: {reason}")
        return done.stdout
