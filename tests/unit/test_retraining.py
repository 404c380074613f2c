"""Retraining: triggers know only the past, years are replayed by month, pairs are compared."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mlops_school import retraining
from mlops_school.errors import CourseError
from mlops_school.gates import Interval
from mlops_school.retraining import Drift, Known, Performance, Schedule


def known(*months, built=6):
    return Known(built + len(months), built, pd.concat(months, ignore_index=True))


@pytest.fixture
def year(monkeypatch, month):
    """Let a release cost 5 dollars per flight, and 0.1 less for each month that it is younger."""

    def said(number, built):
        noise = np.random.default_rng(number).normal(0, 0.001, 300)
        return month(number, dollars=5 - 0.1 * (built - 6) + noise * built)

    monkeypatch.setattr(retraining, "said", said)
    return said


def test_a_schedule_counts_the_months_in_service(month):
    trigger = Schedule(2)
    assert not trigger(known(month(6)))
    assert trigger(known(month(6), month(7)))


@pytest.mark.parametrize(
    ("late", "expected", "rings"), [(0.3, 0.3, False), (0.3, 0.21, False), (0.1, 0.3, True)]
)
def test_drift_is_what_R9_says_of_the_last_month(late, expected, rings, month):
    strange = month(6, late=0.5, expected=0.1)
    assert Drift()(known(strange, month(7, late, expected))) is rings


def test_performance_is_R3_or_R2_of_the_last_month(month):
    good, blind = month(7), month(7, sharp=False)
    assert not Performance()(known(month(6, sharp=False), good))
    assert Performance()(known(month(6), blind))
    ranks_well = good.assign(warned=False)  # and warns of nobody, which costs as much as no service
    assert Performance()(known(month(6), ranks_well))


@settings(max_examples=20, deadline=None)
@given(answers=st.lists(st.booleans(), min_size=6, max_size=6))
def test_a_trigger_sees_nothing_but_the_past_of_the_release_in_service(answers, month):
    seen = []

    def trigger(now):
        seen.append(now)
        return answers[now.month - 7]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retraining, "said", lambda number, built: month(number).assign(built=built))
        year = retraining.replay_year(trigger)
    assert [now.month for now in seen] == list(range(7, 13))
    for now in seen:
        assert set(now.served["month"]) == set(range(now.built, now.month))
        assert set(now.served["built"]) == {now.built}
        assert year.built[now.month] == (now.month if answers[now.month - 7] else now.built)
    assert year.trainings == sum(answers)


def test_without_a_gate_a_release_serves_at_once(year):
    went = retraining.replay_year(Schedule(3))
    assert went.built == {6: 6, 7: 6, 8: 6, 9: 9, 10: 9, 11: 9, 12: 12}
    table = went.table()
    assert table.loc[9, ["release", "retrained"]].tolist() == ["4-7", True]
    assert not table.loc[10, "retrained"]
    assert table["dollars"].is_monotonic_decreasing or table.loc[12, "dollars"] < 5


def test_with_a_gate_a_cheaper_challenger_serves_a_month_later(year):
    went = retraining.replay_year(Schedule(3), gate=True)
    assert went.built == {6: 6, 7: 6, 8: 6, 9: 6, 10: 9, 11: 9, 12: 9}


def test_with_a_gate_a_dearer_challenger_never_serves(year, monkeypatch):
    monkeypatch.setattr(retraining, "said", lambda number, built: year(number, 12 - built))
    went = retraining.replay_year(Schedule(1), gate=True)
    assert set(went.built.values()) == {6}


@pytest.mark.parametrize(
    ("low", "high", "proven"), [(-0.4, -0.1, True), (-0.6, 0.2, False), (0.1, 0.6, False)]
)
def test_the_whole_interval_must_be_below_zero(low, high, proven):
    assert retraining.is_cheaper(Interval((low + high) / 2, low, high)) is proven


def test_a_trigger_that_says_neither_yes_nor_no_is_refused(year):
    with pytest.raises(CourseError, match="True or False, not None"):
        retraining.replay_year(lambda now: None)


def test_the_interval_is_that_of_the_means_of_blocks(month):
    mine, theirs = month(6), month(6)
    per_day = np.random.default_rng(0).normal(0.2, 1, 30)
    mine["dollars"] = theirs["dollars"] + np.repeat(per_day, 10)
    blocks = per_day.reshape(10, 3).mean(axis=1)
    reach = stats.t.isf(0.025, 9) * blocks.std(ddof=1) / np.sqrt(10)
    found = retraining.difference(mine, theirs)
    assert found.found == pytest.approx(blocks.mean())
    assert found.high - found.found == pytest.approx(reach)
    assert retraining.by_block(mine, theirs).to_numpy() == pytest.approx(30 * blocks)


def test_days_that_are_alike_count_for_less(month):
    mine, theirs = month(6), month(6)
    alike = np.repeat(np.random.default_rng(1).normal(0, 1, 10), 30)
    mine["dollars"] = theirs["dollars"] + alike
    by_threes, alone = (retraining.difference(mine, theirs, days) for days in (3, 1))
    assert by_threes.high - by_threes.low > 1.5 * (alone.high - alone.low)


def test_other_flights_are_not_compared(month):
    for other in (month(7), month(6).iloc[1:], month(6, late=0.4)):
        with pytest.raises(CourseError, match="different flights"):
            retraining.difference(month(6), other)


def test_policies_are_compared_with_the_first(year):
    years = {
        "never": retraining.replay_year(retraining.never),
        "often": retraining.replay_year(Schedule(1)),
    }
    table = retraining.compare(years)
    assert table["new releases"].tolist() == [0, 6]
    assert table.loc["never", "dearer"] == ""
    assert table.loc["often", "dearer"].startswith("-0.30 [-0.")
