import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score

from mlops_school import calibration, evaluation, intervals


def make_table(seed=0, days=30, flights=200, luck=0.15):
    """Return forecasts of days that share their luck; the model does not know it."""
    random = np.random.default_rng(seed)
    date = np.repeat(pd.date_range("2013-06-01", periods=days), flights)
    risk = random.beta(2, 5, size=days * flights)
    shared = np.repeat(random.normal(0, luck, days), flights)
    late = random.random(len(risk)) < np.clip(risk + shared, 0, 1)
    probability = np.round(risk, 3)
    warned = probability >= 0.3
    return pd.DataFrame({"date": date, "late": late, "probability": probability, "warned": warned})


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_metrics_are_scikit_learns(seed):
    table = make_table(seed, days=5, flights=40)
    found = intervals.metrics(table)
    late, warned = table["late"], table["warned"]
    expected = [
        precision_score(late, warned),
        recall_score(late, warned),
        f1_score(late, warned),
        roc_auc_score(late, table["probability"]),
        evaluation.cost(late, warned) / len(table),
    ]
    assert np.allclose(found, expected)


def test_one_draw_is_what_the_drawn_table_gives():
    table = make_table(days=6, flights=50)
    drawn = np.random.default_rng(3).integers(0, 6, 6)
    days = [day for _, day in table.groupby("date")]
    expected = intervals.metrics(pd.concat([days[number] for number in drawn]))
    assert np.allclose(intervals.bootstrap(table, repeats=1, seed=3).iloc[0], expected)


def test_days_that_share_luck_make_intervals_wider():
    table = make_table()
    single, days = (
        intervals.interval(intervals.bootstrap(table, 200, unit=unit)) for unit in (None, "date")
    )
    assert (np.ptp(days, axis=1) > 1.5 * np.ptp(single, axis=1)).all()


def test_intervals_by_day_hold_the_truth_about_as_often_as_they_say():
    truth = intervals.metrics(make_table(seed=99, days=3000, flights=20))["roc_auc"]
    held = []
    for seed in range(60):
        draws = intervals.bootstrap(make_table(seed, flights=40), 150)
        low, high = intervals.interval(draws).loc["roc_auc"]
        held.append(low <= truth <= high)
    assert 0.85 <= np.mean(held) <= 1


def test_equal_seeds_draw_equal_days_so_differences_are_paired():
    table = make_table()
    other = table.assign(warned=table["probability"] >= 0.32)
    one, two = intervals.bootstrap(table), intervals.bootstrap(other)
    paired = np.ptp(intervals.interval(two - one).loc["dollars"])
    assert paired < 0.5 * np.ptp(intervals.interval(one).loc["dollars"])


def test_an_interval_holds_its_percentage():
    draws = pd.DataFrame({"x": np.arange(1001.0)})
    assert intervals.interval(draws, 90).loc["x"].tolist() == pytest.approx([50, 950])


# ---- calibration


def test_the_curve_counts_by_class():
    curve = calibration.curve([True, False, True, True], [0.05, 0.08, 0.95, 1.0])
    assert curve.index.tolist() == [0, 9]
    assert curve["flights"].tolist() == [2, 2]
    assert np.allclose(curve["seen"], [0.5, 1])
    assert np.allclose(curve["expected"], [0.065, 0.975])
    error = calibration.error([True, False, True, True], [0.05, 0.08, 0.95, 1.0])
    assert error == pytest.approx((0.435 + 0.025) / 2)


@pytest.mark.parametrize(("shift", "stretch"), [(1.0, 1.0), (-0.7, 1.0), (0.0, 2.0)])
def test_recalibration_repairs_what_it_can_and_keeps_the_order(shift, stretch):
    random = np.random.default_rng(0)
    right = random.beta(2, 4, 40_000)
    late = random.random(40_000) < right
    odds = np.log(right / (1 - right))
    wrong = 1 / (1 + np.exp(-(stretch * odds + shift)))
    repaired = calibration.Recalibration().fit(late[:20_000], wrong[:20_000])(wrong[20_000:])
    assert calibration.error(late[20_000:], wrong[20_000:]) > 0.05
    assert calibration.error(late[20_000:], repaired) < 0.02
    assert (np.argsort(repaired) == np.argsort(wrong[20_000:])).all()


def test_recalibration_bears_certain_probabilities():
    repair = calibration.Recalibration().fit([False, True, True, False], [0.0, 1.0, 0.6, 0.4])
    assert np.isfinite(repair([0.0, 1.0])).all()
