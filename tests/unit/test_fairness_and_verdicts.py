import numpy as np
import pandas as pd
import pytest

from mlops_school import fairness, verdict
from mlops_school.process import Requirement, load_requirements
from mlops_school.verdict import BROKEN, MET, UNKNOWN, Evidence


@pytest.fixture(scope="module")
def people():
    return fairness.applicants()


def test_applicants_lack_what_the_data_card_warns_of(people):
    features, good, young = people
    assert features.shape == (1000, 18)
    assert not {"personal_status_and_sex", "foreign_worker", "creditability"} & set(features)
    assert (good.sum(), young.sum(), (good & young).sum()) == (700, 190, 110)


def test_people_are_described_and_priced_by_hand():
    good = np.array([True, True, False, True, True, False])
    young = np.array([True, True, True, False, False, False])
    granted = np.array([True, False, True, True, True, False])
    table = fairness.describe(good, young, granted)
    assert table.loc["young", ["people", "granted", "refused", "bad"]].tolist() == [
        3,
        pytest.approx(2 / 3),
        0.5,
        0.5,
    ]
    assert table.loc["older", ["granted", "refused", "bad"]].tolist() == [
        pytest.approx(2 / 3),
        0,
        0,
    ]
    assert fairness.price(good, granted) == pytest.approx((5 + 1) / 6)


def test_both_repairs_close_the_gap_and_open_the_other(people):
    _, good, young = people
    decisions = {way: fairness.decide(way) for way in fairness.WAYS}
    found = {way: fairness.describe(good, young, granted) for way, granted in decisions.items()}
    prices = {way: fairness.price(good, granted) for way, granted in decisions.items()}
    refused = {way: table["refused"].diff().iloc[1] for way, table in found.items()}
    bad = {way: table["bad"].diff().iloc[1] for way, table in found.items()}
    assert refused["by cost alone"] < -0.15
    assert refused["without age"] < -0.10
    for way in ("a limit for each group", "fair training"):
        assert abs(refused[way]) < 0.05
        assert bad[way] < 2 * bad["by cost alone"] < 0
        assert abs(prices[way] - prices["by cost alone"]) < 0.05


def test_decisions_are_the_same_each_time():
    way = "a limit for each group"  # which draws at random where limits tie
    assert (fairness.decide(way) == fairness.decide(way)).all()


# ---- verdicts


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.02, 0.10, MET),
        (-0.10, 0.10, MET),
        (0.08, 0.12, UNKNOWN),
        (-0.12, -0.08, UNKNOWN),
        (-0.2, 0.2, UNKNOWN),
        (0.11, 0.12, BROKEN),
        (-0.3, -0.11, BROKEN),
    ],
)
def test_an_interval_gives_three_verdicts(low, high, said):
    assert verdict.judge(low, high, 0.10) == said


def test_the_worst_span_decides():
    assert verdict.worst([MET, UNKNOWN, BROKEN]) == BROKEN
    assert verdict.worst([MET, UNKNOWN]) == UNKNOWN
    assert verdict.worst([MET]) == MET


REQUIREMENTS = {
    "R1": Requirement("R1", "One", "", alert="lesson 14", rollback="lesson 15"),
    "R2": Requirement("R2", "Two", "", alert="lesson 14"),
    "R3": Requirement("R3", "Three", "", test="lesson 09"),
}


def evidence(**verdicts):
    return [Evidence(name, said, "1 of 2", "here") for name, said in verdicts.items()]


@pytest.mark.parametrize(
    ("verdicts", "decision", "open_"),
    [
        ({"R1": MET, "R2": MET}, "GO", []),
        ({"R1": BROKEN, "R2": MET}, "GO WITH CONDITIONS", ["R1"]),
        ({"R1": UNKNOWN, "R2": MET}, "GO WITH CONDITIONS", ["R1"]),
        ({"R1": BROKEN, "R2": BROKEN}, "NO-GO", ["R1", "R2"]),
        ({"R1": MET, "R2": UNKNOWN}, "NO-GO", ["R2"]),
    ],
)
def test_the_rule_decides(verdicts, decision, open_):
    assert verdict.decide(evidence(**verdicts), REQUIREMENTS) == (decision, open_)


def test_the_report_says_all_and_names_what_was_not_looked_at(tmp_path):
    path = tmp_path / "deep" / "report.md"
    for _ in range(2):  # over an older one
        facts = evidence(R1=BROKEN, R2=MET)
        text = verdict.write_report(path, "1", facts, REQUIREMENTS, ["test_rain fails"])
    assert path.read_text(encoding="utf-8") == text
    assert text.startswith("# Release 1: GO WITH CONDITIONS\n")
    assert verdict.RULE.splitlines()[0] in text
    assert "| R1 One | broken | 1 of 2 | here |" in text
    assert "- R1 One: alert in lesson 14, rollback in lesson 15." in text
    assert "Not looked at here, but elsewhere: R3 (lesson 09)." in text
    assert text.endswith("\n- test_rain fails\n")
    assert "no requirement" not in verdict.write_report(path, "1", facts, REQUIREMENTS)


def collected(*, roc_auc=0.72, dollars=5.0, low=0.0, high=0.05, passed="passed", seconds=0.05):
    months = pd.DataFrame(
        {"roc_auc": [0.71, roc_auc], "dollars": [5.0, dollars], "never": 8.0, "always": 7.0},
        index=[6, 7],
    )
    spans = pd.DataFrame({"low": [0.0, low], "high": [0.05, high]}, index=[6, 7])
    names = ["test_R1_same", "test_R12_ready", "test_R6_refuses"]
    tests = pd.DataFrame({"outcome": ["passed", "passed", passed]}, index=names)
    answers = pd.DataFrame({"seconds": [0.05] * 9 + [seconds], "status": 200})
    facts = verdict.collect(months, spans, tests, answers, 3.6)
    return {one.requirement: one.verdict for one in facts}


def test_good_evidence_meets_all():
    found = collected()
    assert set(found.values()) == {MET}
    assert set(found) <= set(load_requirements())


@pytest.mark.parametrize(
    ("fault", "requirement", "said"),
    [
        ({"roc_auc": 0.69}, "R3", BROKEN),
        ({"dollars": 7.5}, "R2", BROKEN),
        ({"low": 0.08, "high": 0.12}, "R7", UNKNOWN),
        ({"low": 0.12, "high": 0.15}, "R7", BROKEN),
        ({"passed": "failed"}, "R6", BROKEN),
        ({"seconds": 0.3}, "R5", BROKEN),
    ],
)
def test_each_fault_breaks_its_requirement_and_no_other(fault, requirement, said):
    assert collected(**fault) == collected() | {requirement: said}


def test_a_weight_of_two_counts_as_if_the_person_stood_there_twice():
    features, good, young = fairness.applicants()
    twice = np.repeat(np.arange(len(good)), np.where(young, 2, 1))
    # Numbers would be standardised in another way, if people stood there twice.
    features = features[["housing", "job"]]
    weighed = fairness.train(features, good, np.where(young, 2, 1))
    repeated = fairness.train(features.iloc[twice], good[twice])
    found, wanted = (model.predict_proba(features)[:, 1] for model in (weighed, repeated))
    assert found == pytest.approx(wanted, abs=1e-3)
    assert np.abs(found - fairness.train(features, good).predict_proba(features)[:, 1]).max() > 0.01
