"""The dashboard's panels drawn with Grafana's own kit, and the files that set a Grafana up.

The kit, ``grafana_foundation_sdk``, is there for developers and in the lab on Alertmanager.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from grafana_foundation_sdk.builders import alerting, dashboard, timeseries
from grafana_foundation_sdk.builders import prometheus as query
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DataSourceRef, Threshold

from mlops_school.dashboards import HEIGHT, WIDTH, Panel
from mlops_school.prometheus import Watch

SOURCE = "delay-prometheus"  # by this name, panels find the Prometheus that they ask
_WHERE = "/etc/grafana/dashboards"  # of a Grafana on Linux, as `dashboards.yaml` tells it


def draw(panel: Panel) -> timeseries.Panel:
    """Return a panel as the kit builds it."""
    steps = [Threshold(None, "text")]
    if panel.limit is not None:
        steps.append(Threshold(panel.limit, "red"))
    drawn = timeseries.Panel().title(panel.title).unit(panel.unit).span(WIDTH).height(HEIGHT)
    drawn.datasource(DataSourceRef("prometheus", SOURCE))
    drawn.thresholds(dashboard.ThresholdsConfig().steps(steps))
    for place, (name, expression) in enumerate(panel.lines.items()):
        line = query.Dataquery().ref_id(chr(ord("A") + place)).expr(expression)
        drawn.with_target(line.legend_format(name))
    return drawn


def empty(panels: Iterable[Panel], watch: Watch) -> list[str]:
    """Return the titles of panels that would show nothing now."""
    return [
        panel.title
        for panel in panels
        if all(watch.query(expression).empty for expression in panel.lines.values())
    ]


def encode(builder: Any) -> dict[str, Any]:
    """Return what a builder of the kit has built, as it stands in a file."""
    return json.loads(JSONEncoder().encode(builder.build()))


def facts(panel: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what a panel in a file shows, and where; how it is drawn is left out."""
    defaults = panel["fieldConfig"]["defaults"]
    return (
        panel["title"],
        panel["gridPos"],
        defaults["unit"],
        [(step["value"], step["color"]) for step in defaults["thresholds"]["steps"]],
        [(one["refId"], one["expr"], one["legendFormat"]) for one in panel["targets"]],
    )


def provide(folder: Path, board: Mapping[str, Any]) -> list[str]:
    """Write what a new Grafana reads when it starts, and return the names of the files.

    Parameters
    ----------
    folder : Path
        Where to write them: in ``provisioning``, the sources, a contact point and where dashboards
        are; in ``dashboards``, the dashboard. Programs are at their usual ports.
    board : mapping
        A dashboard, as of :func:`encode`.
    """
    phone = alerting.ContactPoint().uid("phone").name("phone").type("webhook")
    receiver = encode(phone.settings({"url": "http://127.0.0.1:8080/phone"}))
    files = {
        "provisioning/datasources/delay.yaml": {
            "datasources": [
                {
                    "name": "Prometheus",
                    "uid": SOURCE,
                    "type": "prometheus",
                    "url": "http://127.0.0.1:9090",
                },
                {
                    "name": "Alertmanager",
                    "uid": "delay-alertmanager",
                    "type": "alertmanager",
                    "url": "http://127.0.0.1:9093",
                    "jsonData": {"implementation": "prometheus"},
                },
            ]
        },
        "provisioning/alerting/delay.yaml": {
            "contactPoints": [
                {
                    "orgId": 1,
                    "name": receiver["name"],
                    "receivers": [{name: receiver[name] for name in ("uid", "type", "settings")}],
                }
            ]
        },
        "provisioning/dashboards/delay.yaml": {
            "providers": [{"name": "delay", "type": "file", "options": {"path": _WHERE}}]
        },
    }
    texts = {
        name: yaml.safe_dump({"apiVersion": 1, **content}, sort_keys=False)
        for name, content in files.items()
    }
    texts["dashboards/delay.json"] = json.dumps(board, indent=2) + "\n"
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    return list(texts)
