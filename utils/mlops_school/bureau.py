"""A stand-in for the bureau that publishes a CSV file of flights every month.

The course ships the flights as Parquet. Here they become again what one really downloads: text.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from mlops_school.data import KM_PER_MILE, MONTHS
from mlops_school.errors import CourseError
from mlops_school.files import replacing
from mlops_school.paths import DATA

PAGE = 10_000  # the last line of a full page comes again as the first one of the next

_CLOCK = ("dep_time", "sched_dep_time", "arr_time", "sched_arr_time")
_COMPUTED = ("hour", "minute", "time_hour")  # not in the bureau's file


def deliver(month: int, raw: Path, number: int = 1, in_kilometres: bool = False) -> Path:
    """Write the bureau's file of a month of 2013 into a folder, and return its path.

    Everything is text: clock times have four digits, a missing tail number is ``NA``, any other
    missing value is empty, and some lines come twice.

    Parameters
    ----------
    month : int
        From 1 to 12.
    raw : Path
        The folder of the deliveries.
    number : int
        Which delivery of that month it is: corrections come later, under a new name.
    in_kilometres : bool
        Whether the bureau makes a mistake: distances in kilometres in place of miles.

    Raises
    ------
    CourseError
        If there is no such month, or the file cannot be written.
    """
    if month not in MONTHS:
        raise CourseError(f"There is no month {month!r}; give a number from 1 to 12.")
    table = pq.read_table(DATA / "flights" / f"2013-{month:02d}.parquet").drop(list(_COMPUTED))
    if in_kilometres:
        distance = pc.round(pc.multiply(table["distance"], KM_PER_MILE)).cast(pa.int32())
        table = table.set_column(table.column_names.index("distance"), "distance", distance)
    columns = {name: table[name].cast(pa.string()) for name in table.column_names}
    for name in _CLOCK:
        columns[name] = pc.utf8_lpad(columns[name], 4, padding="0")
    columns["tailnum"] = columns["tailnum"].fill_null("NA")
    text = pa.table(columns)
    pages = [
        text.slice(max(start - 1, 0), PAGE + (start > 0)) for start in range(0, len(text), PAGE)
    ]

    raw.mkdir(parents=True, exist_ok=True)
    path = raw / f"2013-{month:02d}_{number}.csv"
    with replacing(path) as part, part.open("wb") as stream:
        stream.write((",".join(text.column_names) + "\n").encode("utf-8"))
        pa.csv.write_csv(
            pa.concat_tables(pages),
            stream,
            pa.csv.WriteOptions(include_header=False, quoting_style="none"),
        )
    return path
