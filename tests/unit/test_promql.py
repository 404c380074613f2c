"""The stand-in works out what Prometheus does, or says that it cannot."""

import math
import subprocess

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_school import alerting, promql
from mlops_school.errors import CourseError
from mlops_school.promql import Series, extrapolated, query

NEAR = 2**-20
SERIES = [
    {"series": 'c{path="/a", le="1"}', "values": "0+3x20"},
    {"series": 'c{path="/a", le="+Inf"}', "values": "0+4x20"},
    {"series": 'c{path="/b", le="1"}', "values": "5 7 9 _ 13 2 4 6 8x12"},
    {"series": 'c{path="/b", le="+Inf"}', "values": "9+9x20"},
    {"series": 'gone{job="x"}', "values": "1 1 1 stale"},
    {"series": 'g{job="x"}', "values": "1 5 2 2 7x16"},
    {"series": 'g{job="y"}', "values": "_x4 -3x16"},
    {"series": "one", "values": "1x20"},
]
EXPRESSIONS = [
    "c",
    'c{path="/a"}',
    'c{path!="/a", le="1"}',
    'c{path=~"/[ab]"}',
    'c{path!~"/b|/c"}',
    'g{job=""}',
    "rate(c[5m])",
    "increase(c[5m])",
    'increase(c{path="/b"}[12m] offset 3m)',
    "c offset 4m",
    "sum(c)",
    "sum by (path) (rate(c[5m]))",
    "max without (le) (c)",
    "avg(c) by (le)",
    "min(g)",
    "count(c)",
    "histogram_quantile(0.5, c)",
    "histogram_quantile(0.9, sum by (path, le) (rate(c[10m])))",
    "absent(nothing)",
    'absent(nothing{job="x", path=~"a"})',
    "absent(g)",
    "absent(one == 2)",
    "abs(g)",
    "-g",
    "g + 2 * g",
    "g - 1 - 1",
    "100 / g % 3",
    "g / 0",
    "1 - -1",
    "2 > bool 1",
    "g > 0",
    "g > bool 0",
    "0 < g",
    "g == on (job) g",
    "g > on () one",
    'g{job="x"} + ignoring (job) one',
    "c and on (path) c{path='/a'}",
    'c unless c{le="1"}',
    "g or one",
    'g{job="y"} or c{le="1"} unless c{path="/b"}',
    "gone",
    "gone offset 9m",
    "changes(g[10m])",
    "min_over_time(g[4m])",
    "max_over_time(g[10m])",
    "avg_over_time(g[10m])",
    "vector(3)",
    "sum(g) # a remark\n > 2",
]


def at(expression, minute, entries=SERIES):
    return query(expression, alerting.series_of(entries, 60), 60 * minute)


@pytest.mark.skipif(not alerting.PROMTOOL, reason="promtool, of Prometheus, is not installed")
def test_prometheus_says_the_same(tmp_path):
    tests = []
    for expression in EXPRESSIONS:
        # Sums of fractions differ in the last digit, and promtool compares all of them.
        rounds = any(word in expression for word in ("rate", "increase", "avg", "quantile", "%"))
        for minute in (2, 6, 10, 13):
            found = at(expression, minute)
            vector = found if isinstance(found, dict) else {(): found}
            tests.append(
                {
                    "expr": f"round({expression}, {NEAR})" if rounds else expression,
                    "eval_time": f"{minute}m",
                    "exp_samples": [
                        {"labels": named(labels), "value": rounded(value) if rounds else value}
                        for labels, value in vector.items()
                    ],
                }
            )
    plan = {"tests": [{"interval": "1m", "input_series": SERIES, "promql_expr_test": tests}]}
    path = tmp_path / "tests.yml"
    path.write_text(yaml.safe_dump(plan), encoding="utf-8")
    went = subprocess.run(
        [alerting.PROMTOOL, "test", "rules", path], capture_output=True, text=True, encoding="utf-8"
    )
    assert went.returncode == 0, went.stdout + went.stderr


def rounded(value):
    """Return a number as PromQL's `round` does it."""
    return math.floor(value / NEAR + 0.5) * NEAR if math.isfinite(value) else value


def named(labels):
    """Return labels as promtool reads them."""
    own = dict(labels)
    name = own.pop(promql.NAME, "")
    return name + "{" + ", ".join(f'{key}="{value}"' for key, value in own.items()) + "}"


@settings(max_examples=40)
@given(
    st.lists(st.integers(0, 50), min_size=2, max_size=30),
    st.integers(1, 60),
)
def test_a_counter_grows_by_what_was_added_to_it(steps, every):
    values, samples = 0, []
    for place, step in enumerate(steps):
        values += step
        samples.append((float(place * every), float(values)))
    end = samples[-1][0]
    grown = extrapolated(samples, 0, end, per_second=False)
    assert grown == pytest.approx(values - steps[0])
    assert extrapolated(samples, 0, end, per_second=True) == pytest.approx(grown / end)


def test_a_counter_that_falls_was_started_anew():
    samples = [(0.0, 10.0), (60.0, 14.0), (120.0, 1.0), (180.0, 3.0)]
    assert extrapolated(samples, 0, 180, per_second=False) == 4 + 1 + 2


def test_one_sample_is_no_growth():
    assert extrapolated([(0.0, 1.0)], 0, 300, per_second=False) is None


def test_the_newest_sample_is_forgotten_after_five_minutes():
    series = Series()
    series.add({promql.NAME: "x"}, 0, 1.0)
    assert query("x", series, 299) == {(("__name__", "x"),): 1.0}
    assert query("x", series, 301) == {}


def test_a_quantile_of_nothing_is_no_number():
    assert math.isnan(promql.bucket_quantile(0.5, [(1.0, 0.0), (math.inf, 0.0)]))


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("up ==", "the end was not expected"),
        ("up)", "`)` was not expected"),
        ("sum(up", "Expected here: `)`"),
        ("up[5m]", "put a function around it"),
        ("up[5m] > 0", "belongs into a function"),
        ("rate(up)", "needs the samples"),
        ("rate(up[5m], 2)", "other arguments"),
        ("speed(up[5m])", "no function `speed`"),
        ("up{job=x}", "a text"),
        ('up{job>"x"}', "=, !=, =~ or !~"),
        ('up{job=~"("}', "no regular expression"),
        ("5m", "A duration stands in"),
        ("up $ 3", "is no PromQL"),
        ("1 > 2", "> bool"),
        ("sum(1)", "needs series"),
        ("up * on (job) group_left up", "only Prometheus"),
        ("", "the end was not expected"),
    ],
)
def test_what_is_no_expression_gets_a_sentence(expression, words):
    with pytest.raises(CourseError) as error:
        query(expression, Series(), 0)
    assert words in str(error.value)


@pytest.mark.parametrize("expression", ["one < on () g", "g + ignoring (job) one"])
def test_two_series_never_match_one(expression):
    with pytest.raises(CourseError, match="Several series"):
        at(expression, 10)
