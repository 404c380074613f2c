"""Who is told of an alert: routes and inhibition as Alertmanager has them, worked out by hand."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from mlops_school.errors import CourseError

Labels = Mapping[str, str]
PEOPLE = ("phone", "desk", "report", "data")  # receivers behind which somebody is
NOBODY = "nobody"  # a receiver that is valid, and tells no one

# Who is told of the alerts in course/monitoring/alerts.yml.
ROUTE = """\
receiver: desk
routes:
  - matchers: [severity = "page"]
    receiver: phone
  - matchers: [requirement = "R8"]
    receiver: data
    continue: true
  - matchers: [severity = "ticket"]
    receiver: desk
  - matchers: [severity = "note"]
    receiver: report
"""
# Without a service, what else would wake somebody tells nothing new.
INHIBITION = """\
source_matchers: [alertname = "DelayServiceDown"]
target_matchers: [severity = "page"]
"""

_TEST = {
    "=": lambda value, wanted: value == wanted,
    "!=": lambda value, wanted: value != wanted,
    "=~": lambda value, wanted: re.fullmatch(wanted, value) is not None,
    "!~": lambda value, wanted: re.fullmatch(wanted, value) is None,
}


def read(text: str) -> dict[str, Any]:
    """Return a route or a rule of inhibition that is written as YAML.

    Raises
    ------
    CourseError
        If it is no YAML, or no mapping.
    """
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise CourseError(
            f"This is no YAML{where}. Mind that lines which belong together begin below each other."
        ) from None
    if not isinstance(found, dict):
        raise CourseError("This is no mapping: each line needs a name, a colon and a value.")
    return found


def matches(matchers: Sequence[str], labels: Labels) -> bool:
    """Tell whether labels fulfil all matchers.

    Parameters
    ----------
    matchers : sequence of str
        Each compares one label with a text (``=``, ``!=``) or with a regular expression for all
        of it (``=~``, ``!~``). A label that is not there is an empty text.
    labels : mapping of str to str
        Of an alert.

    Raises
    ------
    CourseError
        If one of them is no matcher.
    """
    return all(_matches(matcher, labels) for matcher in matchers)


def _matches(matcher: str, labels: Labels) -> bool:
    found = re.fullmatch(r'\s*(\w+)\s*(=~|!~|!=|=)\s*(?:"(.*)"|([^"=~]*?))\s*', str(matcher))
    if not found:
        raise CourseError(f'`{matcher}` is no matcher. An example is `severity = "page"`.')
    name, operator, quoted, plain = found.groups()
    try:
        return _TEST[operator](labels.get(name, ""), plain if quoted is None else quoted)
    except re.error as error:
        raise CourseError(f"`{matcher}` has no valid regular expression: {error}.") from None


def receivers(route: Mapping[str, Any], labels: Labels) -> list[str]:
    """Return who is told of an alert, in the order of the routes.

    An alert goes down the tree. The first route below that takes it is the last one to see it,
    unless that route says ``continue``. If none takes it, it stays where it is.

    Parameters
    ----------
    route : mapping
        ``receiver``, ``matchers``, ``continue``, and the ``routes`` below. Who has no receiver has
        that of the route above.
    labels : mapping of str to str
        Of the alert, with its ``alertname``.

    Raises
    ------
    CourseError
        If one of the matchers is none.
    """
    found: list[str] = []
    for below in route.get("routes") or ():
        if matches(below.get("matchers") or (), labels):
            found += receivers({"receiver": route["receiver"], **below}, labels)
            if not below.get("continue"):
                break
    return found or [route["receiver"]]


def all_receivers(route: Mapping[str, Any]) -> list[str]:
    """Return the receivers that a route and those below it name, each once."""
    below = [name for one in route.get("routes") or () for name in all_receivers(one)]
    return list(dict.fromkeys([*([route["receiver"]] if "receiver" in route else []), *below]))


def is_inhibited(rule: Mapping[str, Any], labels: Labels, firing: Iterable[Labels]) -> bool:
    """Tell whether a rule of inhibition holds an alert back.

    Parameters
    ----------
    rule : mapping
        If an alert that fulfils ``source_matchers`` fires, those that fulfil ``target_matchers``
        are held back, as far as the labels in ``equal`` are the same in both.
    labels : mapping of str to str
        Of the alert.
    firing : iterable of mapping
        The labels of all alerts that fire. One that fulfils both sides of the rule is not held
        back by another one that does, nor by itself.
    """
    source, target = rule.get("source_matchers") or (), rule.get("target_matchers") or ()
    if not matches(target, labels):
        return False
    both = matches(source, labels)
    return any(
        matches(source, one)
        and not (both and matches(target, one))
        and all(one.get(name, "") == labels.get(name, "") for name in rule.get("equal") or ())
        for one in firing
    )
