"""Questions to profiles, asked of exact ones: whylogs is in the environment of its lab only."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from mlops_school import drift, plots, profile_views, profiles


class Exact:
    """Stands for the sketch of whylogs, and keeps all numbers."""

    def __init__(self, numbers):
        self.numbers = np.sort(numbers)

    def get_quantiles(self, ranks):
        return np.quantile(self.numbers, ranks)

    def get_pmf(self, limits):
        """Count, as the sketch does, what is below each limit, not what equals it."""
        below = np.searchsorted(self.numbers, limits, side="left") / len(self.numbers)
        return np.diff([0, *below, 1]).tolist()


@dataclass
class Profile:
    """Stands for a profile of one column, and for the metric in it."""

    column: pd.Series

    def get_column(self, name):
        return self

    get_metric = get_column

    @property
    def kll(self):
        return self

    @property
    def value(self):
        return Exact(pd.to_numeric(self.column, errors="coerce").dropna())

    def to_summary_dict(self):
        numbers = [isinstance(value, int | float) for value in self.column.dropna()]
        return {
            "counts/n": len(self.column),
            "counts/null": int(self.column.isna().sum()),
            "distribution/n": sum(numbers),
        }

    def merge(self, other):
        return Profile(pd.concat([self.column, other.column]))


def test_shares_are_those_of_the_rows():
    """Many values are equal and some are edges of bins, where off by one shows."""
    dice = np.random.default_rng(1)
    then = pd.Series(dice.integers(0, 12, 500).astype(float)).where(dice.random(500) < 0.9)
    now = pd.Series(dice.integers(3, 20, 300).astype(float)).where(dice.random(300) < 0.7)
    told = profiles.shares(Profile(then), Profile(now), "x")
    rows = drift.shares(then, now)
    pd.testing.assert_frame_equal(told.reindex(rows.index), rows, check_names=False)
    assert told.drop(rows.index).to_numpy().sum() == pytest.approx(0)
    assert drift.psi_of_shares(told) == pytest.approx(drift.psi(then, now))


def test_all_profiles_are_merged():
    parts = [Profile(pd.Series([float(n)])) for n in range(4)]
    assert profiles.merge(parts).column.tolist() == [0, 1, 2, 3]
    assert len(parts[0].column) == 1


@pytest.mark.parametrize(
    ("column", "speaks"),
    [
        ([1.0, None, 2.0], True),
        ([1.0, 2.0], True),
        ([1.0, "2.0", None], False),
        (["1.0", "nan"], False),
        ([None, None], False),
        ([], False),
    ],
)
def test_a_sketch_speaks_for_all_if_nothing_was_left_out(column, speaks):
    assert profiles.speaks_for_all(Profile(pd.Series(column, dtype=object)), "x") is speaks


def test_the_picture_of_days_says_what_it_shows(monkeypatch):
    told = []
    monkeypatch.setattr(plots, "show", lambda figure, alt: told.append((figure, alt)))
    profile_views.show_days(pd.Series([10.0, 40.0, 10.0], index=[1, 2, 3]), 30.0, "minutes")
    ((figure, alt),) = told
    assert alt == (
        "minutes, of 3 days: from 10 to 40, which is day 2. Their average is 20; of the whole "
        "month, it is 30."
    )
    points, whole, average = figure.axes[0].lines
    assert points.get_ydata().tolist() == [10, 40, 10]
    assert (whole.get_ydata()[0], average.get_ydata()[0]) == (30, 20)
