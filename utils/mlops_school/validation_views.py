"""Pictures of what validation finds."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from mlops_school import plots


def draw_matrix(broken: Mapping[str, Sequence[str]], guards: Mapping[str, str]) -> Figure:
    """Return a picture of which month breaks which rules.

    Parameters
    ----------
    broken : mapping of str to sequence of str
        For each month, by what was done to it, the names of the rules that it breaks.
    guards : mapping of str to str
        The rule that is there to catch it: an X in the picture, other broken rules an o.
    """
    rules = list(
        dict.fromkeys([*guards.values(), *(r for found in broken.values() for r in found)])
    )
    shade = np.array([[rule in found for rule in rules] for found in broken.values()], dtype=int)
    figure, axes = plt.subplots(figsize=(9, 0.32 * len(broken) + 1.8))
    axes.imshow(shade, cmap=ListedColormap(["white", plots.SKY]), vmin=0, vmax=1, aspect="auto")
    for row, (name, found) in enumerate(broken.items()):
        for rule in found:
            mark = "X" if guards.get(name) == rule else "o"
            axes.text(rules.index(rule), row, mark, ha="center", va="center")
    axes.set_xticks(range(len(rules)), rules, rotation=45, ha="left", rotation_mode="anchor")
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(broken)), [name.replace("_", " ") for name in broken])
    axes.set_xticks(np.arange(len(rules) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(broken) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color=plots.GREY, linewidth=0.4)
    axes.tick_params(which="both", length=0)
    return figure


def draw_tradeoff(medians: pd.Series, margin: int) -> Figure:
    """Return a picture of what each margin of the rule ``delay_median`` gets wrong.

    Parameters
    ----------
    medians : Series of length 12
        The median arrival delay of each month, in minutes. The limits come from the first six; the
        other six are judged by them.
    margin : int
        The margin to mark, in minutes.
    """
    margins = range(26)
    figure, axes = plt.subplots()
    alarms = [count_mistakes(medians, each)[0] for each in margins]
    axes.plot(margins, alarms, "k-", linewidth=3, label="good months refused (false alarms)")
    for fast, line in ((10, "--"), (20, "-."), (30, ":")):
        missed = [count_mistakes(medians, each, fast)[1] for each in margins]
        axes.plot(margins, missed, line, linewidth=2, label=f"missed: clocks {fast} minutes fast")
    axes.axvline(margin, color=plots.GREY)
    axes.annotate(f" margin {margin}", (margin, 6.3), color=plots.BLACK)
    axes.set(xlabel="margin in minutes", ylabel="of 6 months", ylim=(-0.3, 6.9))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def count_mistakes(medians: pd.Series, margin: float, minutes_fast: float = 0) -> tuple[int, int]:
    """Return how many good months a margin refuses, and how many bad ones it lets in.

    Parameters
    ----------
    medians, margin
        As for :func:`draw_tradeoff`.
    minutes_fast : float
        What makes the six later months bad: clocks that are so many minutes fast.
    """
    past, later = medians.iloc[:6], medians.iloc[6:]
    limits = past.min() - margin, past.max() + margin
    refused = ~later.between(*limits)
    let_in = (later + minutes_fast).between(*limits)
    return int(refused.sum()), int(let_in.sum())
