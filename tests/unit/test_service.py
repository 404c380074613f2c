"""The delay service: what it answers, refuses, counts, logs, and how it takes another release."""

import asyncio
import json
import logging
import time
from dataclasses import replace

import httpx
import pandas as pd
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_school import champion, data
from mlops_school.errors import CourseError
from mlops_school.features import make_features
from mlops_school.files import sha256
from mlops_school.forecasts import Flight, Forecaster, as_flights, as_table
from mlops_school.model_package import DESCRIPTION, MODEL
from mlops_school.service import app as app_module
from mlops_school.service import guard
from mlops_school.service.app import create_app
from mlops_school.service.releases import CURRENT, Releases

GOOD = {
    "carrier": "UA",
    "origin": "EWR",
    "dest": "ORD",
    "departure": "2013-07-01T17:30:00-04:00",
    "tailnum": None,
}
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """Return two releases: the first on January, the second the same with another threshold."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCHOOL_WORKSPACE", str(tmp_path_factory.mktemp("workspace")))
        first = champion.train("1", months=(1,))
    return first, replace(first, version="2", threshold=0.9)


@pytest.fixture
def folder(packages, tmp_path):
    return packages[0].write(tmp_path / "release")


@pytest.fixture(scope="module")
def client(packages, tmp_path_factory):
    folder = packages[0].write(tmp_path_factory.mktemp("release"))
    return TestClient(create_app(folder), raise_server_exceptions=False)


def post(client, content, headers=JSON):
    return client.post("/forecast", content=content, headers=headers)


def places(answer):
    return [wrong["where"] for wrong in answer.json()["wrong"]]


# ---- answers


def test_it_answers_as_the_forecaster_does(client, packages):
    (expected,) = Forecaster(packages[0]).forecast([Flight(**GOOD)])
    assert client.post("/forecast", json=GOOD).json() == expected.model_dump()
    assert client.get("/health").json() == {"status": "ready", "release": "1", "refused": ""}


def test_few_rows_of_weather_give_the_features_that_all_rows_give(packages):
    sample = data.load_flights([1, 11, 12]).sample(60, random_state=0)
    flights = as_flights(sample)
    forecaster = Forecaster(packages[0])
    weather = forecaster._weather  # with gaps, so that old rows matter, too
    forecaster._weather = weather[weather["time_hour"].dt.hour % 5 == 0]
    expected = make_features(as_table(flights), forecaster._weather, data.load_planes())
    pd.testing.assert_frame_equal(forecaster.features(flights), expected)
    alone = pd.concat([forecaster.features([one]) for one in flights], ignore_index=True)
    pd.testing.assert_frame_equal(alone, expected)


# ---- refusals


@pytest.mark.parametrize(
    ("content", "status", "where"),
    [
        (b"", 422, ["body"]),
        (b"{", 400, ["body"]),
        (b"\xff\xfe{}", 400, ["body"]),
        (b"[" * 9_000, 400, ["body"]),
        (b'{"carrier": ' + b"9" * 5_000 + b"}", 400, ["body"]),
        (b"null", 422, ["body"]),
        (b"[]", 422, ["body"]),
        (b" " * 10_001, 413, ["body"]),
        ({"carrier": float("nan")}, 422, ["carrier"]),
        ({"carrier": float("inf")}, 422, ["carrier"]),
        ({"carrier": 1}, 422, ["carrier"]),
        ({"carrier": "XX"}, 422, ["carrier"]),
        ({"carrier": "\ud800"}, 422, ["carrier"]),
        ({"origin": "BOS"}, 422, ["origin"]),
        ({"dest": "XXX"}, 422, ["dest"]),
        ({"tailnum": "N142281"}, 422, ["tailnum"]),
        ({"departure": "yesterday"}, 422, ["departure"]),
        ({"departure": "2013-07-01T17:30:00"}, 422, ["departure"]),
        ({"departure": "2014-01-01T00:00:00-05:00"}, 422, ["departure"]),
        ({"departure": "0001-01-01T00:00:00+14:00"}, 422, ["departure"]),
        ({"departure": "9999-12-31T23:59:59-14:00"}, 422, ["departure"]),
        ({"departure": 1372714200}, 422, ["departure"]),
        ({"departure": "1372714200"}, 422, ["departure"]),
        ({"departure": " -1372714200.5"}, 422, ["departure"]),
        ({"departure": True}, 422, ["departure"]),
        ({"passenger": "Ada"}, 422, ["passenger"]),
        ({"carrier": None, "dest": None}, 422, ["carrier", "dest"]),
    ],
)
def test_it_names_what_is_wrong(client, content, status, where):
    if isinstance(content, dict):
        content = json.dumps(GOOD | content)
    answer = post(client, content)
    assert (answer.status_code, places(answer)) == (status, where)


def test_the_first_and_last_minutes_of_the_year_are_accepted(client):
    for departure in ("2013-01-01T05:00:00Z", "2014-01-01T04:59:00Z"):
        assert client.post("/forecast", json=GOOD | {"departure": departure}).status_code == 200


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_it_wants_json_that_is_declared_as_such(client, kind):
    answer = post(client, json.dumps(GOOD), {"content-type": kind} if kind else {})
    assert (answer.status_code, places(answer)) == (415, ["content-type"])


def test_it_names_a_wrong_path_and_method(client):
    for path in ("/nowhere", "/health/"):
        assert places(client.get(path, follow_redirects=False)) == ["path"]
    answer = client.get("/forecast")
    assert (answer.status_code, places(answer)) == (405, ["method"])
    assert answer.headers["allow"] == "POST"


def test_a_body_that_is_not_announced_is_cut_off_too(client):
    def chunks():
        yield from [b" " * 6_000] * 2

    assert post(client, chunks()).status_code == 413


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
changed = st.dictionaries(st.sampled_from([*GOOD, "other"]) | st.text(), json_values, max_size=3)


@settings(deadline=None, max_examples=150)
@given(
    st.binary(max_size=200)
    | json_values.map(lambda value: json.dumps(value).encode())
    | changed.map(lambda change: json.dumps(GOOD | change).encode())
    | st.datetimes().map(lambda t: json.dumps(GOOD | {"departure": f"{t}+00:00"}).encode())
)
def test_no_body_makes_it_fail(client, content):
    answer = post(client, content)
    assert answer.status_code in {200, 400, 422}
    assert answer.status_code == 200 or all(wrong["what"] for wrong in answer.json()["wrong"])


# ---- limits


def test_a_client_that_does_not_finish_is_given_up(client, monkeypatch):
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.05)
    sent = []

    async def receive():
        await asyncio.sleep(1)

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/forecast",
        "raw_path": b"/forecast",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    asyncio.run(client.app(scope, receive, send))
    assert sent[0]["status"] == 408
    assert json.loads(sent[1]["body"])["wrong"][0]["where"] == "body"


def test_a_flood_is_told_to_come_again(folder, monkeypatch):
    monkeypatch.setattr(app_module, "MAXIMUM_WAITING", 2)
    application = create_app(folder)

    async def flood():
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            asked = (client.post("/forecast", json=GOOD) for _ in range(10))
            return await asyncio.gather(*asked)

    answers = asyncio.run(flood())
    assert sorted(answer.status_code for answer in answers) == [200] * 2 + [503] * 8
    shed = next(answer for answer in answers if answer.status_code == 503)
    assert (shed.headers["retry-after"], places(shed)) == ("1", ["service"])
    assert asyncio.run(flood())[0].status_code == 200  # it has recovered


# ---- what it tells of itself


def test_metrics_count_requests_forecasts_and_warnings(folder):
    client = TestClient(create_app(folder))
    warns = client.post("/forecast", json=GOOD).json()["warn"]
    client.post("/forecast", json=GOOD | {"dest": "XXX"})
    for number in range(3):
        client.get(f"/nowhere/{number}")
    lines = client.get("/metrics").text.splitlines()
    assert 'delay_requests_total{path="/forecast",status="200"} 1.0' in lines
    assert 'delay_requests_total{path="/forecast",status="422"} 1.0' in lines
    assert 'delay_requests_total{path="other",status="404"} 3.0' in lines
    assert 'delay_request_seconds_count{path="/forecast"} 2.0' in lines
    assert 'delay_forecasts_total{release="1"} 1.0' in lines
    assert f'delay_warnings_total{{release="1"}} {float(warns)}' in lines
    assert 'delay_release_info{release="1"} 1.0' in lines
    assert not [line for line in lines if "nowhere" in line]


def test_each_application_counts_for_itself(folder):
    one, other = TestClient(create_app(folder)), TestClient(create_app(folder))
    one.get("/health")
    assert '"/health"' not in other.get("/metrics").text


@pytest.fixture
def log_lines(monkeypatch):
    """Return the lines that the service logs, as they come."""
    lines = []

    class Collect(logging.Handler):
        def emit(self, record):
            lines.append(json.loads(record.getMessage()))

    logger = logging.getLogger("mlops_school.service")
    handler = Collect()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield lines
    logger.removeHandler(handler)
    logger.setLevel(level)


def test_a_line_of_the_log_says_what_happened_and_of_nobody(client, log_lines):
    wrong = GOOD | {"tailnum": "N14228", "dest": "Ada Lovelace", "Ada": 1}
    agent = "board/2.1 (Ada's laptop)"
    headers = {"user-agent": agent, "x-request-id": "abc-1"}
    answer = client.post("/forecast?who=Ada", json=wrong, headers=headers)
    (line,) = log_lines
    assert answer.headers["x-request-id"] == line["request_id"] == "abc-1"
    assert (line["path"], line["status"], line["release"]) == ("/forecast", 422, "1")
    assert (line["client"], line["wrong"]) == ("board/2.1", ["dest", "other"])
    assert line["milliseconds"] > 0
    for secret in ("Ada", "N14228", "testclient"):
        assert secret not in json.dumps(line)


def test_a_request_id_is_made_unless_one_is_given_that_can_be_logged(client):
    made = {client.get("/health").headers["x-request-id"] for _ in range(3)}
    bad = client.get("/health", headers={"x-request-id": "a b\tc"}).headers["x-request-id"]
    assert len(made | {bad}) == 4
    assert all(len(name) == 32 for name in made | {bad})


# ---- pages


@pytest.mark.parametrize("header", ["x-forwarded-prefix", "x-proxycontextpath"])
def test_pages_find_their_files_below_a_prefix(client, header):
    proxied = {header: "/user/ada@example/proxy/8000/"}
    page = client.get("/docs", headers=proxied).text
    assert '"/user/ada@example/proxy/8000/static-offline-docs/swagger-ui.css"' in page
    assert "http" not in page.partition("<script>")[0].replace("<html", "")
    servers = client.get("/openapi.json", headers=proxied).json()["servers"]
    assert servers == [{"url": "/user/ada@example/proxy/8000"}]
    assert "servers" not in client.get("/openapi.json").json()
    assert client.get("/static-offline-docs/swagger-ui.css", headers=proxied).status_code == 200


@pytest.mark.parametrize("prefix", ["//evil.example", "/<script>", "proxy", '/a"b', "/", ""])
def test_a_prefix_that_is_no_path_is_ignored(client, prefix):
    page = client.get("/docs", headers={"x-forwarded-prefix": prefix}).text
    assert '"/static-offline-docs/swagger-ui.css"' in page


def test_the_page_asks_nobody_else(client):
    page = client.get("/").text
    assert "https:" not in page
    assert "http:" not in page
    assert "//" not in page.partition("<script>")[0]


# ---- another release


def look_twice(releases):
    """Let a package be taken or refused: at the first look it may still be on its way."""
    assert not releases.refresh()
    return releases.refresh()


def test_it_takes_another_release_that_is_put_into_its_folder(packages, folder):
    releases = Releases(folder)
    assert not releases.refresh()
    packages[1].write(folder)
    assert look_twice(releases)
    assert (releases.version, releases.refused) == ("2", "")
    assert releases.forecast([Flight(**GOOD)])[0].release == "2"
    assert not releases.refresh()


def test_a_package_that_is_still_being_written_is_left_alone(packages, folder, tmp_path):
    releases = Releases(folder)
    other = packages[1].write(tmp_path / "other")
    for name in (MODEL, DESCRIPTION):  # one file, a look, the other file
        (folder / name).write_bytes((other / name).read_bytes())
        assert not releases.refresh()
        assert (releases.version, releases.refused) == ("1", "")
    assert releases.refresh()
    assert (releases.version, releases.refused) == ("2", "")


def test_it_follows_a_pointer(packages, tmp_path):
    for package in packages:
        package.write(tmp_path / package.version)
    pointer = tmp_path / CURRENT
    pointer.write_text("2\n", encoding="utf-8")
    releases = Releases(tmp_path)
    assert releases.version == "2"
    pointer.write_text("1", encoding="utf-8")
    assert look_twice(releases)
    assert releases.version == "1"
    for leads_elsewhere in ("../1", "", "nowhere", "1\0"):
        pointer.write_text(leads_elsewhere, encoding="utf-8")
        assert look_twice(releases)
        assert releases.version == "1"
        assert releases.refused


@pytest.mark.parametrize(
    "damage", ["bytes", "description", "missing", "threshold", "fails", "no model"]
)
def test_it_refuses_a_broken_package_and_keeps_the_old_one(damage, packages, folder):
    releases = Releases(folder)
    if damage == "bytes":
        with (folder / MODEL).open("ab") as stream:
            stream.write(b"x")
    elif damage == "description":
        (folder / DESCRIPTION).write_text("{", encoding="utf-8")
    elif damage == "no model":
        (folder / MODEL).write_bytes(b"no zip")
        about = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        about["sha256"] = sha256(folder / MODEL)
        (folder / DESCRIPTION).write_text(json.dumps(about), encoding="utf-8")
    elif damage == "missing":
        (folder / MODEL).unlink()
    elif damage == "threshold":
        replace(packages[1], threshold=float("nan")).write(folder)
    else:
        model = packages[1].model[:-1]  # what prepares the features, without what predicts
        replace(packages[1], model=model).write(folder)
    assert look_twice(releases)
    assert releases.version == "1"
    assert releases.refused
    assert str(folder) not in releases.refused
    assert releases.forecast([Flight(**GOOD)])[0].release == "1"
    packages[1].write(folder)
    assert look_twice(releases)
    assert (releases.version, releases.refused) == ("2", "")


def test_it_does_not_start_with_a_broken_package(folder):
    (folder / MODEL).write_bytes(b"")
    with pytest.raises(CourseError, match="SHA-256"):
        create_app(folder)


def test_a_running_service_reloads_and_says_so(packages, folder, monkeypatch, log_lines):
    monkeypatch.setattr(app_module, "RELOAD_SECONDS", 0.2)
    with TestClient(create_app(folder)) as client:

        def wait_until(holds):
            for _ in range(500):
                if holds(health := client.get("/health").json()):
                    return health
                time.sleep(0.01)
            pytest.fail(f"it never came about: {health}")

        packages[1].write(folder)
        assert wait_until(lambda health: health["release"] == "2")["refused"] == ""
        (folder / MODEL).write_bytes(b"")
        assert "SHA-256" in wait_until(lambda health: health["refused"])["refused"]
        assert client.post("/forecast", json=GOOD).json()["release"] == "2"
        metrics = client.get("/metrics").text
    assert 'delay_reloads_total{outcome="refused"} 1.0' in metrics
    assert 'delay_release_info{release="2"} 1.0' in metrics
    assert [line["release"] for line in log_lines if line["event"] == "reload"][-1] == "2"
