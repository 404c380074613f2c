"""Exercises of the lab on Kibana."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from mlops_school import kibana
from mlops_school.exercises import Blank, NotYet, StillBlank, exercise

LAB = "kibana"
_LINE = {"client": "kiosk/1.0", "milliseconds": 12.7, "status": 200}
_DEF = "def measured(line):\n    name, _, version = line['client'].partition('/')\n"


def _answer(duration: str, name: str = "name", version: str = "version or None") -> str:
    return _DEF + (
        f"    return {{'event.duration': {duration}, 'user_agent.name': {name}, "
        f"'user_agent.version': {version}}}"
    )


@exercise(
    LAB,
    hints=(
        "A millisecond has a million nanoseconds.",
        "`round(...)` makes a whole number of the product, where `int(...)` may cut one off.",
        "`line['client'].partition('/')` gives what is before the stroke, the stroke, and what is "
        "after it. If there is no stroke, the last two are empty.",
    ),
    wrong={
        _answer("line['milliseconds']"): "nanoseconds",
        _answer("round(line['milliseconds'] * 1000)"): "nanoseconds",
        _answer("line['milliseconds'] * 1e6"): "whole number",
        _answer("round(line['milliseconds'] * 1e6)", name="line['client']"): "without its version",
        _answer("round(line['milliseconds'] * 1e6)", version="version"): "empty text",
        "def measured(line):\n"
        "    name, version = line['client'].split('/')\n"
        "    return {'event.duration': round(line['milliseconds'] * 1e6), "
        "'user_agent.name': name, 'user_agent.version': version}": "has no stroke",
        "measured = {'event.duration': 12700000}": "function",
        "measured = lambda line: {'duration': 1}": "event.duration",
    },
)
def q1(measured: Callable[[Mapping[str, Any]], dict[str, Any]]) -> str:
    """Which fields do a line's client and milliseconds become?"""
    if not callable(measured):
        raise NotYet("`measured` must be a function of a line.")
    fields = measured(dict(_LINE))
    if isinstance(fields, Blank):
        raise StillBlank
    names = {"event.duration", "user_agent.name", "user_agent.version"}
    if not isinstance(fields, Mapping) or set(fields) != names:
        raise NotYet(f"return a dictionary with the names {', '.join(sorted(names))}.")
    duration = fields["event.duration"]
    if duration != 12_700_000:
        raise NotYet(
            "`event.duration` is in nanoseconds: 12.7 milliseconds are 12,700,000 of them, "
            f"and yours are {duration}."
        )
    if not isinstance(duration, int):
        raise NotYet("`event.duration` has the type long: make a whole number of it.")
    if fields["user_agent.name"] != "kiosk":
        raise NotYet("the name of `kiosk/1.0` is `kiosk`, without its version.")
    if fields["user_agent.version"] != "1.0":
        raise NotYet("the version of `kiosk/1.0` is the text `1.0`.")
    try:
        unknown = measured(_LINE | {"client": "unknown"})
    except (ValueError, IndexError):
        raise NotYet(
            "your function stops when a client has no stroke in its name, such as `unknown`."
        ) from None
    if unknown["user_agent.name"] != "unknown":
        raise NotYet("the client `unknown` has a name, too: `unknown`.")
    if unknown["user_agent.version"] is not None:
        raise NotYet(
            "a client without a version has none: say `None`, and the field is left out. An empty "
            "text would be one more version in every chart."
        )
    return "whole nanoseconds, and a name and a version that can be asked for on their own."


_REFERENCE = "objects['delay-dashboard']['references'][1]['id'] = 'delay-latency'"
_FIELD = "kibana.columns(objects['delay-refused'])['by']['sourceField'] = 'user_agent.name'"
_QUERY = "objects['delay-latency']['attributes']['state']['query']['query'] = "
_RIGHT = _QUERY + "'url.path : \"/forecast\"'"


def _repair(*lines: str) -> str:
    return "\n    ".join(["def repair(objects):", *lines])


@exercise(
    LAB,
    hints=(
        "The list of objects above says which charts there are, and the list of fields in the "
        "documents is further up.",
        "The dashboard's second chart is the one with the percentiles. The bars need the field "
        "that has the name of a client now.",
        "Change the name of the field in the query, and leave the rest: `'... : \"/forecast\"'`.",
    ),
    wrong={
        _repair("pass"): "3 faults are left",
        _repair(_FIELD, _RIGHT): "refers to delay-response-times",
        _repair(_REFERENCE, _RIGHT): "the field client",
        _repair(_REFERENCE, _FIELD): "the field path",
        _repair("del objects['delay-dashboard']['references'][1]", _FIELD, _RIGHT): "panel_1",
        _repair(_REFERENCE.replace("latency", "refused"), _FIELD, _RIGHT): "twice",
        _repair(_REFERENCE, _FIELD.replace(".name", ".version"), _RIGHT): "version",
        _repair(_REFERENCE, _FIELD, _QUERY + "''"): "every line",
        _repair(_REFERENCE, _FIELD, _QUERY + "'url.path : \"forecast\"'"): "finds none",
        _repair(_REFERENCE, _FIELD, _QUERY + "'url.path = /forecast'"): "not understood",
        _repair(_REFERENCE, _FIELD, _QUERY + "'url.path'"): "not understood",
        _repair(_REFERENCE, _FIELD, _QUERY + "None"): "is a text",
        _repair("del objects['delay-latency']"): "is missing",
        "repair = 'delay-latency'": "function",
    },
    given=lambda: {"kibana": kibana},
)
def q2(repair: Callable[[dict[str, kibana.SavedObject]], None]) -> str:
    """Is the dashboard whole again, and does it show what it says?"""
    if not callable(repair):
        raise NotYet("`repair` must be a function that changes the objects it gets.")
    repaired = kibana.outdated_dashboard()
    repair(repaired)
    good = kibana.delay_dashboard()
    if gone := [id_ for id_ in good if id_ not in repaired]:
        raise NotYet(f"{gone[0]} is missing. Repair it, instead of taking it away.")
    given = [
        repaired["delay-dashboard"]["references"][-1]["id"],
        kibana.columns(repaired["delay-refused"])["by"]["sourceField"],
        kibana.query(repaired["delay-latency"]),
    ]
    if any(isinstance(value, Blank) for value in given):
        raise StillBlank
    if not all(isinstance(value, str) for value in given):
        raise NotYet("each of the three is a text: put it in quotes.")
    try:
        found = list(kibana.problems(repaired.values(), kibana.ALLOWED))
    except ValueError as error:
        raise NotYet(f"{error}. A field and its value are joined by a colon.") from None
    if found:
        count = f"{len(found)} faults are left" if len(found) > 1 else "one fault is left"
        raise NotYet(f"{count}: {found[0]}")
    references = repaired["delay-dashboard"]["references"]
    if len({reference["id"] for reference in references}) < len(references):
        raise NotYet("now the dashboard shows one chart twice, and the other one not at all.")
    if len(json.loads(repaired["delay-dashboard"]["attributes"]["panelsJSON"])) < len(references):
        raise NotYet("a panel is missing. Repair it, instead of taking it away.")
    field = kibana.columns(repaired["delay-refused"])["by"]["sourceField"]
    if field != "user_agent.name":
        raise NotYet(f"the chart is to show bars by client, and {field} does not tell which it is.")
    log = kibana.table({"url.path": path} for path in ["/forecast", "/health"])
    lines = len(kibana.matching(log, kibana.query(repaired["delay-latency"])))
    if lines != 1:
        which = "every line, also the checks of health" if lines else "nothing: it finds none"
        raise NotYet(f"the chart of times is about forecasts, and your query takes {which}.")
    return "every reference has its object, and every field is in the lines."
