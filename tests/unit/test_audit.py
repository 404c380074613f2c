"""The guards of each requirement, found in files: what is there, and what is only promised."""

import pytest

from mlops_school import audit
from mlops_school.errors import CourseError
from mlops_school.process import Requirement, load_requirements

REQUIREMENTS = {
    "R1": Requirement("R1", "One", "", test="lesson 1", alert="lesson 2", rollback="lesson 3"),
    "R2": Requirement("R2", "Two", "", test="lesson 1"),
    "R11": Requirement("R11", "Eleven", "", test="lesson 1", alert="lesson 2"),
}

ALERTS = """
groups:
  - name: one
    rules:
      - {record: not_an_alert, expr: up}
      - {alert: Down, expr: up == 0, labels: {requirement: R1, severity: page}}
      - {alert: Slow, expr: up == 0, labels: {requirement: "R1, R11"}}
      - {alert: Nobody, expr: up == 0}
"""

ROLLBACK = """
[[rule]]
requirement = "R1"
alert = "Down"
action = "rollback"
[[rule]]
requirement = "R11"
alert = "NeverRaised"
action = "rollback"
"""


def write(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_all_is_found_and_what_is_only_promised_is_a_gap(tmp_path):
    write(tmp_path, "test_a.py", "def test_R1_day(): ...\ndef test_R2_x(): ...\ndef helper(): ...")
    write(tmp_path, "test_b.py", "class TestIt:\n    def test_R1_night(self): ...")
    write(tmp_path, "other.py", "def test_R11_in_no_file_of_tests(): ...")
    tests = audit.find_tests([tmp_path, tmp_path / "nowhere"])
    alerts = audit.find_alerts(write(tmp_path, "alerts.yml", ALERTS))
    rollbacks = audit.find_rollbacks(alerts, write(tmp_path, "rollback.toml", ROLLBACK))
    table = audit.trace(tests, alerts, rollbacks, REQUIREMENTS)
    assert table.drop(columns="title").to_dict("index") == {
        "R1": {"test": "day (+1)", "alert": "Down (+1)", "rollback": "rollback"},
        "R2": {"test": "x", "alert": "-", "rollback": "-"},
        "R11": {"test": "GAP", "alert": "Slow", "rollback": "-"},
    }


def test_a_rule_that_no_alert_calls_for_is_none(tmp_path):
    path = write(tmp_path, "rollback.toml", ROLLBACK)
    assert audit.find_rollbacks({}, path) == {}


def test_files_that_are_not_there_are_gaps(tmp_path):
    alerts = audit.find_alerts(tmp_path / "alerts.yml")
    rollbacks = audit.find_rollbacks(alerts, tmp_path / "rollback.toml")
    table = audit.trace({}, alerts, rollbacks, REQUIREMENTS)
    assert table.loc["R1", ["test", "alert", "rollback"]].tolist() == ["GAP"] * 3


@pytest.mark.parametrize("text", ["groups: [", "groups: 3", "[]", "groups: [{name: a}]"])
def test_alerts_that_cannot_be_read_are_one_sentence(text, tmp_path, monkeypatch):
    monkeypatch.setattr(audit, "ROOT", tmp_path)
    with pytest.raises(CourseError, match=r"git checkout -- alerts\.yml"):
        audit.find_alerts(write(tmp_path, "alerts.yml", text))


@pytest.mark.parametrize("text", ["[[rule", "", '[[rule]]\nrequirement = "R1"', "rule = 3"])
def test_rules_that_cannot_be_read_are_one_sentence(text, tmp_path, monkeypatch):
    monkeypatch.setattr(audit, "ROOT", tmp_path)
    with pytest.raises(CourseError, match=r"git checkout -- rollback\.toml"):
        audit.find_rollbacks({}, write(tmp_path, "rollback.toml", text))


def test_tests_of_the_course_are_named_after_what_they_show():
    assert set(audit.find_tests()) == set(load_requirements())


def test_the_course_has_no_gaps():
    table = audit.trace_course()
    assert table[(table == audit.GAP).any(axis=1)].to_dict("index") == {}
