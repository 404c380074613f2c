"""Faults of a release: what they hide, who notices, and what they cost."""

import numpy as np
import pytest

from mlops_school import faults, handbook
from mlops_school.model_package import ModelPackage


@pytest.fixture
def july(month):
    """Return a release that warns, and one that has stopped to after nine days."""
    before = month(7)
    faulty = before.copy()
    later = faulty["date"].dt.day > 9
    faulty.loc[later, "warned"] = False
    faulty["dollars"] = 40 * (faulty["late"] & ~faulty["warned"])
    return faulty, before


def test_bad_days_are_missing_as_a_whole(month):
    table = month(6)
    bad = table["date"].dt.day <= 10
    table.loc[bad, "late"] = True
    calm = faults.without_bad_days(table, calm=0.5)
    assert calm["date"].dt.day.min() == 11
    assert len(calm) == 200


def test_the_share_without_a_verdict_is_of_all_flights(month):
    assert faults.unknown_share(6, month(6)) == pytest.approx(1 - 300 / 28_243)


def test_a_threshold_is_chosen_anew_and_the_model_stays(month):
    one = ModelPackage("1", object(), 0.25, (1,), {"seed": "0"})
    table = month(6)
    late = table.loc[table["late"], "probability"].min()
    two = faults.retuned(one, table, "2")
    assert (two.version, two.model, two.record) == ("2", one.model, one.record)
    assert table.loc[~table["late"], "probability"].max() < two.threshold <= late


def test_each_alarm_has_its_day(july):
    noticed = faults.first_noticed(*july)
    assert noticed["share of warnings"] == 10
    assert 10 < noticed["dollars against a shadow"] <= 30
    assert noticed["end of the month"] == 30
    silent = faults.first_noticed(july[1], july[1])
    assert set(silent) == {30}


def test_the_impact_is_against_the_release_before(july):
    faulty, before = july
    found = faults.impact(faulty, before, days=12)
    assert found == {
        "days": 12, "flights": 120, "late": 36, "missed": 9, "missed_before": 0, "dollars": 360
    }  # fmt: skip
    assert faults.impact(faulty, before, days=9)["dollars"] == 0


def test_the_postmortem_of_the_incident_has_no_holes(july, tmp_path):
    facts = faults.impact(*july, days=12) | faults.story(faults.first_noticed(*july))
    text = handbook.fill("postmortem.md", facts, tmp_path / "page.md")
    assert "120 flights were answered by the faulty release, on 12 days." in text
    assert "| 10 July |" in text


def test_celsius_is_celsius():
    from mlops_school.features import load_examples

    table = load_examples([1]).head(50)
    cold = faults.in_celsius(table)
    assert np.allclose(cold["temp"] * 1.8 + 32, table["temp"], atol=0.1)
    assert cold["humid"].equals(table["humid"])
