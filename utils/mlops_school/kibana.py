"""Log lines of the service as documents for Elasticsearch, and a dashboard of Kibana about them.

Names follow the Elastic Common Schema (ECS). What it has no name for is below ``delay``.
"""

import copy
import json
import logging
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

INDEX = "logs-delay-default"
# Our names that ECS has another name for; client, milliseconds and time need more than a name.
NAMES = {
    "event": "event.action",
    "request_id": "http.request.id",
    "method": "http.request.method",
    "path": "url.path",
    "status": "http.response.status_code",
    "wrong": "delay.wrong",
    "release": "delay.release",
}
# What a document may tell. A field that is not here may tell of a person.
ALLOWED = {
    *NAMES.values(),
    *("@timestamp", "ecs.version", "log.level", "log.logger", "message", "service.name"),
    *("event.duration", "user_agent.name", "user_agent.version"),
}
NUMBERS = {"event.duration", "http.response.status_code"}
RECORDS = "___records___"  # how Lens calls what it counts

SavedObject = dict[str, Any]


def record(line: Mapping[str, Any], fields: Mapping[str, Any]) -> logging.LogRecord:
    """Return a line of the service as a record of :mod:`logging`, with its own time.

    Parameters
    ----------
    line : mapping
        As :func:`mlops_school.service.observe.write` makes it; ``time`` is used.
    fields : mapping
        The fields of ECS, by their names with dots.
    """
    moment = datetime.fromisoformat(line["time"])
    given = {
        "name": "mlops_school.service",
        "levelname": "INFO",
        "msg": line["event"],
        "created": moment.timestamp(),
        "msecs": moment.microsecond // 1000,
    }
    return logging.makeLogRecord(given | dict(fields))


def renamed(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a line for which another name is all that ECS wants."""
    return {name: line[ours] for ours, name in NAMES.items() if ours in line}


def fields(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return all that a document tells of a line, by the names of ECS; None is left out of it."""
    name, _, version = line["client"].partition("/")
    return renamed(line) | {
        "event.duration": round(line["milliseconds"] * 1e6),
        "user_agent.name": name,
        "user_agent.version": version or None,
    }


def flat(document: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the fields of a document by their full names, such as ``http.request.method``."""
    found = {}
    for name, value in document.items():
        inner = isinstance(value, Mapping)
        found |= flat(value, f"{prefix}{name}.") if inner else {f"{prefix}{name}": value}
    return found


def table(documents: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return documents as a table with a column for each field; a list becomes one text."""
    rows = [
        {
            name: ", ".join(value) if isinstance(value, list) else value
            for name, value in flat(document).items()
        }
        for document in documents
    ]
    return pd.DataFrame(rows)


def incident_lines() -> list[dict[str, Any]]:
    """Return the log of two hours in which two things go wrong: made up, always the same.

    A new version of the display arrives after an hour, and so does release 2 of the model.
    """
    rng = np.random.default_rng(5)
    begin, lines = datetime(2013, 7, 1, 12, tzinfo=UTC), []
    for second in np.sort(rng.uniform(0, 7200, 2400)):
        later = second >= 3600
        client = str(rng.choice(["kiosk/1.0", "app/5.2", "board/2.1"], p=[0.6, 0.3, 0.1]))
        if later and client == "board/2.1":
            client = "board/2.2"
        share, field = {
            "kiosk/1.0": (0.15, "dest"),
            "app/5.2": (0.01, "carrier"),
            "board/2.1": (0.02, "departure"),
            "board/2.2": (0.9, "departure"),
        }[client]
        refused = bool(rng.random() < share)
        slow = bool(later and not refused and rng.random() < 0.15)
        milliseconds = rng.uniform(300, 900) if slow else rng.uniform(6, 30)
        moment = begin + timedelta(milliseconds=int(1000 * second))
        lines.append(
            {
                "time": moment.isoformat(timespec="milliseconds"),
                "event": "request",
                "request_id": rng.bytes(16).hex(),
                "client": client,
                "method": "POST",
                "path": "/forecast",
                "status": 422 if refused else 200,
                "wrong": [field] if refused else [],
                "milliseconds": round(2.0 if refused else float(milliseconds), 1),
                "release": "2" if later else "1",
            }
        )
        if len(lines) % 10 == 0:  # somebody asks how it is
            asked = {"request_id": rng.bytes(16).hex(), "client": "probe/1.0", "method": "GET"}
            asked |= {"path": "/health", "status": 200, "wrong": [], "milliseconds": 0.5}
            lines.append(lines[-1] | asked)
    return lines


def data_view() -> SavedObject:
    """Return the saved object that says where the lines are, and which field is their time."""
    attributes = {"title": INDEX, "name": "Delay service", "timeFieldName": "@timestamp"}
    return {"id": "delay-logs", "type": "index-pattern", "attributes": attributes, "references": []}


def lens(
    id_: str, title: str, query: str, by: Mapping[str, Any], *measures: Mapping[str, Any]
) -> SavedObject:
    """Return a chart: measures of the lines that a query finds, by something.

    Parameters
    ----------
    id_, title : str
        Its id, and what people see above it.
    query : str
        Which lines, in the Kibana Query Language.
    by, measures
        Columns, such as those of :func:`terms`, :func:`minutes`, :func:`count`, :func:`percentile`.
    """
    names = [f"measure-{number}" for number in range(len(measures))]
    columns = {"by": dict(by)} | {
        name: dict(measure) for name, measure in zip(names, measures, strict=True)
    }
    if by["operationType"] == "terms":
        columns["by"]["params"]["orderBy"] = {"type": "column", "columnId": names[0]}
    kind = "bar_horizontal" if by["operationType"] == "terms" else "line"
    drawn = {"layerId": "layer", "layerType": "data", "seriesType": kind}
    state = {
        "query": {"query": query, "language": "kuery"},
        "filters": [],
        "datasourceStates": {
            "formBased": {
                "layers": {"layer": {"columns": columns, "columnOrder": ["by", *names]}},
            }
        },
        "visualization": {
            "preferredSeriesType": kind,
            "legend": {"isVisible": True, "position": "right"},
            "valueLabels": "show",
            "layers": [drawn | {"xAccessor": "by", "accessors": names}],
        },
    }
    return {
        "id": id_,
        "type": "lens",
        "attributes": {"title": title, "visualizationType": "lnsXY", "state": state},
        "references": [_reference("indexpattern-datasource-layer-layer", data_view())],
    }


def terms(field: str) -> dict[str, Any]:
    """Return a column of the most frequent values of a field."""
    return {
        "label": field,
        "dataType": "string",
        "operationType": "terms",
        "sourceField": field,
        "isBucketed": True,
        "scale": "ordinal",
        "params": {"size": 10, "orderDirection": "desc", "otherBucket": False},
    }


def minutes(number: int) -> dict[str, Any]:
    """Return a column of intervals of time."""
    return {
        "label": "@timestamp",
        "dataType": "date",
        "operationType": "date_histogram",
        "sourceField": "@timestamp",
        "isBucketed": True,
        "scale": "interval",
        "params": {"interval": f"{number}m"},
    }


def count() -> dict[str, Any]:
    """Return a column with the number of lines."""
    return {
        "label": "lines",
        "dataType": "number",
        "operationType": "count",
        "sourceField": RECORDS,
        "isBucketed": False,
        "scale": "ratio",
    }


def percentile(field: str, percent: int) -> dict[str, Any]:
    """Return a column with a percentile of a field."""
    return {
        "label": f"{percent}th percentile of {field}",
        "dataType": "number",
        "operationType": "percentile",
        "sourceField": field,
        "isBucketed": False,
        "scale": "ratio",
        "params": {"percentile": percent},
    }


def dashboard(id_: str, title: str, charts: Iterable[SavedObject]) -> SavedObject:
    """Return a dashboard that shows charts below each other."""
    panels, references = [], []
    for number, chart in enumerate(charts):
        name = f"panel_{number}"
        place = {"x": 0, "y": 15 * number, "w": 48, "h": 15, "i": str(number)}
        panels.append(
            {
                "type": chart["type"],
                "panelIndex": str(number),
                "gridData": place,
                "embeddableConfig": {},
                "panelRefName": name,
            }
        )
        references.append(_reference(f"{number}:{name}", chart))
    attributes = {
        "title": title,
        "panelsJSON": json.dumps(panels),
        "optionsJSON": json.dumps({"useMargins": True}),
        "timeRestore": False,
        "kibanaSavedObjectMeta": {
            "searchSourceJSON": json.dumps(
                {"query": {"query": "", "language": "kuery"}, "filter": []}
            )
        },
    }
    return {"id": id_, "type": "dashboard", "attributes": attributes, "references": references}


def delay_dashboard() -> dict[str, SavedObject]:
    """Return all objects of the delay service's dashboard, by their ids."""
    refused = lens(
        "delay-refused",
        "Refused requests, by client",
        "http.response.status_code >= 400",
        terms("user_agent.name"),
        count(),
    )
    latency = lens(
        "delay-latency",
        "Time to a forecast",
        'url.path : "/forecast"',
        minutes(10),
        percentile("event.duration", 50),
        percentile("event.duration", 95),
    )
    whole = dashboard("delay-dashboard", "Delay service", [refused, latency])
    return {one["id"]: one for one in [data_view(), refused, latency, whole]}


def outdated_dashboard() -> dict[str, SavedObject]:
    """Return the dashboard as it is after renamings that nobody followed: three faults."""
    objects = copy.deepcopy(delay_dashboard())
    objects["delay-dashboard"]["references"][1]["id"] = "delay-response-times"
    columns(objects["delay-refused"])["by"]["sourceField"] = "client"
    objects["delay-latency"]["attributes"]["state"]["query"]["query"] = 'path : "/forecast"'
    return objects


def columns(chart: SavedObject) -> dict[str, dict[str, Any]]:
    """Return the columns of a chart, by their names; a change of them changes the chart."""
    layers = chart["attributes"]["state"]["datasourceStates"]["formBased"]["layers"]
    return layers["layer"]["columns"]


def query(chart: SavedObject) -> str:
    """Return the query of a chart."""
    return chart["attributes"]["state"]["query"]["query"]


def to_ndjson(objects: Iterable[Mapping[str, Any]]) -> str:
    """Return objects as JSON, one a line."""
    return "".join(json.dumps(one) + "\n" for one in objects)


def problems(objects: Iterable[SavedObject], fields: Collection[str]) -> Iterator[str]:
    """Yield what would leave a panel empty, a sentence each.

    Parameters
    ----------
    objects : iterable of saved objects
        All that belong together.
    fields : collection of str
        What the documents have.
    """
    objects = list(objects)
    there = {(one["type"], one["id"]) for one in objects}
    for one in objects:
        for reference in one["references"]:
            if (reference["type"], reference["id"]) not in there:
                yield f"{one['id']} refers to {reference['id']}, which is not there."
        names = {reference["name"].rpartition(":")[2] for reference in one["references"]}
        if one["type"] == "dashboard":
            for panel in json.loads(one["attributes"]["panelsJSON"]):
                if panel["panelRefName"] not in names:
                    yield f"{one['id']} has no reference for its {panel['panelRefName']}."
        elif one["type"] == "lens":
            if "indexpattern-datasource-layer-layer" not in names:
                yield f"{one['id']} has no reference to its data view."
            for column in columns(one).values():
                field = column["sourceField"]
                if field not in {*fields, RECORDS}:
                    yield f"{one['id']} shows the field {field}, which no line has."
                elif column["operationType"] == "percentile" and field not in NUMBERS:
                    yield f"{one['id']} takes a percentile of {field}, which is no number."
            for field, _, _ in _conditions(query(one)):
                if field not in fields:
                    yield f"{one['id']} asks for the field {field}, which no line has."


def matching(log: pd.DataFrame, text: str) -> pd.DataFrame:
    """Return the lines that a query finds; a stand-in for the Kibana Query Language.

    It knows ``field : value``, the comparisons of numbers, and ``and``. As with the real one, a
    field that no line has is no error: nothing is found.

    Raises
    ------
    ValueError
        If the query has something else in it.
    """
    found = log
    for field, comparison, value in _conditions(text):
        if field not in found:
            return log.iloc[:0]
        column = found[field]
        if comparison == ":":
            found = found[column.astype(str) == value]
        else:
            numbers, limit = pd.to_numeric(column, errors="coerce"), float(value)
            compare = {">=": numbers.ge, "<=": numbers.le, ">": numbers.gt, "<": numbers.lt}
            found = found[compare[comparison](limit)]
    return found


def _conditions(text: str) -> list[tuple[str, str, str]]:
    """Return the conditions of a query, each as its field, its comparison and its value."""
    conditions = []
    for part in re.split(r"\s+and\s+", text.strip(), flags=re.IGNORECASE) if text.strip() else ():
        if not (fits := re.fullmatch(r'([\w.@]+)\s*(:|>=|<=|>|<)\s*("[^"]*"|[\w./-]+)', part)):
            raise ValueError(f"this part of the query is not understood: {part}")
        field, comparison, value = fits.groups()
        conditions.append((field, comparison, value.strip('"')))
    return conditions


def _reference(name: str, to: SavedObject) -> dict[str, str]:
    return {"name": name, "type": to["type"], "id": to["id"]}
