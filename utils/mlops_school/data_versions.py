"""Versions of data: Git remembers what belongs together, DVC keeps the large files."""

import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import yaml

from mlops_school import etl
from mlops_school.errors import CourseError
from mlops_school.files import md5
from mlops_school.repository import Repository

DVC_SECONDS = 120  # the longest that one command may take
FLIGHTS = "flights"  # the folder of the months in the repository

# What `dvc config` and `dvc remote add` would write, in one go.
_SETTINGS = """\
[core]
    analytics = false
    check_update = false
    remote = store
['remote "store"']
    url = {url}
"""


class DataRepository:
    """A Git repository whose months of data are kept by DVC.

    Attributes
    ----------
    folder : Path
        The folder, with the files as they are now.
    repository : Repository
        Its Git side.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = Repository(folder)

    @classmethod
    def create(cls, folder: Path, remote: Path) -> Self:
        """Make a new repository in an empty folder, with a folder beside it as its remote.

        Raises
        ------
        CourseError
            If Git or DVC is not installed, or the folder holds something already.
        """
        _require_dvc()
        Repository.create(folder)
        new = cls(folder)
        new.dvc("init", "--quiet")
        remote.mkdir(parents=True, exist_ok=True)
        # From the folder of the settings, so that both can be moved together.
        url = Path(os.path.relpath(remote, folder / ".dvc")).as_posix()
        new.repository.write(".dvc/config", _SETTINGS.format(url=url))
        return new

    def dvc(self, *arguments: str) -> str:
        """Run a DVC command in the repository and return what it prints.

        Raises
        ------
        CourseError
            If DVC is not installed, or refuses; with what it says.
        """
        _require_dvc()
        if not self.folder.is_dir():
            raise CourseError(f"There is no folder {self.folder}.")
        try:
            done = subprocess.run(
                # -P: no file of the repository is taken for a module of DVC's
                [sys.executable, "-P", "-m", "dvc", *arguments],
                cwd=self.folder,
                env=_environment(self.folder),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=DVC_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise CourseError(
                f"`dvc {arguments[0]}` was not done after {DVC_SECONDS} seconds, and was stopped."
            ) from None
        if done.returncode:
            said = done.stderr.strip() or done.stdout.strip()
            raise CourseError(f"DVC refused `dvc {arguments[0]}`. It says:\n{said}")
        return done.stdout.strip()

    def save(self, version: str, message: str, date: str | None = None) -> None:
        """Make what the folder holds now a version: add, push, commit, tag.

        The data are pushed before the commit, so that no commit speaks of data that nobody has.

        Parameters
        ----------
        version : str
            The name of the version, which becomes a tag.
        message : str
            What has changed.
        date : str, optional
            When, such as ``2013-02-04 09:00``, in UTC; by default now.

        Raises
        ------
        CourseError
            If there are no months yet, or the version's name is taken.
        """
        months = sorted((self.folder / FLIGHTS).glob("*.parquet"))
        if not months:
            raise CourseError(f"There are no months in {self.folder / FLIGHTS}: run the ETL first.")
        self.dvc("add", "--quiet", *(f"{FLIGHTS}/{month.name}" for month in months))
        self.dvc("push", "--quiet")
        self.repository.commit(message, date=date)
        self.repository.tag(version, message, date=date)

    def switch(self, version: str) -> None:
        """Let the folder hold a version: Git brings its pointers, and DVC the data they name.

        Raises
        ------
        CourseError
            If there is no such version, or changes that were not saved would be lost.
        """
        self.repository.resolve(version)
        months, before = self.folder / FLIGHTS, self.hashes("HEAD")
        for name, hash_ in before.items():
            if (months / name).exists() and md5(months / name) != hash_:
                raise CourseError(
                    f"{name} has changes that are in no version yet, and would be lost. Save them "
                    "as a new version, or run `dvc checkout --force` to drop them."
                )
        self.repository.git("checkout", "--quiet", version)
        self.dvc("checkout", "--quiet")
        # DVC removes a month of another version only where it remembers to have put it there.
        for name in before.keys() - self.hashes("HEAD").keys():
            (months / name).unlink(missing_ok=True)

    def clone(self, folder: Path) -> "DataRepository":
        """Copy the repository, without its data, into a new folder beside it.

        Raises
        ------
        CourseError
            If the folder holds something already.
        """
        settings = ("--config", "core.autocrlf=false", "--config", "core.hooksPath=.git/hooks")
        self.repository.git("clone", "--quiet", "--template=", *settings, ".", str(folder))
        return DataRepository(folder)

    def hashes(self, version: str) -> dict[str, str]:
        """Return the MD5 of each month of a version, by file name, as the pointers in Git say."""
        return {
            entry["path"]: entry["md5"]
            for text in self._committed(version, ".dvc")
            for entry in yaml.safe_load(text)["outs"]
        }

    def lineage(self, version: str) -> dict[str, etl.Record]:
        """Return the records of all months of a version. They are in Git: no data are fetched."""
        records = map(etl.parse_record, self._committed(version, ".json"))
        return {record.output.removesuffix(".parquet"): record for record in records}

    def _committed(self, version: str, ending: str) -> list[str]:
        """Return the texts of a version's files in the folder of the months, by name."""
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            files = self.repository.checkout(version, Path(folder)) / FLIGHTS
            return [path.read_text(encoding="utf-8") for path in sorted(files.glob(f"*{ending}"))]


def _require_dvc() -> None:
    if find_spec("dvc") is None:
        raise CourseError(
            "DVC is not installed in this environment. Close JupyterLab, run `make learn` again "
            "(on Windows `py utils\\bootstrap.py learn`), and run this cell."
        )


def _environment(folder: Path) -> dict[str, str]:
    """Return this process's environment, in which DVC keeps to its repository and sends nothing."""
    foreign = ("GIT_", "DVC_")
    variables = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    own = folder / ".git" / "dvc"  # Git's folder, so it is never committed
    return variables | {
        "GIT_CEILING_DIRECTORIES": str(folder.parent),
        "DVC_NO_ANALYTICS": "true",
        "DVC_GLOBAL_CONFIG_DIR": str(own / "user"),
        "DVC_SYSTEM_CONFIG_DIR": str(own / "system"),
        "DVC_SITE_CACHE_DIR": str(own / "cache"),
        "PYTHONUTF8": "1",
    }
