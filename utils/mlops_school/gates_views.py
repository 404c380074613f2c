"""Pictures of what a gate sees."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from mlops_school.gates import Interval


def draw_intervals(intervals: Mapping[str, Interval], limit: float, title: str) -> Figure:
    """Draw intervals below each other, between the borders of what is allowed.

    Parameters
    ----------
    intervals : dict of str to Interval
        By name, from top to bottom.
    limit : float
        Allowed is what lies between ``-limit`` and ``limit``.
    title : str
        What was measured.
    """
    figure, axes = plt.subplots(figsize=(8, 0.8 + 0.6 * len(intervals)))
    for (name, one), marker in zip(intervals.items(), "os^Dv", strict=False):
        reach = [[one.found - one.low], [one.high - one.found]]
        axes.errorbar(one.found, name, xerr=reach, fmt=marker, capsize=5)
    axes.axvspan(-limit, limit, facecolor="none", edgecolor="black", hatch="..", alpha=0.2)
    axes.invert_yaxis()
    axes.margins(y=0.4)
    axes.set(title=title, xlim=(-1.3 * limit, 2 * limit))
    return figure


def describe(intervals: Mapping[str, Interval], limit: float) -> str:
    """Return the same in words, for those who cannot see the picture."""
    parts = "; ".join(f"{name} {one}" for name, one in intervals.items())
    return f"95 percent intervals: {parts}. Allowed, dotted, is from {-limit:+.2f} to {limit:+.2f}."
