"""The parts of the service, each by itself."""

import delays
import pytest


@pytest.mark.parametrize(("departure", "hour"), [("05:00", 5), ("5:00", 5), ("23:59", 23)])
def test_hour_of_a_time(departure, hour):
    assert delays.hour_of(departure) == hour


def test_share_of_late_flights(monkeypatch):
    monkeypatch.setattr(delays, "FLIGHTS", {17: 200})
    monkeypatch.setattr(delays, "LATE", {17: 70})
    assert delays.share_late(17) == 0.35
