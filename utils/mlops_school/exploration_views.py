"""Pictures of an exploration.

Functions that begin with `draw` return a figure and its text alternative, for
:func:`mlops_school.plots.show`.
"""

from calendar import month_abbr
from collections.abc import Mapping, Sequence
from statistics import NormalDist

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import ArrayLike
from scipy.stats import binom

from mlops_school import plots
from mlops_school.exploration import rate_by
from mlops_school.features import LATE_FROM

Drawing = tuple[Figure, str]

_PLAIN = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}  # behind words that a line crosses

_PERCENT = PercentFormatter(1, decimals=0)
# How a column is marked by when it is known: marker and colour say the same.
WHEN = {
    "known": ("o", plots.BLUE),
    "trap": ("D", plots.ORANGE),
    "too late": ("X", plots.RED),
}


def draw_delays(minutes: pd.Series) -> Drawing:
    """Draw how late flights arrive, with the middle, the mean and the limit."""
    median, mean, late = minutes.median(), minutes.mean(), (minutes >= LATE_FROM).mean()
    figure, most = plt.subplots(figsize=(8, 3.4))
    bins = np.arange(-70, 125, 5)
    _, edges, bars = most.hist(minutes, bins=bins, color=plots.SKY, edgecolor="white")
    for edge, bar in zip(edges, bars, strict=False):
        if edge >= LATE_FROM:
            bar.set(facecolor=plots.RED, hatch="//")
    top = most.get_ylim()[1]
    for value, words, align in ((median, "median", "right"), (mean, "mean", "left")):
        most.axvline(value, color=plots.BLACK, linestyle="--" if words == "median" else ":")
        shift = -3 if align == "right" else 3
        most.text(value + shift, top * 1.13, f"{words}\n{value:.0f}", ha=align, va="top")
    most.text(40, top * 0.45, f"{late:.0%} count as late\n(hatched)", color="#A34700")
    most.set(
        title="Most flights arrive early, a few very late", xlabel="minutes late", ylabel="flights"
    )
    most.set_ylim(0, top * 1.15)
    return figure, (
        f"Arrival delays from {minutes.min():.0f} minutes on, drawn up to {bins[-1]}: half of the "
        f"flights are below {median:.0f}, their mean is {mean:.0f}, and {late:.0%} are {LATE_FROM} "
        f"or more minutes late. The latest came {minutes.max():.0f} minutes late."
    )


def draw_days(days: pd.DataFrame, name: Sequence[pd.Timestamp]) -> Drawing:
    """Draw, for each day, the flights without a label beside the late ones among the others.

    Parameters
    ----------
    days : DataFrame
        ``unlabelled`` and ``late``, as shares, by date.
    name : sequence of Timestamp
        Days to name in the picture.
    """
    figure, axes = plt.subplots(figsize=(8, 3.8))
    named = days.loc[list(name)]
    others = days.drop(named.index)
    axes.scatter(others["unlabelled"], others["late"], color=plots.SKY, edgecolor=plots.BLUE, s=25)
    axes.scatter(named["unlabelled"], named["late"], color=plots.RED, marker="D", s=45)
    for date, row in named.iterrows():
        text = f"{date.day} {month_abbr[date.month]}"
        axes.annotate(text, row[["unlabelled", "late"]], (8, -4), textcoords="offset points")
    usual = days["late"].mean()
    axes.axhline(usual, color=plots.GREY, linestyle=":")
    axes.text(0.4, usual, "average day", ha="center", va="bottom")
    axes.xaxis.set_major_formatter(_PERCENT)
    axes.yaxis.set_major_formatter(_PERCENT)
    axes.set(
        title="A quiet day, or a day that hides its trouble?", xlim=(-0.01, 0.66), ylim=(0, 0.9)
    )
    axes.set(xlabel="flights without a label", ylabel="late, of those with a label")
    listed = "; ".join(
        f"{date.day} {month_abbr[date.month]}: {row['unlabelled']:.0%} without a label, "
        f"{row['late']:.0%} of the others late"
        for date, row in named.iterrows()
    )
    few = (days["unlabelled"] < 0.1).sum()
    return figure, (
        f"{len(days)} days as points; on {few} of them less than 10% of the flights have no label. "
        f"{listed}. On the average day {usual:.0%} are late."
    )


def draw_hours(by_hour: pd.DataFrame, by_before: pd.DataFrame) -> Drawing:
    """Draw the share late by hour, and by the delay of the aircraft's flight before."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.8), width_ratios=[3, 2], sharey=True)
    _band(left, by_hour, np.asarray(by_hour.index, dtype=float))
    left.set(title="The day gets later …", xlabel="hour of scheduled departure")
    left.set(xticks=range(6, 24, 3), ylabel="flights late")
    x = np.arange(len(by_before))
    _errors(right, x, by_before, marker="s", color=plots.RED)
    right.set_xticks(x, by_before.index, rotation=30, ha="right")
    right.set(title="… and lateness travels", xlabel="flight before arrived, minutes late")
    left.yaxis.set_major_formatter(_PERCENT)
    left.set_ylim(0, 1)
    first, last = by_before.iloc[0], by_before.iloc[-1]
    return figure, (
        "Share of flights late, with intervals. Left, by hour: "
        + ", ".join(f"{hour}: {by_hour.loc[hour, 'share']:.0%}" for hour in (6, 9, 12, 15, 18, 21))
        + f". Right, by how late the same aircraft arrived before: {by_before.index[0]}: "
        f"{first['share']:.0%}, rising to {by_before.index[-1]}: {last['share']:.0%}."
    )


def draw_carriers(by_carrier: pd.DataFrame, by_pair: pd.DataFrame, carrier: str) -> Drawing:
    """Draw the share late of all carriers, and that of one of them by airport beside the others.

    Parameters
    ----------
    by_carrier : DataFrame
        From :func:`mlops_school.exploration.rate_by`, by carrier.
    by_pair : DataFrame
        The same by airport and whether the flight is one of `carrier`.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 4.2), sharex=True)
    ordered = by_carrier.sort_values("share")
    y = np.arange(len(ordered))
    left.errorbar(
        ordered["share"], y, xerr=_reach(ordered), fmt="none", ecolor=plots.GREY, capsize=2
    )
    left.scatter(ordered["share"], y, s=10 + ordered["n"] / 120, color=plots.BLUE, zorder=3)
    left.set_yticks(y, [f"{code}  {n:,}" for code, n in ordered["n"].items()])
    left.set(title="Carrier, with its flights", xlabel="flights late", xlim=(0, 0.6))
    left.xaxis.set_major_formatter(_PERCENT)
    looks = {True: (carrier, "X", plots.RED), False: ("all others", "o", plots.BLUE)}
    airports = by_pair.index.get_level_values(0).unique()
    for mine, (label, marker, colour) in looks.items():
        rows = by_pair.xs(mine, level=1)
        y = np.arange(len(airports)) + (0.12 if mine else -0.12)
        right.errorbar(
            rows["share"], y, xerr=_reach(rows), fmt=marker, color=colour, label=label, capsize=3
        )
    right.set_yticks(range(len(airports)), airports)
    right.set(title=f"{carrier}, airport by airport", xlabel="flights late", ylim=(2.5, -0.7))
    right.legend(loc="upper right", ncols=2)
    pairs = ", ".join(
        f"{airport}: {carrier} {by_pair.loc[(airport, True), 'share']:.0%}, others "
        f"{by_pair.loc[(airport, False), 'share']:.0%}"
        for airport in airports
    )
    return figure, (
        "Left: "
        + ", ".join(f"{code} {share:.0%}" for code, share in ordered["share"].items())
        + f". Right, {pairs}."
    )


def draw_reversal(table: pd.DataFrame) -> Drawing:
    """Draw the share late of two kinds of flights within groups, and in all flights.

    Parameters
    ----------
    table : DataFrame
        ``share`` and ``n``, by group and kind. There are two kinds; the last group is the whole.
    """
    groups = list(dict.fromkeys(table.index.get_level_values(0)))
    kinds = list(dict.fromkeys(table.index.get_level_values(1)))
    figure, axes = plt.subplots(figsize=(8, 3.6))
    styles = zip(
        groups, ("--", "-.", "-"), (plots.RED, plots.BLUE, plots.BLACK), (1, -1, 1), strict=True
    )
    told = []
    for group, line, colour, side in styles:
        rows = table.loc[group].loc[kinds]
        axes.plot([0, 1], rows["share"], line, color=colour, linewidth=2)
        axes.scatter([0, 1], rows["share"], s=rows["n"] / 100, color=colour, alpha=0.55)
        put = {"textcoords": "offset points", "color": colour, "va": "center"}
        middle = (0.5, rows["share"].mean())
        axes.annotate(group, middle, (0, 14 * side), ha="center", weight="bold", **put)
        for x, (share, n) in enumerate(zip(rows["share"], rows["n"], strict=True)):
            align, aside = ("right", -16) if x == 0 else ("left", 16)
            text = f"{share:.1%} of {n:,}"
            axes.annotate(text, (x, share), (aside, 6 * side), ha=align, **put)
        told.append(f"{group}: {kinds[0]} {rows['share'].iloc[0]:.1%}, {kinds[1]} "
                    f"{rows['share'].iloc[1]:.1%}")  # fmt: skip
    axes.set_xticks([0, 1], kinds)
    axes.yaxis.set_major_formatter(_PERCENT)
    axes.set(title="The whole rises while both of its parts fall", ylabel="flights late")
    axes.set(xlim=(-0.5, 1.5), ylim=(0.17, 0.46))
    return figure, "; ".join(told) + ". The area of a mark is its number of flights."


def by_step(
    table: pd.DataFrame, column: str, edges: Sequence[float], names: Sequence[str]
) -> pd.DataFrame:
    """Return the share late by steps of a column, as :func:`rate_by` does, with the days of each.

    Parameters
    ----------
    edges, names
        As `bins` and `labels` of :func:`pandas.cut`. What lies outside is left out.
    """
    steps = table.assign(step=pd.cut(table[column], edges, labels=names)).dropna(subset="step")
    days = steps.groupby("step", observed=True)["date"].nunique()
    return rate_by(steps, "step").assign(days=days)


def draw_weather(tables: Mapping[str, pd.DataFrame]) -> Drawing:
    """Draw the share late by weather, a panel for each table, with how many flights and days."""
    figure, panels = plt.subplots(1, len(tables), figsize=(8, 3.8), sharey=True)
    told = []
    for axes, (words, table) in zip(panels, tables.items(), strict=True):
        x = np.arange(len(table))
        _errors(axes, x, table, marker="o", color=plots.BLUE)
        labels = [f"{name}\n{row['n']:,.0f}\n{row['days']:.0f}" for name, row in table.iterrows()]
        axes.set_xticks(x, labels, fontsize=8)
        what, _, unit = words.partition(", ")
        axes.set(title=what, xlabel=f"{unit}, flights, days", xlim=(-0.5, len(table) - 0.5))
        told.append(
            f"{words}: "
            + ", ".join(
                f"{name} {row['share']:.0%} ({row['days']:.0f} days)"
                for name, row in table.iterrows()
            )
        )
    panels[0].yaxis.set_major_formatter(_PERCENT)
    panels[0].set(ylim=(0, 0.8), ylabel="flights late")
    return figure, "Share of flights late. " + ". ".join(told) + "."


def draw_giveaway(arrived: pd.DataFrame, scores: pd.Series) -> Drawing:
    """Draw departure delay beside arrival delay, and how well each column ranks alone."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 4.4))
    cells = left.hexbin(
        arrived["dep_delay"], arrived["arr_delay"], extent=(-20, 180, -60, 180), gridsize=40,
        mincnt=1, cmap="cividis", norm=LogNorm(), linewidths=0.1,
    )  # fmt: skip
    left.axhline(LATE_FROM, color=plots.RED, linestyle="--")
    left.text(175, LATE_FROM - 3, "late from here up", ha="right", va="top", color="#A34700")
    figure.colorbar(cells, ax=left, label="flights", location="bottom", shrink=0.8)
    correlation = arrived["dep_delay"].corr(arrived["arr_delay"])
    left.set(title=f"Too good: correlation {correlation:.2f}", ylim=(-60, 180))
    left.set(xlabel="dep_delay, minutes", ylabel="arr_delay, minutes")
    ordered = scores.sort_values()
    right.barh(ordered.index, ordered - 0.5, left=0.5, color=plots.SKY, edgecolor=plots.BLUE)
    for y, value in enumerate(ordered):
        right.text(value + 0.005, y, f"{value:.2f}", va="center", fontsize=9)
    right.set(title="One column alone", xlabel="ROC AUC (0.5 is guessing)", xlim=(0.5, 1))
    return figure, (
        f"Left: the two delays lie along a line, correlation {correlation:.2f}. Right, ROC AUC: "
        + ", ".join(f"{name} {value:.2f}" for name, value in scores.items())
        + "."
    )


# When things are known of a flight at 17:00 that is three hours in the air: hours from its
# scheduled departure. None as a beginning: weeks before.
_TIMELINE = (
    ("carrier, dest, distance, sched_dep_time …", "known", None, None, "weeks before"),
    ("weather of 14 o'clock", "known", -3, -2, "complete at 15:00"),
    ("tailnum", "trap", -6, 0, "may be swapped until the end"),
    ("arrival of the aircraft's flight before", "trap", -6, -0.5, "mostly in time"),
    ("weather of 17 o'clock", "too late", 0, 1, "complete at 18:00"),
    ("dep_time, dep_delay", "too late", 0, 0.7, ""),
    ("arr_time, air_time, arr_delay", "too late", 3, 3.7, ""),
    ("place of the row in its day", "too late", 0, 4.6, "next morning"),
)


def draw_timeline() -> Drawing:
    """Draw what is known of a flight when, with the moment at which the warning is due."""
    figure, axes = plt.subplots(figsize=(8, 4.2))
    axes.axvspan(-8, -2, color=plots.SKY, alpha=0.15, linewidth=0)
    axes.axvline(-2, color=plots.BLACK, linewidth=2)
    axes.axvline(0, color=plots.BLACK, linestyle=":")
    for y, (_, when, start, end, note) in enumerate(_TIMELINE):
        marker, colour = WHEN[when]
        begins, ends = (-7.4, -7.4) if start is None else (start, end)
        axes.plot([begins, ends], [y, y], color=colour, linewidth=2, linestyle="-")
        axes.plot(ends, y, marker, color=colour, markersize=10)
        axes.text(ends + 0.4, y, note, va="center", fontsize=9, bbox=_PLAIN if y else None)
    axes.set_yticks(range(len(_TIMELINE)), [row[0] for row in _TIMELINE])
    axes.set_ylim(len(_TIMELINE) - 0.4, -1)
    axes.text(-2.1, -0.75, "known in time", ha="right", va="center", weight="bold")
    axes.text(0.1, -0.75, "scheduled departure", va="center")
    axes.set_xticks(range(-6, 5, 2), [f"{17 + hour}:00" for hour in range(-6, 5, 2)])
    axes.set(xlim=(-8, 7.6), title="A flight at 17:00: the warning is due at 15:00")
    handles = [
        plt.Line2D([], [], color=colour, marker=marker, markersize=8, label=when)
        for when, (marker, colour) in WHEN.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure, "A flight at 17:00, warning due at 15:00. " + " ".join(
        f"{when.capitalize()}: {words}{f' ({note})' if note else ''}."
        for words, when, _, _, note in _TIMELINE
    )


def draw_funnel(by_destination: pd.DataFrame, share: float, name: Sequence[str] = ()) -> Drawing:
    """Draw the share late of each destination over its worth, with what chance alone would do.

    Parameters
    ----------
    by_destination : DataFrame
        From :func:`mlops_school.exploration.rate_by`, by destination.
    share : float
        The share late of all flights.
    name : sequence of str
        Destinations to name in the picture.
    """
    figure, axes = plt.subplots(figsize=(8, 4.4))
    n = np.unique(np.geomspace(1, by_destination["worth"].max() * 1.2, 300).astype(int))
    for level, colour in ((0.998, "#E4EEF5"), (0.95, "#BFD9EA")):
        low, high = (count / n for count in _by_chance(n, share, level))
        axes.fill_between(
            n, low, high, color=colour, label=f"{100 * level:g}% of airports, by chance"
        )
    axes.axhline(share, color=plots.BLUE, linestyle="--")
    inside = _inside(by_destination, share)
    for mask, marker, colour in ((inside, "o", plots.BLUE), (~inside, "^", plots.RED)):
        rows = by_destination[mask]
        label = "within" if marker == "o" else "outside"
        axes.plot(rows["worth"], rows["share"], marker, color=colour, markersize=5, label=label)
    for code in name:
        point = by_destination.loc[code, ["worth", "share"]]
        axes.annotate(code, point, (-8, -4), textcoords="offset points", ha="right", weight="bold")
    axes.set_xscale("log")
    axes.set_xticks([10, 100, 1000], ["10", "100", "1,000"])
    axes.yaxis.set_major_formatter(_PERCENT)
    axes.set(ylim=(-0.02, 1), xlim=(4, 2000))
    axes.set_title(f"{len(by_destination)} destinations in the funnel of chance")
    axes.set(xlabel="worth: so many independent flights (logarithmic)", ylabel="flights late")
    axes.legend(loc="upper right", fontsize=9)
    named = ", ".join(
        f"{code} {by_destination.loc[code, 'share']:.0%} of {by_destination.loc[code, 'n']:,}"
        for code in name
    )
    return figure, (
        f"Share late over worth, around {share:.0%}. The funnel of chance is wide for "
        f"few flights and narrow for many: {inside.sum()} destinations lie within its limits for "
        f"99.8%, {(~inside).sum()} outside. {named}."
    )


def draw_gaps(rows: pd.DataFrame, limit: float) -> Drawing:
    """Draw differences with their intervals, and the limits that a requirement sets.

    Parameters
    ----------
    rows : DataFrame
        From :func:`mlops_school.exploration.gap`; the last row is the one of several months.
    limit : float
        The largest difference that is allowed, to both sides.
    """
    figure, axes = plt.subplots(figsize=(8, 3))
    y = np.arange(len(rows))
    axes.axvspan(-limit, limit, color=plots.SKY, alpha=0.2, linewidth=0)
    axes.axvline(limit, color=plots.BLACK)
    axes.axvline(0, color=plots.GREY, linestyle=":")
    axes.text(limit, -0.75, " limit of R7", ha="left", va="center")
    axes.text(0.003, -0.75, "no difference", ha="left", va="center", color="#555555")
    for part, marker, colour in (
        (slice(None, -1), "o", plots.BLUE),
        (slice(-1, None), "D", plots.RED),
    ):
        few = rows.iloc[part]
        reach = np.array([few["gap"] - few["low"], few["high"] - few["gap"]])
        axes.errorbar(few["gap"], y[part], xerr=reach, fmt=marker, color=colour, capsize=4)
    names = [month_abbr[month] if isinstance(month, int) else month for month in rows.index]
    axes.set_yticks(y, names)
    axes.set(ylim=(len(rows) - 0.4, -1.1), xlim=(-0.02, 0.2))
    axes.set(
        title="The same service, judged five times", xlabel="share warned of, small less all others"
    )
    return figure, f"Differences with intervals; the limit is {limit:.2f}. " + "; ".join(
        f"{name}: {row['gap']:.3f} ({row['low']:.2f} to {row['high']:.2f})"
        for name, row in rows.set_axis(names).iterrows()
    )


def draw_looks(
    table: pd.DataFrame, share: float, best: pd.Series, real: Mapping[str, float]
) -> Drawing:
    """Draw many meaningless groups, and how far the best of them gets by chance.

    Parameters
    ----------
    table : DataFrame
        From :func:`mlops_school.exploration.rate_by`, of shuffled labels.
    share : float
        The share late of all flights.
    best : Series
        From :func:`mlops_school.exploration.look_often`.
    real : dict of str to float
        What was really found, in standard errors.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.8), width_ratios=[3, 2])
    ordered = table.sort_values("share")
    out = (ordered["low"] > share) | (ordered["high"] < share)
    x = np.arange(len(ordered))
    for mask, marker, colour in ((~out, "o", plots.BLUE), (out, "^", plots.RED)):
        rows = ordered[mask]
        left.errorbar(
            x[mask], rows["share"], yerr=_reach(rows), fmt=marker, color=colour, markersize=4,
            linewidth=0.8,
        )  # fmt: skip
    left.axhline(share, color=plots.BLACK, linestyle="--")
    left.yaxis.set_major_formatter(_PERCENT)
    left.set(title=f"{out.sum()} of {len(table)} “effects”, none real", xticks=[])
    left.set(xlabel="groups, in order of their share", ylabel="flights late")
    right.hist(best, bins=15, color=plots.SKY, edgecolor=plots.BLUE)
    top = right.get_ylim()[1]
    for number, (words, value) in enumerate(real.items()):
        right.axvline(value, color=plots.RED, linestyle="-")
        at = {"ha": "right", "va": "top", "bbox": _PLAIN}
        right.text(value - 0.15, top * (0.95 - 0.25 * number), words, **at)
    one_look, all_looks = (NormalDist().inv_cdf(1 - 0.025 / looks) for looks in (1, len(table)))
    right.axvline(one_look, color=plots.BLACK, linestyle=":")
    right.axvline(all_looks, color=plots.BLACK, linestyle="--")
    right.set(
        title=f"The best of 100, {len(best)} times",
        xlabel="distance, standard errors",
        ylabel="shuffles",
    )
    right.set_xlim(0, max([*real.values(), best.max()]) * 1.08)
    found = ", ".join(f"{words} {value:.1f}" for words, value in real.items()).replace("\n", " ")
    return figure, (
        f"Left: {len(table)} groups of shuffled labels; the intervals of {out.sum()} miss the true "
        f"{share:.0%}. Right: the best of them is {best.median():.1f} standard errors away in the "
        f"median shuffle and {best.max():.1f} in the worst. The usual limit is {one_look:.2f}, "
        f"that for {len(table)} looks {all_looks:.2f}. Really found: {found}."
    )


def _by_chance(n: ArrayLike, share: float, level: float) -> list[np.ndarray]:
    """Return how many of `n` flights are late at least and at most, by chance."""
    return [binom.ppf(q, n, share) for q in ((1 - level) / 2, (1 + level) / 2)]


def _inside(table: pd.DataFrame, share: float, level: float = 0.998) -> pd.Series:
    """Tell which groups lie within what chance would do."""
    n = table["worth"].round()
    low, high = _by_chance(n, share, level)
    return (table["share"] * n).round().between(low, high)


def _reach(table: pd.DataFrame) -> np.ndarray:
    """Return how far the interval reaches to both sides, as Matplotlib wants it."""
    share = table["share"].to_numpy(dtype=float)
    low, high = table["low"].to_numpy(dtype=float), table["high"].to_numpy(dtype=float)
    return np.clip(np.array([share - low, high - share]), 0, None)


def _errors(axes: Axes, x: np.ndarray, table: pd.DataFrame, *, marker: str, color: str) -> None:
    axes.errorbar(x, table["share"], yerr=_reach(table), fmt=marker, color=color, capsize=4)


def _band(axes: Axes, table: pd.DataFrame, x: np.ndarray) -> None:
    """Draw shares as a line in the band of their intervals."""
    axes.fill_between(x, table["low"], table["high"], color=plots.SKY, alpha=0.4, linewidth=0)
    axes.plot(x, table["share"], "o-", color=plots.BLUE, markersize=4)
