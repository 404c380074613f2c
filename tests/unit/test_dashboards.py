"""The dashboard is what its panels say, and Grafana and Prometheus can read it."""

import json
import subprocess

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from mlops_school import alerting, dashboards, promql

PANELS = dashboards.SERVICE + dashboards.MONTH
EXPRESSIONS = [expr for panel in PANELS for expr in panel.lines.values()]


def test_the_file_is_up_to_date():
    """If not: python -m mlops_school.dashboards."""
    assert dashboards.FILE.read_text(encoding="utf-8") == dashboards.as_text()


def test_nothing_of_it_is_strange_to_grafana():
    written = json.loads(dashboards.as_text())
    read = json.loads(JSONEncoder().encode(Dashboard.from_json(written)))
    assert holds(read, written)


def holds(read, written):
    """Tell whether all that was written was read; defaults may have been added."""
    if isinstance(written, dict):
        return all(name in read and holds(read[name], written[name]) for name in written)
    if isinstance(written, list):
        return len(read) == len(written) and all(map(holds, read, written))
    return read == written


def test_no_panel_lies_over_another():
    places = [
        (one["gridPos"]["x"], one["gridPos"]["y"]) for one in dashboards.dashboard()["panels"]
    ]
    assert len(set(places)) == len(PANELS)
    assert {x for x, _ in places} == {0, dashboards.WIDTH}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_the_stand_in_understands_each_expression(expression):
    promql.parse(expression)


@pytest.mark.skipif(not alerting.PROMTOOL, reason="promtool, of Prometheus, is not installed")
def test_prometheus_understands_each_expression(tmp_path):
    rules = [{"record": f"panel:{n}", "expr": expr} for n, expr in enumerate(EXPRESSIONS)]
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    command = [alerting.PROMTOOL, "check", "rules", path]
    went = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    assert went.returncode == 0, went.stdout + went.stderr
