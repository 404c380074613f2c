"""From the data to the answer over HTTP: all parts together, with nothing replaced."""

import json
import os
import sys
from urllib.error import HTTPError
from urllib.request import Request

import pytest

from mlops_school import data
from mlops_school.features import FEATURES, make_features
from mlops_school.forecasts import as_flights
from mlops_school.servers import Server, opener


@pytest.fixture(scope="module")
def service():
    """Return the address of the service: SERVICE if it runs already, or else one of our own."""
    if running := os.environ.get("SERVICE"):
        yield running
    else:
        command = [sys.executable, "-m", "mlops_school.service", os.environ["MODEL_PACKAGE"]]
        with Server(command) as own:
            yield own.address


def ask(service, path, body=None):
    """Return the status and the answer, read as JSON."""
    content = None if body is None else json.dumps(body).encode()
    request = Request(service + path, content, {"Content-Type": "application/json"})
    try:
        with opener.open(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_R1_the_service_says_what_the_notebook_says(service, package):
    rows = data.load_flights([6])
    rows = rows[rows["arr_delay"].notna()].iloc[::5000].reset_index(drop=True)
    table = make_features(rows, data.load_weather(), data.load_planes())
    expected = package.model.predict_proba(table[FEATURES])[:, 1]
    for flight, probability in zip(as_flights(rows), expected, strict=True):
        status, answer = ask(service, "/forecast", flight.model_dump(mode="json"))
        assert (status, answer["probability"]) == (200, probability)
        assert answer["warn"] == (probability >= package.threshold)


@pytest.mark.parametrize(
    ("field", "value"), [("dest", "XXX"), ("departure", "tomorrow"), ("carrier", None)]
)
def test_R6_what_cannot_be_is_refused_by_name(service, field, value):
    good = {"carrier": "UA", "origin": "EWR", "dest": "ORD"}
    good["departure"] = "2013-06-03T17:30:00-04:00"
    assert ask(service, "/forecast", good)[0] == 200
    status, answer = ask(service, "/forecast", {**good, field: value})
    assert 400 <= status <= 499
    assert str(value or field) in json.dumps(answer) or field in json.dumps(answer)


def test_R12_it_says_that_it_is_ready_and_which_release_it_is(service, package):
    status, health = ask(service, "/health")
    assert status == 200
    assert (health["status"], health["release"]) == ("ready", package.version)
