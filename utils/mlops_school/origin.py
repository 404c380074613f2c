"""Where a model comes from: the data, the code, and the versions that made it."""

import platform
import subprocess
from collections.abc import Iterable

import sklearn

from mlops_school import data
from mlops_school.paths import ROOT


def provenance(months: Iterable[int]) -> dict[str, str]:
    """Return what a run must record, beside its settings, to be reproduced.

    Parameters
    ----------
    months : iterable of int
        The months of data that it reads.

    Returns
    -------
    dict of str to str
        Tags: the version of the data, the Git commit of the code (``unknown`` outside a
        repository; ending in ``-dirty`` if files differ from it), the versions of Python and
        scikit-learn.
    """
    return {
        "data_version": data.version(months),
        "git_commit": _git_commit(),
        "python": platform.python_version(),
        "scikit_learn": sklearn.__version__,
    }


def _git_commit() -> str:
    try:
        return subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"],
            cwd=ROOT,
            capture_output=True,
            check=True,
            text=True,
            encoding="utf-8",
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):  # no Git, or no repository
        return "unknown"
