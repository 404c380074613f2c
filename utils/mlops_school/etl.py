"""Extract, transform, load: months of flights, from the bureau's CSV files to Parquet.

A run may be repeated, and killed at any moment: a month is there as a whole or not at all, and
once. Beside each month lies a record of where it comes from.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from mlops_school.data import NEW_YORK
from mlops_school.errors import CourseError
from mlops_school.files import UNFINISHED, arrived, replacing, sha256
from mlops_school.paths import ROOT
from mlops_school.repository import Repository

SCHEMA_VERSION = 1  # raise it when the schema or the transform changes: all months come again
CHUNK_ROWS = 5_000  # how many rows are written at a time
MISSING = ("", "NA")  # how the bureau writes that a value is missing

INTEGER, FLOAT, TEXT = pa.int32(), pa.float64(), pa.string()
TIME = pa.timestamp("ms", "UTC")


class Refused(CourseError):
    """A source does not fit its schema; nothing of it was stored."""


@dataclass(frozen=True)
class Column:
    """What is promised of a column.

    Attributes
    ----------
    name : str
        Its name in the file.
    type : DataType
        ``INTEGER``, ``FLOAT``, ``TEXT`` or ``TIME``.
    unit : str
        What its numbers count, empty where they count nothing.
    nullable : bool
        Whether a value may be missing.
    """

    name: str
    type: pa.DataType
    unit: str = ""
    nullable: bool = False


_HHMM = "hhmm, local"
RAW = (
    Column("year", INTEGER),
    Column("month", INTEGER),
    Column("day", INTEGER),
    Column("dep_time", INTEGER, _HHMM, nullable=True),
    Column("sched_dep_time", INTEGER, _HHMM),
    Column("dep_delay", INTEGER, "minutes", nullable=True),
    Column("arr_time", INTEGER, _HHMM, nullable=True),
    Column("sched_arr_time", INTEGER, _HHMM),
    Column("arr_delay", INTEGER, "minutes", nullable=True),
    Column("carrier", TEXT),
    Column("flight", INTEGER),
    Column("tailnum", TEXT, nullable=True),
    Column("origin", TEXT),
    Column("dest", TEXT),
    Column("air_time", INTEGER, "minutes", nullable=True),
    Column("distance", INTEGER, "miles"),
)
DERIVED = (
    Column("hour", INTEGER, "hours"),
    Column("minute", INTEGER, "minutes"),
    Column("time_hour", TIME, "UTC"),
)
SCHEMA = RAW + DERIVED


@dataclass(frozen=True)
class Record:
    """Where a stored month comes from: its lineage.

    Attributes
    ----------
    source, source_sha256 : str
        Name and SHA-256 of the file that was read.
    rows_read, rows_written : int
        How many rows the source has, and how many were stored.
    rejected : dict of str to int
        How many rows were not stored, by reason.
    schema_version : int
        The schema and transform that were in force.
    code : str
        Git commit of the course, ending in ``-dirty`` if files differ from it; ``unknown`` outside
        a repository.
    output, output_sha256 : str
        Name and SHA-256 of the file that was written.
    """

    source: str
    source_sha256: str
    rows_read: int
    rows_written: int
    rejected: dict[str, int]
    schema_version: int
    code: str
    output: str
    output_sha256: str


class Delivery(NamedTuple):
    """A file of the bureau, such as ``2013-02_1.csv``: month 2013-02, delivery 1."""

    month: str
    number: int
    path: Path


def extract(path: Path) -> pa.Table:
    """Return the rows of a CSV file, every value as text, in the order of ``RAW``.

    Raises
    ------
    Refused
        If the file is cut off, cannot be read as CSV, or has other columns.
    """
    content = path.read_bytes()
    if not content.endswith(b"\n"):
        raise Refused(f"{path.name} ends in the middle of a line: it was probably cut off.")
    try:
        table = pa.csv.read_csv(
            pa.BufferReader(content),
            parse_options=pa.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            convert_options=pa.csv.ConvertOptions(
                column_types={column.name: TEXT for column in RAW},
                null_values=list(MISSING),
                strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid as error:
        raise Refused(f"{path.name} cannot be read as CSV. {error}") from None
    names, found = [column.name for column in RAW], table.column_names
    problems = [f"it lacks {name}" for name in names if name not in found]
    problems += [f"it has {name}, which nobody knows" for name in found if name not in names]
    problems += [f"it has {name} twice" for name in names if found.count(name) > 1]
    if problems:
        raise Refused(f"{path.name} has other columns than the schema: {', '.join(problems)}.")
    return table.select(names)


def transform(raw: pa.Table, month: str) -> tuple[pa.Table, dict[str, int]]:
    """Give the rows of a month their types, and the columns that follow from others.

    Parameters
    ----------
    raw : Table
        What :func:`extract` returns.
    month : str
        Year and month, such as ``2013-02``.

    Returns
    -------
    table : Table
        The columns of ``SCHEMA``, in the order of the source.
    rejected : dict of str to int
        How many rows were left out, by reason.

    Raises
    ------
    Refused
        If a value does not fit the schema, or a row belongs to another month.
    """
    repeated = raw.to_pandas().duplicated().to_numpy()
    table = pa.table([convert(raw[column.name], column) for column in RAW], schema=_schema(RAW))
    year, number = map(int, month.split("-"))
    dates = table.select(["year", "month", "day"]).to_pandas()
    stranger = ((dates["year"] != year) | (dates["month"] != number)).to_numpy()
    if stranger.any():
        raise Refused(f"row {stranger.argmax() + 1} does not belong to {month}.")
    table = pa.table([*table.columns, *_derived(table, dates)], schema=_schema(SCHEMA))
    return table.filter(~repeated), {"repeated": int(repeated.sum())}


def convert(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    """Give the values of a column their type.

    Raises
    ------
    Refused
        If a value is not of the type, or is missing where it must not be.
    """
    if values.null_count and not column.nullable:
        row = values.is_null().index(True).as_py() + 1
        raise Refused(f"row {row} has no {column.name}, which must not be missing.")
    try:
        return values.cast(column.type)
    except pa.ArrowInvalid:
        row = next(row for row, value in enumerate(values) if not _casts(value, column.type))
        raise Refused(
            f"row {row + 1} has the {column.name} {values[row].as_py()!r}, which is no "
            f"{column.type}."
        ) from None


def write_in_place(chunks: Iterable[pa.Table], path: Path) -> None:
    """Write a Parquet file chunk by chunk, over the one that is there. Half of it is no file."""
    chunks = iter(chunks)
    first = next(chunks)
    with (
        path.open("wb") as stream,
        pq.ParquetWriter(stream, first.schema, compression="zstd") as writer,
    ):
        writer.write_table(first)
        for chunk in chunks:
            writer.write_table(chunk)


def write_whole(chunks: Iterable[pa.Table], path: Path) -> None:
    """Write a Parquet file that replaces the old one in one step, when it is whole.

    Raises
    ------
    CourseError
        If the file cannot be written, for example as another program keeps the old one open.
    """
    with replacing(path) as part:
        write_in_place(chunks, part)


def in_chunks(table: pa.Table) -> Iterator[pa.Table]:
    """Yield the rows of a table in chunks, at least one."""
    for start in range(0, max(len(table), 1), CHUNK_ROWS):
        yield table.slice(start, CHUNK_ROWS)


def run_month(source: Path, folder: Path) -> Record:
    """Extract, transform and load one month, and return the record that is left beside it.

    Parameters
    ----------
    source : Path
        A file of the bureau, such as ``2013-02_1.csv``.
    folder : Path
        Where ``2013-02.parquet`` and ``2013-02.json`` are to be.

    Raises
    ------
    Refused
        If the source does not fit its schema. Then `folder` is as it was.
    """
    month = _delivery(source).month
    raw = extract(source)
    try:
        table, rejected = transform(raw, month)
    except Refused as problem:
        raise Refused(f"{source.name}: {problem}") from None
    output = folder / f"{month}.parquet"
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(in_chunks(table), output)
    record = Record(
        source=source.name,
        source_sha256=sha256(source),
        rows_read=len(raw),
        rows_written=len(table),
        rejected=rejected,
        schema_version=SCHEMA_VERSION,
        code=_code_version(),
        output=output.name,
        output_sha256=sha256(output),
    )
    # The record comes last: a run that is killed before it leaves a month that is done again.
    text = json.dumps(asdict(record), indent=2) + "\n"
    with replacing(folder / f"{month}.json") as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    return record


def run(raw: Path, folder: Path) -> dict[str, str]:
    """Process the newest delivery of each month, unless it was processed before.

    Parameters
    ----------
    raw : Path
        The folder of the bureau's files.
    folder : Path
        Where the months are to be.

    Returns
    -------
    dict of str to str
        What was done with each month: ``processed``, ``up to date``, or ``refused:`` and why. A
        refused delivery leaves what an earlier one has stored.

    Raises
    ------
    CourseError
        If a file in `raw` is not named as a delivery, or (on Windows) another run is at work.
    """
    newest = {delivery.month: delivery.path for delivery in deliveries(raw)}
    _tidy(folder)
    done = {}
    for month, source in newest.items():
        if _is_up_to_date(source, folder, month):
            done[month] = "up to date"
            continue
        try:
            run_month(source, folder)
            done[month] = "processed"
        except Refused as problem:
            done[month] = f"refused: {problem}"
    return done


def deliveries(raw: Path) -> list[Delivery]:
    """Return the bureau's files in a folder, by month and number of delivery."""
    return sorted(map(_delivery, arrived(raw)))


def read_record(folder: Path, month: str) -> Record | None:
    """Return the record of a stored month, or None if there is none that can be read."""
    try:
        return parse_record((folder / f"{month}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        return None


def parse_record(text: str) -> Record:
    """Return the record that a JSON text holds."""
    return Record(**json.loads(text))


def describe(columns: Sequence[Column] = SCHEMA) -> pd.DataFrame:
    """Return a schema as a table, one row a column."""
    rows = [(c.name, str(c.type), c.unit, "yes" if c.nullable else "no") for c in columns]
    return pd.DataFrame(rows, columns=["column", "type", "unit", "may be missing"])


def _schema(columns: Sequence[Column]) -> pa.Schema:
    return pa.schema([pa.field(c.name, c.type, nullable=c.nullable) for c in columns])


def _casts(value: pa.Scalar, type_: pa.DataType) -> bool:
    try:
        value.cast(type_)
    except pa.ArrowInvalid:
        return False
    return True


def _derived(table: pa.Table, dates: pd.DataFrame) -> list[pa.Array]:
    """Return hour, minute and the instant of the hour of each scheduled departure."""
    clock = table["sched_dep_time"].to_numpy()
    hour, minute = np.divmod(clock, 100)
    # pandas knows time zones on every system, Arrow not on Windows. A time that the clocks skip,
    # or show twice, is no instant.
    local = pd.to_datetime(dates.assign(hour=hour), errors="coerce")
    local = local.where((hour >= 0) & (hour < 24) & (minute < 60))
    instant = local.dt.tz_localize(NEW_YORK, ambiguous="NaT", nonexistent="NaT")
    if (unclear := instant.isna().to_numpy()).any():
        row = unclear.argmax()
        raise Refused(
            f"row {row + 1} has the sched_dep_time {clock[row]}, which is no time of its day."
        )
    return [
        pa.array(hour, INTEGER),
        pa.array(minute, INTEGER),
        pa.array(instant.dt.tz_convert("UTC"), TIME),
    ]


def _tidy(folder: Path) -> None:
    """Remove what a run that was killed has left."""
    for part in folder.glob(f"*{UNFINISHED}"):
        try:
            part.unlink()
        except PermissionError:
            raise CourseError(
                f"{part} is in use: another run is probably at work. Wait for its end, or end the "
                "program that runs it."
            ) from None


def _delivery(path: Path) -> Delivery:
    name = re.fullmatch(r"(\d{4}-(?:0[1-9]|1[0-2]))_(\d+)\.csv", path.name)
    if not name:
        raise CourseError(
            f"{path.name} is not named as a delivery of the bureau, such as 2013-02_1.csv: month, "
            "_, number of the delivery. Rename it, or take it out of the folder."
        )
    return Delivery(name[1], int(name[2]), path)


def _is_up_to_date(source: Path, folder: Path, month: str) -> bool:
    record, output = read_record(folder, month), folder / f"{month}.parquet"
    return (
        record is not None
        and record.schema_version == SCHEMA_VERSION
        and record.source_sha256 == sha256(source)
        and record.source == source.name
        and output.exists()
        and record.output_sha256 == sha256(output)
    )


@cache
def _code_version() -> str:
    describe_commit = ("describe", "--always", "--abbrev=40", "--dirty", "--exclude=*")
    try:
        return Repository(ROOT).git(*describe_commit)
    except CourseError:  # no Git, or no repository
        return "unknown"
