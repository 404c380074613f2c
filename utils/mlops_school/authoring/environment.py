"""Write the conda environments from ``uv.lock``: ``python -m mlops_school.authoring.environment``.

``environment.yml`` is for learners who use conda, ``binder/environment.yml`` for Binder, which
reads nothing outside its own folder. They are equal copies: a symbolic link would not survive a
checkout on Windows, and a reference to another file would make Binder install everything again
after every commit.
"""

import os
import shutil
import subprocess

from mlops_school.errors import CourseError
from mlops_school.paths import ROOT

FILES = (ROOT / "environment.yml", ROOT / "binder" / "environment.yml")

HEADER = """\
# Generated from uv.lock by: python -m mlops_school.authoring.environment
name: mlops-school
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python=3.12.*
  - pip
  - pip:
"""
EXPORT = "export --frozen --no-dev --no-emit-project --no-hashes --no-annotate --no-header --quiet"


def environment() -> str:
    """Return the text of a conda environment with the locked versions of a learner's packages.

    Raises
    ------
    CourseError
        If uv is missing or cannot read the lock.
    """
    uv = os.environ.get("UV") or shutil.which("uv")
    if not uv:
        raise CourseError("The program uv is not on the PATH. Run this with `uv run`.")
    export = subprocess.run(
        [uv, *EXPORT.split()], cwd=ROOT, capture_output=True, encoding="utf-8", check=False
    )
    if export.returncode:
        raise CourseError(f"uv could not export the lock: {export.stderr.strip()}")
    return HEADER + "".join(f"    - {line}\n" for line in export.stdout.splitlines())


if __name__ == "__main__":
    text = environment()
    for file in FILES:
        file.write_text(text, encoding="utf-8", newline="\n")
