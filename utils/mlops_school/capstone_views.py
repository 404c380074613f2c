"""Watching a year in production, and comparing policies."""

import base64
import html
import re
import time
from calendar import month_abbr
from collections.abc import Sequence

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import display

from mlops_school import plots, score_card, sweep
from mlops_school import production_year as year
from mlops_school.policies import Policy
from mlops_school.production_year import Month, Year

_MARKERS = "osD^vP*X"


def watch(policy: Policy, seed: int = 0, pause: float = 0.0) -> Year:
    """Replay a year and show, after each month, how it is going.

    Parameters
    ----------
    policy : Policy
        What is done.
    seed : int
        Of the faults.
    pause : float
        Seconds to wait after each month, for those who watch.

    Returns
    -------
    Year
        When it is over.

    Raises
    ------
    CourseError
        If the policy cannot be followed.
    """
    policy.check()
    done: list[Month] = []
    handle = display(_dashboard(policy, done), raw=True, display_id=True)
    for month in year.months(policy, seed):
        done.append(month)
        handle.update(_dashboard(policy, done), raw=True)
        time.sleep(pause)
    return Year(policy.name, seed, tuple(done))


def _dashboard(policy: Policy, done: Sequence[Month]) -> dict[str, str]:
    """Return what a notebook shows of the months that are over, as HTML and as text."""
    all_months = year.LAST - year.FIRST + 1
    paid, incidents = sum(one.total for one in done), sum(one.incidents for one in done)
    state = (
        f"{policy.name}: {len(done)} of {all_months} months, {paid:,.0f} dollars, "
        f"{incidents} incident{'s' * (incidents != 1)}"
    )
    table = months_table(done)
    source = base64.b64encode(_bars(done, all_months).encode()).decode("ascii")
    alt = "Dollars a flight, month by month: " + (
        ", ".join(
            f"{month_abbr[one.month]} {one.mistakes / one.flights:.2f}"
            + " with an incident" * bool(one.incidents)
            for one in done
        )
        or "none yet"
    )
    shown = (
        f'<div role="status"><strong>{html.escape(state)}</strong><br>'
        f'<progress max="{all_months}" value="{len(done)}">{len(done)}</progress><br>'
        "Dollars a flight, month by month (! is an incident):<br>"
        f'<img alt="{alt}." src="data:image/svg+xml;base64,{source}"></div>'
        + re.sub(r"<(t[dh])>", r'<\1 style="text-align: left">', table.to_html(border=0))
    )
    return {"text/html": shown, "text/plain": f"{state}\n{alt}.\n{table.to_string()}"}


def _bars(done: Sequence[Month], all_months: int) -> str:
    """Return a picture of the dollars a flight of each month, as SVG."""
    bars = []
    for place, one in enumerate(done):
        middle, height = 32 * place + 16, 5 * one.mistakes / one.flights
        bars.append(
            f'<rect x="{middle - 12}" y="{84 - height:.1f}" width="24" height="{height:.1f}" '
            f'fill="{plots.BLUE}"/><text x="{middle}" y="98">{month_abbr[one.month]}</text>'
        )
        if one.incidents:
            bars.append(f'<text x="{middle}" y="{80 - height:.1f}" font-weight="bold">!</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{32 * all_months}" height="102" '
        'font-family="sans-serif" font-size="12" text-anchor="middle">'
        f'<rect width="100%" height="100%" fill="white"/>{"".join(bars)}'
        f'<path d="M0 84.5 H{32 * all_months}" stroke="black"/></svg>'
    )


def months_table(done: Sequence[Month]) -> pd.DataFrame:
    """Return a row for each month, to be read."""
    rows = [
        {
            "month": month_abbr[one.month],
            "release": one.release,
            "ROC AUC": f"{one.roc_auc:.2f}",
            "$ a flight": f"{one.mistakes / one.flights:.2f}",
            "R2": "met" if one.pays else "BROKEN",
            "what happened": "; ".join(
                f"day {event.day}: {event.what}" + " [INCIDENT]" * event.incident
                for event in one.events
            ),
        }
        for one in done
    ]
    columns = ["release", "ROC AUC", "$ a flight", "R2", "what happened"]
    return pd.DataFrame(rows, columns=["month", *columns]).set_index("month")


def compare(years: Sequence[Year]) -> pd.DataFrame:
    """Return a row for each year: what it cost, in thousands of dollars, and its score."""
    rows = {
        one.policy: {
            "mistakes": one.mistakes / 1000,
            "compute": one.compute / 1000,
            "incidents": one.incidents,
            "total": one.total / 1000,
            "score": score_card.score(one),
        }
        for one in years
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("policy").round(1)


def show_against_never(years: Sequence[Year]) -> None:
    """Draw what each year cost beyond the first of them, added up month by month."""
    first, *others = years
    figure, axes = plt.subplots()
    names = [month_abbr[month.month] for month in first.months]
    says = []
    for one, marker in zip(others, _MARKERS, strict=False):
        more = [
            (mine.total - theirs.total) / 1000
            for mine, theirs in zip(one.months, first.months, strict=True)
        ]
        total = pd.Series(more).cumsum()
        axes.plot(names, total, marker=marker, label=one.policy)
        says.append(f"{one.policy} {total.iloc[-1]:+.0f}")
    axes.axhline(0, color="black", linewidth=1)
    axes.set(
        title=f"Dearer (above) or cheaper (below) than {first.policy!r}",
        ylabel="thousand dollars, added up",
    )
    figure.legend(loc="outside right center")
    plots.show(
        figure,
        f"Compared with {first.policy!r}, by December, in thousand dollars: {', '.join(says)}.",
    )


def front(one: Sequence[float], other: Sequence[float]) -> list[tuple[float, float]]:
    """Return the Pareto front of pairs: those of which none has less of one, and no more of both.

    Returns
    -------
    list of tuple of float
        Each pair once, from the least of the first to the most.
    """
    best: list[tuple[float, float]] = []
    for pair in sorted(set(zip(one, other, strict=True))):
        if not best or pair[1] < best[-1][1]:
            best.append(pair)
    return best


def show_fronts(table: pd.DataFrame) -> None:
    """Draw two pairs of aims of many policies: dollars and incidents, work and mistakes.

    Parameters
    ----------
    table : DataFrame
        Of :func:`mlops_school.sweep.table`.
    """
    figure, panels = plt.subplots(ncols=2)
    mistakes, compute = table["mistakes"] / 1000, table["compute"] / 1000
    aims = (
        (mistakes + compute, table["incidents"], "mistakes and compute, thousand dollars"),
        (compute, mistakes, "compute, thousand dollars"),
    )
    quiet = table["incidents"] == 0
    says = []
    for axes, (x, y, words) in zip(panels, aims, strict=True):
        for chosen, marker, label in ((quiet, "o", "no incident"), (~quiet, "x", "incidents")):
            axes.plot(x[chosen], y[chosen], marker, alpha=0.5, label=label)
        best = front(x.tolist(), y.tolist())
        axes.plot(*zip(*best, strict=True), "s-", color=plots.RED, mfc="none", label="Pareto front")
        axes.set(xlabel=words)
        ends = dict.fromkeys((best[0], best[-1]))
        says.append(f"{len(best)}, " + " to ".join(f"{a:,.1f} and {b:,.0f}" for a, b in ends))
    panels[0].set(title="incidents", yticks=range(int(table["incidents"].max()) + 1))
    panels[1].set(title="mistakes, thousand dollars")
    panels[0].legend(loc="upper left")
    counts = table["incidents"].value_counts().sort_index()
    plots.show(
        figure,
        "Policies by incidents: "
        + ", ".join(f"{count} with {number}" for number, count in counts.items())
        + ". Points on the Pareto front, of thousand dollars for mistakes and compute, and "
        f"incidents: {says[0]}; of thousand dollars for compute, and for mistakes: {says[1]}.",
    )


def show_halves(table: pd.DataFrame, reference: Year) -> None:
    """Draw what policies paid in the months of choice, and in those of judgement.

    Parameters
    ----------
    table : DataFrame
        Of :func:`mlops_school.sweep.table`.
    reference : Year
        To compare with.
    """
    tuned, judged = table["tuned"] / 1000, table["judged"] / 1000
    chosen = tuned.idxmin()
    before, after = (part.total / 1000 for part in sweep.parts(reference))
    figure, axes = plt.subplots()
    axes.plot(tuned, judged, "o", alpha=0.4, label="a policy")
    axes.plot(
        tuned[chosen], judged[chosen], "X", color=plots.RED, ms=12, label="the cheapest before"
    )
    axes.plot(before, after, "s", color=plots.BLACK, ms=8, label=f"{reference.policy!r}")
    axes.axhline(after, color="black", linestyle=":", linewidth=1)
    axes.set(
        title="September to December, thousand dollars",
        xlabel="March to August, thousand dollars",
    )
    axes.legend(loc="upper center")
    plots.show(
        figure,
        f"The rank correlation of both parts is {tuned.corr(judged, method='spearman'):.2f}. "
        f"Compared with {reference.policy!r}, the policy that was cheapest before paid "
        f"{tuned[chosen] - before:+.0f} thousand dollars until August, and "
        f"{judged[chosen] - after:+.0f} from September on.",
    )


def show_page(page: str, alt: str) -> None:
    """Show a page of SVG as a picture."""
    source = base64.b64encode(page.encode()).decode("ascii")
    shown = f'<img alt="{html.escape(alt)}" src="data:image/svg+xml;base64,{source}">'
    display({"text/html": shown, "text/plain": alt}, raw=True)
