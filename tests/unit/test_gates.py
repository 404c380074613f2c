"""What the gates let pass, and what they stop."""

import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_school import backtest, data, gates
from mlops_school.gates import Interval


class Worker:
    """A model that keeps the processor at work for a while, and lets others have it first."""

    def __init__(self, seconds, wait=0.0):
        self.seconds, self.wait = seconds, wait

    def predict_proba(self, flights):
        time.sleep(self.wait)
        end = time.process_time() + self.seconds
        while time.process_time() < end:
            pass


def make_trial(days):
    """Return a trial with so many flights on each day."""
    dates = pd.date_range("2013-07-01", periods=len(days)).repeat(days)
    return pd.DataFrame({"date": dates})


def dollars(values):
    return pd.DataFrame({"dollars": np.asarray(values, dtype=float)})


amounts = st.lists(
    st.tuples(st.sampled_from([0, 10, 40]), st.sampled_from([0, 10, 40])), min_size=6, max_size=40
)


@settings(max_examples=50, deadline=None)
@given(amounts)
def test_who_is_compared_with_whom_only_turns_the_interval_round(pairs):
    mine, theirs = (dollars(column) for column in zip(*pairs, strict=True))
    trial = make_trial([2] * (len(pairs) // 2) + [len(pairs) % 2])
    one, other = gates.paired(trial, mine, theirs), gates.paired(trial, theirs, mine)
    assert one.found == pytest.approx(np.mean([a - b for a, b in pairs]))
    assert (one.found, one.low, one.high) == pytest.approx((-other.found, -other.high, -other.low))


def test_what_all_flights_have_in_common_drops_out():
    theirs = np.tile([0, 40, 10, 0], 10)
    found = gates.paired(make_trial([4] * 10), dollars(theirs - 5), dollars(theirs))
    assert (found.low, found.found, found.high) == pytest.approx((-5, -5, -5))


def test_more_flights_on_the_same_days_do_not_make_it_surer():
    by_day = np.array([10, -10, 0, 40, -40, 10, 0, -10])
    few = gates.paired(make_trial([1] * 8), dollars(by_day), dollars(0 * by_day))
    many = by_day.repeat(50)
    same = gates.paired(make_trial([50] * 8), dollars(many), dollars(0 * many))
    assert same.high - same.low == pytest.approx(few.high - few.low)


def test_the_interval_is_as_wide_as_resampling_days_says():
    random = np.random.default_rng(0)
    days = random.integers(50, 150, size=60)
    values = random.normal(0, 1, size=60).repeat(days) + random.normal(0, 3, size=days.sum())
    trial = make_trial(days)
    found = gates.paired(trial, dollars(values), dollars(0 * values))
    sums = pd.Series(values).groupby(trial["date"]).agg(["sum", "size"]).to_numpy()
    draws = [sums[random.integers(0, 60, size=60)].sum(axis=0) for _ in range(2000)]
    low, high = np.quantile([total / n for total, n in draws], [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.05)


@pytest.mark.parametrize(
    ("low", "high", "passed", "words"),
    [
        (-0.4, -0.1, True, "cheaper"),
        (-0.1, 0.1, True, "about as dear"),
        (-0.1, 0.11, False, "perhaps dearer"),
        (0.2, 0.4, False, "dearer"),
    ],
)
def test_R2_in_doubt_the_champion_stays(low, high, passed, words):
    verdict = gates.worse(Interval((low + high) / 2, low, high))
    assert verdict.passed is passed
    assert verdict.reason.startswith(words)
    assert verdict.requirement == "R2"


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (-0.1, 0.1, "met"),
        (0.05, 0.11, "not yet known"),
        (-0.11, -0.05, "not yet known"),
        (-0.2, 0.2, "not yet known"),
        (0.11, 0.2, "broken"),
        (-0.2, -0.11, "broken"),
    ],
)
def test_R7_only_a_gap_that_is_shown_to_be_small_passes(low, high, words):
    verdict = gates.biased(Interval((low + high) / 2, low, high))
    assert verdict.passed is (words == "met")
    assert f"R7 is {words}," in verdict.reason


def test_an_interval_is_written_with_signs_but_without_a_negative_zero():
    assert str(Interval(-0.001, -0.03, 0.03)) == "+0.00 [-0.03, +0.03]"
    assert f"{Interval(-0.001, -0.03, 0.03):.3f}" == "-0.001 [-0.030, +0.030]"


@pytest.mark.parametrize(("ratio", "passed"), [(0.5, True), (1.5, True), (1.51, False)])
def test_a_model_may_be_a_little_slower(ratio, passed):
    verdict = gates.slower(ratio)
    assert verdict.passed is passed
    assert ("STOPPED" in str(verdict)) is not passed


def test_slowdown_compares_the_time_of_the_processor():
    flights = pd.DataFrame(columns=gates.FEATURES, index=range(3), dtype=float)
    assert gates.slowdown(flights, Worker(0.03), Worker(0.01)) > 2
    assert gates.slowdown(flights, Worker(0.01), Worker(0.03)) < 0.5
    assert gates.slowdown(flights, Worker(0.03), Worker(0.01, wait=0.05)) > 2


def test_a_trial_counts_all_flights_to_a_destination_but_holds_those_that_arrived():
    trial = gates.load_trial((7,))
    flights = data.load_flights([7])
    assert len(trial) == flights["arr_delay"].notna().sum()
    counts = trial["dest"].map(flights["dest"].value_counts())
    assert ((counts < 100) == trial["small"]).all()
    assert trial["small"].any()
    assert trial["late"].mean() == pytest.approx((flights["arr_delay"].dropna() >= 15).mean())


def test_a_mistake_costs_what_the_requirement_says():
    class Says:
        def predict_proba(self, flights):
            return np.array([[0.4, 0.6], [0.6, 0.4], [0.5, 0.5], [0.9, 0.1]])

    trial = pd.DataFrame(columns=gates.FEATURES, index=range(4), dtype=float)
    trial["late"] = [True, True, False, False]
    package = gates.ModelPackage("1", Says(), 0.5, (1,), {})
    answers = backtest.answer(trial, package)
    assert answers["warned"].tolist() == [True, False, True, False]
    assert answers["dollars"].tolist() == [0, 40, 10, 0]
