"""The release in service, and how another one takes its place while requests come in."""

import copy
import math
import os
from collections.abc import Sequence
from pathlib import Path

from mlops_school.errors import CourseError
from mlops_school.files import replacing
from mlops_school.forecasts import Flight, Forecast, Forecaster
from mlops_school.model_package import DESCRIPTION, MODEL, ModelPackage

CURRENT = "current.txt"  # a pointer: it names the folder of the package, beside it

# What every package must be able to forecast before it may serve.
_TRIAL = Flight(carrier="UA", origin="EWR", dest="ORD", departure="2013-07-01T17:30:00-04:00")


def point_to(folder: Path, name: str) -> None:
    """Let services that serve a folder of releases take the one of this name.

    Raises
    ------
    CourseError
        If the pointer cannot be written.
    """
    with replacing(folder / CURRENT) as part:  # a service never reads half a name
        part.write_text(name, encoding="utf-8")


class Releases:
    """Forecasts with the package of a folder, and takes another one when it is put there.

    Parameters
    ----------
    folder : Path
        A package; or a folder with ``current.txt``, whose text is the name of a package beside it.

    Attributes
    ----------
    refused : str
        Why the package that is in the folder now is not the one that serves; empty if it is.

    Raises
    ------
    CourseError
        If the first package cannot be loaded, or cannot forecast.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen = self._last = self._signature()
        self._forecaster = Forecaster(ModelPackage.load(self._place()))
        self._try(self._forecaster)
        self.refused = ""

    @property
    def version(self) -> str:
        """The release that serves."""
        return self._forecaster.package.version

    def forecast(self, flights: Sequence[Flight]) -> list[Forecast]:
        """Return the forecast of each flight, all of one release."""
        return self._forecaster.forecast(flights)

    def refresh(self) -> bool:
        """Take the package that is in the folder if it has changed and works.

        Otherwise the one in service stays, and ``refused`` says why. A package that has changed
        since the last call may still be on its way, and is left alone until the next one.

        Returns
        -------
        bool
            Whether there was a change, taken or refused.
        """
        found = self._signature()
        complete, self._last = found == self._last, found
        if found == self._seen or not complete:
            return False
        self._seen = found
        try:
            candidate = copy.copy(self._forecaster)  # shares the weather, not the package
            candidate.package = ModelPackage.load(self._place())
            self._try(candidate)
        except Exception as problem:  # whatever is wrong with it: the old one serves
            # Whoever asks for its health need not learn where the files are.
            place = f"{self._folder}{os.sep}"
            said = str(problem) if isinstance(problem, CourseError) else repr(problem)
            self.refused = said.replace(place, "").replace(str(self._folder), "its folder")
        else:
            # One assignment: a request has the old release or the new one, never half of each.
            self._forecaster, self.refused = candidate, ""
        return True

    @staticmethod
    def _try(candidate: Forecaster) -> None:
        version, threshold = candidate.package.version, candidate.package.threshold
        try:
            (forecast,) = candidate.forecast([_TRIAL])
            works = math.isfinite(forecast.probability) and 0 <= threshold <= 1
        except Exception as error:  # a model may fail in any way
            raise CourseError(f"Release {version} cannot forecast ({error!r}).") from None
        if not works:
            raise CourseError(f"Release {version} has a threshold or forecast that cannot be.")

    def _place(self) -> Path:
        pointer = self._folder / CURRENT
        try:
            name = pointer.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return self._folder
        except (OSError, ValueError) as error:
            raise CourseError(f"{CURRENT} cannot be read ({error}).") from None
        if Path(name).name != name:  # empty, or leads elsewhere
            raise CourseError(f"{CURRENT} must hold the name of a folder beside it, not {name!r}.")
        return self._folder / name

    def _signature(self) -> tuple:
        """Return what changes when the package in the folder does."""
        try:
            place = self._place()
        except CourseError as problem:
            return (str(problem),)
        stats = []
        for name in (DESCRIPTION, MODEL):
            try:
                found = (place / name).stat()
                stats.append((found.st_mtime_ns, found.st_size, found.st_ino))
            except (OSError, ValueError):  # not there, or a name that no file can have
                stats.append(None)
        return (place, *stats)
