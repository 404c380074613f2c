"""The data of the course: Parquet files in, pandas frames out.

``course/data/README.md`` says what each column means, and which faults were left in.
"""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from mlops_school.errors import CourseError
from mlops_school.paths import DATA

MONTHS = tuple(range(1, 13))
NEW_YORK = "America/New_York"
KM_PER_MILE = 1.609344
TEXT = pd.StringDtype(storage="pyarrow", na_value=np.nan)  # what pandas gets for text

# A column has one type, whatever rows are loaded: in a month without a gap, a number that can be
# missing is still a float.
_INTEGER, _FLOAT, _TEXT, _TIME = pa.int64(), pa.float64(), pa.string(), pa.timestamp("ns", "UTC")
_PANDAS_TYPES = {_TEXT: TEXT}
_CONVERTS = {
    _INTEGER: pa.types.is_integer,
    _FLOAT: lambda type_: pa.types.is_integer(type_) or pa.types.is_floating(type_),
    _TEXT: lambda type_: pa.types.is_string(type_) or pa.types.is_large_string(type_),
    _TIME: lambda type_: pa.types.is_timestamp(type_) and type_.tz == "UTC",
}


def _schema(*columns: tuple[str, pa.DataType]) -> pa.Schema:
    return pa.schema([(name, type_) for names, type_ in columns for name in names.split()])


_FLIGHTS = _schema(
    ("year month day", _INTEGER),
    ("dep_time", _FLOAT),
    ("sched_dep_time", _INTEGER),
    ("dep_delay arr_time", _FLOAT),
    ("sched_arr_time", _INTEGER),
    ("arr_delay", _FLOAT),
    ("carrier", _TEXT),
    ("flight", _INTEGER),
    ("tailnum origin dest", _TEXT),
    ("air_time", _FLOAT),
    ("distance hour minute", _INTEGER),
    ("time_hour", _TIME),
)
_WEATHER = _schema(
    ("origin", _TEXT),
    ("year month day hour", _INTEGER),
    ("temp dewp humid wind_dir wind_speed wind_gust precip pressure visib", _FLOAT),
    ("time_hour", _TIME),
)
_PLANES = _schema(
    ("tailnum", _TEXT),
    ("year", _FLOAT),
    ("type manufacturer model", _TEXT),
    ("engines seats", _INTEGER),
    ("speed", _FLOAT),
    ("engine", _TEXT),
)
_AIRPORTS = _schema(
    ("faa name", _TEXT),
    ("lat lon", _FLOAT),
    ("alt tz", _INTEGER),
    ("dst tzone", _TEXT),
)
_AIRLINES = _schema(("carrier name", _TEXT))
_GERMAN_CREDIT = _schema(
    ("status_of_existing_checking_account", _TEXT),
    ("duration_in_month", _INTEGER),
    ("credit_history purpose", _TEXT),
    ("credit_amount", _INTEGER),
    ("savings_account_and_bonds present_employment_since", _TEXT),
    ("installment_rate_in_percentage_of_disposable_income", _INTEGER),
    ("personal_status_and_sex other_debtors_or_guarantors", _TEXT),
    ("present_residence_since", _INTEGER),
    ("property", _TEXT),
    ("age_in_years", _INTEGER),
    ("other_installment_plans housing", _TEXT),
    ("number_of_existing_credits_at_this_bank", _INTEGER),
    ("job", _TEXT),
    ("number_of_people_being_liable_to_provide_maintenance_for", _INTEGER),
    ("telephone foreign_worker creditability", _TEXT),
)


def load_flights(
    months: Iterable[int] = MONTHS, columns: Sequence[str] | None = None, folder: Path = DATA
) -> pd.DataFrame:
    """Return the flights of these months of 2013, one row a flight.

    Parameters
    ----------
    months : iterable of int
        Which months, from 1 to 12. They come in calendar order, each once.
    columns : sequence of str, optional
        Which columns to read, in this order, each once; all of them by default.
    folder : Path
        Where the data sets are.

    Raises
    ------
    CourseError
        If there is no such month or column, or if a file is missing or damaged.
    """
    if unknown := [name for name in columns or () if name not in _FLIGHTS.names]:
        raise CourseError(
            f"Flights have no column {', '.join(map(str, unknown))}. "
            f"Their columns are {', '.join(_FLIGHTS.names)}."
        )
    files = _flight_files(months, folder)
    return _to_pandas(pa.concat_tables(_read(file, _FLIGHTS, columns) for file in files))


def load_weather(folder: Path = DATA) -> pd.DataFrame:
    """Return the weather at the three airports, one row an airport and hour."""
    return _to_pandas(_read(folder / "weather.parquet", _WEATHER))


def load_planes(folder: Path = DATA) -> pd.DataFrame:
    """Return the registered aircraft, one row a tail number."""
    return _to_pandas(_read(folder / "planes.parquet", _PLANES))


def load_airports(folder: Path = DATA) -> pd.DataFrame:
    """Return the airports, one row a code."""
    return _to_pandas(_read(folder / "airports.parquet", _AIRPORTS))


def load_airlines(folder: Path = DATA) -> pd.DataFrame:
    """Return the airlines, one row a carrier code."""
    return _to_pandas(_read(folder / "airlines.parquet", _AIRLINES))


def load_german_credit(folder: Path = DATA) -> pd.DataFrame:
    """Return the applicants of the German credit data, one row a person.

    They have nothing to do with flights; fairness among people is tried on them.
    """
    return _to_pandas(_read(folder / "german_credit.parquet", _GERMAN_CREDIT))


def clock_minutes(clock: pd.Series) -> pd.Series:
    """Return the minutes since midnight of clock times in the form hhmm."""
    return clock // 100 * 60 + clock % 100


def as_flights(table: pa.Table) -> pa.Table:
    """Return a table of flights in the types that :func:`load_flights` gives.

    Files keep numbers and times in other widths. What does not convert without a guess, such as a
    number that is written as text, stays as it is, and so do unknown columns.
    """
    fields = list(table.schema)
    for place, field in enumerate(fields):
        if field.name in _FLIGHTS.names:
            known = _FLIGHTS.field(field.name)
            if _CONVERTS[known.type](field.type):
                fields[place] = known
    return table.cast(pa.schema(fields))


def version(months: Iterable[int] = MONTHS, folder: Path = DATA) -> str:
    """Return 12 hexadecimal digits that stand for all that training on these months reads.

    They are made from the bytes of the months' flights and of the other four files: equal bytes
    give an equal version, and a change of one byte gives another.

    Raises
    ------
    CourseError
        If there is no such month, or if a file is missing.
    """
    names = ("weather.parquet", "planes.parquet", "airports.parquet", "airlines.parquet")
    digest = hashlib.sha256()
    for path in [*_flight_files(months, folder), *(folder / name for name in names)]:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise _unreadable(path, error) from error
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()[:12]


def _flight_files(months: Iterable[int], folder: Path) -> list[Path]:
    asked = set(months) if isinstance(months, Iterable) else set()
    if not asked or asked - set(MONTHS):
        raise CourseError(
            "Months are given as a list of numbers from 1 to 12, such as months=[1, 2]; "
            f"{months!r} is not one."
        )
    return [folder / "flights" / f"2013-{month:02d}.parquet" for month in MONTHS if month in asked]


def _read(path: Path, schema: pa.Schema, columns: Sequence[str] | None = None) -> pa.Table:
    """Read some columns, by default all, of a file that must have those of the schema."""
    columns = schema.names if columns is None else list(dict.fromkeys(columns))
    try:
        # Opened here, so that it is closed whatever happens: Windows replaces no open file.
        with path.open("rb") as stream:
            file = pq.ParquetFile(stream, page_checksum_verification=True)
            if not _fits(file.schema_arrow, schema):
                raise ValueError(f"other columns than {schema.names}")
            types = pa.schema([schema.field(name) for name in columns])
            return file.read(columns).cast(types)
    except (OSError, ValueError) as error:  # these two cover Arrow's errors and broken UTF-8
        raise _unreadable(path, error) from error


def _fits(found: pa.Schema, schema: pa.Schema) -> bool:
    """Tell whether these are the columns of the schema, in types that convert without a guess."""
    return found.names == schema.names and all(
        _CONVERTS[wanted](type_) for type_, wanted in zip(found.types, schema.types, strict=True)
    )


def _unreadable(path: Path, error: Exception) -> CourseError:
    if isinstance(error, FileNotFoundError):
        problem = f"There is no {path}."
    else:
        problem = f"{path} cannot be read: it is damaged, or not the file that belongs there."
    if path.absolute().is_relative_to(DATA):
        cure = (
            "To restore it, run `git checkout -- course/data` or `python course/data/rebuild.py` "
            "in the folder of the course."
        )
    else:
        cure = f"Copy it again from {DATA}."
    return CourseError(f"{problem} {cure}")


def _to_pandas(table: pa.Table) -> pd.DataFrame:
    return table.to_pandas(types_mapper=_PANDAS_TYPES.get)
