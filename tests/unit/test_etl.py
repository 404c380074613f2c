"""The pipeline: what arrives is stored once, whole or not at all, and can be traced."""

import csv
import hashlib
import json
import string
import tempfile
from calendar import monthrange
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_school import bureau, crashes, data, data_views, etl
from mlops_school.errors import CourseError
from mlops_school.etl import INTEGER, RAW, SCHEMA, TEXT, Column, Refused

# ---- arbitrary months

few = settings(max_examples=40, deadline=None)
numbers = st.integers(-(2**31), 2**31 - 1)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8)
values = texts.filter(lambda text: text not in etl.MISSING)


@st.composite
def rows(draw, year, month):
    """Return a row that fits the schema, as values."""
    row = {}
    for column in RAW:
        one = values if column.type == TEXT else numbers
        row[column.name] = draw(st.none() | one if column.nullable else one)
    days = monthrange(year, month)[1]
    clock = 100 * draw(st.integers(4, 23)) + draw(st.integers(0, 59))  # no clock changes after 4
    return row | {
        "year": year,
        "month": month,
        "day": draw(st.integers(1, days)),
        "sched_dep_time": clock,
    }


@st.composite
def months(draw):
    """Return the rows of a month, by its name, with some of them repeated."""
    year, month = draw(st.integers(1990, 2030)), draw(st.integers(1, 12))
    content = draw(st.lists(rows(year, month), max_size=6))
    if content:
        content += draw(st.lists(st.sampled_from(content), max_size=2))
    return f"{year}-{month:02d}", content


@contextmanager
def temporary_folder():
    """Return a folder with a blank in its path; hypothesis wants a new one for each example."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "my flights"
        path.mkdir()
        yield path


def write_csv(path, content, columns=None):
    """Write rows as the bureau does: text only, and a missing value empty or NA."""
    columns = columns or [column.name for column in RAW]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        # A lone carriage return ends a line, too, unless it is in quotes.
        writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        writer.writerow(columns)
        for row in content:
            missing = {"tailnum": "NA"}
            writer.writerow([row[n] if row[n] is not None else missing.get(n) for n in columns])
    return path


def as_values(path):
    """Return what a Parquet file holds, row by row, without what was derived."""
    return pq.read_table(path).select([column.name for column in RAW]).to_pylist()


def without_repeats(content):
    unique = []
    for row in content:
        if row not in unique:
            unique.append(row)
    return unique


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@few
@given(months())
def test_a_month_comes_out_as_it_went_in_without_its_repeats(drawn):
    month, content = drawn
    with temporary_folder() as home:
        record = etl.run_month(write_csv(home / f"{month}_1.csv", content), home / "out")
        table = pq.read_table(home / "out" / f"{month}.parquet")
        assert as_values(home / "out" / f"{month}.parquet") == without_repeats(content)
    assert table.schema.names == [column.name for column in SCHEMA]
    assert table.schema.types == [column.type for column in SCHEMA]
    assert record.rows_read == len(content)
    assert record.rows_read == record.rows_written + record.rejected["repeated"]
    assert record.rows_written == len(table)
    for row in table.to_pylist():
        assert row["hour"] * 100 + row["minute"] == row["sched_dep_time"]
        local = pd.Timestamp(row["time_hour"]).tz_convert("America/New_York")
        assert (local.year, local.month, local.day, local.hour, local.minute) == (
            *(row[name] for name in ("year", "month", "day", "hour")),
            0,
        )


@few
@given(months(), months())
def test_a_second_run_changes_nothing_and_the_order_of_arrival_does_not_matter(one, other):
    with temporary_folder() as home:
        write_csv(home / "raw" / f"{one[0]}_1.csv", one[1])
        etl.run(home / "raw", home / "out")
        write_csv(home / "raw" / f"{other[0]}_2.csv", other[1])
        done = etl.run(home / "raw", home / "out")
        assert done[other[0]] == "processed"
        assert done.get(one[0]) == ("processed" if one[0] == other[0] else "up to date")
        both = files(home / "out")
        assert set(etl.run(home / "raw", home / "out").values()) == {"up to date"}
        assert files(home / "out") == both
        etl.run_month(home / "raw" / f"{other[0]}_2.csv", home / "out")
        assert files(home / "out") == both

        if one[0] != other[0]:
            etl.run_month(home / "raw" / f"{other[0]}_2.csv", home / "turned")
            etl.run_month(home / "raw" / f"{one[0]}_1.csv", home / "turned")
        else:
            etl.run(home / "raw", home / "turned")
        assert files(home / "turned") == both


class Killed(BaseException):
    """What no writer catches."""


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(0, 9), max_size=4),
    st.lists(st.integers(0, 9), min_size=1, max_size=30),
    st.data(),
)
def test_a_kill_before_any_chunk_leaves_the_old_file_and_never_half_of_the_new(old, new, draw):
    new = pa.table({"flight": pa.array(new, INTEGER)})
    chunks = [new.slice(start, 5) for start in range(0, len(new), 5)]
    killed_at = draw.draw(st.integers(0, len(chunks)))

    def killed():
        yield from chunks[:killed_at]
        raise Killed

    with temporary_folder() as home:
        path = home / "2013-01.parquet"
        etl.write_whole([pa.table({"flight": pa.array(old, INTEGER)})], path)
        before = path.read_bytes()
        with pytest.raises(Killed):
            etl.write_whole(killed(), path)
        assert path.read_bytes() == before
        etl.write_whole(chunks, path)
        assert pq.read_table(path).to_pydict() == new.to_pydict()


@few
@given(months().filter(lambda drawn: drawn[1]), st.data())
def test_a_source_that_was_damaged_leaves_what_is_stored(drawn, draw):
    month, content = drawn
    with temporary_folder() as home:
        source = write_csv(home / "raw" / f"{month}_1.csv", content)
        etl.run(home / "raw", home / "out")
        before = files(home / "out")
        whole = source.read_bytes()
        cut = draw.draw(st.integers(0, len(whole) - 1).filter(lambda n: whole[n - 1 : n] != b"\n"))
        (home / "raw" / f"{month}_2.csv").write_bytes(whole[:cut])
        assert etl.run(home / "raw", home / "out")[month].startswith("refused: ")
        assert files(home / "out") == before


# ---- what is refused


@pytest.fixture
def good():
    """Return a row that fits."""
    row = dict.fromkeys((column.name for column in RAW), 1)
    return row | {
        "year": 2013,
        "month": 2,
        "sched_dep_time": 1505,
        "carrier": "B6",
        "tailnum": None,
        "origin": "JFK",
        "dest": "ORD",
    }


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"distance": "far"}, "row 2 has the distance 'far', which is no int32."),
        ({"distance": "1.5"}, "row 2 has the distance '1.5', which is no int32."),
        ({"distance": 2**31}, "row 2 has the distance '2147483648', which is no int32."),
        ({"distance": None}, "row 2 has no distance, which must not be missing."),
        ({"carrier": "NA"}, "row 2 has no carrier, which must not be missing."),
        ({"month": 3}, "row 2 does not belong to 2013-02."),
        ({"year": 2012}, "row 2 does not belong to 2013-02."),
        ({"sched_dep_time": 2400}, "row 2 has the sched_dep_time 2400, which is no time"),
        ({"sched_dep_time": 1060}, "row 2 has the sched_dep_time 1060, which is no time"),
        ({"sched_dep_time": -5}, "row 2 has the sched_dep_time -5, which is no time"),
        ({"day": 30}, "row 2 has the sched_dep_time 1505, which is no time of its day"),
    ],
)
def test_a_value_that_breaks_the_schema_is_named(wrong, words, good, tmp_path):
    source = write_csv(tmp_path / "2013-02_1.csv", [good, good | wrong])
    with pytest.raises(Refused) as refused:
        etl.run_month(source, tmp_path / "out")
    assert str(refused.value).startswith(f"2013-02_1.csv: {words}")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("date", "clock"), [({"month": 3, "day": 10}, 230), ({"month": 11, "day": 3}, 130)]
)
def test_a_time_that_the_clocks_skip_or_show_twice_is_no_instant(date, clock, good, tmp_path):
    row = good | date | {"sched_dep_time": clock}
    source = write_csv(tmp_path / f"2013-{date['month']:02d}_1.csv", [row])
    with pytest.raises(Refused, match="no time of its day"):
        etl.run_month(source, tmp_path / "out")


NAMES = [column.name for column in RAW]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (NAMES[:-1], "it lacks distance"),
        ([*NAMES[:-1], "miles"], "it lacks distance, it has miles, which nobody knows"),
        ([*NAMES, "gate"], "it has gate, which nobody knows"),
        ([*NAMES, "day"], "it has day twice"),
    ],
)
def test_other_columns_are_refused_by_name(columns, words, good, tmp_path):
    good |= {"miles": 1, "gate": 2}
    with pytest.raises(Refused, match=words):
        etl.extract(write_csv(tmp_path / "2013-02_1.csv", [good], columns))


def test_columns_may_come_in_another_order(good, tmp_path):
    etl.run_month(write_csv(tmp_path / "2013-02_1.csv", [good], NAMES[::-1]), tmp_path)
    assert as_values(tmp_path / "2013-02.parquet") == [good]


@pytest.mark.parametrize("content", [b"", b"a\n", b"a,b\n1\n", "a\nM\xfcnchen\n".encode("latin-1")])
def test_what_is_no_table_of_flights_is_refused(content, tmp_path):
    path = tmp_path / "2013-02_1.csv"
    path.write_bytes(content)
    with pytest.raises(Refused, match="2013-02_1.csv"):
        etl.extract(path)


@pytest.mark.parametrize("cut", [-1, -3])
def test_a_file_that_is_cut_off_in_its_last_field_is_noticed(cut, good, tmp_path):
    path = write_csv(tmp_path / "2013-02_1.csv", [good | {"distance": 1400}])
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(Refused, match="cut off"):
        etl.extract(path)


def test_one_bad_month_does_not_stop_the_others(good, tmp_path):
    raw = tmp_path / "raw"
    write_csv(raw / "2013-02_1.csv", [good])
    write_csv(raw / "2013-03_1.csv", [good])
    write_csv(raw / "2013-04_1.csv", [good | {"month": 4}])
    done = etl.run(raw, tmp_path / "out")
    assert done.pop("2013-03").startswith("refused: 2013-03_1.csv: row 1 does not belong")
    assert done == {"2013-02": "processed", "2013-04": "processed"}
    assert not (tmp_path / "out" / "2013-03.parquet").exists()


@pytest.mark.parametrize("name", ["february.csv", "2013-2_1.csv", "2013-13_1.csv", "2013-02.csv"])
def test_a_file_with_another_name_is_not_passed_over(name, tmp_path):
    (tmp_path / name).touch()
    with pytest.raises(CourseError, match=name):
        etl.run(tmp_path, tmp_path / "out")


# ---- what is done again, and the record


def test_the_newest_delivery_counts_and_ten_is_newer_than_nine(good, tmp_path):
    raw, out = tmp_path / "raw", tmp_path / "out"
    for number in (9, 10):
        write_csv(raw / f"2013-02_{number}.csv", [good | {"distance": number}])
    (raw / "2013-02_11.csv.part").touch()  # still being downloaded
    (raw / ".DS_Store").touch()
    etl.run(raw, out)
    assert as_values(out / "2013-02.parquet")[0]["distance"] == 10
    assert etl.read_record(out, "2013-02").source == "2013-02_10.csv"


def test_a_month_is_done_again_when_anything_about_it_has_changed(good, tmp_path, monkeypatch):
    raw, out = tmp_path / "raw", tmp_path / "out"
    source = write_csv(raw / "2013-02_1.csv", [good])

    def run():
        return etl.run(raw, out)["2013-02"]

    assert [run(), run()] == ["processed", "up to date"]
    write_csv(source, [good | {"distance": 2}])
    assert [run(), run()] == ["processed", "up to date"]
    (out / "2013-02.parquet").write_bytes(b"damaged")
    assert [run(), run()] == ["processed", "up to date"]
    (out / "2013-02.parquet").unlink()
    assert [run(), run()] == ["processed", "up to date"]
    for text in ("half a rec", "[]", '{"source": 1}'):
        (out / "2013-02.json").write_text(text, encoding="utf-8")
        assert [run(), run()] == ["processed", "up to date"]
    monkeypatch.setattr(etl, "SCHEMA_VERSION", etl.SCHEMA_VERSION + 1)
    assert [run(), run()] == ["processed", "up to date"]


def test_the_record_says_where_a_month_comes_from(good, tmp_path):
    source = write_csv(tmp_path / "2013-02_7.csv", [good, good])
    record = etl.run_month(source, tmp_path / "out")
    output = tmp_path / "out" / "2013-02.parquet"
    assert etl.read_record(tmp_path / "out", "2013-02") == record
    assert asdict(record) == json.loads(
        (tmp_path / "out" / "2013-02.json").read_text(encoding="utf-8")
    )
    assert (record.source, record.output) == ("2013-02_7.csv", "2013-02.parquet")
    assert record.source_sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    assert record.output_sha256 == hashlib.sha256(output.read_bytes()).hexdigest()
    assert (record.rows_read, record.rows_written, record.rejected) == (2, 1, {"repeated": 1})
    commit = record.code.removesuffix("-dirty")
    assert commit == "unknown" or (len(commit) == 40 and set(commit) <= set(string.hexdigits))


def test_without_git_the_code_is_unknown(good, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    etl._code_version.cache_clear()
    try:
        assert etl.run_month(write_csv(tmp_path / "2013-02_1.csv", [good]), tmp_path).code == (
            "unknown"
        )
    finally:
        etl._code_version.cache_clear()


def test_there_is_no_record_of_a_month_that_is_not_stored(tmp_path):
    assert etl.read_record(tmp_path, "2013-02") is None


def test_a_file_that_another_program_holds_is_reported_and_stays(good, tmp_path, monkeypatch):
    """As on Windows, where an open file cannot be replaced."""
    source = write_csv(tmp_path / "raw" / "2013-02_1.csv", [good])
    etl.run(tmp_path / "raw", tmp_path / "out")
    before = files(tmp_path / "out")
    write_csv(source, [good | {"distance": 2}])

    def refuse(self, target):
        raise PermissionError(13, "in use")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refuse)
        with pytest.raises(CourseError, match="Close the programs"):
            etl.run(tmp_path / "raw", tmp_path / "out")
    assert files(tmp_path / "out").items() >= before.items()
    assert etl.run(tmp_path / "raw", tmp_path / "out") == {"2013-02": "processed"}


def test_a_run_that_meets_another_one_says_so(tmp_path, monkeypatch):
    def refuse(self):
        raise PermissionError(13, "in use")

    (tmp_path / "raw").mkdir()
    (tmp_path / "2013-02.parquet.part").touch()
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(CourseError, match=r"2013-02\.parquet\.part is in use"):
        etl.run(tmp_path / "raw", tmp_path)


def test_a_folder_that_is_read_only_is_reported(good, tmp_path, monkeypatch):
    """Told by the system's error, since who is root may write everywhere."""
    source = write_csv(tmp_path / "2013-02_1.csv", [good])
    (tmp_path / "out").mkdir()

    def refuse(self, mode="r", *args, **options):
        if "w" in mode:
            raise PermissionError(13, "read-only")
        return real(self, mode, *args, **options)

    real = Path.open
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(CourseError, match=r"2013-02\.parquet cannot be written"):
        etl.run_month(source, tmp_path / "out")


def test_a_description_has_a_row_for_each_column():
    table = etl.describe([Column("gate", TEXT, nullable=True), Column("sold", INTEGER, "tickets")])
    assert table.to_numpy().tolist() == [
        ["gate", "string", "", "yes"],
        ["sold", "int32", "tickets", "no"],
    ]


# ---- the bureau, and its months


def test_the_stand_in_delivers_text_with_a_small_mess(tmp_path):
    lines = bureau.deliver(2, tmp_path).read_bytes().decode("utf-8").split("\n")
    assert lines[0].split(",") == NAMES
    assert lines[-1] == ""
    assert lines[1].startswith("2013,2,1,0456,0500,-4,")
    assert any(",NA," in line for line in lines)
    assert lines[bureau.PAGE] == lines[bureau.PAGE + 1]
    flights = data.load_flights([2])
    assert len(lines) - 2 == len(flights) + (len(flights) - 1) // bureau.PAGE


def test_the_stand_in_gives_the_same_bytes_again_and_kilometres_on_demand(tmp_path):
    first = bureau.deliver(9, tmp_path)
    assert first.name == "2013-09_1.csv"
    bytes_ = first.read_bytes()
    assert bureau.deliver(9, tmp_path).read_bytes() == bytes_
    wrong = pd.read_csv(bureau.deliver(9, tmp_path, number=2, in_kilometres=True), dtype=str)
    right = pd.read_csv(first, dtype=str)
    ratio = wrong.pop("distance").astype(int) / right.pop("distance").astype(int)
    assert ratio.between(1.59, 1.62).all()
    pd.testing.assert_frame_equal(wrong, right)


@pytest.mark.parametrize("month", [0, 13, "February"])
def test_the_stand_in_knows_twelve_months(month, tmp_path):
    with pytest.raises(CourseError, match="no month"):
        bureau.deliver(month, tmp_path)


def test_a_month_that_went_through_it_all_is_the_courses_own(tmp_path):
    etl.run_month(bureau.deliver(11, tmp_path), tmp_path / "flights")
    stored = data.load_flights([11], folder=tmp_path)
    pd.testing.assert_frame_equal(stored, data.load_flights([11]))


# ---- a program that is really killed


def test_a_real_kill_leaves_half_a_file_where_the_writer_is_naive(tmp_path):
    home = tmp_path / "my flights"
    source = bureau.deliver(2, home)
    crashes.kill_while_writing(source, home / "2013-02.parquet", "in place", chunks=2)
    with pytest.raises(pa.ArrowInvalid):
        pq.read_table(home / "2013-02.parquet")
    crashes.kill_while_writing(source, home / "2013-02.csv", "CSV in place", chunks=1)
    assert len(pd.read_csv(home / "2013-02.csv")) == etl.CHUNK_ROWS


@pytest.mark.parametrize("chunks", [0, 5])  # before the first, after the last
def test_a_real_kill_leaves_the_old_month_and_the_next_run_tidies_up(chunks, tmp_path):
    home = tmp_path / "my flights"
    etl.run_month(bureau.deliver(1, tmp_path), home)
    source = bureau.deliver(2, tmp_path / "raw")
    for before in (None, b"old"):
        path = home / "2013-02.parquet"
        if before:
            path.write_bytes(before)
        crashes.kill_while_writing(source, path, "whole", chunks)
        assert (path.read_bytes() if path.exists() else None) == before
    (home / "2013-01.json.part").touch()  # of a month that has nothing new
    etl.run(tmp_path / "raw", home)
    assert sorted(files(home)) == [
        f"2013-0{n}.{end}" for n in (1, 2) for end in ("json", "parquet")
    ]


def test_a_program_that_ends_too_soon_is_reported(tmp_path):
    source = bureau.deliver(2, tmp_path)
    with pytest.raises(CourseError, match="ended before it could be killed"):
        crashes.kill_while_writing(source, tmp_path / "2013-02.parquet", "whole", chunks=99)


# ---- pictures


def record(source):
    return etl.Record(source, "", 0, 0, {}, 1, "", "", "")


def test_the_pictures_show_every_delivery_of_every_version():
    lineage = {
        "v1": {"2013-01": record("2013-01_1.csv")},
        "v2": {"2013-01": record("2013-01_12.csv"), "2013-02": record("2013-02_1.csv")},
    }
    (axes,) = data_views.versions_grid(lineage).axes
    assert [text.get_text() for text in axes.texts] == [
        "delivery 1",
        "not yet",
        "delivery 12",
        "delivery 1",
    ]
    assert data_views.describe_versions(lineage) == (
        "v1: 2013-01_1.csv. v2: 2013-01_12.csv, 2013-02_1.csv."
    )
    assert "versions" in [text.get_text() for text in data_views.flow().axes[0].texts]
