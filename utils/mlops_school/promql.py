"""The part of PromQL that the course needs, worked out in Python.

It stands in for Prometheus where that is not installed, and lets rules be tried on any computer. It
does what version 2 of Prometheus does, or says that it cannot.
"""

import re

from mlops_school.errors import CourseError
from mlops_school.promql_functions import (
    AGGREGATE,
    FUNCTIONS,
    LEVELS,
    Node,
    Range,
    Selector,
    Value,
    aggregate,
    chooser,
    combine,
)
from mlops_school.promql_series import NAME, Series

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_PART = r"(\d+)(ms|[smhdw])"


def query(expression: str, series: Series, time: float) -> Value:
    """Return the value of an expression at a time.

    Parameters
    ----------
    expression : str
        In PromQL: selectors, ``offset``, arithmetic, comparisons, ``and``, ``or``, ``unless``, with
        ``on`` or ``ignoring``, and what is in ``AGGREGATE`` and ``FUNCTIONS``.
    series : Series
        What is known.
    time : float
        In seconds.

    Returns
    -------
    float or dict
        A number, or a number for each set of labels.

    Raises
    ------
    CourseError
        If this is not PromQL, or a part of it that is not worked out here.
    """
    return parse(expression)(series, time)


def parse(expression: str) -> Node:
    """Return a function of series and time that works out an expression.

    Raises
    ------
    CourseError
        As of :func:`query`.
    """
    parser = _Parser(expression)
    if not parser.here:
        raise CourseError("There is no expression.")
    node = parser.binary(0)
    if parser.here:
        raise parser.unexpected()
    if isinstance(node, Range):
        raise CourseError(
            f"`{expression.strip()}` is all samples of a time, and not one number: put a function "
            "around it, such as rate(...)."
        )
    return node


def duration(text: str | int) -> float:
    """Return the seconds of a duration such as ``5m`` or ``1h30m``.

    Raises
    ------
    CourseError
        If it is none.
    """
    if str(text) != "0" and not re.fullmatch(f"({_PART})+", str(text)):
        raise CourseError(f"`{text}` is no duration. One is `30s`, `5m` or `1h`.")
    return sum(int(count) * _UNITS[unit] for count, unit in re.findall(_PART, str(text)))


_TOKEN = re.compile(
    r"""(?:
        (?P<duration>(?:\d+(?:ms|[smhdw]))+)(?![\w.])
      | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.])
      | (?P<name>[a-zA-Z_:][\w:]*)
      | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<sign>==|!=|=~|!~|>=|<=|[-+*/()\[\]{},<>=])
    )""",
    flags=re.VERBOSE,
)
_BETWEEN = re.compile(r"(?:\s|#[^\n]*)*")  # blanks and remarks


class _Parser:
    """Turns the text of an expression into a function, from left to right."""

    def __init__(self, text: str) -> None:
        self.text, self.tokens = text, []
        place = 0
        while (place := _BETWEEN.match(text, place).end()) < len(text):
            found = _TOKEN.match(text, place)
            if not found:
                raise CourseError(f"`{text[place:].strip()[:20]}` is not understood here.")
            self.tokens.append((found.lastgroup, found[found.lastgroup]))
            place = found.end()
        self.tokens.append(("end", ""))

    @property
    def here(self) -> str:
        return self.tokens[0][1]

    def take(self, *wanted: str) -> str:
        """Take the next word if it is one of those that are wanted."""
        if not wanted or self.here in wanted:
            return self.tokens.pop(0)[1]
        return ""

    def need(self, wanted: str) -> None:
        if not self.take(wanted):
            raise self.unexpected(f" Expected here: `{wanted}`.")

    def kind(self, kind: str) -> str:
        if self.tokens[0][0] != kind:
            raise self.unexpected(f" Expected here: a {kind}.")
        return self.tokens.pop(0)[1]

    def unexpected(self, more: str = "") -> CourseError:
        where = f"`{self.here}`" if self.here else "the end"
        return CourseError(f"`{' '.join(self.text.split())}`: {where} was not expected.{more}")

    def binary(self, level: int) -> Node | Range:
        if level == len(LEVELS):
            return self.unary()
        left = self.binary(level + 1)
        while sign := self.take(*LEVELS[level]):
            how = self.take("on", "ignoring")
            names = self.names() if how else []
            left = combine(sign, left, self.binary(level + 1), how or "ignoring", names)
        return left

    def names(self) -> list[str]:
        self.need("(")
        names = []
        while not self.take(")"):
            names.append(self.kind("name"))
            self.take(",")
        return names

    def unary(self) -> Node | Range:
        if self.take("-"):
            return combine("*", lambda series, time: -1.0, self.unary(), "ignoring", [])
        if self.take("("):
            node = self.binary(0)
            self.need(")")
            return node
        kind, word = self.tokens[0]
        if kind == "number":
            number = float(self.take())
            return lambda series, time: number
        if kind == "duration":
            raise self.unexpected(" A duration stands in [ ] or after `offset`.")
        following = self.tokens[1][1] if len(self.tokens) > 1 else ""
        if kind == "name" and word in AGGREGATE and following in ("(", "by", "without"):
            return self.aggregation()
        if kind == "name" and following == "(":
            return self.call()
        return self.selector()

    def aggregation(self) -> Node:
        name = self.take()
        grouping = self.take("by", "without")
        names = self.names() if grouping else []
        self.need("(")
        inner = self.binary(0)
        self.need(")")
        if not grouping and (grouping := self.take("by", "without")):
            names = self.names()
        return aggregate(name, inner, grouping, names)

    def call(self) -> Node:
        name = self.take()
        self.need("(")
        arguments = []
        while not self.take(")"):
            arguments.append(self.binary(0))
            self.take(",")
        if name not in FUNCTIONS:
            known = ", ".join(sorted([*AGGREGATE, *FUNCTIONS]))
            raise CourseError(f"There is no function `{name}` here. Those there are: {known}.")
        try:
            return FUNCTIONS[name](*arguments)
        except TypeError:
            raise CourseError(f"`{name}` gets other arguments than that.") from None

    def selector(self) -> Selector | Range:
        matchers = []
        if self.tokens[0][0] == "name":
            matchers.append((NAME, "=", self.take()))
        elif self.here != "{":
            raise self.unexpected()
        if self.take("{"):
            while not self.take("}"):
                label = self.kind("name")
                sign = self.take("=", "!=", "=~", "!~")
                if not sign:
                    raise self.unexpected(" Expected here: =, !=, =~ or !~.")
                text = self.kind("text")[1:-1]
                matchers.append((label, sign, re.sub(r"\\(.)", r"\1", text)))
                self.take(",")
        window = 0.0
        if self.take("["):
            window = duration(self.kind("duration"))
            self.need("]")
        offset = duration(self.kind("duration")) if self.take("offset") else 0.0
        selector = Selector(tuple(matchers), chooser(matchers), offset)
        return Range(selector, window) if window else selector
