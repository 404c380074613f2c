"""A test that may be looked at every day is wrong as seldom as it says, and finds what is there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mlops_school.sequential import confidence_sequence, first_exclusion, t_interval

DAYS = 100


def share_that_stop(interval, effect, runs=4000, seed=0, **options):
    values = np.random.default_rng(seed).normal(effect, 3.0, (runs, DAYS))
    return (first_exclusion(*interval(values, **options)) > 0).mean()


def test_the_t_interval_is_that_of_scipy():
    values = np.random.default_rng(1).normal(5, 2, 20)
    low, high = t_interval(values)
    for n in (2, 7, 20):
        right = stats.ttest_1samp(values[:n], 0).confidence_interval(0.95)
        np.testing.assert_allclose((low[n - 1], high[n - 1]), right)


def test_daily_looks_at_a_t_interval_cheat():
    assert share_that_stop(t_interval, effect=0) > 0.3


@pytest.mark.parametrize("alpha", [0.05, 0.2])
@pytest.mark.parametrize("prior", [0.1, 1.0, 10.0])
def test_daily_looks_at_the_confidence_sequence_do_not(alpha, prior):
    wrong = share_that_stop(confidence_sequence, effect=0, alpha=alpha, prior=prior)
    assert wrong <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / 4000)
    assert wrong > alpha / 20  # it is no test that never speaks


def test_it_finds_an_effect_of_half_a_standard_deviation():
    assert share_that_stop(confidence_sequence, effect=1.5) > 0.95


def test_values_like_the_one_before_break_it_and_means_of_three_mend_it():
    """As of the days of a summer, whose correlation with the day before is 0.42 in the lesson."""
    values = np.random.default_rng(5).normal(size=(4000, 60))
    values[:, 0] /= np.sqrt(1 - 0.42**2)
    for day in range(1, 60):
        values[:, day] += 0.42 * values[:, day - 1]
    threes = values.reshape(4000, -1, 3).mean(axis=-1)
    wrong, mended = (
        (first_exclusion(*confidence_sequence(v)) > 0).mean() for v in (values, threes)
    )
    assert wrong > 0.15
    assert mended < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 4000)


def test_its_limits_are_where_the_likelihood_ratio_is_one_to_alpha():
    """The ratio, integrated numerically over the effect, instead of its closed form."""
    values = np.random.default_rng(3).normal(1, 2, 15)
    n, prior, alpha = len(values), 0.7, 0.05
    effects = np.linspace(-12, 12, 20001)
    weights = stats.norm.pdf(effects, scale=np.sqrt(prior))
    for limit in (side[-1] for side in confidence_sequence(values, alpha, prior)):
        t = (values.mean() - limit) / (values.std(ddof=1) / np.sqrt(n))
        with np.errstate(all="ignore"):
            likelihood = np.nan_to_num(stats.nct.pdf(t, n - 1, effects * np.sqrt(n)))
        ratio = np.trapezoid(likelihood * weights, effects) / stats.t.pdf(t, n - 1)
        assert ratio == pytest.approx(1 / alpha, rel=1e-3)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30), st.floats(0.1, 100))
def test_it_moves_and_grows_with_the_values(values, scale):
    values = np.array(values)
    low, high = confidence_sequence(values)
    moved = confidence_sequence(scale * values + 7)
    np.testing.assert_allclose(moved[0], scale * low + 7, rtol=1e-6, atol=1e-4)
    np.testing.assert_allclose(moved[1], scale * high + 7, rtol=1e-6, atol=1e-4)


def test_one_value_excludes_nothing():
    for interval in (t_interval, confidence_sequence):
        low, high = interval([5.0])
        assert (low[0], high[0]) == (-np.inf, np.inf)


def test_the_first_day_is_day_one_and_never_is_zero():
    low = np.array([[-1, 1, -1], [-1, -1, -1]])
    assert first_exclusion(low, np.full((2, 3), 2)).tolist() == [2, 0]
