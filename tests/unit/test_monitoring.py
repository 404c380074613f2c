"""What is known of a month, how it is published, and what whoever watches makes of it."""

import re

import numpy as np
import pandas as pd
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from mlops_school import alerting, dashboards, monitoring, prometheus, servers
from mlops_school.errors import CourseError
from mlops_school.features import CATEGORICAL, FEATURES
from mlops_school.monitoring import Exporter, Report
from mlops_school.service.observe import Metrics

REPORT = Report(
    month=7,
    flights=100,
    without_verdict=3,
    share_late=0.3,
    mean_expected=0.25,
    share_warned=0.5,
    roc_auc=0.65,
    dollars={"service": 7.0, "never": 12.0, "always": 6.5},
    small_gap={"gap": 0.15, "low": 0.11, "high": 0.2},
    psi={"carrier": 0.1, "temp": 8.0, "probability": 0.02},
)


def flights(month, n=300):
    """Return made-up flights with all that is known of them."""
    rng = np.random.default_rng(month)
    table = pd.DataFrame({name: rng.normal(month, 1, n) for name in FEATURES})
    for name in CATEGORICAL:
        table[name] = rng.choice(list("abc"), n)
    probability = rng.random(n)
    late = rng.random(n) < probability
    return table.assign(
        minute_of_day=rng.integers(300, 1400, n).astype(float),
        month=month,
        date=pd.Timestamp(2013, month, 1) + pd.to_timedelta(rng.integers(0, 28, n), unit="D"),
        late=late,
        small=rng.random(n) < 0.3,
        probability=probability,
        warned=probability > 0.4,
        dollars=40 * (late & (probability <= 0.4)) + 10 * (~late & (probability > 0.4)),
    )


@pytest.fixture
def made_up(monkeypatch):
    monkeypatch.setattr(monitoring, "outcomes", flights)
    monkeypatch.setattr(monitoring, "learned", lambda: flights(1))


def test_a_report_holds_what_is_known(made_up):
    report, table = monitoring.report(8), flights(8)
    assert report.flights == len(table)
    assert report.share_late == pytest.approx(table["late"].mean())
    assert report.mean_expected == pytest.approx(table["probability"].mean())
    assert report.dollars["service"] == pytest.approx(table["dollars"].mean())
    assert report.dollars["never"] == pytest.approx(40 * table["late"].mean())
    assert report.without_verdict == 571  # of August, in the data
    assert set(report.psi) == {*FEATURES, "probability"}
    assert report.psi["temp"] > 5 > 0.25 > report.psi["carrier"]
    assert report.small_gap["low"] < report.small_gap["gap"] < report.small_gap["high"]


def test_three_months_are_needed_for_fairness(made_up):
    assert monitoring.report(7).small_gap == {}


def test_a_month_before_its_service_is_refused(made_up):
    with pytest.raises(CourseError, match="release 1 was not there"):
        monitoring.report(5)


def test_the_table_has_the_largest_psi_of_each_kind():
    row = monitoring.as_table([REPORT]).loc[7]
    assert row["psi weather"] == 8 and row["psi timetable"] == 0.1 and row["psi forecast"] == 0.02
    assert row["without"] == 6.5


def test_the_exporter_publishes_the_last_report():
    with Exporter() as exporter:
        assert "delay" not in servers.get(f"{exporter.address}/metrics")[1]
        exporter.publish(REPORT)
        _, text = servers.get(f"{exporter.address}/metrics")
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found["delay_month_roc_auc",] == 0.65
    assert found["delay_month_dollars_per_flight", "always"] == 6.5
    assert found["delay_month_small_gap", "low"] == 0.11
    assert found["delay_month_psi", "temp", "weather"] == 8
    with pytest.raises(CourseError, match="does not answer"):
        servers.get(exporter.address)


@pytest.mark.parametrize("days", [1, 3])
def test_the_gap_of_some_days_is_that_of_their_flights(days):
    table = flights(6)
    gap = monitoring.rolling_gap(table, days)
    dates = sorted(table["date"].unique())
    for place, day in enumerate(dates[days - 1 :]):
        some = table[table["date"].isin(dates[place : place + days])]
        assert gap[day] == pytest.approx((some["late"] - some["probability"]).mean())
    assert len(gap) == len(dates) - days + 1
    assert monitoring.alarm_days(table, days, 0.1).sum() == (gap.abs() > 0.1).sum()


def test_each_cause_leaves_its_traces(monkeypatch):
    class Model:
        threshold = 0.5
        model = None

    before = flights(6, n=4000)
    answers = pd.DataFrame({"probability": np.full(len(before), 0.9)}, index=before.index)
    monkeypatch.setattr(monitoring, "_release", Model)
    monkeypatch.setattr(monitoring.backtest, "answer", lambda trial, package: answers)
    seen = {
        name: monitoring.symptoms(table, before)
        for name, table in monitoring.patients(before).items()
    }
    seen = {monitoring.PATIENTS[name]: found for name, found in seen.items()}
    none = monitoring.symptoms(before, before)
    assert none["column"] == "-" and none["missing"] == 0
    assert seen["feed"]["missing"] == 0.5
    assert seen["data"]["column"] == "minute_of_day"
    assert seen["prior"]["late less expected"] < none["late less expected"] - 0.1
    assert seen["prior"]["roc_auc"] == pytest.approx(none["roc_auc"], abs=0.03)
    assert seen["concept"]["roc_auc"] < none["roc_auc"] - 0.1
    assert seen["concept"]["late less expected"] == none["late less expected"]
    with pytest.raises(ValueError, match="no cause"):
        monitoring.changed("else", before)


def test_the_causes_change_nothing_in_their_place(monkeypatch):
    before = flights(6)
    copy = before.copy()
    for cause in ("data", "prior", "concept"):
        monitoring.changed(cause, before)
    pd.testing.assert_frame_equal(before, copy)


def test_resources_are_those_of_the_process():
    own = psutil.Process()
    used = monitoring.resources(own.pid)
    assert used["memory_mb"] == pytest.approx(own.memory_info().rss / 2**20, rel=0.2)
    assert 0 < used["cpu_seconds"] <= sum(own.cpu_times()[:2])


KINDS = [prometheus.StandIn]
if prometheus.installed():
    KINDS.append(prometheus.Prometheus)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_months_are_played_and_alerts_are_seen(kind):
    good = Report(6, 100, 3, 0.3, 0.3, 0.5, 0.75, {"service": 5.0, "never": 12.0, "always": 6.5})
    with Exporter() as exporter:
        exporter.publish(good)
        with kind({"delay-month": exporter.address}) as watch:
            watch.wait_for("delay_month_month")
            alerts, lines = monitoring.play(watch, exporter, [good, REPORT])
            assert watch.query("delay_month_month").to_list() == [7]
            two = watch.query("delay_month_dollars_per_flight > 6.9")
            assert two.to_dict() == {'policy="never"': 12, 'policy="service"': 7}
            with pytest.raises(CourseError):
                watch.query("sum(")
    fires = alerts.set_index("requirement", append=True) == "FIRES"
    assert not fires["Jun"].any()
    assert {needs for (_, needs), on in fires["Jul"].items() if on} == {"R2", "R3", "R7"}
    assert lines.loc["Jul", "Dollars per flight (R2)"].to_dict() == REPORT.dollars
    assert lines.loc["Jun", ("Late flights, and what was expected (R9)", "late")] == 0.3


def test_each_metric_is_one_that_somebody_publishes():
    """In the dashboard and in the alert rules; a misspelt one would find nothing, silently."""
    metrics = Metrics()
    metrics.requests.labels("/forecast", 200).inc()
    metrics.seconds.labels("/forecast").observe(0.1)
    metrics.release.info({"release": "1"})
    metrics.reloads.labels("taken").inc()
    for one in (metrics.forecasts, metrics.warnings):
        one.labels("1").inc()
    published = set(re.findall(r"^(delay_\w+)", metrics.text().decode(), flags=re.MULTILINE))
    with Exporter() as exporter:
        exporter.publish(REPORT)
        families = list(exporter.collect())
    published |= {family.name for family in families}
    panels = dashboards.SERVICE + dashboards.MONTH
    expressions = [expr for panel in panels for expr in panel.lines.values()]
    text = "\n".join(expressions + [rule.expr for rule in alerting.load_rules()])
    used = set(re.findall(r"\bdelay_\w+", text))
    assert used <= published
