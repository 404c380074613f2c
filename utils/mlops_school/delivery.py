"""Delivering artefacts, deploying them, and going back to the one before."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mlops_school import files, servers
from mlops_school.errors import CourseError
from mlops_school.servers import Server


@dataclass(frozen=True)
class Artefact:
    """One version of the service, packed into a file that Python can run.

    Attributes
    ----------
    version : str
        Its version, such as ``1.0``.
    path : Path
        The file.
    sha256 : str
        The fingerprint of its bytes, as it was when it was packed.
    """

    version: str
    path: Path
    sha256: str

    @classmethod
    def find(cls, version: str, folder: Path) -> Self:
        """Return the artefact of a version from the folder where the pipeline puts them.

        Raises
        ------
        CourseError
            If there is none, or its bytes are not those that were packed.
        """
        path = folder / f"delay-service-{version}.zip"
        try:
            sha256 = path.with_suffix(".sha256").read_text(encoding="utf-8").split()[0]
            found = files.sha256(path)
        except (FileNotFoundError, IndexError):
            raise CourseError(
                f"There is no artefact of version {version}. Let the pipeline build it first."
            ) from None
        if found != sha256:
            raise CourseError(
                f"{path.name} is not the file that was packed: its SHA-256 differs. Do not deploy "
                "it; let the pipeline build it again."
            )
        return cls(version, path, sha256)


@dataclass(frozen=True)
class Release:
    """An attempt to make a version live.

    Attributes
    ----------
    version : str
        The version.
    live : bool
        Whether it became healthy, and so went live.
    reason : str
        If it did not, the last line of its log.
    """

    version: str
    live: bool
    reason: str = ""

    def __str__(self) -> str:
        if self.live:
            return f"{self.version} went live"
        return f"{self.version} was refused, it did not become healthy: {self.reason}"


class Production:
    """The place where one version of the service is live.

    A new version is started beside the old one. Only when it is healthy, a pointer file, which says
    what is live, is replaced, in one step that cannot be half done; then the old one is stopped.

    Parameters
    ----------
    folder : Path
        Where it keeps the pointer file ``live.json``.
    artefacts : Path
        Where the pipeline puts artefacts.

    Attributes
    ----------
    releases : list of Release
        All attempts since this object was made.
    """

    def __init__(self, folder: Path, artefacts: Path) -> None:
        self._pointer = folder / "live.json"
        self._artefacts = artefacts
        self._server: Server | None = None
        self.releases: list[Release] = []
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def version(self) -> str | None:
        """The version that is live, if there is one."""
        return self._history()[-1] if self._history() else None

    def deploy(self, version: str) -> Release:
        """Start a version, and make it live if it is healthy; else all stays as it was.

        Raises
        ------
        CourseError
            If there is no such artefact, or its bytes are not those that were packed.
        """
        earlier = [other for other in self._history() if other != version]
        return self._switch(version, [*earlier, version])

    def rollback(self) -> Release:
        """Make the version live again that was so before this one.

        Raises
        ------
        CourseError
            If there was none before.
        """
        history = self._history()
        if len(history) < 2:
            raise CourseError("There is no earlier version to go back to.")
        return self._switch(history[-2], history[:-1])

    def get(self, path: str) -> tuple[int, str]:
        """Return the status and the text with which the live version answers a request.

        Raises
        ------
        CourseError
            If none is live.
        """
        if self._server is None:
            raise CourseError("No version is live. Deploy one first.")
        return servers.get(self._server.address + path)

    def metrics(self) -> dict[str, int]:
        """Return the counters that the live version shows at ``/metrics``."""
        lines = (line.split() for line in self.get("/metrics")[1].splitlines())
        return {name: int(value) for name, value in lines}

    def stop(self) -> None:
        """Stop the live version."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def _switch(self, version: str, history: list[str]) -> Release:
        artefact = Artefact.find(version, self._artefacts)
        try:
            server = Server([sys.executable, str(artefact.path)])
        except CourseError as error:
            release = Release(version, live=False, reason=str(error).strip().splitlines()[-1])
        else:
            try:
                self._point_to(history)
            except BaseException:  # the learner may interrupt the cell
                server.stop()
                raise
            self.stop()
            self._server = server
            release = Release(version, live=True)
        self.releases.append(release)
        return release

    def _history(self) -> list[str]:
        """Return the versions that can be gone back to, the live one last."""
        try:
            return json.loads(self._pointer.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return []

    def _point_to(self, history: list[str]) -> None:
        """Replace the pointer file in one step: whoever reads it finds the old or the new."""
        partial = self._pointer.with_name(f"{self._pointer.name}.{os.getpid()}")
        partial.write_text(json.dumps(history), encoding="utf-8")
        partial.replace(self._pointer)
