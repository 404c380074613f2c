"""What can be seen of a model in service: before labels are there, and after."""

from calendar import month_abbr
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import psutil
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sklearn.metrics import roc_auc_score

from mlops_school import backtest, champion, drift, evaluation
from mlops_school.alerting import FIRING, load_rules
from mlops_school.dashboards import MONTH, Panel
from mlops_school.errors import CourseError
from mlops_school.features import FEATURES, TARGET, WEATHER, load_examples
from mlops_school.model_package import ModelPackage
from mlops_school.process import load_requirements
from mlops_school.prometheus import Watch

CHOSEN_ON = 5  # the month on which the threshold of release 1 was chosen; it was not learned from
FIRST = 6  # the month in which release 1 came into service
_TOGETHER = load_requirements()["R7"].limits["months_together"]
PROBABILITY = "probability"


@dataclass(frozen=True)
class Report:
    """What is known of a month once its flights have landed.

    Attributes
    ----------
    month, flights, without_verdict : int
        Which month of 2013; how many flights arrived; how many were cancelled or diverted.
    share_late, mean_expected, share_warned, roc_auc : float
        Shares of the flights that arrived; the mean of their probabilities; the area under the ROC
        curve.
    dollars : dict of str to float
        What mistakes cost per flight: of the ``service``, and of warning ``never`` and ``always``.
    small_gap : dict of str to float
        ``low``, ``gap`` and ``high`` of requirement R7 for this month and the two before; empty if
        the release is younger.
    psi : dict of str to float
        Of each column that comes in, against the months of training, and of the ``probability``,
        against the month on which the threshold was chosen.
    """

    month: int
    flights: int
    without_verdict: int
    share_late: float
    mean_expected: float
    share_warned: float
    roc_auc: float
    dollars: dict[str, float]
    small_gap: dict[str, float] = field(default_factory=dict)
    psi: dict[str, float] = field(default_factory=dict)


def kind(column: str) -> str:
    """Return where a column comes from: ``timetable``, ``weather`` or ``forecast``."""
    if column == PROBABILITY:
        return "forecast"
    return "weather" if column in WEATHER else "timetable"


def report(month: int) -> Report:
    """Return what is known of a month in which release 1 served.

    Parameters
    ----------
    month : int
        Of 2013, from 6 to 12.

    Raises
    ------
    CourseError
        If release 1 was not there yet, or the data end before.
    """
    if month < FIRST:
        raise CourseError(f"In month {month}, release 1 was not there. It served from {FIRST} on.")
    table = outcomes(month)
    psi = {name: drift.psi(learned()[name], table[name]) for name in FEATURES}
    psi[PROBABILITY] = drift.psi(outcomes(CHOSEN_ON)[PROBABILITY], table[PROBABILITY])
    gap = {}
    if month - FIRST >= _TOGETHER - 1:
        span = range(month - _TOGETHER + 1, month + 1)
        gap = backtest.small_gaps(pd.concat(map(outcomes, span))).iloc[0].to_dict()
    return Report(
        month,
        len(table),
        int(backtest.without_verdict([month]).iloc[0]),
        float(table[TARGET].mean()),
        float(table[PROBABILITY].mean()),
        float(table["warned"].mean()),
        float(roc_auc_score(table[TARGET], table[PROBABILITY])),
        {"service": float(table["dollars"].mean()), **evaluation.without_model(table[TARGET])},
        gap,
        psi,
    )


@cache
def learned() -> pd.DataFrame:
    """Return the flights from which release 1 has learned. Nobody may change them."""
    return load_examples(champion.MONTHS)


@cache
def outcomes(month: int) -> pd.DataFrame:
    """Return what release 1 says of the flights of a month, and what became of them.

    It is kept in memory, and nobody may change it.

    Returns
    -------
    DataFrame
        The columns of :func:`mlops_school.backtest.load_trial` and of
        :func:`mlops_school.backtest.answer`.
    """
    trial = backtest.load_month(month)
    return trial.join(backtest.answer(trial, _release()))


@cache
def _release() -> ModelPackage:
    return ModelPackage.load(champion.folder())


def as_table(reports: Sequence[Report]) -> pd.DataFrame:
    """Return reports as a table by month, in the order in which things are known.

    Returns
    -------
    DataFrame
        The largest PSI of the columns of each :func:`kind`, ``warned``; ``late``, ``expected``,
        ``roc_auc``, the ``dollars`` of the service, and those ``without`` a model at best.
    """
    rows = {}
    for one in reports:
        largest = pd.Series(one.psi).groupby(kind).max().add_prefix("psi ")
        rows[one.month] = {
            **largest[["psi timetable", "psi weather", "psi forecast"]],
            "warned": one.share_warned,
            "late": one.share_late,
            "expected": one.mean_expected,
            "roc_auc": one.roc_auc,
            "dollars": one.dollars["service"],
            "without": min(one.dollars["never"], one.dollars["always"]),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("month")


class Exporter(Collector):
    """Publishes the report of a month at ``/metrics``, on a free port of this computer.

    It ends with :meth:`stop`, or with this Python.

    Parameters
    ----------
    quarantine : Path
        Where the gate of lesson 06 puts months that it sets aside.

    Attributes
    ----------
    address : str
        Where it is.
    """

    def __init__(self, quarantine: Path) -> None:
        self._quarantine = quarantine
        self._report: Report | None = None
        registry = CollectorRegistry()
        registry.register(self)
        self._server, self._thread = start_http_server(0, addr="127.0.0.1", registry=registry)
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self.stop()

    def publish(self, report: Report) -> None:
        """Put a report in the place of the last one, as a whole."""
        self._report = report  # one assignment: nobody gets half of each

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the numbers of the report, and how many months are in quarantine now."""
        yield _gauge("set_aside", "Months of data in quarantine", set_aside(self._quarantine))
        one = self._report
        if one is None:
            return
        yield _gauge("month", "Which month of the year", one.month)
        yield _gauge("flights", "Flights that arrived", one.flights)
        yield _gauge("without_verdict", "Flights cancelled or diverted", one.without_verdict)
        yield _gauge("share_late", "Share of late flights", one.share_late)
        yield _gauge("mean_expected", "Mean probability", one.mean_expected)
        yield _gauge("share_warned", "Share of flights warned of", one.share_warned)
        yield _gauge("roc_auc", "Area under the ROC curve", one.roc_auc)
        yield _gauges("dollars_per_flight", "Cost of mistakes", {"policy": one.dollars})
        yield _gauges("small_gap", "Small destinations less all others", {"bound": one.small_gap})
        psi = GaugeMetricFamily(
            "delay_month_psi", "Population stability index", labels=["column", "kind"]
        )
        for column, value in one.psi.items():
            psi.add_metric([column, kind(column)], value)
        yield psi


def set_aside(quarantine: Path) -> int:
    """Return how many months a gate keeps in quarantine: each has a folder with a report."""
    return len(list(quarantine.glob("*/report.json")))


def _gauge(name: str, what: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"delay_month_{name}", what, value=value)


def _gauges(name: str, what: str, values: Mapping[str, Mapping[str, float]]) -> GaugeMetricFamily:
    ((label, by_label),) = values.items()
    gauge = GaugeMetricFamily(f"delay_month_{name}", what, labels=[label])
    for text, value in by_label.items():
        gauge.add_metric([text], value)
    return gauge


def rolling_gap(table: pd.DataFrame, days: int) -> pd.Series:
    """Return the share late less what was expected, of so many days together.

    Parameters
    ----------
    table : DataFrame
        Of :func:`outcomes`, of months that follow each other.
    days : int
        How many.

    Returns
    -------
    Series
        By the last day; only days that have so many days before.
    """
    sums = table.groupby("date").agg(
        late=("late", "sum"), expected=("probability", "sum"), flights=("late", "size")
    )
    together = sums.rolling(days).sum().dropna()
    return (together["late"] - together["expected"]) / together["flights"]


def alarm_days(table: pd.DataFrame, days: int, limit: float) -> pd.Series:
    """Return on which days an alarm about :func:`rolling_gap` would be on."""
    return rolling_gap(table, days).abs() > limit


def resources(pid: int) -> dict[str, float]:
    """Return what a process uses: ``memory_mb``, and ``cpu_seconds`` since it began."""
    process = psutil.Process(pid)
    with process.oneshot():
        cpu = process.cpu_times()
        return {
            "memory_mb": process.memory_info().rss / 2**20,
            "cpu_seconds": cpu.user + cpu.system,
        }


CAUSES = ("data", "prior", "concept", "feed")
PATIENTS = {"A": "feed", "B": "prior", "C": "data", "D": "concept"}


def changed(cause: str, table: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Return the flights of a month after a change whose cause is known, since we made it.

    Parameters
    ----------
    cause : str
        ``data``: other flights come in, four times as many that leave from 5 o'clock in the
        afternoon on. ``prior``: two of three late flights are no more. ``concept``: from noon on,
        which flights are late has no longer to do with what the model knows. ``feed``: the weather
        is missing.
    table : DataFrame
        Flights with the columns ``FEATURES``, ``late`` and ``probability``.
    seed : int
        Fixes what is random.

    Raises
    ------
    ValueError
        If there is no such cause.
    """
    rng = np.random.default_rng(seed)
    if cause == "data":
        evening = table["minute_of_day"] >= 17 * 60
        return pd.concat([table, *[table[evening]] * 3], ignore_index=True)
    if cause == "prior":
        return table[~table[TARGET] | (rng.random(len(table)) < 1 / 3)]
    if cause == "concept":
        afternoon = (table["minute_of_day"] >= 12 * 60).to_numpy()
        late = table[TARGET].to_numpy(copy=True)
        late[afternoon] = rng.permutation(late[afternoon])
        return table.assign(late=late)
    if cause == "feed":
        blind = table.assign(**dict.fromkeys(WEATHER, np.nan))
        probability = backtest.answer(blind, _release())[PROBABILITY]
        return blind.assign(probability=probability)
    raise ValueError(f"no cause {cause!r}")


def patients(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return flights after each cause of :func:`changed`, by letters that do not tell which."""
    return {letter: changed(cause, table) for letter, cause in PATIENTS.items()}


def symptoms(table: pd.DataFrame, before: pd.DataFrame) -> dict[str, Any]:
    """Return what can be seen of a change.

    Parameters
    ----------
    table, before : DataFrame
        Flights with the columns ``FEATURES``, ``late`` and ``probability``.

    Returns
    -------
    dict
        The column that has changed most (``column``) with its ``psi``; the ``missing`` share of all
        inputs; ``late less expected``; and ``roc_auc``.
    """
    psi = pd.Series({name: drift.psi(before[name], table[name]) for name in FEATURES})
    return {
        "column": psi.idxmax() if psi.max() >= 0.1 else "-",
        "psi": psi.max(),
        "missing": float(table[FEATURES].isna().to_numpy().mean()),
        "late less expected": table[TARGET].mean() - table[PROBABILITY].mean(),
        "roc_auc": float(roc_auc_score(table[TARGET], table[PROBABILITY])),
    }


def play(
    watch: Watch, exporter: Exporter, reports: Sequence[Report], panels: Sequence[Panel] = MONTH
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Publish a report after the other, and note what whoever watches makes of it.

    Parameters
    ----------
    watch : Watch
        It collects the metrics of the exporter.
    exporter : Exporter
        It publishes.
    reports : sequence of Report
        In order of time.
    panels : sequence of Panel
        What is to be asked of each month.

    Returns
    -------
    alerts : DataFrame
        A row for each alert rule about months, with its ``requirement``; a column a month, which
        is ``FIRES`` or empty.
    lines : DataFrame
        By month, what the lines of the panels have found; the columns are pairs of the title of a
        panel and the name of a line.
    """
    rules = {rule.name: rule for rule in load_rules() if "delay_month" in rule.expr}
    fired, lines = {}, {}
    for report in reports:
        exporter.publish(report)
        watch.settle()
        alerts = watch.alerts()
        firing = set(alerts.loc[alerts["state"] == FIRING, "alert"])
        name = month_abbr[report.month]
        fired[name] = ["FIRES" if rule in firing else "" for rule in rules]
        lines[name] = {
            (panel.title, _named(line, labels)): value
            for panel in panels
            for line, expression in panel.lines.items()
            for labels, value in watch.query(expression).items()
        }
    table = pd.DataFrame(fired, index=list(rules))
    table.insert(0, "requirement", [rule.labels["requirement"] for rule in rules.values()])
    return table, pd.DataFrame(lines).T


def _named(line: str, labels: str) -> str:
    """Return the name of a line; one in braces stands for the value of a label."""
    return labels.partition("=")[2].strip('"') if line.startswith("{{") else line
