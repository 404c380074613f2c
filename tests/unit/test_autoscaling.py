"""The autoscaler does what the examples of the Kubernetes documentation say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_school import autoscaling
from mlops_school.autoscaling import STEP, Autoscaler, Policy, desired, questions, simulate

# ---- "Algorithm details"


@pytest.mark.parametrize("current", [1, 3, 10])
def test_twice_the_target_doubles_and_half_of_it_halves(current):
    assert desired(current, [200] * current, target=100) == 2 * current
    assert desired(current, [50] * current, target=100) == -(-current // 2)


def test_fifty_replicas_at_90_percent_of_a_target_of_75_become_60():
    """The example of the announcement of configurable tolerance, in version 1.33."""
    assert desired(50, [90] * 50, target=75) == 60


def test_within_the_tolerance_nothing_is_done():
    assert desired(10, [109] * 10, target=100) == 10
    assert desired(10, [91] * 10, target=100) == 10
    assert desired(10, [111] * 10, target=100) == 12
    # With 5 percent, 100 MiB become too much above 105.
    assert desired(20, [104] * 20, target=100, tolerance=0.05) == 20
    assert desired(20, [106] * 20, target=100, tolerance=0.05) == 22


def test_missing_metrics_dampen_both_ways():
    assert desired(4, [200, 200, None, None], target=100) == 4  # 0 for the missing: ratio 1
    assert desired(4, [300, 300, 300, None], target=100) == 9  # not 12
    assert desired(4, [20, 20, None, None], target=100) == 3  # 100 for the missing, not 1
    assert desired(3, [None, None, None], target=100) == 3


def test_replicas_that_are_not_ready_dampen_only_growth():
    assert desired(4, [300, 300], target=100, unready=2) == 6  # not 12
    assert desired(4, [200, 200], target=100, unready=2) == 4
    assert desired(4, [40, 40], target=100, unready=2) == 1


@given(
    st.lists(st.none() | st.floats(0, 1000), min_size=1, max_size=20),
    st.floats(1, 500),
    st.integers(0, 10),
)
def test_what_is_not_known_never_turns_the_direction(metrics, target, unready):
    current = len(metrics) + unready
    known = [value for value in metrics if value is not None]
    wanted = desired(current, metrics, target, unready)
    if not known or sum(known) / len(known) == target:
        assert wanted == current
    elif sum(known) / len(known) > target:
        assert wanted >= current
    else:
        assert wanted <= current


# ---- "Scaling policies" and "Stabilization window"


def test_eighty_replicas_go_down_by_10_percent_or_4_whichever_is_more():
    scaler = Autoscaler(
        target=1, maximum=100, stabilization=0, down=(Policy("Pods", 4), Policy("Percent", 10))
    )
    replicas = [80]
    while replicas[-1] > 10:
        replicas.append(scaler.decide([10], replicas))
    assert replicas[:3] == [80, 72, 64]  # 10 percent of 72 is 7.2, and 8 are taken away
    below = replicas[next(n for n, one in enumerate(replicas) if one <= 40) :]
    assert set(np.diff(below[:-1])) == {-4}


def test_by_default_it_doubles_or_adds_4_in_15_seconds():
    scaler = Autoscaler(target=1, maximum=100)
    assert scaler.decide([50], [2]) == 6
    assert scaler.decide([50], [10]) == 20
    assert scaler.decide([12], [10]) == 12


def test_a_policy_of_a_minute_counts_from_the_beginning_of_the_minute():
    scaler = Autoscaler(target=1, maximum=100, stabilization=0, down=(Policy("Pods", 4, 60),))
    replicas = [40] * 4
    for _ in range(8):
        replicas.append(scaler.decide([1], replicas))
    assert replicas[4:] == [36, 36, 36, 36, 32, 32, 32, 32]


def test_it_goes_down_only_to_the_most_that_was_wanted_in_the_window():
    scaler = Autoscaler(target=1, stabilization=60)
    assert scaler.decide([9, 3, 3, 3, 3], [9]) == 9
    assert scaler.decide([9, 5, 3, 3, 3, 3], [9]) == 5
    assert scaler.decide([9, 9, 9, 9, 12], [9]) == 12  # up at once


def test_it_stays_within_its_bounds():
    scaler = Autoscaler(target=1, minimum=2, maximum=7, stabilization=0)
    assert scaler.decide([1], [5]) == 2
    assert scaler.decide([50], [5]) == 7


# ---- a day


def test_a_steady_load_gets_what_it_needs_and_no_more():
    run = simulate([60] * 100, Autoscaler(target=15), capacity=30)
    assert set(run["replicas"]) == {4}
    assert not run["overloaded"].any()


def test_a_rise_is_followed_and_a_new_replica_needs_its_time():
    load = [30] * 20 + [120] * 40
    run = simulate(load, Autoscaler(target=15), capacity=30, start_seconds=60)
    assert run["replicas"].iloc[-1] == 8
    assert run["overloaded"].sum() * STEP >= 60
    quick = simulate(load, Autoscaler(target=15), capacity=30, start_seconds=0)
    assert quick["overloaded"].sum() < run["overloaded"].sum()


def test_a_short_window_flaps():
    load = np.tile([15] * 8 + [90] * 8, 10)
    changes = [
        (simulate(load, Autoscaler(15, stabilization=window), 30)["replicas"].diff() != 0).sum()
        for window in (0, 600)
    ]
    assert changes[0] > 3 * changes[1]


def test_questions_come_in_the_minutes_before_departure():
    load = questions([600, 600, 605], each=120, minutes=2)
    assert len(load) == 24 * 3600 // STEP
    per_minute = load[:: 60 // STEP]
    assert per_minute[597:606].tolist() == [0, 2, 2, 0, 0, 0, 1, 1, 0]
    assert load.sum() * STEP == pytest.approx(3 * 120)
    assert autoscaling.questions([], 10).sum() == 0
