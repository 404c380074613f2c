"""The panels as Grafana's own kit builds them, and the files that set a Grafana up."""

import json

import pandas as pd
import yaml
from grafana_foundation_sdk.builders import dashboard

from mlops_school import dashboards, grafana

PANELS = dashboards.SERVICE + dashboards.MONTH


def drawn():
    board = dashboard.Dashboard("Delay service")
    for panel in PANELS:
        board.with_panel(grafana.draw(panel))
    return grafana.encode(board)


def test_the_kit_draws_the_panels_of_the_course():
    course = dashboards.dashboard()["panels"]
    assert [grafana.facts(one) for one in drawn()["panels"]] == list(map(grafana.facts, course))


def test_what_is_asked_is_provided(tmp_path):
    names = grafana.provide(tmp_path, drawn())
    assert sorted(names) == sorted(
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")
    )
    text = (tmp_path / "provisioning/datasources/delay.yaml").read_text(encoding="utf-8")
    sources = {(one["type"], one["uid"]) for one in yaml.safe_load(text)["datasources"]}
    board = json.loads((tmp_path / "dashboards/delay.json").read_text(encoding="utf-8"))
    asked = {(one["datasource"]["type"], one["datasource"]["uid"]) for one in board["panels"]}
    assert asked <= sources


def test_the_contact_point_has_what_grafana_wants_and_no_more(tmp_path):
    grafana.provide(tmp_path, drawn())
    text = (tmp_path / "provisioning/alerting/delay.yaml").read_text(encoding="utf-8")
    (point,) = yaml.safe_load(text)["contactPoints"]
    assert point["name"] == "phone"
    (receiver,) = point["receivers"]
    assert receiver.keys() == {"uid", "type", "settings"}
    assert receiver["settings"]["url"].endswith("/phone")


def test_a_panel_is_empty_if_none_of_its_lines_finds_anything():
    class Watch:
        def query(self, expression):
            return pd.Series([1.0] if expression == "there" else [])

    panels = [
        dashboards.Panel("full", {"a": "gone", "b": "there"}),
        dashboards.Panel("empty", {"a": "gone", "b": "gone"}),
    ]
    assert grafana.empty(panels, Watch()) == ["empty"]
