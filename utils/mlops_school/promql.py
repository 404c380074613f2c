"""The part of PromQL that the course needs, worked out in Python.

It stands in for Prometheus where that is not installed, and lets rules be tried on any computer. It
does what version 2 of Prometheus does, or says that it cannot.
"""

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from mlops_school.errors import CourseError

LOOKBACK = 300.0  # seconds for which a sample stays the newest one
NAME = "__name__"
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}

Labels = tuple[tuple[str, str], ...]  # sorted pairs of name and value
Vector = dict[Labels, float]
Samples = list[tuple[float, float]]  # pairs of time and value
Value = float | Vector
_Node = Callable[["Series", float], Value]


@dataclass
class Series:
    """Series in memory: what was scraped, and when.

    Attributes
    ----------
    samples : dict
        By labels, the name among them: pairs of a time in seconds and a value, in order of time.
        The value None says that from then on the series is no longer there.
    """

    samples: dict[Labels, list[tuple[float, float | None]]] = field(default_factory=dict)

    def add(self, labels: Mapping[str, str], time: float, value: float | None) -> None:
        """Add a sample. Those of a series come in order of time."""
        self.samples.setdefault(labels_of(labels), []).append((time, value))

    def last(self, chosen: Callable[[Mapping[str, str]], bool], time: float) -> Vector:
        """Return the newest sample of each chosen series, if it is new enough."""
        found: Vector = {}
        for labels, samples in self._matching(chosen):
            seen = [sample for sample in samples if time - LOOKBACK < sample[0] <= time]
            if seen and seen[-1][1] is not None:
                found[labels] = seen[-1][1]
        return found

    def window(
        self, chosen: Callable[[Mapping[str, str]], bool], start: float, end: float
    ) -> dict[Labels, Samples]:
        """Return the samples of each chosen series between two times."""
        return {
            labels: [
                (at, value) for at, value in samples if start <= at <= end and value is not None
            ]
            for labels, samples in self._matching(chosen)
        }

    def _matching(
        self, chosen: Callable[[Mapping[str, str]], bool]
    ) -> Iterable[tuple[Labels, list[tuple[float, float | None]]]]:
        return ((key, samples) for key, samples in self.samples.items() if chosen(dict(key)))


def labels_of(labels: Mapping[str, str]) -> Labels:
    """Return labels in the form in which they identify a series; an empty one is none."""
    return tuple(sorted((name, value) for name, value in labels.items() if value))


def query(expression: str, series: Series, time: float) -> Value:
    """Return the value of an expression at a time.

    Parameters
    ----------
    expression : str
        In PromQL: selectors, ``offset``, arithmetic, comparisons, ``and``, ``or``, ``unless``, with
        ``on`` or ``ignoring``, and the aggregations and functions of this module.
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


def parse(expression: str) -> _Node:
    """Return a function of series and time that works out an expression.

    Raises
    ------
    CourseError
        As of :func:`query`.
    """
    parser = _Parser(expression)
    node = parser.binary(0)
    if parser.here:
        raise parser.unexpected()
    if isinstance(node, _Range):
        raise CourseError(
            f"`{expression.strip()}` is all samples of a time, and not one number: put a function "
            "around it, such as rate(...)."
        )
    return node


@dataclass(frozen=True)
class _Selector:
    """``name{label="value"}``, with an offset."""

    chosen: Callable[[Mapping[str, str]], bool]
    matchers: tuple[tuple[str, str, str], ...]
    offset: float = 0.0

    def __call__(self, series: Series, time: float) -> Vector:
        return series.last(self.chosen, time - self.offset)


@dataclass(frozen=True)
class _Range:
    """``selector[5m]``."""

    selector: _Selector
    seconds: float

    def bounds(self, time: float) -> tuple[float, float]:
        end = time - self.selector.offset
        return end - self.seconds, end


_TOKEN = re.compile(
    r"""\s*(?:\#[^\n]*\n\s*)*(?:
        (?P<duration>(?:\d+(?:ms|[smhdw]))+)(?![\w.])
      | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.])
      | (?P<name>[a-zA-Z_:][\w:]*)
      | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<sign>==|!=|=~|!~|>=|<=|[-+*/%()\[\]{},<>=])
    )""",
    flags=re.VERBOSE,
)

_COMPARE = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


def _divide(left: float, right: float) -> float:
    if right:
        return left / right
    return math.nan if not left or math.isnan(left) else math.copysign(math.inf, left)


_ARITHMETIC = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "%": lambda left, right: math.fmod(left, right) if right else math.nan,
}
_LEVELS = (("or",), ("and", "unless"), tuple(_COMPARE), ("+", "-"), ("*", "/", "%"))


class _Parser:
    """Turns the text of an expression into a function, from left to right."""

    def __init__(self, text: str) -> None:
        self.text, self.tokens = text, []
        text, place = text.rstrip(), 0
        while place < len(text):
            found = _TOKEN.match(text, place)
            if not found:
                raise CourseError(f"`{text[place:].strip()[:20]}` is no PromQL.")
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

    def binary(self, level: int) -> _Node:
        if level == len(_LEVELS):
            return self.unary()
        left = self.binary(level + 1)
        while sign := self.take(*_LEVELS[level]):
            as_bool = bool(self.take("bool"))
            matching = self.matching()
            right = self.binary(level + 1)
            left = _combine(sign, left, right, matching, as_bool)
        return left

    def matching(self) -> tuple[str, list[str]]:
        if how := self.take("on", "ignoring"):
            names = self.names()
            if self.here in ("group_left", "group_right"):
                raise CourseError(f"`{self.here}` is not worked out here: only Prometheus does it.")
            return how, names
        return "ignoring", []

    def names(self) -> list[str]:
        self.need("(")
        names = []
        while not self.take(")"):
            names.append(self.kind("name"))
            self.take(",")
        return names

    def unary(self) -> _Node:
        if self.take("-"):
            return _combine("*", lambda series, time: -1.0, self.unary(), ("ignoring", []), False)
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
        if kind == "name" and word in _AGGREGATE and following in ("(", "by", "without"):
            return self.aggregation()
        if kind == "name" and following == "(":
            return self.call()
        return self.selector()

    def aggregation(self) -> _Node:
        how = _AGGREGATE[self.take()]
        grouping = self.take("by", "without")
        names = self.names() if grouping else []
        self.need("(")
        inner = _instant(self.binary(0))
        self.need(")")
        if not grouping and (grouping := self.take("by", "without")):
            names = self.names()

        def node(series: Series, time: float) -> Vector:
            groups: dict[Labels, list[float]] = {}
            for labels, value in _vector(inner(series, time)).items():
                keep = grouping == "by"
                key = tuple(
                    pair
                    for pair in labels
                    if grouping and (pair[0] in names) == keep and pair[0] != NAME
                )
                groups.setdefault(key, []).append(value)
            return {key: how(values) for key, values in groups.items()}

        return node

    def call(self) -> _Node:
        name = self.take()
        self.need("(")
        arguments = []
        while not self.take(")"):
            arguments.append(self.binary(0))
            self.take(",")
        try:
            return _FUNCTIONS[name](*arguments)
        except KeyError:
            known = ", ".join(sorted([*_AGGREGATE, *_FUNCTIONS]))
            raise CourseError(
                f"There is no function `{name}` here. Those there are: {known}."
            ) from None
        except TypeError:
            raise CourseError(f"`{name}` gets other arguments than that.") from None

    def selector(self) -> _Node:
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
            window = _seconds(self.kind("duration"))
            self.need("]")
        offset = _seconds(self.kind("duration")) if self.take("offset") else 0.0
        selector = _Selector(_chooser(matchers), tuple(matchers), offset)
        return _Range(selector, window) if window else selector


def _seconds(duration: str) -> float:
    return sum(
        int(count) * UNITS[unit] for count, unit in re.findall(r"(\d+)(ms|[smhdw])", duration)
    )


def _chooser(matchers: list[tuple[str, str, str]]) -> Callable[[Mapping[str, str]], bool]:
    tests = []
    for label, sign, text in matchers:
        try:
            pattern = re.compile(text if "~" in sign else re.escape(text))
        except re.error as error:
            raise CourseError(f"`{text}` is no regular expression ({error}).") from None
        tests.append((label, pattern, sign.startswith("=")))
    return lambda labels: all(
        bool(pattern.fullmatch(labels.get(label, ""))) == wanted for label, pattern, wanted in tests
    )


def _vector(value: Value) -> Vector:
    if not isinstance(value, dict):
        raise CourseError("This needs series, and not a single number.")
    return value


def _instant(node: _Node | _Range) -> _Node:
    if isinstance(node, _Range):
        raise CourseError(
            "A time in [ ] belongs into a function that makes one number of it, such as rate()."
        )
    return node


def _without_name(labels: Labels) -> Labels:
    return tuple(pair for pair in labels if pair[0] != NAME)


def _combine(
    sign: str, left: _Node, right: _Node, matching: tuple[str, list[str]], as_bool: bool
) -> _Node:
    left, right = _instant(left), _instant(right)
    how, names = matching
    compares = sign in _COMPARE

    def key(labels: Labels) -> Labels:
        return tuple(
            pair for pair in labels if pair[0] != NAME and (pair[0] in names) == (how == "on")
        )

    def one(a: float, b: float, shown: float) -> float | None:
        if not compares:
            return _ARITHMETIC[sign](a, b)
        holds = _COMPARE[sign](a, b)
        return float(holds) if as_bool else (shown if holds else None)

    def both(a: Vector, b: Vector) -> Vector:
        others: Vector = {}
        for labels, value in b.items():
            if key(labels) in others:
                raise CourseError(f"Several series on the right of `{sign}` match one on the left.")
            others[key(labels)] = value
        result: Vector = {}
        for labels, value in a.items():
            if key(labels) not in others:
                continue
            found = one(value, others[key(labels)], value)
            kept = key(labels)
            if how == "ignoring" and compares and not as_bool:  # then the name stays, too
                kept = tuple(pair for pair in labels if pair[0] not in names)
            if kept in result and found is not None:
                raise CourseError(f"Several series on the left of `{sign}` match one on the right.")
            if found is not None:
                result[kept] = found
        return result

    def sets(a: Vector, b: Vector) -> Vector:
        if sign == "or":
            seen = {key(labels) for labels in a}
            return a | {labels: value for labels, value in b.items() if key(labels) not in seen}
        seen = {key(labels) for labels in b}
        return {k: value for k, value in a.items() if (key(k) in seen) == (sign == "and")}

    def node(series: Series, time: float) -> Value:
        a, b = left(series, time), right(series, time)
        if sign in ("and", "or", "unless"):
            return sets(_vector(a), _vector(b))
        if isinstance(a, dict) and isinstance(b, dict):
            return both(a, b)
        if not isinstance(a, dict) and not isinstance(b, dict):
            if compares and not as_bool:
                raise CourseError(f"To compare two numbers, write `{sign} bool`.")
            return float(one(a, b, a))
        result: Vector = {}
        for labels, value in (a if isinstance(a, dict) else b).items():
            found = one(value, b, value) if isinstance(a, dict) else one(a, value, value)
            if found is not None:
                kept = labels if compares and not as_bool else _without_name(labels)
                result[kept] = found
        return result

    return node


def extrapolated(samples: Samples, start: float, end: float, per_second: bool) -> float | None:
    """Return by how much a counter has grown between two times, or how fast.

    A counter that falls was started anew. What the samples leave open at both ends is
    extrapolated, as Prometheus does it: to the end of the window if a sample is due there, else by
    half the usual distance between samples, and never to below zero.

    Parameters
    ----------
    samples : list of (float, float)
        Between `start` and `end`, which are in seconds.
    per_second : bool
        Whether growth is divided by the length of the window.

    Returns
    -------
    float or None
        None of fewer than two samples.
    """
    if len(samples) < 2:
        return None
    (first_time, first), (last_time, last) = samples[0], samples[-1]
    growth = last - first
    for (_, before), (_, now) in pairwise(samples):
        if now < before:
            growth += before
    sampled = last_time - first_time
    usual = sampled / (len(samples) - 1)
    at_start, at_end = first_time - start, end - last_time
    if growth > 0 and first >= 0:
        at_start = min(at_start, sampled * first / growth)
    reach = sampled
    for gap in (at_start, at_end):
        reach += gap if gap < 1.1 * usual else usual / 2
    grown = growth * reach / sampled
    return grown / (end - start) if per_second else grown


def _over_range(
    how: Callable[[Samples, float, float], float | None], keeps_name: bool = False
) -> Callable[[_Node], _Node]:
    def make(argument: _Node | _Range) -> _Node:
        if not isinstance(argument, _Range):
            raise CourseError("This function needs the samples of a time, such as name[5m].")

        def node(series: Series, time: float) -> Vector:
            start, end = argument.bounds(time)
            found = series.window(argument.selector.chosen, start, end)
            values = {labels: how(samples, start, end) for labels, samples in found.items()}
            return {
                labels if keeps_name else _without_name(labels): value
                for labels, value in values.items()
                if value is not None
            }

        return node

    return make


def _of_values(how: Callable[[list[float]], float]) -> Callable[[_Node], _Node]:
    return _over_range(
        lambda samples, start, end: how([value for _, value in samples]) if samples else None
    )


def _changes(values: list[float]) -> float:
    return float(sum(a != b for a, b in pairwise(values)))


def _absent(argument: _Node) -> _Node:
    def node(series: Series, time: float) -> Vector:
        if _vector(argument(series, time)):
            return {}
        equal = argument.matchers if isinstance(argument, _Selector) else ()
        labels = {label: text for label, sign, text in equal if sign == "=" and label != NAME}
        return {labels_of(labels): 1.0}

    return node


def _each(how: Callable[[float], float]) -> Callable[[_Node], _Node]:
    def make(argument: _Node) -> _Node:
        inner = _instant(argument)
        return lambda series, time: {
            _without_name(labels): how(value)
            for labels, value in _vector(inner(series, time)).items()
        }

    return make


def _quantile(share: _Node, buckets: _Node) -> _Node:
    inner = _instant(buckets)

    def node(series: Series, time: float) -> Vector:
        q = share(series, time)
        groups: dict[Labels, Samples] = {}
        for labels, value in _vector(inner(series, time)).items():
            bound = float(dict(labels).get("le", "nan").replace("+Inf", "inf"))
            rest = tuple(pair for pair in labels if pair[0] not in (NAME, "le"))
            groups.setdefault(rest, []).append((bound, value))
        return {labels: bucket_quantile(q, sorted(found)) for labels, found in groups.items()}

    return node


def bucket_quantile(share: float, buckets: Samples) -> float:
    """Return a quantile from the cumulative counts of a histogram, interpolated within a bucket.

    Parameters
    ----------
    share : float
        From 0 to 1.
    buckets : list of (float, float)
        Upper bounds, the last one infinite, and how many values are at most that large.

    Returns
    -------
    float
        NaN if there are no values.
    """
    if len(buckets) < 2 or not math.isinf(buckets[-1][0]) or not buckets[-1][1] > 0:
        return math.nan
    rank = share * buckets[-1][1]
    place = next(n for n, (_, count) in enumerate(buckets) if count >= rank)
    if place == len(buckets) - 1:
        return buckets[-2][0]
    upper, count = buckets[place]
    lower, below = buckets[place - 1] if place else (min(0.0, upper), 0.0)
    if not place and upper <= 0:
        return upper
    return lower + (upper - lower) * (rank - below) / (count - below)


def _number_as_vector(argument: _Node) -> _Node:
    return lambda series, time: {(): argument(series, time)}


_AGGREGATE: dict[str, Callable[[list[float]], float]] = {
    "sum": math.fsum,
    "min": min,
    "max": max,
    "avg": lambda values: math.fsum(values) / len(values),
    "count": lambda values: float(len(values)),
}
_FUNCTIONS: dict[str, Callable[..., _Node]] = {
    "abs": _each(abs),
    "absent": _absent,
    "avg_over_time": _of_values(_AGGREGATE["avg"]),
    "changes": _of_values(_changes),
    "histogram_quantile": _quantile,
    "increase": _over_range(lambda s, start, end: extrapolated(s, start, end, per_second=False)),
    "max_over_time": _of_values(max),
    "min_over_time": _of_values(min),
    "rate": _over_range(lambda s, start, end: extrapolated(s, start, end, per_second=True)),
    "vector": _number_as_vector,
}
