"""Pictures of what retraining does in a year, of challengers, and of an incident."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import pandas as pd

from mlops_school import plots
from mlops_school.evaluation import without_model
from mlops_school.features import TARGET
from mlops_school.gates import Interval
from mlops_school.retraining import Year

_LINES = ("-", "--", "-.", ":")
_MARKERS = "osD^"


def show_policies(years: Mapping[str, Year]) -> None:
    """Draw what mistakes cost in each month, a line for each policy.

    Parameters
    ----------
    years : mapping of str to Year
        By the name of the policy. A large, hollow marker stands where a new release began.
    """
    figure, axes = plt.subplots()
    says = []
    for (name, year), line, marker in zip(years.items(), _LINES, _MARKERS, strict=False):
        table = year.table()
        (drawn,) = axes.plot(table["dollars"], line + marker, markersize=4, label=name)
        new = table.loc[table["retrained"], "dollars"]
        size = {"markersize": 12, "markerfacecolor": "none", "linestyle": "none"}
        axes.plot(new, marker, color=drawn.get_color(), **size)
        begins = ", ".join(map(str, new.index)) or "no month"
        says.append(f"{name}: new releases in {begins}; {table['dollars'].iloc[-1]:.2f} at the end")
    flights = next(iter(years.values())).flights
    rules = flights.groupby("month")[TARGET].apply(lambda late: min(without_model(late).values()))
    axes.plot(rules, color=plots.GREY, linewidth=5, alpha=0.5, zorder=0, label="without a model")
    axes.set(xlabel="month", ylabel="dollars per flight")
    axes.set_title("What mistakes cost; large markers: a new release")
    axes.legend(loc="upper left")
    plots.show(
        figure,
        f"Dollars per flight in months {rules.index[0]} to {rules.index[-1]}. {'; '.join(says)}; "
        f"the cheaper rule without a model: {rules.iloc[-1]:.2f} at the end.",
    )


def show_challengers(dearer: Mapping[str, Interval]) -> None:
    """Draw by how much challengers are dearer than the champion, with their 95 percent intervals.

    Parameters
    ----------
    dearer : mapping of str to Interval
        By the name of the challenger.
    """
    figure, axes = plt.subplots(figsize=(8, 1 + 0.5 * len(dearer)))
    for (name, one), marker in zip(dearer.items(), "osD^v<>", strict=False):
        reach = [[one.found - one.low], [one.high - one.found]]
        axes.errorbar(one.found, name, xerr=reach, fmt=marker, capsize=5)
    axes.axvline(0, color=plots.BLACK, linewidth=1)
    axes.invert_yaxis()
    axes.margins(y=0.3)
    axes.set_title("Challengers in their first month, against the champion")
    axes.set_xlabel("dollars per flight (right of the line: dearer)")
    says = "; ".join(f"{name} {one}" for name, one in dearer.items())
    plots.show(figure, f"95 percent intervals, with a line at zero: {says}.")


def show_incident(mine: pd.DataFrame, theirs: pd.DataFrame, noticed: Mapping[str, int]) -> None:
    """Draw what a faulty release costs more, day by day, and when alarms would have rung.

    Parameters
    ----------
    mine, theirs : DataFrame
        What it has said of the flights of a month, and what the release before would have said.
    noticed : mapping of str to int
        Days of the month, by the name of the alarm.
    """
    more = (mine["dollars"] - theirs["dollars"]).groupby(mine["date"].dt.day).sum().cumsum()
    figure, axes = plt.subplots()
    axes.plot(more / 1000)
    says = []
    for (name, day), marker in zip(noticed.items(), "osD", strict=False):
        axes.plot(day, more[day] / 1000, marker, markersize=9, label=f"{name}: day {day}")
        says.append(f"{name} on day {day}, after {more[day]:,.0f} dollars")
    axes.set(xlabel="day of the month", ylabel="thousand dollars", ylim=(0, None))
    axes.set_title("What the faulty release has cost more")
    axes.legend(loc="upper left")
    plots.show(figure, f"The loss grows to {more.iloc[-1]:,.0f} dollars. {'; '.join(says)}.")
