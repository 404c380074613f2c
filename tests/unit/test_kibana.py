"""The log lines as documents, and what is wrong with a dashboard of them."""

import copy
import json

import pytest

from mlops_school import kibana
from mlops_school.service import observe

LINES = kibana.incident_lines()
LOG = kibana.table(kibana.fields(line) for line in LINES)
FIELDS = {*LOG, "@timestamp"}


def faults(objects):
    return list(kibana.problems(objects.values(), FIELDS))


def test_a_line_becomes_fields_of_ecs_and_no_fact_is_lost():
    line = {"time": "2013-07-01T12:00:00.250+00:00", "event": "request", "request_id": "a1"}
    line |= {"client": "kiosk/1.0", "method": "POST", "path": "/forecast", "status": 422}
    line |= {"wrong": ["dest"], "milliseconds": 1.1, "release": "1"}
    assert kibana.fields(line) == {
        "event.action": "request",
        "http.request.id": "a1",
        "http.request.method": "POST",
        "url.path": "/forecast",
        "http.response.status_code": 422,
        "delay.wrong": ["dest"],
        "delay.release": "1",
        "event.duration": 1_100_000,
        "user_agent.name": "kiosk",
        "user_agent.version": "1.0",
    }
    assert set(kibana.fields(line)) <= kibana.ALLOWED
    assert kibana.fields(line | {"client": "unknown"})["user_agent.version"] is None


def test_a_record_has_the_time_of_its_line_not_of_now():
    record = kibana.record(LINES[0], {"url.path": "/"})
    assert (record.getMessage(), vars(record)["url.path"]) == ("request", "/")
    assert f"{record.created:.3f}" == f"{int(record.created)}.{record.msecs:03d}"
    assert record.created < 1_400_000_000


def test_the_incident_is_of_lines_as_the_service_writes_them(monkeypatch):
    written = []
    monkeypatch.setattr(observe.log, "info", written.append)
    facts = {name: value for name, value in LINES[0].items() if name not in ("time", "event")}
    observe.write("request", **facts)
    assert list(json.loads(written[0])) == list(LINES[0])
    for line in LINES:
        assert observe.client_name(line["client"]) == line["client"]
        assert observe.names_only(line["wrong"]) == line["wrong"]
        assert observe.path_label(line["path"]) == line["path"]
    assert kibana.incident_lines() == LINES


def test_a_document_is_flattened_to_full_names():
    document = {"http": {"request": {"method": "GET"}}, "delay": {"wrong": ["a", "b"]}}
    assert kibana.flat(document) == {"http.request.method": "GET", "delay.wrong": ["a", "b"]}
    assert kibana.table([document]).iloc[0].to_dict() == {
        "http.request.method": "GET",
        "delay.wrong": "a, b",
    }


def test_the_dashboard_is_whole_and_each_chart_finds_lines():
    objects = kibana.delay_dashboard()
    assert faults(objects) == []
    read = [json.loads(line) for line in kibana.to_ndjson(objects.values()).splitlines()]
    assert read == list(objects.values())
    for chart in (one for one in read if one["type"] == "lens"):
        assert 0 < len(kibana.matching(LOG, kibana.query(chart))) < len(LOG)


def test_the_outdated_dashboard_has_the_three_faults_that_the_lab_tells_of():
    found = " ".join(faults(kibana.outdated_dashboard()))
    assert len(faults(kibana.outdated_dashboard())) == 3
    for words in ("delay-response-times", "shows the field client", "asks for the field path"):
        assert words in found


def unknown_panel(objects):
    del objects["delay-dashboard"]["references"][0]


def no_data_view(objects):
    objects["delay-latency"]["references"].clear()


def percentile_of_text(objects):
    kibana.columns(objects["delay-latency"])["measure-0"]["sourceField"] = "url.path"


def data_view_is_gone(objects):
    del objects["delay-logs"]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (unknown_panel, ["no reference for its panel_0"]),
        (no_data_view, ["no reference to its data view"]),
        (percentile_of_text, ["which is no number"]),
        (data_view_is_gone, ["refers to delay-logs"] * 2),
    ],
)
def test_every_damage_is_found(damage, words):
    objects = copy.deepcopy(kibana.delay_dashboard())
    damage(objects)
    found = faults(objects)
    assert len(found) == len(words)
    assert all(expected in fault for expected, fault in zip(words, found, strict=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", lambda line: True),
        ('url.path : "/health"', lambda line: line["path"] == "/health"),
        ("url.path:/health", lambda line: line["path"] == "/health"),
        ("http.response.status_code : 422", lambda line: line["status"] == 422),
        (
            'http.response.status_code >= 400 and user_agent.name : "kiosk"',
            lambda line: line["status"] >= 400 and line["client"] == "kiosk/1.0",
        ),
        ("event.duration < 1000000", lambda line: line["milliseconds"] < 1),
        ("nothing : 1", lambda line: False),
    ],
)
def test_a_query_finds_what_a_loop_finds(text, expected):
    found = kibana.matching(LOG, text)["http.request.id"]
    assert list(found) == [line["request_id"] for line in LINES if expected(line)]


@pytest.mark.parametrize("text", ["url.path", "a = 1", 'a : "b" or c : d', 'a : "b'])
def test_a_query_that_is_not_understood_is_refused(text):
    with pytest.raises(ValueError, match="not understood"):
        kibana.matching(LOG, text)
