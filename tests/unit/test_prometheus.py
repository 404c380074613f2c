"""Whoever watches sees a service come, answer and go: Prometheus, and what stands in for it."""

import sys

import pytest

from mlops_school import prometheus
from mlops_school.errors import CourseError
from mlops_school.servers import Server

KINDS = [prometheus.StandIn]
if prometheus.installed():
    KINDS.append(prometheus.Prometheus)

COUNTS = """\
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(b'asked_total{path="/a"} 3\\nasked_total{path="/b"} 4\\n')

    def log_message(self, *_):
        pass

HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
RULES = """\
groups:
  - name: small
    rules:
      - alert: Gone
        expr: absent(up == 1)
        for: 1h
        labels: {requirement: R12}
      - alert: Asked
        expr: asked_total > 3
        labels: {requirement: R1}
"""


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_service_is_seen_until_it_is_gone(kind, tmp_path):
    rules = tmp_path / "rules.yml"
    rules.write_text(RULES, encoding="utf-8")
    with Server([sys.executable, "-c", COUNTS]) as server:
        watch = kind({"counts": server.address}, rules)
        watch.wait_for("asked_total")
        watch.settle()
        assert watch.query("asked_total").to_dict() == {'path="/a"': 3, 'path="/b"': 4}
        assert watch.query("sum(asked_total)").to_dict() == {"": 7}
        assert watch.query("1 + 1").to_dict() == {"": 2}
        assert watch.query("nothing").empty
        assert watch.alerts().to_numpy().tolist() == [["Asked", "R1", "firing"]]
    watch.settle()
    assert watch.query("up").to_list() == [0]
    assert watch.query("asked_total").empty
    assert watch.alerts().to_numpy().tolist() == [["Gone", "R12", "pending"]]
    watch.stop()
    watch.stop()
    with pytest.raises(CourseError, match=r"running\?|Start it again"):
        watch.query("up")


def test_where_prometheus_is_missing_the_stand_in_watches(monkeypatch):
    monkeypatch.setattr(prometheus, "installed", lambda: False)
    with prometheus.watch({"dead": "http://127.0.0.1:9"}) as watch:
        assert isinstance(watch, prometheus.StandIn)
        assert watch.query("up").to_list() == [0]


def test_where_prometheus_does_not_start_the_stand_in_watches(monkeypatch):
    monkeypatch.setattr(prometheus, "PROGRAM", sys.executable)  # it does not know these arguments
    with prometheus.watch({"dead": "http://127.0.0.1:9"}) as watch:
        assert isinstance(watch, prometheus.StandIn)


def test_what_is_waited_for_in_vain_ends_in_a_sentence(monkeypatch):
    monkeypatch.setattr(prometheus, "PATIENCE", 0.1)
    with prometheus.StandIn({}) as watch, pytest.raises(CourseError, match="has found nothing"):
        watch.wait_for("up")
