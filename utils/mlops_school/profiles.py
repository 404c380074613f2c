"""Questions to profiles of whylogs, which know a table by its statistics and not by its rows."""

from collections.abc import Iterable
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd

from mlops_school.drift import BINS


def merge(profiles: Iterable[Any]) -> Any:
    """Return one profile of all the rows of several ones, which stay as they are."""
    return reduce(lambda merged, other: merged.merge(other), profiles)


def sketch(profile: Any, name: str) -> Any:
    """Return the sketch that answers for percentiles of a column of numbers."""
    return profile.get_column(name).get_metric("distribution").kll.value


def shares(reference: Any, current: Any, name: str, bins: int = BINS) -> pd.DataFrame:
    """Return which share of a column of numbers was in each bin ``then``, and is ``now``.

    What :func:`mlops_school.drift.shares` counts in rows, within the error of the sketches.

    Parameters
    ----------
    reference, current : DatasetProfileView
        Profiles of the rows then and now.
    name : str
        The column.
    bins : int
        How many bins there are, which hold about equal parts of `reference`. What is missing has a
        bin of its own.

    Returns
    -------
    DataFrame
        By number of the bin, -1 for what is missing.
    """
    inner = np.linspace(0, 1, bins + 1)[1:-1]
    edges = np.unique(sketch(reference, name).get_quantiles(list(inner)))
    # A sketch counts what is below a number; an edge itself belongs to the bin below it.
    limits = list(np.nextafter(edges, np.inf))
    table = {}
    for title, profile in {"then": reference, "now": current}.items():
        counts = profile.get_column(name).to_summary_dict()
        there = counts["distribution/n"] / counts["counts/n"]
        known = np.asarray(sketch(profile, name).get_pmf(limits))
        table[title] = pd.Series([1 - there, *(known * there)], index=range(-1, len(known)))
    return pd.DataFrame(table)


def speaks_for_all(profile: Any, name: str) -> bool:
    """Tell whether all values of a column that are not missing are in its sketch, and there is one.

    Text among numbers is not in it, and whatever is asked of the sketch is silent about that.
    """
    counts = profile.get_column(name).to_summary_dict()
    there = counts["counts/n"] - counts["counts/null"]
    return bool(counts["distribution/n"] == there > 0)
