"""Exercises of the lab on Alertmanager."""

from collections.abc import Mapping
from typing import Any

from mlops_school import alert_routes
from mlops_school.alert_routes import PEOPLE
from mlops_school.alerting import Rule, load_rules
from mlops_school.errors import CourseError
from mlops_school.exercises import NotYet, exercise

LAB = "alertmanager"
DOWN = "DelayServiceDown"
TOLD = {"page": ["phone"], "ticket": ["desk"], "note": ["report"]}

_START = "receiver: desk\nroutes:\n"
_DATA = "  - {matchers: [requirement = R8], receiver: data, continue: true}\n"
_PAGE, _TICKET, _NOTE = (
    f"  - {{matchers: [severity = {severity}], receiver: {receiver}}}\n"
    for severity, (receiver,) in TOLD.items()
)


def _text(name: str, *parts: str) -> str:
    return f"{name} = {''.join(parts)!r}"


@exercise(
    LAB,
    hints=(
        "Copy the text `broken`, and change what has to change: a value, the receiver of the "
        "first line, and one route more.",
        "An alert goes to the first route that takes it, so the special route for R8 comes before "
        "the general one for tickets.",
        "To let an alert go on to the routes after it, a route says `continue: true`.",
    ),
    wrong={
        _text("route", _START, _DATA, _PAGE.replace("page", "pages"), _TICKET, _NOTE): (
            "DelayServiceDown reaches desk"
        ),
        _text("route", _START.replace("desk", "nobody"), _DATA, _PAGE, _TICKET, _NOTE): (
            "severity that nobody has thought of"
        ),
        _text("route", _START, _DATA.replace(", continue: true", ""), _PAGE, _TICKET, _NOTE): (
            "keeps it"
        ),
        _text("route", _START, _PAGE, _TICKET, _DATA, _NOTE): "before it comes to",
        _text("route", _START, _PAGE, _TICKET, _NOTE): "nothing about R8",
        _text("route", _START, _DATA.replace("R8", "R9"), _PAGE, _TICKET, _NOTE): "data, too",
        _text("route", _START, _DATA, _PAGE.replace("phone", "phones"), _TICKET, _NOTE): (
            "is nobody called phones"
        ),
        _text("route", _START, _DATA, _PAGE.replace(" = ", " == "), _TICKET, _NOTE): "no matcher",
        _text("route", _START, _DATA, _PAGE, _TICKET): "DelayInputsDrift reaches desk",
        _text("route", "routes:\n", _DATA, _PAGE, _TICKET, _NOTE): "needs a receiver",
        _text("route", "receiver: desk\nroutes: phone"): "list of routes",
        _text("route", "receiver: desk\n  routes: []"): "no YAML in line 2",
        "route = ['phone']": "text",
    },
)
def q1(route: str) -> str:
    """Does each alert of the course reach those who are to be told?"""
    if not isinstance(route, str):
        raise NotYet("`route` is a text in YAML, like `broken`.")
    try:
        tree = alert_routes.read(route)
        _look_at_form(tree)
        found = {rule.name: alert_routes.receivers(tree, _labels(rule)) for rule in load_rules()}
        unknown = alert_routes.receivers(tree, {"alertname": "New", "severity": "urgent"})
    except CourseError as error:
        raise NotYet(str(error)) from None
    for rule in load_rules():
        wanted = list(TOLD[rule.labels["severity"]])
        if rule.labels["requirement"] == "R8":
            _look_at_both(route, found[rule.name])
        elif found[rule.name] != wanted:
            raise NotYet(
                f"{rule.name} reaches {' and '.join(found[rule.name])}, and its severity is "
                f"`{rule.labels['severity']}`: it has to reach {wanted[0]}, and no one else."
            )
    if unknown != ["desk"]:
        raise NotYet(
            f"an alert with a severity that nobody has thought of reaches {' and '.join(unknown)}. "
            "The receiver in the first line gets what no route takes: let it be `desk`."
        )
    return (
        f"all {len(found)} alerts reach whom they should, and an unknown one is seen by somebody."
    )


def _look_at_form(route: Mapping[str, Any]) -> None:
    """Raise unless a route has the parts that are needed, in the right places."""
    if "receiver" not in route:
        raise NotYet("the first line needs a receiver: it gets what no route takes.")
    routes = route.get("routes")
    if not isinstance(routes, list) or not all(isinstance(one, dict) for one in routes):
        raise NotYet("`routes` must be a list of routes: each begins with a dash.")
    known = {*PEOPLE, alert_routes.NOBODY}
    if strange := [name for name in alert_routes.all_receivers(route) if name not in known]:
        raise NotYet(f"there is nobody called {strange[0]}. There are {', '.join(PEOPLE)}.")


def _look_at_both(route: str, found: list[str]) -> None:
    """Raise unless both receivers are told of a month that the gate has set aside."""
    if sorted(found) == ["data", "desk"]:
        return
    if "R8" not in route:
        raise NotYet("DelayMonthSetAside has to reach data, too, and you say nothing about R8.")
    if found == ["data"]:
        raise NotYet(
            "DelayMonthSetAside reaches data, and not the desk: the first route that takes an "
            "alert keeps it, unless it says otherwise."
        )
    if found == ["desk"]:
        raise NotYet(
            "DelayMonthSetAside reaches the desk only: another route takes it before it comes to "
            "yours. The order counts."
        )
    raise NotYet(f"DelayMonthSetAside reaches {' and '.join(found)}, not data and desk.")


def _labels(rule: Rule) -> dict[str, str]:
    """Return the labels with which an alert comes to Alertmanager."""
    labels = {"alertname": rule.name, **rule.labels}
    # `sum` and `count` leave no other label; what `absent` asks for is kept.
    return labels | ({"job": "delay-service"} if rule.name in (DOWN, "DelayRequestsFail") else {})


_SOURCE = 'source_matchers: [alertname = "DelayServiceDown"]\n'
_TARGET = 'target_matchers: [severity = "page"]\n'


@exercise(
    LAB,
    hints=(
        "The source is what holds others back: one alert, by its `alertname`. A requirement may "
        "have several alerts.",
        "The targets are all that would ring the phone. Which label do they have in common?",
        "An alert that fulfils both sides is not held back by itself, so the target may be as wide "
        "as all pages.",
    ),
    wrong={
        _text("inhibition", 'source_matchers: [severity = "page"]\n', _TARGET): "both sides",
        _text("inhibition", 'source_matchers: [requirement = "R12"]\n', _TARGET): (
            "DelayReleaseRefused"
        ),
        _text("inhibition", _SOURCE, 'target_matchers: [requirement =~ "R1|R5|R6|R11"]'): (
            "DelayMonthNotReported"
        ),
        _text("inhibition", _SOURCE, 'target_matchers: [severity =~ "page|ticket"]'): "tickets",
        _text("inhibition", _SOURCE, _TARGET, "equal: [job]"): "have no job",
        _text("inhibition", _SOURCE, 'target_matchers: [requirement = "R5"]'): "still rings",
        _text(
            "inhibition",
            'source_matchers: [severity = "page"]\n',
            'target_matchers: [alertname = "DelayServiceDown"]',
        ): "the wrong way round",
        _text(
            "inhibition", 'source_matchers: [severity = "page"]\n', _TARGET, "equal: [severity]"
        ): ("both sides"),
        _text("inhibition", _TARGET): "source_matchers",
        _text("inhibition", _SOURCE, "target_matchers: severity = page"): "not a list",
        _text("inhibition", _SOURCE, "target_matchers: [severity is page]"): "no matcher",
        "inhibition = 5": "text",
    },
)
def q2(inhibition: str) -> str:
    """Does one alert hold the others back, and no more than these?"""
    if not isinstance(inhibition, str):
        raise NotYet("`inhibition` is a text in YAML, with two lines.")
    try:
        rule = alert_routes.read(inhibition)
        for name in ("source_matchers", "target_matchers"):
            if not isinstance(rule.get(name), list) or not rule[name]:
                raise NotYet(f"`{name}` is missing, or not a list: put it in brackets.")
        _look_at_effects(rule)
    except CourseError as error:
        raise NotYet(str(error)) from None
    return "one failure rings once, and whatever has nothing to do with it is still heard."


def _look_at_effects(rule: Mapping[str, Any]) -> None:
    alerts = [_labels(one) for one in load_rules()]
    down = next(labels for labels in alerts if labels["alertname"] == DOWN)
    pages = [labels for labels in alerts if labels["severity"] == "page" and labels != down]
    others = [labels for labels in alerts if labels["severity"] != "page"]
    for source in alerts:
        if alert_routes.is_inhibited(rule, down, [source]):
            raise NotYet(
                f"{DOWN}, which says what is wrong, is held back by {source['alertname']}. Is your "
                "source too wide, or your rule the wrong way round?"
            )
    for labels in others:
        if alert_routes.is_inhibited(rule, labels, [down]):
            raise NotYet(
                f"{labels['alertname']} is held back, too. It rings no phone, and tickets about a "
                "month are as true without a service."
            )
    rings = [one for one in pages if not alert_routes.is_inhibited(rule, one, [down])]
    if rings:
        name = rings[0]["alertname"]
        reason = "Does your rule take it for a target?"
        both = alert_routes.matches(rule["target_matchers"], down)
        if both and alert_routes.matches(rule["source_matchers"], rings[0]):
            reason = "Both alerts fulfil both sides of your rule, and such never hold each other."
        elif "job" in (rule.get("equal") or ()):
            reason = "`equal` asks for the same job in both, and sums such as this have no job."
        raise NotYet(f"{name} still rings while {DOWN} fires. {reason}")
    for source in [*pages, *others]:
        if any(alert_routes.is_inhibited(rule, labels, [source]) for labels in pages):
            raise NotYet(
                f"{source['alertname']} holds pages back as well, although there may be a service. "
                f"Only {DOWN} may do that."
            )
