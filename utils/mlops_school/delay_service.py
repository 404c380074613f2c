"""The small delay service that is delivered and operated: its files, to begin a repository with."""

from mlops_school.paths import COURSE
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
