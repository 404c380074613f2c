"""The small delay service that is delivered and operated: its files, and what one does with it."""

from pathlib import Path

from mlops_school import pipeline
from mlops_school.delivery import Production
from mlops_school.errors import CourseError
from mlops_school.paths import COURSE
from mlops_school.pipeline import Run
from mlops_school.repository import Repository

FOLDER = COURSE / "delay_service"

# All but `table.py`, the shares of late flights by hour, which whoever starts the service makes.
FILES = (
    "__main__.py",
    "rule.py",
    "version.py",
    "test_rule.py",
    "check_commit.py",
    "package.py",
    ".github/workflows/ci.yml",
)


def write_files(repository: Repository) -> None:
    """Write the files of the service into a repository, without committing them."""
    for name in FILES:
        repository.write(name, (FOLDER / name).read_text(encoding="utf-8"))


def edit(repository: Repository, name: str, old: str, new: str) -> None:
    """Replace a piece of a file.

    Raises
    ------
    CourseError
        If the file has no such piece.
    """
    text = (repository.folder / name).read_text(encoding="utf-8")
    if old not in text:
        raise CourseError(f"{name} has no {old!r}. Run the lesson again from its first cell.")
    repository.write(name, text.replace(old, new))


def release(
    repository: Repository, version: str, message: str, artefacts: Path, date: str | None = None
) -> Run:
    """Commit all changes as a version, give it its tag, and run the pipeline on it.

    Parameters
    ----------
    repository : Repository
        The service's repository.
    version : str
        The number of the version, such as ``1.2``.
    message : str
        What the change is for.
    artefacts : Path
        Where the pipeline puts the artefact, if it passes.
    date : str, optional
        When it is committed, in UTC; by default now.
    """
    repository.write("version.py", f'VERSION = "{version}"\n')
    repository.commit(message, date)
    repository.tag(f"v{version}")
    return pipeline.run(repository, f"v{version}", env={"ARTEFACTS": str(artefacts)})


def one_day(production: Production) -> float:
    """Ask the live version about every hour of a day; return the percentage that failed.

    The counters have grown since the version started, so what happened on a day is a difference.
    """
    before = production.metrics()
    for hour in range(24):
        production.get(f"/predict?hour={hour}")
    after = production.metrics()
    requests, errors = (
        after[name] - before[name] for name in ("delay_requests_total", "delay_errors_total")
    )
    return 100 * errors / requests
