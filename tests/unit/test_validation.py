import json
import os
import socket
from itertools import cycle

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlops_school import damages, data, expectations
from mlops_school.damages import DAMAGES
from mlops_school.data import MONTHS, load_flights
from mlops_school.expectations import learn_limits, usual_limits
from mlops_school.validation import UnreadableMonth, read_month, validate, validate_file
from mlops_school.validation_views import count_mistakes, draw_matrix, draw_tradeoff

slowly = settings(
    max_examples=4,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)


def name_of(month):
    return f"2013-{month:02d}"


@pytest.fixture(scope="module")
def year():
    return {month: load_flights([month]) for month in MONTHS}


@pytest.fixture(scope="module")
def may(year):
    return year[5]


@pytest.fixture(scope="module")
def few(may):
    """Return a small month: the first ten flights of each day."""
    return may.groupby("day").head(10).reset_index(drop=True)


def all_rules():
    stages = expectations.stages(2013, 5, usual_limits())
    return [rule for stage in stages for rule in stage]


# ---- false alarms, and damages


@pytest.mark.parametrize("month", MONTHS)
def test_no_real_month_is_refused(month, year):
    report = validate(year[month], name_of(month))
    assert report.good, report
    assert report.warnings == (["few_cancelled"] if month == 2 else [])
    assert report.rows == len(year[month])


@pytest.mark.parametrize(
    ("damage", "rule", "month"),
    [(*pair, month) for pair, month in zip(DAMAGES.items(), cycle(MONTHS))],
    ids=[damage.__name__ for damage in DAMAGES],
)
def test_each_damage_breaks_the_rule_that_is_there_for_it(damage, rule, month, year):
    original = year[month].copy()
    damaged = damage(year[month])
    pd.testing.assert_frame_equal(year[month], original)
    pd.testing.assert_frame_equal(damaged, damage(year[month]))
    report = validate(damaged, name_of(month))
    assert rule in report.broken
    (finding, *_) = (finding for finding in report.findings if finding.rule == rule)
    assert finding.expected
    assert finding.found not in ("", "nothing that could be checked")


def test_each_rule_has_a_damage_that_it_is_there_for():
    critical = {rule.meta["rule"] for rule in all_rules() if rule.severity == "critical"}
    assert critical - set(DAMAGES.values()) == {"departure_fits_clock", "delay_spread"}


def test_swapped_carriers_break_no_rule(may):
    swapped = damages.carriers_swapped(may)
    assert validate(swapped, "2013-05").good
    assert (swapped["carrier"] != may["carrier"]).sum() > 5000


@pytest.mark.parametrize(("gaps", "found"), [(2879, 0), (2880, 1)])
def test_arrivals_may_be_missing_up_to_a_tenth(gaps, found, may):
    assert len(may) == 28_796
    month = may.assign(arr_delay=np.where(np.arange(len(may)) < gaps, np.nan, 0.0))
    (rule,) = (one for one in all_rules() if one.meta["rule"] == "arrivals_known")
    assert len(expectations.ask(month, [rule])) == found


@slowly
@given(rows=st.lists(st.integers(0, 309), min_size=1, max_size=20, unique=True))
def test_every_repeated_flight_is_counted(rows, few):
    month = pd.concat([few, few.iloc[rows]])
    (finding,) = validate(month, "2013-05", learn_limits([few])).findings
    assert (finding.rule, finding.rows) == ("unique_flights", 2 * len(rows))


@slowly
@given(
    column=st.sampled_from(["year", "month", "day", "hour", "distance", "sched_arr_time"]),
    value=st.integers(0, 6000) | st.integers(-(2**63), 2**63 - 1),
)
def test_no_number_makes_it_crash(column, value, few):
    month = few.copy()
    month.loc[17, column] = value
    possible = column == "distance" and 1 <= value <= 5000
    good = validate(month, "2013-05", learn_limits([few])).good
    assert good == (possible or month.equals(few))


def test_an_empty_month_is_refused(may):
    report = validate(may.head(0), "2013-05")
    assert {"all_days", "row_count", "delay_median"} <= set(report.broken)


def test_what_cannot_be_checked_is_refused(may):
    month = may.assign(arr_delay=np.nan)
    assert {"arrivals_known", "delay_median", "delay_spread"} <= set(
        validate(month, "2013-05").broken
    )


def test_the_rows_of_a_month_may_have_any_index(may):
    month = damages.distance_negative(may).set_axis(range(len(may), 0, -1))
    (finding,) = validate(month, "2013-05").findings
    assert finding.rows == 288
    assert all(row["distance"].startswith("-") for row in finding.examples)


# ---- limits


def test_limits_come_from_january_to_june(year):
    first_half = [year[month] for month in range(1, 7)]
    assert usual_limits() == learn_limits(first_half)
    medians = [month["arr_delay"].median() for month in first_half]
    assert usual_limits().delay_median == (min(medians) - 8, max(medians) + 8)


def test_without_a_margin_two_good_months_are_refused(year):
    tight = learn_limits([year[month] for month in range(1, 7)], margin=0)
    refused = {
        month: report.broken
        for month in (9, 10, 12)
        if not (report := validate(year[month], name_of(month), tight)).good
    }
    assert refused == {9: ["delay_median"], 12: ["delay_median"]}


def test_the_tradeoff_counts_both_mistakes(year):
    medians = pd.Series({month: year[month]["arr_delay"].median() for month in MONTHS})
    assert count_mistakes(medians, 0)[0] == 2
    assert [count_mistakes(medians, margin, 20) for margin in (3, 4, 9, 10)] == [
        (2, 0),
        (0, 0),
        (0, 0),
        (0, 1),
    ]
    lines = draw_tradeoff(medians, 8).axes[0].lines
    assert lines[0].get_label().startswith("good months refused")
    assert [*lines[0].get_ydata()][:5] == [2, 2, 2, 2, 0]


def test_the_matrix_marks_with_letters():
    figure = draw_matrix({"a": ["x", "y"], "b": []}, {"a": "x", "b": "y"})
    marks = {(text.get_position(), text.get_text()) for text in figure.axes[0].texts}
    assert marks == {((0, 0), "X"), ((1, 0), "o")}


# ---- schema


def test_the_schema_is_that_of_the_data():
    names = {"int64": "int64", "double": "float64", "string": "str"}
    found = {field.name: names.get(str(field.type), "Timestamp") for field in data._FLIGHTS}
    assert found == expectations.SCHEMA
    assert list(found) == list(expectations.SCHEMA)


@pytest.mark.parametrize("column", expectations.SCHEMA)
def test_each_column_has_a_type(column, few):
    other = few[column].astype(str) if column not in ("carrier", "tailnum", "origin", "dest") else 7
    (finding,) = validate(few.assign(**{column: other}), "2013-05").findings
    assert finding.rule == "types"
    assert finding.expected.startswith(f"{column} is of type")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda month: month.assign(gate=1), "new: gate"),
        (lambda month: month[month.columns[::-1]], "another order, or one of them twice"),
        (lambda month: pd.concat([month, month[["day"]]], axis=1), "another order, or one of them"),
    ],
    ids=["added", "other order", "twice"],
)
def test_other_columns_are_named(change, found, few):
    (finding,) = validate(change(few), "2013-05").findings
    assert finding.rule == "columns"
    assert finding.found.startswith(found)


def test_a_time_in_another_zone_is_refused(may):
    local = may.assign(time_hour=may["time_hour"].dt.tz_convert("America/New_York"))
    (finding,) = validate(local, "2013-05").findings
    assert (finding.rule, finding.found) == ("time_hour_fits_clock", "America/New_York")


# ---- reports


def test_a_report_is_for_people_and_for_programs(may):
    report = validate(damages.garbage_in_tail_numbers(may), "2013-05")
    facts = json.loads(report.to_json())
    assert facts["requirement"] == "R8"
    assert facts["good"] is False
    assert facts["findings"][0]["rule"] == "tail_numbers"
    assert len(facts["findings"][0]["examples"]) == 3
    for text in (str(report), report.to_html()):
        assert all(word in text for word in ("R8", "tail_numbers", "#REF!", "301"))


def test_what_stands_in_the_data_is_no_html(may):
    month = may.assign(carrier=may["carrier"].mask(may.index == 3, "<script>"))
    page = validate(month, "2013-05").to_html()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


# ---- files


def test_only_what_is_in_the_columns_counts(may, tmp_path):
    path = tmp_path / "a b" / "2013-05.parquet"
    path.parent.mkdir()
    may.set_index("day").to_parquet(path)  # pandas notes an index, which nobody asked for
    name, month = read_month(path)
    assert name == "2013-05"
    assert sorted(month) == sorted(may)


def test_numbers_and_times_may_have_another_width(may, tmp_path):
    path = tmp_path / "2013-05.parquet"
    table = pa.Table.from_pandas(may, preserve_index=False)
    narrow = {"int64": pa.int32(), "float64": pa.int16(), "str": pa.string()}
    narrow["Timestamp"] = pa.timestamp("ms", "UTC")
    types = [(column, narrow[type_]) for column, type_ in expectations.SCHEMA.items()]
    pq.write_table(table.cast(pa.schema(types)), path)
    assert validate_file(path).good
    pd.testing.assert_frame_equal(read_month(path)[1], may)


def write_parquet(path, **columns):
    pq.write_table(pa.table(columns), path)


@pytest.mark.parametrize(
    ("name", "write", "reason"),
    [
        ("2013-05.parquet", lambda path: path.write_bytes(b""), "empty"),
        ("2013-05.parquet", lambda path: path.write_text("a,b\n1,2\n"), "begins with 'a,b"),
        ("2013-05.parquet", lambda path: path.write_bytes(b"PAR1 and then"), "breaks off"),
        ("2013-05.parquet", lambda path: path.write_bytes(b"PAR1\x00\x01\x02\x03PAR1"), "damaged"),
        ("2013-13.parquet", lambda path: write_parquet(path, a=[1]), "not named after a month"),
        ("0000-01.parquet", lambda path: write_parquet(path, a=[1]), "not named after a month"),
        ("2013-05 (1).parquet", lambda path: write_parquet(path, a=[1]), "not named after a month"),
        ("flights.csv", lambda path: path.write_text("a\n1\n"), "not named after a month"),
    ],
)
def test_an_unreadable_file_is_a_finding(name, write, reason, tmp_path):
    path = tmp_path / name
    write(path)
    with pytest.raises(UnreadableMonth, match=reason.replace("(", r"\(")):
        read_month(path)
    report = validate_file(path)
    assert report.broken == ["readable"]
    assert report.rows is None
    assert reason in report.findings[0].found


def test_a_flipped_bit_is_noticed_although_no_rule_sees_it(may, tmp_path):
    path = tmp_path / "2013-05.parquet"
    how = {"compression": "none", "use_dictionary": False, "write_page_checksum": True}
    may.to_parquet(path, index=False, **how)
    chunk = pq.read_metadata(path).row_group(0).column(list(may).index("flight"))
    content = bytearray(path.read_bytes())
    content[chunk.data_page_offset + 1000] ^= 1
    path.write_bytes(content)
    with pytest.raises(UnreadableMonth, match="damaged"):
        read_month(path)


def test_columns_of_lists_are_a_finding(may, tmp_path):
    path = tmp_path / "2013-05.parquet"
    table = pa.Table.from_pandas(may.head(3), preserve_index=False)
    position = table.schema.get_field_index("distance")
    pq.write_table(table.set_column(position, "distance", pa.array([[1], [2, 3], []])), path)
    report = validate_file(path)
    assert report.broken == ["types"]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(content=st.binary(max_size=200))
def test_no_bytes_make_it_crash(content, tmp_path_factory):
    path = tmp_path_factory.mktemp("bytes") / "2013-05.parquet"
    path.write_bytes(b"PAR1" + content + b"PAR1")
    assert not validate_file(path).good


# ---- silence


def test_it_sends_nothing_and_prints_nothing(may, monkeypatch, capfd):
    calls = []

    def refuse(*args, **kwargs):
        calls.append(args)
        raise OSError("the network is blocked")

    for owner, name in [
        (socket.socket, "connect"),
        (socket, "create_connection"),
        (socket, "getaddrinfo"),
    ]:
        monkeypatch.setattr(owner, name, refuse)
    expectations.quiet_context.cache_clear()  # a new context might announce itself
    expectations._batches.cache_clear()
    assert validate(may, "2013-05").good
    assert capfd.readouterr() == ("", "")
    assert calls == []
    config = expectations.quiet_context().config
    assert (config.analytics_enabled, config.progress_bars.globally) == (False, False)
    assert os.environ["GX_ANALYTICS_ENABLED"] == "false"
    with pytest.raises(OSError, match="blocked"):  # as it would be, if anything did call
        socket.socket().connect(("127.0.0.1", 9))
    assert len(calls) == 1
