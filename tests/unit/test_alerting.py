"""Alert rules fire when they should, and the course's rules do."""

import subprocess
from dataclasses import replace

import pytest
import yaml

from mlops_school import alerting
from mlops_school.alerting import FIRING, PENDING, Alarms, Rule, load_rules, rehearse
from mlops_school.errors import CourseError
from mlops_school.process import load_requirements
from mlops_school.promql_series import labels_of

RULES = load_rules()
DOWN = Rule("Down", "up == 0", 120, {"requirement": "R12"})


def test_missing_rules_are_a_sentence(tmp_path):
    with pytest.raises(CourseError, match="no file of rules alerts.yml.*git checkout"):
        load_rules(tmp_path / "alerts.yml")


def states(rule, values, every=60):
    series = alerting.series_of([{"series": "up", "values": values}], every)
    alarms = Alarms([rule])
    looks = len(values.split())
    return [[alert.state for alert in alarms.look(series, n * every)] for n in range(looks)]


def test_an_alert_is_pending_until_its_time_is_over():
    assert states(DOWN, "1 0 0 0 0 1 0") == [
        [],
        [PENDING],
        [PENDING],
        [FIRING],
        [FIRING],
        [],
        [PENDING],
    ]


def test_without_a_time_it_fires_at_once():
    assert states(replace(DOWN, seconds=0), "1 0 1") == [[], [FIRING], []]


def test_each_series_is_an_alert_with_the_labels_of_both():
    entries = [{"series": f'up{{job="{job}"}}', "values": "0"} for job in "ab"]
    alerts = Alarms([DOWN]).look(alerting.series_of(entries, 60), 0)
    assert {alert.labels for alert in alerts} == {
        labels_of({"job": job, "requirement": "R12"}) for job in "ab"
    }


def test_a_number_is_no_alert():
    with pytest.raises(CourseError, match="is a number"):
        Alarms([replace(DOWN, expr="1")]).look(alerting.series_of([], 60), 0)


@pytest.mark.parametrize(
    ("values", "samples"),
    [
        ("0+10x3", [(0, 0), (1, 10), (2, 20), (3, 30)]),
        ("5-2x2 1x1", [(0, 5), (1, 3), (2, 1), (3, 1), (4, 1)]),
        ("_x2 1 _ stale -1.5", [(2, 1), (4, None), (5, -1.5)]),
    ],
)
def test_values_are_written_as_for_promtool(values, samples):
    (found,) = alerting.series_of([{"series": 'x{a="b"}', "values": values}], 1).samples.values()
    assert found == samples


@pytest.mark.parametrize("values", ["1+", "x3", "one"])
def test_other_values_are_refused(values):
    with pytest.raises(CourseError, match="is no value"):
        alerting.series_of([{"series": "x", "values": values}], 1)


@pytest.mark.parametrize("text", ["groups:", "- a", "groups: [{rules: [{alert: A}]}]", "a: [", ""])
def test_what_is_no_file_of_rules_gets_a_sentence(text):
    with pytest.raises(CourseError, match="no file of alert rules"):
        load_rules(text)


@pytest.mark.parametrize("text", ["tests: [{interval: 1m}]", "a: [", "3"])
def test_what_is_no_file_of_tests_gets_a_sentence(text):
    with pytest.raises(CourseError, match="no file of tests"):
        rehearse(RULES, text)


# ---- the course's rules


@pytest.fixture(scope="module")
def went():
    return rehearse(RULES)


def test_they_pass_their_tests(went):
    assert went["passed"].all(), went[~went["passed"]]


@pytest.mark.skipif(not alerting.PROMTOOL, reason="promtool, of Prometheus, is not installed")
def test_promtool_says_the_same():
    command = [alerting.PROMTOOL, "test", "rules", alerting.TESTS]
    went = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    assert went.returncode == 0, went.stdout + went.stderr


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_was_seen_to_fire_and_to_be_silent(went, rule):
    asked = went.loc[went["alert"] == rule.name, "expected"]
    assert (asked > 0).any()
    assert (asked == 0).any()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
@pytest.mark.parametrize("expr", ["up == 99", "absent(nothing)"], ids=["never", "always"])
def test_their_tests_notice_one_that_is_broken(rule, expr):
    assert not alerting.try_expression(rule.name, expr)["passed"].all()


def test_each_requirement_that_has_its_alert_here_has_a_rule():
    here = {id_ for id_, one in load_requirements().items() if one.alert == "lesson 14"}
    assert {rule.labels["requirement"] for rule in RULES} == here


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_says_what_is_wrong_and_where_to_read_on(rule):
    needs = rule.labels["requirement"]
    assert rule.labels == {"requirement": needs, "severity": rule.labels["severity"]}
    assert rule.labels["severity"] in ("page", "ticket", "note")
    assert rule.annotations["runbook"] == f"course/operations/runbook.md#{needs.lower()}"
    assert rule.annotations["summary"].endswith(".")


def test_their_limits_are_those_of_the_requirements():
    limits = {id_: one.limits for id_, one in load_requirements().items()}
    text = {rule.name: rule.expr for rule in RULES}
    within = limits["R5"]["within_milliseconds"] / 1000
    assert f'le="{within}"' in text["DelayAnswersSlow"]
    assert text["DelayAnswersSlow"].strip().endswith(f"< {limits['R5']['minimum_percent'] / 100}")
    assert text["DelayRanksBadly"].endswith(f"< {limits['R3']['minimum_roc_auc']:.2f}")
    gap = limits["R7"]["maximum_gap"]
    assert f"> {gap:.2f}" in text["DelayUnfairToSmallAirports"]
    assert f"< -{gap:.2f}" in text["DelayUnfairToSmallAirports"]
    assert text["DelayFlightsHaveChanged"].endswith(f"> {limits['R9']['maximum_difference']:.2f}")


def test_an_expression_is_tried_in_place_of_one():
    went = alerting.try_expression("DelayServiceDown", "up == 0")
    assert set(went.loc[~went["passed"], "test"]) == {
        "the service is down for three minutes",  # its labels are others
        "nobody scrapes the service any more",
    }
    with pytest.raises(CourseError, match="no alert Else"):
        alerting.try_expression("Else", "up")


def test_a_time_between_two_looks_cannot_be_asked_for():
    plan = yaml.safe_load(alerting.TESTS.read_text(encoding="utf-8"))
    plan["tests"][0]["alert_rule_test"][0]["eval_time"] = "90s"
    with pytest.raises(CourseError, match="no multiple"):
        rehearse(RULES, yaml.safe_dump(plan))
