"""Bug report: the service had no answer for a flight at 1:06 in the night."""

import pytest
from delays import FLIGHTS, LATE


@pytest.mark.parametrize("departure", ["00:00", "01:06", "04:59"])
def test_R1_answers_for_an_hour_without_flights(client, departure):
    answer = client.get("/delay", params={"departure": departure})
    assert answer.status_code == 200
    of_all = sum(LATE.values()) / sum(FLIGHTS.values())
    assert answer.json()["probability"] == pytest.approx(of_all)
