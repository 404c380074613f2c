"""Pictures of canaries, of tests that are looked at every day, and of replicas."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from mlops_school import plots, rollouts
from mlops_school.autoscaling import STEP
from mlops_school.containers import simulate_probes
from mlops_school.rollouts import Rule
from mlops_school.sequential import confidence_sequence, first_exclusion, t_interval

_LINES = ("--", "-", ":", "-.")
SHARES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5)


def show_canaries(table: pd.DataFrame, bad: str, good: str, rules: Mapping[str, Rule]) -> None:
    """Draw how long a faulty release stays, and how many flights it hurts, by the canary's share.

    Parameters
    ----------
    table : DataFrame
        Of :func:`mlops_school.rollouts.outcomes`.
    bad, good : str
        Two candidates.
    rules : mapping of str to Rule
        By what to call them; their own share is not used.
    """
    figure, (left, right) = plt.subplots(ncols=2)
    says = []
    for (name, rule), line, marker in zip(rules.items(), _LINES, "os^D", strict=False):
        tries = [Rule(share, rule.needed, rule.margin, rule.until) for share in SHARES]
        went = pd.DataFrame([rollouts.judge(table, bad, good, one) for one in tries], index=SHARES)
        left.plot(went["hours"], line + marker, label=name)
        right.plot(went["hurt"], line + marker, label=name)
        hours, hurt = went["hours"].iloc[[0, -1]], went["hurt"].iloc[[0, -1]]
        says.append(
            f"{name}: from {hours.iloc[0]:.0f} hours and {hurt.iloc[0]:.0f} flights hurt "
            f"to {hours.iloc[1]:.1f} hours and {hurt.iloc[1]:.0f} flights"
        )
    left.set(title="Hours until the rule decides", xlabel="share of the canary", yscale="log")
    left.set_yticks([1, 3, 10, 30, 100], ["1", "3", "10", "30", "100"], minor=False)
    left.minorticks_off()
    right.set(title="Flights hurt until then", xlabel="share of the canary", ylim=(0, None))
    left.legend()
    plots.show(figure, f"As the share grows from {SHARES[0]} to {SHARES[-1]}: {'; '.join(says)}.")


def show_false_alarms(same: ArrayLike) -> None:
    """Draw how many A/A tests have stopped by each day, with two kinds of intervals.

    Parameters
    ----------
    same : array-like of float, shape (n_tests, n_days)
        Of :func:`mlops_school.rollouts.same_by_day`.
    """
    days = np.arange(1, np.shape(same)[1] + 1)
    figure, axes = plt.subplots()
    says = []
    kinds = {"usual interval": t_interval, "confidence sequence": confidence_sequence}
    for (name, interval), line in zip(kinds.items(), _LINES, strict=False):
        stopped = first_exclusion(*interval(same))[:, None]
        percent = 100 * ((stopped > 0) & (stopped <= days)).mean(axis=0)
        axes.plot(days, percent, line, label=name)
        says.append(f"{percent[-1]:.0f} percent with the {name}")
    axes.axhline(5, linestyle=":", color="black")
    axes.annotate("what was promised", (days[-1], 5), ha="right", va="bottom")
    axes.set(xlabel="looked at every day until day", ylabel="percent of the tests", ylim=(0, None))
    axes.set_title("A/A tests that found a difference")
    axes.legend()
    plots.show(figure, f"Within {days[-1]} days, {' and '.join(says)} found one.")


def show_sequences(series: Mapping[str, Sequence[float]], begin: int = 6) -> None:
    """Draw the confidence sequences of some differences, a panel each.

    Parameters
    ----------
    series : mapping of str to sequence of float
        The difference of each day.
    begin : int
        The first day that is drawn; before, the intervals are too wide to be of use.
    """
    figure, panels = plt.subplots(ncols=len(series), sharey=True)
    says = []
    for (name, values), axes in zip(series.items(), panels, strict=True):
        low, high = confidence_sequence(values)
        days = np.arange(1, len(low) + 1)
        axes.fill_between(days[begin - 1 :], low[begin - 1 :], high[begin - 1 :], alpha=0.3)
        axes.axhline(0, color="black", linewidth=1)
        if day := int(first_exclusion(low, high)):
            axes.axvline(day, linestyle="--", color=plots.RED)
            axes.annotate(f" day {day}", (day, 2), color=plots.RED)
        axes.set(title=name, xlabel="day", ylim=(-3, 3))
        says.append(f"{name}: {f'from day {day} on' if day else 'never'} without zero")
    panels[0].set_ylabel("dollars per flight")
    plots.show(figure, f"Bands that narrow from day to day. {'; '.join(says)}.")


def show_probes(liveness: Sequence[str], readiness: str) -> None:
    """Draw how many replicas can answer while the weather source is away, for some probes.

    Parameters
    ----------
    liveness : sequence of str
        Paths that the liveness probe asks, a line each.
    readiness : str
        The path that the readiness probe asks.
    """
    figure, axes = plt.subplots()
    says = []
    for path, line in zip(liveness, _LINES, strict=False):
        went = simulate_probes(path, readiness)
        axes.step(went["minute"], went["running"], line, where="post", label=f"liveness: {path}")
        lost = (1 - went["answered"]).sum() / 6
        says.append(f"{path}: {went['restarts'].iloc[-1]} restarts, {lost:.1f} minutes unanswered")
    axes.axvspan(5, 10, color=plots.GREY, alpha=0.3, label="weather source away")
    axes.annotate("one hangs", (15, 0.2), ha="center")
    axes.set(xlabel="minute", ylabel="replicas that can answer", yticks=range(4))
    axes.legend(loc="lower right")
    plots.show(figure, f"Liveness probe asks {'; '.join(says)}.")


def show_replicas(runs: Mapping[str, pd.DataFrame], hours: tuple[int, int]) -> None:
    """Draw the replicas of some hours.

    Parameters
    ----------
    runs : mapping of str to DataFrame
        Of :func:`mlops_school.autoscaling.simulate`, a panel each.
    hours : tuple of int
        From when to when, in hours of the day.
    """
    figure, panels = plt.subplots(ncols=len(runs), sharey=True)
    per_hour = 3600 // STEP
    part = slice(*(hour * per_hour for hour in hours))
    says = []
    for (name, run), axes in zip(runs.items(), panels, strict=True):
        axes.step(run.index[part] / per_hour, run["replicas"][part], where="post")
        axes.set(title=name, xlabel="hour of the day", ylim=(0, None))
        changes = int((run["replicas"][part].diff().fillna(0) != 0).sum())
        says.append(f"{name}: {changes} changes")
    panels[0].set_ylabel("replicas")
    plots.show(figure, f"Replicas from {hours[0]} to {hours[1]} o'clock. {'; '.join(says)}.")
