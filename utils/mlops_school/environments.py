"""Environments of their own beside the course's, made as ``uv.lock`` says when first needed."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from mlops_school.errors import CourseError
from mlops_school.paths import ROOT

OWN_UV = ROOT / ".uv"  # where utils/bootstrap.py installs uv if the machine has none
PROGRAMS = "Scripts" if os.name == "nt" else "bin"
LAST_LINES = 5  # of a script that failed, which a reader is shown
# Scripts of packages would run code at installation; what is installed here needs none.
NPM = ("install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix")


@dataclass(frozen=True)
class Environment:
    """A folder with the packages of the course, one more group of them, and programs of npm.

    Parameters
    ----------
    title : str
        Whose it is, as the beginning of a sentence: ``The lab Feast``.
    folder : Path
        Where it is, or will be.
    group : str, optional
        The group of dependencies in ``pyproject.toml``; without one, and without
        a script, it has no Python at all.
    script : Path, optional
        A program whose packages cannot be installed beside the course's. It names them itself
        (PEP 723), ``uv lock --script`` has written its lock, and they come into a folder in this
        one. The notebook beside it needs the course only, so there is no group then.
    npm : tuple of str
        What npm installs, with exact versions: ``azurite@3.35.0``.
    download_mb, disk_mb : int
        What it downloads, and takes on the disk, beside the course, in MB.
    """

    title: str
    folder: Path
    group: str = ""
    script: Path | None = None
    npm: tuple[str, ...] = ()
    download_mb: int = 0
    disk_mb: int = 0

    @property
    def has_python(self) -> bool:
        """Whether it holds the packages of the course."""
        return bool(self.group or self.script)

    @property
    def programs(self) -> Path:
        """The folder of its programs."""
        return self.folder / PROGRAMS

    @property
    def python(self) -> Path:
        """Its Python."""
        return self.programs / ("python.exe" if os.name == "nt" else "python")

    @property
    def script_folder(self) -> Path:
        """The environment of its script, which is removed together with it."""
        return self.folder / "script"

    @property
    def node_modules(self) -> Path:
        """The folder into which npm has installed its programs."""
        return self.folder / "node_modules"

    def is_active(self) -> bool:
        """Tell whether this process runs in it."""
        return Path(sys.prefix).resolve() == self.folder.resolve()

    def activation(self) -> dict[str, str]:
        """Return the environment variables with which its programs are found."""
        return {
            "PATH": os.pathsep.join([str(self.programs), os.environ.get("PATH", "")]),
            "VIRTUAL_ENV": str(self.folder),
        }

    def install(self) -> None:
        """Make it; silent if it is there already.

        Raises
        ------
        CourseError
            If there is no uv (or npm, where it is needed), no place, or no connection to the
            internet when one is needed.
        """
        variables = os.environ | {
            "UV_PROJECT_ENVIRONMENT": str(self.folder),
            # Most packages are the course's, and take no disk a second time. Their byte code
            # would take 300 MB and half a minute; little of it is used, and Python makes it itself.
            "UV_COMPILE_BYTECODE": "0",
        }
        variables.pop("VIRTUAL_ENV", None)  # the course's, which uv would warn of
        wanted = []
        if self.has_python:
            group = ["--group", self.group] if self.group else []
            wanted.append((["--no-dev", *group, "--python", sys.executable], variables))
        # uv keeps a script's packages where VIRTUAL_ENV says, if --active asks for it. It also
        # looks for a Python that the script can use, and downloads one if there is none.
        if self.script:
            active = variables | {"VIRTUAL_ENV": str(self.script_folder)}
            wanted.append((["--script", str(self.script), "--active"], active))
        commands = []
        for words, env in wanted:
            sync = [find_uv(), "sync", "--frozen", *words]
            checked = subprocess.run(
                [*sync, "--check", "--offline"], cwd=ROOT, env=env, capture_output=True
            )
            if checked.returncode:
                commands.append((sync, env))
        if not self._has_npm_programs():
            commands.append(([self._find_npm(), *NPM, str(self.folder), *self.npm], variables))
        if not commands:
            return
        self._require_place()
        course = ", and also the packages of the course if uv has not kept them"
        print(
            f"{self.title} gets an environment of its own. About {self.download_mb} MB are "
            f"downloaded{course * self.has_python}. This takes minutes, and only once ...",
            flush=True,
        )
        if any(subprocess.call(command, cwd=ROOT, env=env) for command, env in commands):
            raise CourseError(
                f"{self.title} needs packages that could not be installed; the reason is above. "
                "Check that this machine is connected to the internet and has free disk space, "
                "then run the same command again: what has been downloaded is kept."
            )

    def run_script(self, *words: str | Path) -> str:
        """Run its script in the script's own environment, and return what it prints.

        Nothing is installed for that, and no setting of the course's Python reaches it.

        Raises
        ------
        CourseError
            If the environment has not been made, or the script fails: with its last lines.
        """
        python = self.script_folder / PROGRAMS / self.python.name
        command = [str(python), "-I", "-X", "utf8", str(self.script), *map(str, words)]
        try:
            ended = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                check=False,
            )
        except OSError:
            raise CourseError(
                f"{self.title} has not got the packages of its program {self.script.name}. Close "
                "this JupyterLab, and start the lab again in a terminal: that installs them."
            ) from None
        if ended.returncode == -9:  # SIGKILL, which Windows does not have
            raise CourseError(
                f"{self.title}: the program {self.script.name} was ended by the system, most "
                "likely for want of memory. Close other programs, and run this cell again."
            )
        if ended.returncode:
            lines = [line for line in ended.stderr.splitlines() if line.strip()]
            raise CourseError(
                f"{self.title}: the program {self.script.name} ended with an error. Its last "
                "lines:\n" + "\n".join(lines[-LAST_LINES:])
            )
        return ended.stdout

    def _has_npm_programs(self) -> bool:
        """Tell whether npm has installed what is wanted, and come to its end."""
        try:
            # npm writes this file last.
            text = (self.node_modules / ".package-lock.json").read_text(encoding="utf-8")
            packages = json.loads(text)["packages"]
        except (OSError, ValueError, KeyError):
            packages = {}
        wanted = (program.rpartition("@") for program in self.npm)
        return all(
            packages.get(f"node_modules/{name}", {}).get("version") == version
            for name, _, version in wanted
        )

    def _find_npm(self) -> str:
        npm = shutil.which("npm")
        if not npm:
            raise CourseError(
                f"{self.title} needs the program npm, which this machine does not have. Install "
                "Node.js, which brings it, and run the same command again."
            )
        return npm

    def _require_place(self) -> None:
        """Raise unless it can be made where it belongs."""
        parent = self.folder.parent
        try:
            parent.mkdir(exist_ok=True)
            free = shutil.disk_usage(parent).free
        except OSError:
            raise CourseError(
                f"The folder {parent} cannot be made. Copy the course to a folder of your own, "
                "and run the same command there."
            ) from None
        if free < self.disk_mb * 1e6:
            raise CourseError(
                f"{self.title} needs {self.disk_mb} MB of disk, and {free / 1e6:.0f} MB are free "
                f"in {parent}. Make room there, and run the same command again."
            )


def find_uv() -> str:
    """Return the path of uv: the one that started the course, its own, or the machine's.

    Raises
    ------
    CourseError
        If there is none.
    """
    uv = (
        shutil.which(os.environ.get("UV", ""))
        or shutil.which("uv", path=str(OWN_UV / PROGRAMS))
        or shutil.which("uv")
    )
    if not uv:
        raise CourseError(
            "This needs the program uv, which this machine does not have. Install it with "
            "`pip install uv`, and run the same command again."
        )
    return uv
