"""The dashboard of the delay service as code: ``python -m mlops_school.dashboards`` writes it.

Grafana reads the file ``course/monitoring/dashboard.json``. A panel is an expression and how to
draw it, so that the same panels can be drawn without Grafana, too.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlops_school.paths import COURSE
from mlops_school.process import load_requirements

FILE = COURSE / "monitoring" / "dashboard.json"
WIDTH, HEIGHT = 12, 8  # of a panel; the page of Grafana is 24 wide
_SOURCE = {"type": "prometheus", "uid": "${source}"}
_LIMITS = {name: requirement.limits for name, requirement in load_requirements().items()}


@dataclass(frozen=True)
class Panel:
    """One picture of the dashboard.

    Attributes
    ----------
    title : str
        What it shows.
    lines : dict of str to str
        An expression in PromQL for each line. A name such as ``{{status}}`` is replaced by that
        label: then there is a line for each of its values.
    unit : str
        As Grafana names it: ``reqps``, ``percentunit``, ``s``, ``currencyUSD`` or ``none``.
    limit : float, optional
        What a requirement allows.
    """

    title: str
    lines: Mapping[str, str]
    unit: str = "none"
    limit: float | None = None


SERVICE = (
    Panel(
        "Requests a second, by status (R6)",
        {"{{status}}": "sum by (status) (rate(delay_requests_total[5m]))"},
        "reqps",
    ),
    Panel(
        "Forecasts within 200 milliseconds (R5)",
        {
            "share": 'sum(rate(delay_request_seconds_bucket{path="/forecast", le="0.2"}[5m]))'
            ' / sum(rate(delay_request_seconds_count{path="/forecast"}[5m]))'
        },
        "percentunit",
        _LIMITS["R5"]["minimum_percent"] / 100,
    ),
    Panel(
        "Time to the answer",
        {
            f"{percent} percent take at most": f"histogram_quantile({percent / 100}, sum by (le) "
            '(rate(delay_request_seconds_bucket{path="/forecast"}[5m])))'
            for percent in (50, 95)
        },
        "s",
        _LIMITS["R5"]["within_milliseconds"] / 1000,
    ),
    Panel(
        "Flights warned of, last hour (R1)",
        {
            "share": "sum(increase(delay_warnings_total[1h]))"
            " / sum(increase(delay_forecasts_total[1h]))"
        },
        "percentunit",
    ),
    Panel(
        "Up, last hour (R12)",
        {"share": 'avg_over_time(up{job="delay-service"}[1h])'},
        "percentunit",
    ),
)
MONTH = (
    Panel(
        "Late flights, and what was expected (R9)",
        {"late": "delay_month_share_late", "expected": "delay_month_mean_expected"},
        "percentunit",
    ),
    Panel(
        "Area under the ROC curve (R3)",
        {"area": "delay_month_roc_auc"},
        limit=_LIMITS["R3"]["minimum_roc_auc"],
    ),
    Panel(
        "Dollars per flight (R2)",
        {"{{policy}}": "sum by (policy) (delay_month_dollars_per_flight)"},
        "currencyUSD",
    ),
    Panel(
        "Largest PSI, without the weather (R9)",
        {"{{kind}}": 'max by (kind) (delay_month_psi{kind!="weather"})'},
        limit=0.25,
    ),
)


def dashboard(panels: Sequence[Panel] = SERVICE + MONTH) -> dict[str, Any]:
    """Return panels as a dashboard of Grafana, two beside each other."""
    return {
        "uid": "delay-service",
        "title": "Delay service",
        "schemaVersion": 39,
        "tags": ["mlops"],
        "timezone": "browser",
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "30s",
        "templating": {
            "list": [
                {"name": "source", "label": "Source", "type": "datasource", "query": "prometheus"}
            ]
        },
        "panels": [_panel(number, panel) for number, panel in enumerate(panels)],
    }


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "text", "value": None}]
    custom: dict[str, Any] = {}
    if panel.limit is not None:
        steps.append({"color": "red", "value": panel.limit})
        custom = {"thresholdsStyle": {"mode": "dashed"}}
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel.title,
        "datasource": _SOURCE,
        "gridPos": {
            "h": HEIGHT,
            "w": WIDTH,
            "x": number % 2 * WIDTH,
            "y": number // 2 * HEIGHT,
        },
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "thresholds": {"mode": "absolute", "steps": steps},
                "custom": custom,
            },
            "overrides": [],
        },
        "targets": [
            {
                "refId": chr(ord("A") + place),
                "datasource": _SOURCE,
                "expr": expression,
                "legendFormat": name,
            }
            for place, (name, expression) in enumerate(panel.lines.items())
        ],
    }


def as_text() -> str:
    """Return the file that Grafana reads."""
    return json.dumps(dashboard(), indent=2) + "\n"


def main(path: Path = FILE) -> None:
    """Write the file."""
    path.write_text(as_text(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
