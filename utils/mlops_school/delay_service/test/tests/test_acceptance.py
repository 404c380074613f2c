"""Each test asks the running service for what a requirement demands, and is named after it."""

import os

import pytest


@pytest.mark.parametrize("departure", ["06:00", "17:05", "23:59"])
def test_R1_gives_a_probability(client, departure):
    answer = client.get("/delay", params={"departure": departure})
    assert answer.status_code == 200
    assert 0 <= answer.json()["probability"] <= 1


def test_R6_refuses_what_is_no_time(client):
    answer = client.get("/delay", params={"departure": "24:00"})
    assert answer.status_code == 422
    assert "departure" in answer.text


def test_R6_refuses_a_request_without_a_time(client):
    answer = client.get("/delay")
    assert answer.status_code == 422
    assert "departure" in answer.text


def test_R12_says_which_release_it_is(client):
    health = client.get("/health").json()
    assert health == {"status": "ready", "release": os.environ.get("RELEASE", "draft")}
