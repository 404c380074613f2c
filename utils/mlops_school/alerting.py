"""Alert rules: when somebody is told, tried with a time of their own.

The files are those of Prometheus. ``promtool test rules`` tries them in the same way where it is
installed; :func:`rehearse` does it on every computer.
"""

import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from mlops_school import promql
from mlops_school.errors import CourseError
from mlops_school.paths import COURSE
from mlops_school.promql import duration
from mlops_school.promql_series import NAME, Labels, Series, labels_of

RULES = COURSE / "monitoring" / "alerts.yml"
TESTS = COURSE / "monitoring" / "alerts_test.yml"
PROMTOOL = shutil.which("promtool")  # None where Prometheus is not installed
PENDING, FIRING = "pending", "firing"


@dataclass(frozen=True)
class Rule:
    """When an alert fires.

    Attributes
    ----------
    name : str
        Of the alert.
    expr : str
        In PromQL; whatever it finds is an alert.
    seconds : float
        For how long it must be found again and again before it fires.
    labels, annotations : dict of str to str
        ``requirement`` and ``severity``; ``summary`` and ``runbook``.
    """

    name: str
    expr: str
    seconds: float = 0.0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Alert:
    """An alert at a moment.

    Attributes
    ----------
    rule : Rule
        Whose it is.
    labels : tuple of (str, str)
        Of the series that its expression has found, and of the rule.
    state : str
        ``pending`` as long as its time is not over, then ``firing``.
    """

    rule: Rule
    labels: Labels
    state: str


def load_rules(source: Path | str = RULES) -> list[Rule]:
    """Return the alert rules of a file, or of the text of one.

    Raises
    ------
    CourseError
        If it is no file of rules, or is not there.
    """
    try:
        text = source.read_text(encoding="utf-8") if isinstance(source, Path) else source
    except OSError:
        raise CourseError(
            f"There is no file of rules {source.name} in {source.parent}. Bring it back with: "
            "git checkout -- course"
        ) from None
    try:
        entries = [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]
        return [
            Rule(
                entry["alert"],
                str(entry["expr"]),
                duration(entry.get("for", "0s")),
                entry.get("labels", {}),
                entry.get("annotations", {}),
            )
            for entry in entries
        ]
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise CourseError(
            "This is no file of alert rules: it needs `groups`, each with `rules`, and each of "
            f"these an `alert` and an `expr` ({type(error).__name__}: {error})."
        ) from None


class Alarms:
    """Looks at rules again and again, and remembers since when each has found something.

    Parameters
    ----------
    rules : iterable of Rule
        The rules.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = [(rule, promql.parse(rule.expr)) for rule in rules]
        self._since: dict[tuple[str, Labels], float] = {}

    def look(self, series: Series, time: float) -> list[Alert]:
        """Return the alerts at a time, which is later than that of the last look."""
        alerts, since = [], {}
        for rule, expression in self._rules:
            found = expression(series, time)
            if not isinstance(found, dict):
                raise CourseError(f"The expression of {rule.name} is a number, and no series.")
            for labels in found:
                own = {name: value for name, value in labels if name != NAME}
                key = rule.name, labels_of(own | dict(rule.labels))
                since[key] = self._since.get(key, time)
                state = FIRING if time - since[key] >= rule.seconds else PENDING
                alerts.append(Alert(rule, key[1], state))
        self._since = since
        return alerts


def series_of(entries: Iterable[Mapping[str, str]], interval: float) -> Series:
    """Return series written as for ``promtool``: a sample at each interval, from 0 on.

    Parameters
    ----------
    entries : iterable of mapping
        Each has ``series``, such as ``up{job="a"}``, and ``values``: ``0+10x3`` is 0 10 20 30,
        ``1x3`` is 1 1 1 1, ``_`` is no sample, and ``stale`` says that the series is gone.
    interval : float
        In seconds.

    Raises
    ------
    CourseError
        If that cannot be read.
    """
    series = Series()
    for entry in entries:
        name, _, inner = entry["series"].rstrip("} ").partition("{")
        labels = dict(re.findall(r'(\w+)\s*=\s*"([^"]*)"', inner)) | {NAME: name.strip()}
        place = 0
        for word in str(entry["values"]).split():
            for value in _expand(word):
                if value != "_":
                    number = None if value == "stale" else float(value)
                    series.add(labels, place * interval, number)
                place += 1
    return series


def _expand(word: str) -> Sequence[str]:
    number = r"[+-]?(?:\d+\.?\d*|\.\d+)"
    if missing := re.fullmatch(r"_x(\d+)", word):
        return ["_"] * int(missing[1])
    if re.fullmatch(rf"_|stale|{number}", word):
        return [word]
    if found := re.fullmatch(rf"({number})(?:([+-]\d+\.?\d*))?x(\d+)", word):
        start, step, times = float(found[1]), float(found[2] or 0), int(found[3])
        return [str(start + step * count) for count in range(times + 1)]
    raise CourseError(f"`{word}` is no value. Examples are `0+10x3`, `1x5`, `_x2` and `stale`.")


def rehearse(rules: Iterable[Rule], tests: Path | str = TESTS, only: str = "") -> pd.DataFrame:
    """Try rules on series that are made up, with a time that passes at once.

    Parameters
    ----------
    rules : iterable of Rule
        The rules.
    tests : Path or str
        A file of tests as for ``promtool test rules``, or its text. What it says of its
        ``rule_files`` is not used.
    only : str
        The name of an alert, if only that is asked for.

    Returns
    -------
    DataFrame
        A row for each alert that a test asks for: ``test``, ``minute``, ``alert``, how many of it
        were ``expected`` to fire and did (``fired``), and whether they are the same, with the same
        labels (``passed``).

    Raises
    ------
    CourseError
        If it is no file of tests.
    """
    text = tests.read_text(encoding="utf-8") if isinstance(tests, Path) else tests
    rules = [rule for rule in rules if only in ("", rule.name)]
    try:
        plan = _read(text)
        every = duration(plan.get("evaluation_interval", "1m"))
        rows = [row for test in plan["tests"] for row in _rehearse_one(rules, test, every, only)]
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise CourseError(
            "This is no file of tests of rules: it needs `tests`, each with `interval`, "
            f"`input_series` and `alert_rule_test` ({type(error).__name__}: {error})."
        ) from None
    return pd.DataFrame(rows, columns=["test", "minute", "alert", "expected", "fired", "passed"])


@cache
def _read(text: str) -> Any:
    """Return what a text in YAML says; reading it takes longer than trying all rules."""
    return yaml.safe_load(text)


def _rehearse_one(
    rules: list[Rule], test: Mapping[str, Any], every: float, only: str
) -> list[tuple]:
    questions = [one for one in test["alert_rule_test"] if only in ("", one["alertname"])]
    if not questions:
        return []
    series = series_of(test["input_series"], duration(test["interval"]))
    moments = {duration(question["eval_time"]) for question in questions}
    alarms, fired = Alarms(rules), {}
    for step in range(int(max(moments) // every) + 1):
        alerts = alarms.look(series, step * every)
        if step * every in moments:
            fired[step * every] = [alert for alert in alerts if alert.state == FIRING]
    rows = []
    for question in questions:
        moment, name = duration(question["eval_time"]), question["alertname"]
        if moment not in fired:
            raise CourseError(f"{moment:.0f} s is no multiple of the evaluation interval.")
        found = [alert.labels for alert in fired[moment] if alert.rule.name == name]
        wanted = [
            labels_of({name: str(text) for name, text in one.get("exp_labels", {}).items()})
            for one in question.get("exp_alerts") or []
        ]
        passed = sorted(found) == sorted(wanted)
        rows.append((test["name"], moment / 60, name, len(wanted), len(found), passed))
    return rows


def try_expression(alert: str, expr: str, wait: str | None = None) -> pd.DataFrame:
    """Try another expression for one of the course's alerts, with the course's own tests.

    Parameters
    ----------
    alert : str
        Its name.
    expr : str
        In PromQL.
    wait : str, optional
        For how long it must be found, such as ``5m``; by default as in the course's rule.

    Returns
    -------
    DataFrame
        As of :func:`rehearse`, without the other alerts.

    Raises
    ------
    CourseError
        If there is no such alert, or the expression is none.
    """
    rules = {rule.name: rule for rule in load_rules()}
    if alert not in rules:
        raise CourseError(f"There is no alert {alert}. Those there are: {', '.join(rules)}.")
    seconds = rules[alert].seconds if wait is None else duration(wait)
    tried = replace(rules[alert], expr=expr, seconds=seconds)
    return rehearse([tried], only=alert).drop(columns="alert")
