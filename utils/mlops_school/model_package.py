"""A model as it is delivered: one folder, which a service can load without asking anyone."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Self

import skops.io
from sklearn.pipeline import Pipeline

from mlops_school import files
from mlops_school.errors import CourseError
from mlops_school.training import TRUSTED_TYPES

MODEL, DESCRIPTION = "model.skops", "package.json"


@dataclass(frozen=True)
class ModelPackage:
    """A model, and what is known of it.

    Attributes
    ----------
    version : str
        The release, such as ``1``; a service says it with every answer.
    model : Pipeline
        A fitted classifier that takes a table of ``features.FEATURES``.
    threshold : float
        Warn from this probability on.
    months : tuple of int
        The months that it has learned from.
    record : mapping of str to str
        Where it comes from: tags of its training run, such as ``data_version``.
    """

    version: str
    model: Pipeline
    threshold: float
    months: tuple[int, ...]
    record: Mapping[str, str]

    def write(self, folder: Path) -> Path:
        """Write the package into a folder, in the place of what was there, and return the folder.

        Parameters
        ----------
        folder : Path
            It is made if need be.

        Raises
        ------
        CourseError
            If it cannot be written to.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with files.replacing(folder / MODEL) as part:
            skops.io.dump(self.model, part)
        description = {
            "version": self.version,
            "threshold": self.threshold,
            "months": self.months,
            "record": dict(self.record),
            "sha256": files.sha256(folder / MODEL),
        }
        with files.replacing(folder / DESCRIPTION) as part:
            part.write_text(json.dumps(description, indent=2), encoding="utf-8")
        return folder

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load a package, if it is whole and holds nothing but types that are known.

        Raises
        ------
        CourseError
            If a file is missing, its bytes are not those that were packed, or it would build
            objects of types that nobody has approved.
        """
        try:
            about = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
            found = files.sha256(folder / MODEL)
            version, threshold = str(about["version"]), float(about["threshold"])
            months, record = tuple(about["months"]), dict(about["record"])
            packed = about["sha256"]
        except FileNotFoundError as error:
            missing = Path(error.filename).name
            raise CourseError(f"{folder} is no model package: {missing} is missing.") from None
        except (ValueError, KeyError, TypeError) as error:
            raise CourseError(f"{DESCRIPTION} of {folder} cannot be read ({error!r}).") from None
        if found != packed:
            raise CourseError(
                f"{MODEL} of {folder} is not the file that was packed: its SHA-256 differs. Do not "
                "use it; pack the model again."
            )
        return cls(version, _open(folder / MODEL, found), threshold, months, record)


@lru_cache(maxsize=8)  # opening one takes as long as 10,000 forecasts
def _open(file: Path, sha256: str) -> Pipeline:
    """Return the model of a file; it is kept as long as the bytes of the file are the same."""
    unknown = skops.io.get_untrusted_types(file=file)
    if refused := sorted(set(unknown) - set(TRUSTED_TYPES)):
        raise CourseError(
            f"{file.name} of {file.parent} would build objects of types that nobody has approved: "
            f"{', '.join(refused)}."
        )
    return skops.io.load(file, trusted=TRUSTED_TYPES)
