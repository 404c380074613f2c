"""Measures of drift.

The stored notebook of lesson 14 compares PSI with that of Evidently, on the flights of July.
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from mlops_school import drift

numbers = st.lists(st.floats(-100, 100) | st.none(), min_size=5, max_size=60).map(
    lambda values: pd.Series(values, dtype=float)
)


@settings(max_examples=40)
@given(numbers)
def test_what_has_not_changed_has_no_psi(column):
    assert drift.psi(column, column.sample(frac=1, random_state=0)) == pytest.approx(0)


@settings(max_examples=40)
@given(numbers, numbers)
def test_psi_is_never_negative(then, now):
    assert drift.psi(then, now) >= 0


def test_psi_of_text_is_what_one_works_out_by_hand():
    then, now = pd.Series(list("aaab")), pd.Series(list("aabb"))
    by_hand = (0.5 - 0.75) * np.log(0.5 / 0.75) + (0.5 - 0.25) * np.log(0.5 / 0.25)
    assert drift.psi(then, now) == pytest.approx(by_hand)


def test_bins_hold_equal_parts_of_the_reference():
    then = pd.Series(np.arange(1000.0))
    now = pd.Series(np.arange(100.0))  # all of it in the first of ten bins
    by_hand = 0.9 * np.log(1 / 0.1) + 9 * (0.0001 - 0.1) * np.log(0.0001 / 0.1)
    assert drift.psi(then, now) == pytest.approx(by_hand, rel=0.02)


def test_what_is_missing_counts():
    then = pd.Series([1.0, 2.0, 3.0, 4.0] * 10)
    assert drift.psi(then, then.where(then < 4)) > 0.5


numbers_there = st.lists(st.integers(-5, 5), min_size=3, max_size=40).map(
    lambda values: pd.Series(values, dtype=float)
)


some = st.lists(st.integers(0, 5), min_size=3, max_size=3).filter(any)


@settings(max_examples=40)
@given(some, some)
def test_the_distance_of_jensen_and_shannon_is_that_of_scipy(then, now):
    then, now = (np.array(one) / sum(one) for one in (then, now))
    expected = np.nan_to_num(jensenshannon(then, now, base=2))  # nan, by rounding, for equal ones
    assert drift.jensen_shannon(then, now) == pytest.approx(expected, abs=1e-6)


def test_the_distance_of_columns_has_limits():
    column = pd.Series([*"aab", None])
    assert drift.jsd(column, column) == 0
    assert drift.jsd(column, pd.Series(["c"])) == pytest.approx(1)
    numbers = pd.Series(np.arange(100.0))
    assert 0 < drift.jsd(numbers, numbers + 20) < drift.jsd(numbers, numbers + 200) < 1


@settings(max_examples=40)
@given(numbers_there, numbers_there)
def test_ks_is_that_of_scipy(then, now):
    found = drift.ks(then, now)
    expected = stats.ks_2samp(then, now, method="asymp")
    assert found == pytest.approx((expected.statistic, expected.pvalue))


def test_what_is_missing_is_no_number_for_ks():
    then, now = pd.Series([1.0, 2.0, None]), pd.Series([None, None, 1.0, 2.0])
    assert drift.ks(then, now) == (0, pytest.approx(1))


@settings(max_examples=40)
@given(st.text("abc", min_size=4, max_size=40), st.text("abc", min_size=4, max_size=40))
def test_chi_square_is_that_of_scipy(then, now):
    then, now = pd.Series(list(then)), pd.Series(list(now))
    counts = pd.crosstab(pd.concat([then, now]), [0] * len(then) + [1] * len(now))
    expected = stats.chi2_contingency(counts, correction=False)
    if len(counts) > 1:
        assert drift.chi_square(then, now) == pytest.approx(tuple(expected[:2]))


def test_each_column_gets_the_test_of_its_kind():
    then = pd.DataFrame({"text": list("aabb") * 9, "number": np.arange(36.0)})
    table = drift.table(then, then.iloc[::-1], ["text", "number"])
    assert table["test"].to_dict() == {"text": "chi-square", "number": "KS"}
    assert (table["psi"] == 0).all() and (table["p_value"] > 0.99).all()
