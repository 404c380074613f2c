"""The pictures of lesson 10."""

from calendar import month_abbr
from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mlops_school import load, plots

Drawing = tuple[Figure, str]


def _names(months: pd.Index) -> list[str]:
    return [month_abbr[month] for month in months]


def draw_months(months: pd.DataFrame, minimum: float) -> Drawing:
    """Draw how good the forecasts of each month were.

    Parameters
    ----------
    months : DataFrame
        Of :func:`mlops_school.backtest.by_month`.
    minimum : float
        The least ROC AUC.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
    x = np.arange(len(months))
    reach = [months["roc_auc"] - months["low"], months["high"] - months["roc_auc"]]
    left.errorbar(x, months["roc_auc"], yerr=np.array(reach), fmt="o", capsize=4)
    left.axhline(minimum, color=plots.BLACK, linestyle=":")
    left.text(len(months) - 0.5, minimum + 0.002, "R3", va="bottom", ha="right")
    left.set(title="ROC AUC", ylim=(0.58, 0.78))

    cost = months["dollars"]
    reach = [cost - months["dollars_low"], months["dollars_high"] - cost]
    right.errorbar(x, cost, yerr=np.array(reach), fmt="o", capsize=4, label="release 1")
    right.plot(x, months["never"], "v", color=plots.ORANGE, label="never warn")
    right.plot(x, months["always"], "^", color=plots.GREEN, label="always warn")
    right.set(title="Dollars per flight", ylim=(0, None))
    right.legend(ncols=3, fontsize="small", loc="lower left")
    for axes in (left, right):
        axes.set_xticks(x, _names(months.index))
    alt = "; ".join(
        f"{name}: ROC AUC {row['roc_auc']:.3f} ({row['low']:.2f} to {row['high']:.2f}), "
        f"{row['dollars']:.2f} dollars, never {row['never']:.2f}, always {row['always']:.2f}"
        for name, (_, row) in zip(_names(months.index), months.iterrows(), strict=True)
    )
    return figure, alt


def draw_gaps(spans: pd.DataFrame, verdicts: list[str], limit: float, together: int = 3) -> Drawing:
    """Draw how much less small destinations are warned of, with what R7 says.

    Parameters
    ----------
    spans : DataFrame
        Of :func:`mlops_school.backtest.small_gaps`.
    verdicts : list of str
        One for each span.
    limit : float
        The largest difference that is allowed, to both sides.
    together : int
        How many months a span has.
    """
    figure, axes = plt.subplots(figsize=(8, 0.9 + 0.42 * len(spans)))
    y = np.arange(len(spans))
    axes.axvspan(-limit, limit, color=plots.SKY, alpha=0.2, linewidth=0)
    axes.axvline(limit, color=plots.BLACK)
    reach = np.array([spans["gap"] - spans["low"], spans["high"] - spans["gap"]])
    axes.errorbar(spans["gap"], y, xerr=reach, fmt="o", capsize=4)
    names = [f"{month_abbr[first]} to {month_abbr[first + together - 1]}" for first in spans.index]
    axes.set_yticks(y, names)
    for place, verdict in zip(y, verdicts, strict=True):
        axes.text(0.205, place, verdict, va="center")
    axes.set(xlim=(-0.02, 0.26), ylim=(len(spans) - 0.5, -0.5))
    axes.set(xlabel="share of late flights warned of, small less all others")
    rows = zip(names, spans.itertuples(), verdicts, strict=True)
    return figure, f"The limit is {limit:.2f}. " + "; ".join(
        f"{name}: {row.gap:.3f} ({row.low:.3f} to {row.high:.3f}), {verdict}"
        for name, row, verdict in rows
    )


def draw_calibration(curves: Mapping[str, pd.DataFrame]) -> Drawing:
    """Draw how many flights were late of those that were expected to be.

    Parameters
    ----------
    curves : mapping of str to DataFrame
        By name, of :func:`mlops_school.calibration.curve`. Classes of under 100 flights are left
        out.
    """
    figure, axes = plt.subplots(figsize=(6, 4))
    axes.plot([0, 1], [0, 1], ":", color=plots.BLACK, label="as it should be")
    said = []
    for (name, curve), marker in zip(curves.items(), "osD^", strict=False):
        curve = curve[curve["flights"] >= 100]
        axes.plot(curve["expected"], curve["seen"], marker=marker, label=name)
        near = curve.iloc[(curve["expected"] - 0.35).abs().argmin()]
        said.append(f"{name}: of {near['expected']:.2f} expected, {near['seen']:.2f} late")
    axes.set(xlabel="probability that the model gave", ylabel="share late", xlim=(0, 0.9))
    axes.set(ylim=(0, 0.9))
    axes.legend()
    return figure, "; ".join(said)


def draw_fairness(found: Mapping[str, pd.DataFrame], prices: Mapping[str, float]) -> Drawing:
    """Draw whom each way of deciding wrongs, and what it costs.

    Parameters
    ----------
    found : mapping of str to DataFrame
        By way, of :func:`mlops_school.fairness.describe`.
    prices : mapping of str to float
        By way, of :func:`mlops_school.fairness.price`.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True)
    y = np.arange(len(found))
    for group, marker, shift in (("young", "o", -0.12), ("older", "s", 0.12)):
        rows = pd.DataFrame({way: table.loc[group] for way, table in found.items()}).T
        reach = np.array([rows["refused"] - rows["low"], rows["high"] - rows["refused"]])
        left.errorbar(rows["refused"], y + shift, xerr=reach, fmt=marker, capsize=3, label=group)
        right.plot(rows["bad"], y + shift, marker, label=group)
    names = [f"{way}\n(costs {prices[way]:.2f})" for way in found]
    left.set_yticks(y, names)
    left.invert_yaxis()
    left.set(title="of the good, refused", xlim=(0.3, 0.85))
    right.set(title="of the granted, bad", xlim=(0, 0.3))
    right.legend(loc="lower right")
    alt = "; ".join(
        f"{way}: of the good, {table['refused']['young']:.2f} of the young and "
        f"{table['refused']['older']:.2f} of the older refused; of the granted, "
        f"{table['bad']['young']:.2f} and {table['bad']['older']:.2f} bad; costs {prices[way]:.2f}"
        for way, table in found.items()
    )
    return figure, alt


def draw_staircase(steps: pd.DataFrame, limit: float) -> Drawing:
    """Draw how long answers take as the load rises.

    Parameters
    ----------
    steps : DataFrame
        Of :func:`mlops_school.stress.staircase`.
    limit : float
        Within how many milliseconds R5 wants 95 percent of them.
    """
    figure, axes = plt.subplots(figsize=(8, 3.6))
    for name, marker in zip(["p50", "mean", "p95", "p99"], "ovsD", strict=True):
        axes.plot(steps.index, steps[name], marker=marker, label=name)
    axes.axhline(limit, color=plots.BLACK, linestyle=":")
    axes.text(steps.index[0], limit, " R5", va="bottom")
    axes.set(yscale="log", xlabel="requests a second", ylabel="milliseconds")
    axes.set(title="Time to the answer, as the load rises")
    axes.legend()
    return figure, "; ".join(
        f"{rate:.0f} requests a second: half within {row['p50']:.0f} milliseconds, "
        f"95 percent within {row['p95']:.0f}"
        for rate, row in steps.iterrows()
    )


def draw_overload(runs: Mapping[str, pd.DataFrame], limit: float) -> Drawing:
    """Draw what becomes of each request while too many come.

    Parameters
    ----------
    runs : mapping of str to DataFrame
        By name, of :func:`mlops_school.load.at_rate`.
    limit : float
        Milliseconds that R5 allows.
    """
    figure, panels = plt.subplots(1, len(runs), figsize=(9, 3.4), sharey=True)
    said = []
    for axes, (name, answers) in zip(panels, runs.items(), strict=True):
        answered, busy = answers[answers["status"] == 200], answers[answers["status"] == 503]
        lost = answers[answers["status"] == load.NO_ANSWER]
        for rows, marker, colour, what in (
            (answered, "o", plots.BLUE, "answered"),
            (busy, "x", plots.RED, "refused at once"),
            (lost, "^", plots.BLACK, "given up"),
        ):
            if len(rows):
                axes.plot(rows["due"], 1000 * rows["seconds"], marker, color=colour, label=what)
        axes.axhline(limit, color=plots.BLACK, linestyle=":")
        axes.set(title=name, yscale="log", xlabel="due, in seconds")
        axes.legend(fontsize="small")
        said.append(f"{name}: {len(answered)} answered, {len(busy)} refused at once")
    panels[0].set_ylabel("milliseconds to the answer")
    return figure, "; ".join(said)
