"""Routes and inhibition by hand, against the real Alertmanager where it is installed."""

import json
import shutil
from urllib.request import Request

import pytest
import yaml

from mlops_school import alert_routes, alerting, alertmanager
from mlops_school.alert_routes import INHIBITION, ROUTE
from mlops_school.errors import CourseError
from mlops_school.servers import opener

real = pytest.mark.skipif(
    not alertmanager.find() or not shutil.which("amtool"), reason="Alertmanager is not installed"
)
ALERTS = [{"alertname": rule.name, **rule.labels} for rule in alerting.load_rules()]
FILE = f"--config.file={alertmanager.FILE}"

TREES = [
    ROUTE,
    ROUTE.replace('"page"', '"pages"'),
    "receiver: desk",
    # Below, a receiver is inherited, and a branch that takes an alert hides those after it.
    """
receiver: report
routes:
  - matchers: [severity != "note"]
    routes:
      - {matchers: [requirement =~ "R1|R5"], receiver: phone, continue: true}
      - {matchers: [alertname =~ "Delay.*", requirement !~ "R.+2"], receiver: data}
      - {matchers: [severity = page], receiver: desk, continue: true}
  - {receiver: desk}
""",
    "{receiver: desk, routes: [{matchers: ['team = \"\"'], receiver: data, continue: true}]}",
]


@real
@pytest.mark.parametrize("tree", TREES)
def test_routes_lead_where_amtool_says(tmp_path, tree):
    text = alertmanager.configuration(tree, "http://127.0.0.1:9")
    (tmp_path / alertmanager.FILE).write_text(text, encoding="utf-8")
    for labels in ALERTS[::2]:
        words = [f"{name}={value}" for name, value in labels.items()]
        told = alertmanager.amtool(tmp_path, "config", "routes", "test", FILE, *words)
        assert alert_routes.receivers(yaml.safe_load(tree), labels) == told.split(",")


def test_each_alert_of_the_course_reaches_somebody():
    tree = alert_routes.read(ROUTE)
    told = {labels["alertname"]: alert_routes.receivers(tree, labels) for labels in ALERTS}
    assert told["DelayServiceDown"] == ["phone"]
    assert told["DelayMonthSetAside"] == ["data", "desk"]
    assert {name for names in told.values() for name in names} == set(alert_routes.PEOPLE)


@pytest.mark.parametrize(
    ("matcher", "labels", "expected"),
    [
        ('a = "1"', {"a": "1"}, True),
        ("a=1", {"a": "2"}, False),
        ('a != "1"', {}, True),
        ('a = ""', {}, True),
        ('a =~ "R1"', {"a": "R12"}, False),  # for all of the text
        ('a =~ "R1|R12"', {"a": "R12"}, True),
        ('a !~ "R.*"', {"a": "R12"}, False),
    ],
)
def test_a_matcher(matcher, labels, expected):
    assert alert_routes.matches([matcher], labels) is expected


@pytest.mark.parametrize("matcher", ["a == 1", "a", 'a = "1', 'a =~ "("', "{a=1}", "a is 1"])
def test_what_is_no_matcher_says_so(matcher):
    with pytest.raises(CourseError, match="no matcher|no valid regular expression"):
        alert_routes.matches([matcher], {"a": "1"})


@pytest.mark.parametrize(("text", "words"), [("a: [", "no YAML in line"), ("- a", "no mapping")])
def test_what_is_no_route_says_so(text, words):
    with pytest.raises(CourseError, match=words):
        alert_routes.read(text)


def test_all_receivers_are_there_once_and_nobody_has_no_address():
    text = alertmanager.configuration(
        ROUTE.replace("receiver: desk\nroutes", "receiver: nobody\nroutes"), "http://here"
    )
    receivers = yaml.safe_load(text)["receivers"]
    assert receivers[0] == {"name": "nobody"}
    assert receivers[1] == {"name": "phone", "webhook_configs": [{"url": "http://here/phone"}]}
    assert [one["name"] for one in receivers] == ["nobody", "phone", "data", "desk", "report"]


def test_quick_rules_are_those_of_the_course_thirty_times_as_fast(tmp_path):
    quick = alerting.load_rules(alertmanager.write_quick_rules(tmp_path / "rules.yml"))
    for rule, one in zip(alerting.load_rules(), quick, strict=True):
        assert (one.name, one.expr, one.labels) == (rule.name, rule.expr, rule.labels)
        assert one.seconds == pytest.approx(rule.seconds / 30)


RULES = [
    INHIBITION,
    "{source_matchers: [severity = page], target_matchers: [severity = page]}",
    "{source_matchers: [severity = page], target_matchers: [severity = ticket], equal: [team]}",
    "{source_matchers: [requirement = R12], target_matchers: [severity =~ 'page|ticket'],"
    " equal: [severity]}",
    "{source_matchers: [severity = note], target_matchers: [alertname != DelayInputsDrift]}",
]


@real
def test_the_real_one_tells_holds_back_and_is_silent(tmp_path):
    inbox = alertmanager.Inbox()

    def write(inhibition):
        text = alertmanager.configuration(ROUTE, inbox.address, inhibition)
        (tmp_path / alertmanager.FILE).write_text(text, encoding="utf-8")

    write(INHIBITION)
    with alertmanager.Alertmanager(tmp_path) as manager:
        manager.add(ALERTS)
        assert inbox.next("phone") == "firing: DelayServiceDown"
        assert inbox.next("data") == "firing: DelayMonthSetAside"
        assert inbox.next("report") == "firing: DelayInputsDrift"
        assert "DelayMonthSetAside, DelayRanksBadly" in inbox.next("desk")
        assert inbox.unread("phone") == []
        for text in RULES:
            write(text)
            manager.reload()
            states = manager.alerts()["state"]
            for labels in ALERTS:
                held = alert_routes.is_inhibited(yaml.safe_load(text), labels, ALERTS)
                assert (states[labels["alertname"]] == "inhibited") == held, (text, labels)
        words = [
            "--author=test",
            "--comment=a test",
            "--duration=10m",
            "alertname=DelayServiceDown",
        ]
        manager.amtool("silence", "add", *words)
        assert manager.wait_for("DelayServiceDown") == "silenced"
        (tmp_path / alertmanager.FILE).write_text("route: 5", encoding="utf-8")
        with pytest.raises(CourseError, match="Alertmanager answers"):
            manager.reload()
    with pytest.raises(CourseError, match="does not answer"):
        manager.alerts()
    inbox.stop()


def test_without_it_one_is_told_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(alertmanager.shutil, "which", lambda *_, **__: None)
    with pytest.raises(CourseError, match="no Alertmanager. Install it"):
        alertmanager.Alertmanager(tmp_path)
    with pytest.raises(CourseError, match="no amtool. It comes with Alertmanager"):
        alertmanager.amtool(tmp_path, "check-config")


def test_either_of_its_names_will_do(monkeypatch):
    there = {"prometheus-alertmanager": "/usr/bin/prometheus-alertmanager"}
    monkeypatch.setattr(alertmanager.shutil, "which", there.get)
    assert alertmanager.find() == "/usr/bin/prometheus-alertmanager"


def test_an_inbox_keeps_what_comes_for_each_and_says_when_nothing_comes(monkeypatch):
    monkeypatch.setattr(alertmanager, "A_WHILE", 0)
    inbox = alertmanager.Inbox()
    alerts = [
        {"status": status, "labels": {"alertname": name}}
        for status, name in [("resolved", "B"), ("firing", "C"), ("resolved", "A")]
    ]
    body = json.dumps({"alerts": alerts}).encode()
    opener.open(Request(inbox.address + "/desk", body)).close()
    assert inbox.unread("phone") == []
    assert inbox.unread("desk") == ["resolved: A, B; firing: C"]
    monkeypatch.setattr(alertmanager, "PATIENCE", 0.01)
    with pytest.raises(CourseError, match="Nothing has come to desk"):
        inbox.next("desk")
    inbox.stop()
