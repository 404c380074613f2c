"""What the parts of PromQL do with series: selectors, operators, aggregations and functions.

Each part is made into a function of series and a time, which :mod:`mlops_school.promql` puts
together.
"""

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from mlops_school.errors import CourseError
from mlops_school.promql_series import NAME, Chosen, Labels, Samples, Series, Vector, labels_of

Value = float | Vector
Node = Callable[[Series, float], Value]


# ---- selectors


@dataclass(frozen=True)
class Selector:
    """``name{label="value"}``, with an offset in seconds."""

    matchers: tuple[tuple[str, str, str], ...]
    chosen: Chosen
    offset: float = 0.0

    def __call__(self, series: Series, time: float) -> Vector:
        return series.last(self.chosen, time - self.offset)


@dataclass(frozen=True)
class Range:
    """``selector[5m]``: no number, but all samples of so many seconds."""

    selector: Selector
    seconds: float


def chooser(matchers: list[tuple[str, str, str]]) -> Chosen:
    """Return what tells whether labels fit all matchers: a label, ``=``, ``=~``..., and a text."""
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


def instant(node: Node | Range) -> Node:
    """Return a part that must be one number for each series."""
    if isinstance(node, Range):
        raise CourseError(
            "A time in [ ] belongs into a function that makes one number of it, such as rate()."
        )
    return node


def _vector(value: Value) -> Vector:
    if not isinstance(value, dict):
        raise CourseError("This needs series, and not a single number.")
    return value


def _number(value: Value) -> float:
    if isinstance(value, dict):
        raise CourseError("This needs a single number, and not series.")
    return value


def _without_name(labels: Labels) -> Labels:
    return tuple(pair for pair in labels if pair[0] != NAME)


# ---- operators


def _divide(left: float, right: float) -> float:
    if right:
        return left / right
    return math.nan if not left or math.isnan(left) else math.copysign(math.inf, left)


COMPARE: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
}
LEVELS = (("or",), ("and", "unless"), tuple(COMPARE), ("+", "-"), ("*", "/"))  # weakest first


def combine(sign: str, left: Node, right: Node, how: str, names: list[str]) -> Node:
    """Return ``left sign right``, where series match by the labels ``on`` or ``ignoring`` names."""
    left, right = instant(left), instant(right)
    compares = sign in COMPARE

    def key(labels: Labels) -> Labels:
        return tuple(
            pair for pair in labels if pair[0] != NAME and (pair[0] in names) == (how == "on")
        )

    def one(a: float, b: float, shown: float) -> float | None:
        if compares:
            return shown if COMPARE[sign](a, b) else None
        return _ARITHMETIC[sign](a, b)

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
            if how == "ignoring" and compares:  # then the name stays, too
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
            if compares:
                raise CourseError(f"On one side of `{sign}` there must be series, not a number.")
            return _ARITHMETIC[sign](a, b)
        result: Vector = {}
        for labels, value in (a if isinstance(a, dict) else b).items():
            found = one(value, b, value) if isinstance(a, dict) else one(a, value, value)
            if found is not None:
                result[labels if compares else _without_name(labels)] = found
        return result

    return node


# ---- aggregations: many series become few

AGGREGATE: dict[str, Callable[[list[float]], float]] = {
    "sum": math.fsum,
    "min": min,
    "max": max,
    "avg": lambda values: math.fsum(values) / len(values),
    "count": lambda values: float(len(values)),
}


def aggregate(name: str, inner: Node, grouping: str, names: list[str]) -> Node:
    """Return ``name by (names) (inner)``, or ``without`` them; over all series if neither."""
    how, inner = AGGREGATE[name], instant(inner)

    def node(series: Series, time: float) -> Vector:
        groups: dict[Labels, list[float]] = {}
        for labels, value in _vector(inner(series, time)).items():
            key = tuple(
                pair
                for pair in _without_name(labels)
                if grouping and (pair[0] in names) == (grouping == "by")
            )
            groups.setdefault(key, []).append(value)
        return {key: how(values) for key, values in groups.items()}

    return node


# ---- functions


def extrapolated(samples: Samples, start: float, end: float) -> float | None:
    """Return by how much a counter has grown between two times.

    A counter that falls was started anew. What the samples leave open at both ends is
    extrapolated, as Prometheus does it: to the end of the window if a sample is due there, else by
    half the usual distance between samples, and never to below zero.

    Parameters
    ----------
    samples : list of (float, float)
        Between `start` and `end`, which are in seconds.

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
    return growth * reach / sampled


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


def _over_range(how: Callable[[Samples, float, float], float | None]) -> Callable[..., Node]:
    def make(argument: Node | Range) -> Node:
        if not isinstance(argument, Range):
            raise CourseError("This function needs the samples of a time, such as name[5m].")

        def node(series: Series, time: float) -> Vector:
            end = time - argument.selector.offset
            start = end - argument.seconds
            found = series.window(argument.selector.chosen, start, end)
            values = {_without_name(key): how(one, start, end) for key, one in found.items()}
            return {labels: value for labels, value in values.items() if value is not None}

        return node

    return make


def _per_second(samples: Samples, start: float, end: float) -> float | None:
    grown = extrapolated(samples, start, end)
    return None if grown is None else grown / (end - start)


def _mean(samples: Samples, start: float, end: float) -> float | None:
    return math.fsum(value for _, value in samples) / len(samples) if samples else None


def _absent(argument: Node) -> Node:
    inner = instant(argument)
    matchers = argument.matchers if isinstance(argument, Selector) else ()
    labels = {label: text for label, sign, text in matchers if sign == "=" and label != NAME}
    return lambda series, time: {} if _vector(inner(series, time)) else {labels_of(labels): 1.0}


def _abs(argument: Node) -> Node:
    inner = instant(argument)
    return lambda series, time: {
        _without_name(labels): abs(value) for labels, value in _vector(inner(series, time)).items()
    }


def _quantile(share: Node, buckets: Node) -> Node:
    share, inner = instant(share), instant(buckets)

    def node(series: Series, time: float) -> Vector:
        q = _number(share(series, time))
        groups: dict[Labels, Samples] = {}
        for labels, value in _vector(inner(series, time)).items():
            if not (bound := dict(labels).get("le")):
                continue  # no bucket
            rest = tuple(pair for pair in labels if pair[0] not in (NAME, "le"))
            groups.setdefault(rest, []).append((float(bound.replace("+Inf", "inf")), value))
        return {labels: bucket_quantile(q, sorted(found)) for labels, found in groups.items()}

    return node


FUNCTIONS: dict[str, Callable[..., Node]] = {
    "abs": _abs,
    "absent": _absent,
    "avg_over_time": _over_range(_mean),
    "histogram_quantile": _quantile,
    "increase": _over_range(extrapolated),
    "rate": _over_range(_per_second),
}
