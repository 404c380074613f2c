"""Exercises of lesson 14, Monitoring."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from mlops_school import alerting, monitoring, promql
from mlops_school.errors import CourseError
from mlops_school.exercises import NotYet, StillBlank, exercise

LESSON = "14_monitoring"


def _psi(line: str) -> str:
    return f"def psi(then, now):\n    return {line}"


@exercise(
    LESSON,
    hints=(
        "For each bin, take the difference of the two shares, and the logarithm of their ratio. "
        "NumPy does that for whole arrays at once.",
        "Multiply both, bin by bin, and add up: `sum(... * ...)`. `np.log` is the natural "
        "logarithm.",
    ),
    wrong={
        _psi("sum(now * np.log(now / then))"): "difference",
        _psi("sum((now - then) * np.log(then / now))"): "below 0",
        _psi("sum((now - then) * np.log10(now / then))"): "natural",
        _psi("sum(np.abs(now - then))"): "logarithm",
        _psi("(now - then) * np.log(now / then)"): "one number",
        _psi("np.mean((now - then) * np.log(now / then))"): "add up",
        "psi = 0.25": "function",
    },
    given=lambda: {"np": np},
)
def q1(psi: Callable[[np.ndarray, np.ndarray], float]) -> str:
    """Work out the PSI of a column from its shares."""
    if not callable(psi):
        raise NotYet("`psi` is a function of two arrays of shares, `then` and `now`.")
    rng = np.random.default_rng(14)
    for _ in range(5):
        then, now = rng.dirichlet(np.ones(4), size=2)
        found = psi(then.copy(), now.copy())
        if found is None:
            raise StillBlank
        if np.ndim(found):
            raise NotYet("it has to return one number for the column, not one for each bin.")
        parts = (now - then) * np.log(now / then)
        if found < 0:
            raise NotYet("the PSI is never below 0: both factors must have the same sign.")
        if np.isclose(found, parts.sum()):
            continue
        if np.isclose(found, parts.mean()):
            raise NotYet("add up the bins; their mean would get smaller with each bin more.")
        if np.isclose(found, parts.sum() / np.log(10)):
            raise NotYet("take the natural logarithm, `np.log`.")
        if np.isclose(found, np.sum(now * np.log(now / then))):
            raise NotYet("weight each logarithm by the difference of the shares, not by one share.")
        raise NotYet("in each bin, multiply the difference by the logarithm of the ratio.")
    return "for five random columns, it is the sum of difference times logarithm."


def _scattered_year() -> dict[str, Any]:
    """Return flights whose days scatter; fewer are late from mid-August on, and far fewer later."""
    dates = pd.date_range("2013-06-01", "2013-09-30")
    fewer = 0.1 * (dates >= "2013-08-15") + 0.1 * (dates >= "2013-09-01")
    share = 0.35 + 0.12 * np.resize([-1, 1], len(dates)) - fewer
    late = np.arange(100) < (100 * share)[:, None]
    year = pd.DataFrame({"date": np.repeat(dates, 100), "late": late.ravel(), "probability": 0.35})
    return {"year": year}


_LATEST_DAY = 7


@exercise(
    LESSON,
    hints=(
        "Look at the pictures above: what happens to the width of the curve, and to the day on "
        "which it leaves the band, when more days are taken together?",
        "`monitoring.alarm_days(year, days, limit)` is True on days with an alarm; "
        "`.groupby(lambda day: day.month).sum()` counts them by month.",
        "Begin with three weeks, and the limit of R9. Then see whether a little more is better.",
    ),
    wrong={
        "days, limit = 1, 0.10": "false",
        "days, limit = 7, 0.05": "false",
        "days, limit = 21, 0.30": "misses",
        "days, limit = 28, 0.15": "later than",
        "days, limit = 0, 0.10": "at least one day",
        "days, limit = 21, -0.1": "above 0",
        "days, limit = 200, 0.10": "misses",
    },
    given=_scattered_year,
)
def q2(days: int, limit: float, year: pd.DataFrame) -> str:
    """Choose how many days are taken together, and from which difference on an alarm rings."""
    if days < 1 or days != int(days):
        raise NotYet("`days` is a whole number: at least one day.")
    if not 0 < limit < 1:
        raise NotYet("`limit` is a difference of two shares: above 0, and below 1.")
    on = monitoring.alarm_days(year, int(days), limit)
    on = on[on].index
    if false := sum(on.month.isin([6, 7, 8])):
        raise NotYet(
            f"{false} false alarms from June to August, whose share of late flights is within R9. "
            "Nobody looks at a bell that rings so often."
        )
    september = on[on.month == 9].day
    if not len(september):
        raise NotYet("that misses September, when R9 is broken.")
    if september[0] > _LATEST_DAY:
        raise NotYet(f"it rings on {september[0]} September, later than the {_LATEST_DAY}th.")
    return f"no false alarm from June to August, and on {september[0]} September it rings."


def _traffic(within: float, slow_health: bool = False) -> promql.Series:
    """Return ten minutes of requests, of which a share gets its forecast within 0.2 seconds."""
    counts = {"0.1": within / 2, "0.2": within, "0.5": (1 + within) / 2, "+Inf": 1.0}
    entries = []
    for origin in ("a", "b"):  # two replicas
        own = f'job="delay-service", instance="{origin}"'
        for le, share in counts.items():
            name = f'delay_request_seconds_bucket{{{own}, path="/forecast", le="{le}"}}'
            entries.append({"series": name, "values": f"0+{600 * share:.0f}x10"})
            name = f'delay_request_seconds_bucket{{{own}, path="/health", le="{le}"}}'
            fast = 0.0 if slow_health and le != "+Inf" else 6000.0
            entries.append({"series": name, "values": f"0+{fast:.0f}x10"})
        for path, total in (("/forecast", 600), ("/health", 6000)):
            name = f'delay_request_seconds_count{{{own}, path="{path}"}}'
            entries.append({"series": name, "values": f"0+{total}x10"})
            name = f'delay_request_seconds_sum{{{own}, path="{path}"}}'
            entries.append({"series": name, "values": f"0+{0.15 * total:.0f}x10"})
    return alerting.series_of(entries, 60)


_BUCKET = 'delay_request_seconds_bucket{path="/forecast", le="0.2"}'
_COUNT = 'delay_request_seconds_count{path="/forecast"}'


@exercise(
    LESSON,
    hints=(
        "`delay_request_seconds_bucket` with the label `le` counts the answers that took at most "
        "that many seconds, `delay_request_seconds_count` all answers.",
        "`sum(rate(...[5m]))` of each, one divided by the other, is a share. Which labels do "
        "forecasts within 200 milliseconds have?",
        'The labels are `path="/forecast"` and `le="0.2"`. The alert is on where the share is '
        "too small.",
    ),
    wrong={
        f"expr = 'sum(rate({_BUCKET}[5m])) / sum(rate({_COUNT}[5m])) > 0.95'": "all is well",
        f"expr = 'rate({_BUCKET}[5m]) / rate({_COUNT}[5m]) < 0.95'": "labels",
        f"expr = 'sum({_BUCKET.replace('0.2', '0.20')}) / sum({_COUNT}) < 0.95'": "finds nothing",
        f"expr = 'sum(rate({_BUCKET.replace('0.2', '0.5')}[5m])) / sum(rate({_COUNT}[5m])) < 0.95'"
        "": "94 percent",
        'expr = \'sum(rate(delay_request_seconds_bucket{le="0.2"}[5m])) / '
        "sum(rate(delay_request_seconds_count[5m])) < 0.95'": "/health",
        f"expr = 'sum(rate({_BUCKET}[5m])) < 0.95'": "share",
        f"expr = 'sum(rate({_BUCKET}[5m])) / sum(rate({_COUNT}[5m])) < 0.90'": "94 percent",
        f"expr = 'sum(rate({_BUCKET}[5m])) / sum(rate({_COUNT}[5m]))'": "without a comparison",
        f"expr = 'sum({_BUCKET}[5m]) < 0.95'": "rate()",
        "expr = 0.95": "text",
    },
)
def q3(expr: str) -> str:
    """Write R5 as the expression of an alert."""
    if not isinstance(expr, str):
        raise NotYet("`expr` is a text in PromQL.")
    try:
        found = {
            share: promql.query(expr, _traffic(share), 600) for share in (0.5, 0.94, 0.96, 1.0)
        }
        slow_health = promql.query(expr, _traffic(1.0, slow_health=True), 600)
    except CourseError as error:
        raise NotYet(str(error)) from None
    if found[1.0]:
        if found[0.5]:
            raise NotYet(
                "it finds something whether answers are slow or not: an expression without a "
                "comparison is an alert that is always on."
            )
        raise NotYet("it fires while all is well, and is silent when answers are slow.")
    if not found[0.5]:
        if "delay_request_seconds" in expr and "/forecast" not in expr:
            raise NotYet(
                "many quick answers of /health hide that forecasts are slow: choose the path."
            )
        if "/" in expr and "sum" not in expr:
            raise NotYet(
                "when half of the answers are slow, it finds nothing: both sides of `/` must have "
                "the same labels, and only one has `le`. `sum` takes labels away."
            )
        if "/ " not in expr and " /" not in expr:
            raise NotYet("when half of the answers are slow, it is silent: R5 speaks of a share.")
        raise NotYet(
            "when half of the answers are slow, it finds nothing. Do its labels have values that "
            'there are? `le` is a text, and "0.20" is not "0.2".'
        )
    if not found[0.94]:
        raise NotYet("94 percent within 200 milliseconds is too few for R5, and it is silent.")
    if found[0.96]:
        raise NotYet("96 percent within 200 milliseconds is enough for R5, and it fires.")
    if slow_health:
        raise NotYet("slow answers of /health make it fire, and R5 is about forecasts.")
    return "it fires at 94 percent and not at 96, whatever the other paths do."


_FAILED = 'delay_requests_total{status=~"5.."}'


@exercise(
    LESSON,
    hints=(
        "Two things are wrong. Look at how the label is compared. Then at what `increase` needs: "
        "two samples, of which the first is the smaller one.",
        "`a unless b` keeps the series of `a` that are not in `b`. And `name offset 5m` is what "
        "`name` was five minutes ago.",
        "Join two cases with `or`: the counter has increased, or it is there and was not there "
        "five minutes ago.",
    ),
    wrong={
        "expr = 'increase(delay_requests_total{status=\"5..\"}[5m]) > 0'": "pattern",
        f"expr = 'increase({_FAILED}[5m]) > 0'": "begins at 1",
        f"expr = '{_FAILED} > 0'": "never ends",
        f"expr = '{_FAILED} unless delay_requests_total offset 5m'": "one more",
        "expr = 'increase(delay_requests_total[5m]) > 0 or "
        "delay_requests_total unless delay_requests_total offset 5m'": "refused",
        f"expr = 'increase({_FAILED}[5m] > 0'": "belongs into",
        "expr = None": "text",
    },
)
def q4(expr: str) -> str:
    """Repair the alert that never fires."""
    if not isinstance(expr, str):
        raise NotYet("`expr` is a text in PromQL.")
    try:
        went = alerting.try_expression("DelayRequestsFail", expr)
    except CourseError as error:
        raise NotYet(str(error)) from None
    failed = went[~went["passed"]]
    if failed.empty:
        return "it finds the first failure of all and each later one, and forgets them in time."
    silent = set(failed.loc[failed["fired"] < failed["expected"], "test"])
    loud = failed[failed["fired"] > failed["expected"]]
    if "bad requests are refused" in set(loud["test"]):
        raise NotYet("it fires for requests that were refused, with status 422. R6 wants those.")
    if {"the first failure of all", "one more failure"} <= silent:
        raise NotYet(
            "no failure is found, whether it is the first one or not. `5..` is a pattern, which "
            "needs `=~`."
        )
    if "the first failure of all" in silent:
        raise NotYet(
            "the first failure of all is not found: its counter begins at 1, so it never increases."
        )
    if "one more failure" in silent:
        raise NotYet(
            "one more failure, of a counter that was there before, is not found. Keep `increase` "
            "for it."
        )
    if not loud.empty:
        raise NotYet(
            f"in the test `{loud['test'].iloc[0]}`, it still fires at minute "
            f"{loud['minute'].iloc[0]:.0f}, when all is well again: such an alert never ends."
        )
    raise NotYet("the alerts that it raises do not have the labels of the counter.")


_SAYS = {
    "A": "where a column was never missing before and now always is, no flight has changed: look "
    "at what brings the data.",
    "B": "what comes in is as before, and flights rank as well as before; only fewer are late.",
    "C": "one column of the timetable has changed, and what the model says of it is still right.",
    "D": "what comes in is as before, and as many are late. But which ones? The ranking tells.",
}


@exercise(
    LESSON,
    hints=(
        "Which row has a column that changed, though its forecasts hold? Which one lost a part of "
        "what comes in?",
        "If inputs and ranking are as before and only the share late moved, it is the prior. If "
        "inputs and share are as before and the ranking is worse, it is the concept.",
    ),
    wrong={
        "diagnosis = {'A': 'data', 'B': 'prior', 'C': 'feed', 'D': 'concept'}": "brings the data",
        "diagnosis = {'A': 'feed', 'B': 'concept', 'C': 'data', 'D': 'prior'}": "rank as well",
        "diagnosis = {'A': 'feed', 'B': 'prior', 'C': 'concept', 'D': 'data'}": "timetable",
        "diagnosis = {'A': 'feed', 'B': 'prior', 'C': 'data', 'D': 'data'}": "which ones",
        "diagnosis = {'A': 'feed', 'B': 'prior', 'C': 'data'}": "A, B, C and D",
        "diagnosis = {'A': 'service', 'B': 'prior', 'C': 'data', 'D': 'concept'}": "no cause",
    },
)
def q5(diagnosis: Mapping[str, str]) -> str:
    """Tell from what is seen what has happened."""
    if not isinstance(diagnosis, Mapping) or set(diagnosis) != set(monitoring.PATIENTS):
        raise NotYet("give a dictionary with a cause for each of A, B, C and D.")
    for cause in diagnosis.values():
        if cause not in monitoring.CAUSES:
            raise NotYet(f"{cause!r} is no cause; they are {', '.join(monitoring.CAUSES)}.")
    for row, cause in monitoring.PATIENTS.items():
        if diagnosis[row] != cause:
            raise NotYet(f"row {row} is something else: {_SAYS[row]}")
    return "each cause leaves its own traces, if you look at more than one signal."
