"""Results of the simulation of Waterfall and Agile: pictures, sliders, and a table.

Functions that begin with `draw` return a figure and its text alternative, for
:func:`mlops_school.plots.show`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display
from matplotlib.figure import Figure
from pandas.io.formats.style import Styler

from mlops_school import plots
from mlops_school.simulation import STAGES, WAYS, Conditions, Run, Work, repeat

# A line style and a marker with each colour, so that the colour is not needed.
LOOKS = {
    "Waterfall": {"color": plots.BLUE, "linestyle": "--", "marker": "s"},
    "Agile": {"color": plots.ORANGE, "linestyle": "-", "marker": "o"},
}
BAND = (10, 50, 90)  # percentiles: four projects in five lie in the band
# How each kind of work is drawn: its colour, and where its bars lie in their row.
_BARS = {"new": (plots.SKY, -0.4), "rework": (plots.RED, 0.0), "overhead": (plots.GREY, -0.4)}

_ORDER = {
    "Waterfall": "a stage of all stories, then the next stage",
    "Agile": "all stages of a story, then the next story",
}

Drawing = tuple[Figure, str]


def draw_work(runs: Sequence[Run]) -> Drawing:
    """Draw, as a Gantt chart, what the team did when.

    There is a row for each stage: new work in its upper half, work done again in the lower.
    """
    figure, panels = plt.subplots(
        len(runs), sharex=True, figsize=(8, 2.4 * len(runs)), squeeze=False
    )
    rows = [*STAGES, "overhead"]
    for run, axes in zip(runs, panels[:, 0], strict=True):
        for kind, (colour, offset) in _BARS.items():
            for row, stage in enumerate(rows):
                bars = _joined(p for p in run.work if (p.stage or p.kind, p.kind) == (stage, kind))
                axes.broken_barh(bars, (row + offset, 0.4), color=colour, linewidth=0)
        for week in sorted({week for week, _ in run.releases}):
            axes.axvline(week, color=plots.BLACK, linestyle=":", linewidth=1)
        axes.set(title=run.way, yticks=range(len(rows)), yticklabels=rows)
        axes.invert_yaxis()
    patches = [plt.Rectangle((0, 0), 1, 1, color=colour) for colour, _ in _BARS.values()]
    line = plt.Line2D([], [], color=plots.BLACK, linestyle=":")
    labels = ["new work (upper half)", "done again (lower half)", "overhead", "release"]
    figure.legend([*patches, line], labels, loc="outside lower center", ncols=4)
    panels[-1, 0].set_xlabel("week")
    words = [
        f"{run.way}: {len({week for week, _ in run.releases})} releases, the first in week "
        f"{run.releases[0][0]:.1f}; {run.effort('rework'):.0f} person-days of work done again, "
        f"{run.effort('overhead'):.0f} of overhead."
        for run in runs
    ]
    return figure, "Bars of work by stage and week. " + " ".join(words)


def _joined(pieces: Iterable[Work]) -> list[tuple[float, float]]:
    """Return beginnings and lengths of the pieces; those that follow one another are one."""
    bars: list[tuple[float, float]] = []
    for piece in pieces:
        if bars and abs(sum(bars[-1]) - piece.begin) < 1e-6:
            bars[-1] = (bars[-1][0], piece.end - bars[-1][0])
        else:
            bars.append((piece.begin, piece.end - piece.begin))
    return bars


def draw_flow(runs: Sequence[Run]) -> Drawing:
    """Draw the cumulative flow of stories: begun, built, and with users."""
    figure, panels = plt.subplots(1, len(runs), sharey=True, squeeze=False)
    words = []
    for run, axes in zip(runs, panels[0], strict=True):
        weeks = np.linspace(0, max(run.passage["released"].max() for run in runs) + 0.5, 400)
        flow = run.flow_at(weeks)
        axes.fill_between(weeks, flow["built"], flow["begun"], fc=plots.SKY, hatch="..", ec="white")
        axes.fill_between(
            weeks, flow["released"], flow["built"], fc=plots.ORANGE, hatch="//", ec="white"
        )
        axes.fill_between(weeks, flow["released"], color=plots.GREEN)
        axes.set(title=run.way, xlabel="week")
        most = (flow["begun"] - flow["released"]).max()
        words.append(f"{run.way}: up to {most} stories are begun and not yet with users.")
    panels[0, 0].set_ylabel("stories")
    labels = ["in work", "built, waiting for release", "with users"]
    figure.legend(panels[0, 0].collections, labels, loc="outside lower center", ncols=3)
    return figure, "Cumulative flow. " + " ".join(words)


def draw_values(conditions: Conditions, seeds: Iterable[int]) -> Drawing:
    """Draw the value that users have, week by week, as bands over many projects."""
    weeks = np.linspace(0, 24, 193)
    seeds = list(seeds)
    figure, axes = plt.subplots()
    words = []
    for way, look in LOOKS.items():
        runs = repeat(way, conditions, seeds)
        low, middle, high = np.percentile([run.value_at(weeks) for run in runs], BAND, axis=0)
        axes.fill_between(weeks, low, high, color=look["color"], alpha=0.25, linewidth=0)
        at_deadline = np.median([run.value_at(conditions.deadline) for run in runs])
        effort = np.median([run.effort() for run in runs])
        words.append(f"{way}: {at_deadline:.0f} % at the deadline, {effort:.0f} person-days")
        style = {"color": look["color"], "linestyle": look["linestyle"]}
        axes.plot(weeks, middle, **style, label=words[-1])
    axes.axvline(conditions.deadline, color=plots.BLACK, linestyle=":")
    axes.set(
        title=f"Value in the hands of users: medians of {len(seeds)} projects, and bands",
        xlabel="week (dotted: the deadline)",
        ylabel="percent of all value",
        xlim=(0, weeks[-1]),
        ylim=(0, 105),
    )
    figure.legend(loc="outside lower center", ncols=2)
    return figure, f"Lines with bands; medians. {'; '.join(words)}."


def explore(conditions: Conditions, seeds: Iterable[int]) -> None:
    """Show :func:`draw_values` with sliders for what a project meets.

    Where widgets are not shown, as in a notebook that nobody has run or trusted, there is the
    picture alone.
    """
    box = explorer(conditions, seeds)
    figure, alt = draw_values(conditions, seeds)
    still = {"text/html": plots.to_html(figure, alt), "text/plain": f"Figure: {alt}"}
    display(box._repr_mimebundle_() | still, raw=True)


def explorer(conditions: Conditions, seeds: Iterable[int]) -> widgets.VBox:
    """Return the sliders of :func:`explore`, and the picture that they change."""
    seeds = list(seeds)
    ranges = {
        "change_rate": ("changes per week", 0, 4, 0.5),
        "sprint_length": ("weeks in a sprint", 0.5, 6, 0.5),
        "feedback_delay": ("weeks until feedback", 0, 6, 0.5),
    }
    sliders = {
        name: widgets.FloatSlider(
            value=getattr(conditions, name),
            min=least,
            max=most,
            step=step,
            description=words,
            continuous_update=False,  # draw when the slider rests
            readout_format=".1f",
            style={"description_width": "12em"},
            layout=widgets.Layout(width="30em"),
        )
        for name, (words, least, most, step) in ranges.items()
    }
    # An image in HTML, not an area of output: it is replaced at once, and has a text alternative.
    picture = widgets.HTML()

    def redraw(_: object = None) -> None:
        chosen = {name: slider.value for name, slider in sliders.items()}
        image = plots.to_html(*draw_values(replace(conditions, **chosen), seeds))
        picture.value = image.replace("<img", '<img style="max-width: 100%"')  # a narrow window

    for slider in sliders.values():
        slider.observe(redraw, "value")
    redraw()
    return widgets.VBox([*sliders.values(), picture])


def cost_of_change(conditions: Conditions, seeds: Iterable[int]) -> pd.DataFrame:
    """Return what it costs to alter a story, by when the team hears of it.

    Returns
    -------
    DataFrame
        For each way, and each phase (Waterfall) or sprint planning (Agile): the mean `week`, the
        mean `cost` in person-days for each person-day that the story takes, and the number of
        `requests`.
    """
    rows = [
        {
            "way": way,
            "when": back.phase or f"sprint {1 + int(back.heard / conditions.sprint_length + 0.01)}",
            "week": back.heard,
            "cost": back.rework / run.project.stories[back.story].effort,
        }
        for way in WAYS
        for run in repeat(way, conditions, seeds)
        for back in run.comebacks
    ]
    groups = pd.DataFrame(rows).groupby(["way", "when"])
    table = groups.agg(week=("week", "mean"), cost=("cost", "mean"), requests=("cost", "size"))
    return table.sort_values(["way", "week"], ascending=[False, True])


def draw_cost_of_change(table: pd.DataFrame) -> Drawing:
    """Draw the table of :func:`cost_of_change`: the larger a mark, the more requests."""
    figure, axes = plt.subplots(figsize=(8, 4))
    most = table["requests"].max()
    for way, look in LOOKS.items():
        weeks, costs = table.loc[way, "week"], table.loc[way, "cost"]
        axes.plot(weeks, costs, color=look["color"], linestyle=look["linestyle"], label=way)
        sizes = 250 * table.loc[way, "requests"] / most
        axes.scatter(weeks, costs, sizes, color=look["color"], marker=look["marker"])
    for phase, row in table.loc["Waterfall"].iterrows():
        place = (row["week"], row["cost"])
        if phase == STAGES[0]:  # above it, Agile's line is in the way
            axes.annotate(phase, place, (12, -8), textcoords="offset points")
        else:
            axes.annotate(phase, place, (0, 12), textcoords="offset points", ha="center")
    axes.set(
        title="What it costs to alter a story",
        xlabel="week in which the team hears of it (larger mark: more requests)",
        ylabel="times the story's effort",
        ylim=(0, 1.15 * table["cost"].max()),
    )
    axes.legend(loc="lower right")
    costs = table.loc["Waterfall", "cost"]
    words = ", ".join(f"{cost:.1f} in {phase}" for phase, cost in costs.items())
    return figure, f"Rising lines. Waterfall, times the story's effort: {words}."


def sweep(
    conditions: Conditions, rates: Sequence[float], seeds: Iterable[int]
) -> dict[str, pd.DataFrame]:
    """Return what comes out of projects at each rate of change, a row for each project.

    Returns
    -------
    dict of DataFrame
        For each way: `change_rate`, `seed`, `effort` in person-days, and the percent of `value`
        that users have at the deadline.
    """
    seeds = list(seeds)
    return {
        way: pd.DataFrame(
            {
                "change_rate": rate,
                "seed": seed,
                "effort": run.effort(),
                "value": float(run.value_at(conditions.deadline)),
            }
            for rate in rates
            for seed, run in zip(
                seeds, repeat(way, replace(conditions, change_rate=rate), seeds), strict=True
            )
        )
        for way in WAYS
    }


def draw_crossover(results: dict[str, pd.DataFrame]) -> Drawing:
    """Draw the results of :func:`sweep`: value of both, and the difference in effort, in pairs."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
    for way, look in LOOKS.items():
        bands = _bands(results[way].set_index("change_rate")["value"])
        left.fill_between(bands.index, *bands[[10, 90]].T.values, color=look["color"], alpha=0.25)
        left.plot(bands[50], **look, label=way)
    left.set(title="Value at the deadline", xlabel="change requests per week", ylabel="percent")
    left.legend(loc="center left")
    keys = ["change_rate", "seed"]
    efforts = [results[way].set_index(keys)["effort"] for way in ("Agile", "Waterfall")]
    bands = _bands((efforts[0] - efforts[1]).droplevel("seed"))
    right.fill_between(bands.index, *bands[[10, 90]].T.values, color=plots.GREY, alpha=0.4)
    right.plot(bands[50], color=plots.BLACK, marker="D")
    right.axhline(0, color=plots.BLACK, linestyle=":")
    right.set(title="Effort: Agile minus Waterfall", xlabel="change requests per week")
    right.set_ylabel("person-days")
    right.annotate("Agile costs more", (0.98, 0.95), xycoords="axes fraction", ha="right", va="top")
    right.annotate("Waterfall costs more", (0.02, 0.04), xycoords="axes fraction")
    first, last = bands.index[[0, -1]]
    return figure, (
        f"Medians. From {first:g} to {last:g} changes a week, value at the deadline goes from "
        + " and ".join(
            f"{value.iloc[0]:.0f} to {value.iloc[-1]:.0f} percent with {way}"
            for way in WAYS
            for value in [results[way].groupby("change_rate")["value"].median()]
        )
        + f". Agile's effort less Waterfall's goes from {bands[50].iloc[0]:+.0f} "
        f"to {bands[50].iloc[-1]:+.0f} person-days."
    )


def _bands(values: pd.Series) -> pd.DataFrame:
    """Return the percentiles of the values with the same index."""
    bands = values.groupby(level=0).quantile([share / 100 for share in BAND]).unstack()
    return bands.set_axis(BAND, axis="columns")


def compare_on_grid(
    conditions: Conditions,
    rates: Sequence[float],
    overheads: Sequence[float],
    seeds: Iterable[int],
) -> pd.DataFrame:
    """Return the value at the deadline that Agile brings more than Waterfall.

    Returns
    -------
    DataFrame
        Percent of all value, as the mean over the seeds: a row for each overhead of a sprint in
        person-days, a column for each rate of change.
    """
    seeds = list(seeds)

    def value(way: str, rate: float, overhead: float) -> float:
        met = replace(conditions, change_rate=rate, sprint_overhead=overhead)
        return float(np.mean([run.value_at(met.deadline) for run in repeat(way, met, seeds)]))

    columns = {}
    for rate in rates:
        waterfall = value("Waterfall", rate, overheads[0])  # which has no sprints
        columns[rate] = [value("Agile", rate, overhead) - waterfall for overhead in overheads]
    return pd.DataFrame(columns, index=pd.Index(overheads, name="overhead"))


def draw_grid(grid: pd.DataFrame) -> Drawing:
    """Draw the table of :func:`compare_on_grid`; letters and hatching say who wins."""
    figure, axes = plt.subplots(figsize=(8, 4))
    extreme = np.abs(grid.to_numpy()).max()
    axes.pcolormesh(grid, cmap="PuOr_r", vmin=-extreme, vmax=extreme, edgecolor="white")
    winners = grid.map(winner)
    for row, column in np.ndindex(grid.shape):
        letter, amount = winners.iat[row, column][0], abs(grid.iat[row, column])
        strong = amount > 0.6 * extreme
        axes.text(
            column + 0.5,
            row + 0.5,
            f"{letter} {amount:.0f}" if letter != "t" else "=",
            ha="center",
            va="center",
            color="white" if strong else "black",
        )
        if letter == "W":
            cell = plt.Rectangle((column, row), 1, 1, fill=False, hatch="///", edgecolor=plots.GREY)
            axes.add_patch(cell)
    axes.set(
        title="Who has brought more value at the deadline?",
        xlabel="change requests per week",
        ylabel="overhead of a sprint,\nperson-days",
        xticks=np.arange(grid.shape[1]) + 0.5,
        xticklabels=[f"{rate:g}" for rate in grid.columns],
        yticks=np.arange(grid.shape[0]) + 0.5,
        yticklabels=[f"{overhead:g}" for overhead in grid.index],
    )
    count = winners.stack().value_counts()
    return figure, (
        f"A map of {grid.size} fields, each with a letter and the difference in percent of value. "
        f"Waterfall (W, hatched) leads in {count.get('Waterfall', 0)}, Agile (A) in "
        f"{count.get('Agile', 0)}; {count.get('tie', 0)} are ties (=). "
        f"With most overhead and least change: {winners.iat[-1, 0]}; "
        f"with least overhead and most change: {winners.iat[0, -1]}."
    )


def winner(difference: float) -> str:
    """Say who leads, when Agile has so many percent of value more than Waterfall."""
    if abs(difference) < 0.5:
        return "tie"
    return "Agile" if difference > 0 else "Waterfall"


def comparison(conditions: Conditions, seeds: Iterable[int]) -> pd.DataFrame:
    """Return the two ways of working side by side; every number is a mean over simulated runs."""
    seeds = list(seeds)
    calm = replace(conditions, change_rate=0, misunderstood=0)
    busy = replace(conditions, change_rate=3)
    columns = {}
    for way in WAYS:
        normal, quiet, restless = (repeat(way, met, seeds) for met in (conditions, calm, busy))
        changes = [b for run in normal for b in run.comebacks if b.cause == "change"]
        waited = [
            back.heard - run.passage["begun"].iat[back.story]
            for run in normal
            for back in run.comebacks
            if back.cause == "misunderstanding"
        ]
        in_work = _mean((r.passage["released"] - r.passage["begun"]).mean() for r in quiet)
        free = _mean(back.rework == 0 for back in changes)
        columns[way] = {
            "workflow": f"{_ORDER[way]}; a story is on its way for {in_work:.1f} weeks",
            "flexibility": f"{free:.0%} of change requests cost nothing",
            "feedback": f"users see the first story in week "
            f"{_mean(run.releases[0][0] for run in normal):.1f}; a misunderstanding "
            f"is known {_mean(waited):.1f} weeks after work on its story began",
            "speed": f"without change: half the value in week {_mean(map(_half, quiet)):.1f}, "
            f"all in week {_mean(run.delivered for run in quiet):.1f}",
            "change handling": f"{_mean(b.rework for b in changes):.1f} person-days for a change; "
            f"with {busy.change_rate:g} a week, "
            f"{_mean(r.value_at(busy.deadline) for r in restless):.0f} % of value at the deadline",
            "best for": _best_for(way, conditions, seeds),
        }
    return pd.DataFrame(columns)


def show_comparison(conditions: Conditions, seeds: Iterable[int]) -> None:
    """Show the table of :func:`comparison` so that its sentences can be read."""
    table = comparison(conditions, seeds)
    styler = Styler(table, uuid="comparison")  # by chance otherwise
    styler.set_properties(**{"text-align": "left", "vertical-align": "top"})
    display({"text/html": styler.to_html(), "text/plain": table.to_string()}, raw=True)


def _best_for(way: str, conditions: Conditions, seeds: Sequence[int]) -> str:
    """Say at which rates of change a way is ahead, as far as they were tried."""
    rates = np.arange(0, 4.5, 0.5)
    results = sweep(conditions, rates, seeds)
    (other,) = set(WAYS) - {way}
    mine, theirs = (results[name].groupby("change_rate").mean() for name in (way, other))
    return (
        f"least effort: {_span(rates[mine['effort'] < theirs['effort']])}; "
        f"most value at the deadline: {_span(rates[mine['value'] > theirs['value']])}"
    )


def _span(rates: np.ndarray) -> str:
    return f"{rates[0]:g} to {rates[-1]:g} changes a week" if rates.size else "at no rate tried"


def _half(run: Run) -> float:
    """Return the week in which users had half of the value."""
    weeks = np.arange(0, run.delivered + 0.1, 0.1)
    return float(weeks[np.argmax(run.value_at(weeks) >= 50)])


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))
