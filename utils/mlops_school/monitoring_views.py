"""Pictures of what is seen of a model in service."""

import html
import os
from calendar import month_abbr
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display

from mlops_school import monitoring, plots
from mlops_school.dashboards import Panel
from mlops_school.paths import NOTEBOOKS, ROOT
from mlops_school.process import load_requirements

_LINES, _MARKERS = ("-", "--", ":"), "osD"


def show_shares(table: pd.DataFrame, name: str, psi: float) -> None:
    """Draw the shares of a column in its bins, then and now.

    Parameters
    ----------
    table : DataFrame
        Of :func:`mlops_school.drift.shares`.
    name : str
        The column.
    psi : float
        Its population stability index.
    """
    figure, axes = plt.subplots(figsize=(8, 3))
    places = np.arange(len(table))
    axes.bar(places - 0.2, table["then"], 0.4, label="then")
    axes.bar(places + 0.2, table["now"], 0.4, label="now", hatch="//")
    axes.set_xticks(places, table.index)
    axes.set(title=f"{name}: PSI {psi:.2f}", ylabel="share of the flights", xlabel="bin")
    axes.legend()
    top = table["now"].idxmax()
    plots.show(
        figure,
        f"{name} in {len(table)} bins. Then, they held about equal shares; now bin {top} holds "
        f"{table.loc[top, 'now']:.0%}. PSI {psi:.2f}.",
    )


def show_months(table: pd.DataFrame) -> None:
    """Draw what is known of each month early, and what is known late.

    Parameters
    ----------
    table : DataFrame
        Of :func:`mlops_school.monitoring.as_table`.
    """
    figure, (left, middle, right) = plt.subplots(ncols=3, figsize=(10, 3.4))
    x = np.arange(len(table))
    kinds = ("weather", "timetable", "forecast")
    for kind, line, marker in zip(kinds, _LINES, _MARKERS, strict=True):
        left.plot(x, table[f"psi {kind}"], line + marker, label=kind)
    left.axhline(0.25, color=plots.BLACK, linewidth=1)
    left.annotate("0.25", (x[0], 0.25), va="bottom", ha="left")
    left.set(title="Before they land: PSI", yscale="log", ylim=(0.002, 200))
    left.set_yticks([0.01, 0.1, 1, 10], ["0.01", "0.1", "1", "10"])
    left.minorticks_off()
    left.legend(fontsize="small")
    for name, line, marker in (("late", "-", "o"), ("expected", "--", "s")):
        middle.plot(x, table[name], line + marker, label=name)
    middle.set(title="After: share of flights", ylim=(0, 0.5))
    middle.legend(fontsize="small")
    minimum = load_requirements()["R3"].limits["minimum_roc_auc"]
    right.plot(x, table["roc_auc"], "-o")
    right.axhline(minimum, color=plots.BLACK, linewidth=1)
    right.annotate("R3", (x[-1], minimum), ha="right", va="bottom")
    right.set(title="After: ROC AUC", ylim=(0.6, 0.8))
    for axes in (left, middle, right):
        axes.set_xticks(x, [month_abbr[month] for month in table.index])
    plots.show(
        figure,
        "; ".join(
            f"{month_abbr[month]}: largest PSI of weather {row['psi weather']:.1f}, of the "
            f"timetable {row['psi timetable']:.2f}, of forecasts {row['psi forecast']:.2f}; "
            f"{row['late']:.2f} late, {row['expected']:.2f} expected; ROC AUC {row['roc_auc']:.2f}"
            for month, row in table.iterrows()
        ),
    )


def show_gaps(table: pd.DataFrame, spans: Sequence[int], limit: float) -> None:
    """Draw the share late less the expected one, of some numbers of days together.

    Parameters
    ----------
    table : DataFrame
        Of :func:`mlops_school.monitoring.outcomes`, of months that follow each other.
    spans : sequence of int
        How many days together, a panel each.
    limit : float
        From where on an alarm would be on, to both sides.
    """
    figure, panels = plt.subplots(ncols=len(spans), sharey=True, figsize=(10, 3.2))
    says = []
    for days, axes in zip(spans, panels, strict=True):
        gap = monitoring.rolling_gap(table, days)
        on = gap[gap.abs() > limit]
        axes.axhspan(-limit, limit, color=plots.SKY, alpha=0.3, linewidth=0)
        axes.plot(gap.index, gap, color=plots.BLUE, linewidth=1)
        axes.plot(on.index, on, "o", color=plots.RED, markersize=3)
        name = "each day" if days == 1 else f"{days} days together"
        axes.set_title(name)
        ticks = pd.date_range(gap.index[0].replace(day=1), gap.index[-1], freq="MS")
        axes.set_xticks(ticks, [month_abbr[tick.month] for tick in ticks])
        says.append(f"{name}: on {len(on)} of {len(gap)} days")
    panels[0].set_ylabel("late less expected")
    plots.show(figure, f"Outside of {limit:.2f} to both sides, {'; '.join(says)}.")


def show_panels(lines: pd.DataFrame, panels: Sequence[Panel]) -> None:
    """Draw panels of the dashboard over the months.

    Parameters
    ----------
    lines : DataFrame
        Of :func:`mlops_school.monitoring.play`.
    panels : sequence of Panel
        Those of it.
    """
    figure, grid = plt.subplots(ncols=2, nrows=-(-len(panels) // 2), figsize=(10, 5.2))
    says = []
    for panel, axes in zip(panels, grid.ravel(), strict=False):
        found = lines[panel.title]
        for (name, values), line, marker in zip(found.items(), _LINES, _MARKERS, strict=False):
            axes.plot(lines.index, values, line + marker, label=name)
        if panel.limit is not None:
            axes.axhline(panel.limit, color=plots.BLACK, linewidth=1)
            place = (len(lines) - 1, panel.limit)
            axes.annotate("limit", place, ha="right", va="bottom")
        axes.margins(y=0.15)
        axes.set_title(panel.title, fontsize="medium")
        axes.legend(fontsize="small", ncols=3)
        ends = ", ".join(
            f"{name} from {values.iloc[0]:.2f} to {values.iloc[-1]:.2f}"
            for name, values in found.items()
        )
        says.append(f"{panel.title}: {ends}")
    plots.show(figure, f"{lines.index[0]} to {lines.index[-1]}. {'; '.join(says)}.")


def show_page(path: Path, title: str, height: int = 480) -> None:
    """Show a page of HTML that lies in the workspace, in a frame of its own.

    The notebook holds the address of the file, not its megabytes. Where JupyterLab cannot reach the
    file, since the workspace lies elsewhere, it says where to find it.

    Parameters
    ----------
    path : Path
        The file.
    title : str
        What it is, for those who cannot see it.
    height : int
        Of the frame, in pixels.
    """
    place = f"{path.parent.name}/{path.name}"
    text = f"{title}: open the file {place} of your workspace in a browser."
    shown = {"text/plain": text}
    if path.is_relative_to(ROOT):
        address = quote(Path(os.path.relpath(path, NOTEBOOKS)).as_posix())
        shown["text/html"] = (
            f'<iframe src="{address}" title="{html.escape(title)}" width="100%" '
            f'height="{height}"></iframe>'
        )
    display(shown, raw=True)
