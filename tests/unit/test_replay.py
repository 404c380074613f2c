"""What releases of the past would have said: computed once, and never of what they have learned."""

import pytest
from pandas.testing import assert_frame_equal

from mlops_school import backtest, champion, replay
from mlops_school.errors import CourseError


def test_what_is_kept_is_what_the_release_says(workspace, monkeypatch):
    first = replay.outcomes(4, built=3)
    assert_frame_equal(first, backtest.forecast(champion.built_before(3), [4]))
    monkeypatch.setattr(backtest, "forecast", None)  # it is not asked again
    assert_frame_equal(replay.outcomes(4, built=3), first)


def test_another_record_is_another_release(workspace, monkeypatch):
    replay.outcomes(3, built=3)
    monkeypatch.setattr(champion, "provenance", lambda months: {"data_version": "other"})
    replay.outcomes(3, built=3)
    assert len(list((workspace / "replays").iterdir())) == 2


@pytest.mark.parametrize(("month", "built"), [(4, 5), (2, 2), (13, 12)])
def test_a_month_that_it_cannot_be_tried_on_is_refused(month, built):
    with pytest.raises(CourseError, match=f"built before month {built} cannot"):
        replay.outcomes(month, built)
