"""Measures of drift."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_school import drift

numbers = st.lists(st.floats(-100, 100) | st.none(), min_size=5, max_size=60).map(
    lambda values: pd.Series(values, dtype=float)
)


@given(numbers)
def test_what_has_not_changed_has_no_psi(column):
    assert drift.psi(column, column.sample(frac=1, random_state=0)) == pytest.approx(0)


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
