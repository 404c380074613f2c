"""A batch: forecasts of all flights of a day, made at once and kept in a file.

It may run twice, be killed, and run again for a corrected timetable: each flight has one forecast,
and a record beside the file says which release and which timetable made it.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import ValidationError
from sklearn.pipeline import Pipeline

from mlops_school import data
from mlops_school.errors import CourseError
from mlops_school.features import (
    OBSERVATION_DELAY,
    OBSERVATION_LIFETIME,
    departure,
    make_features,
    warning_due,
)
from mlops_school.files import replacing, sha256
from mlops_school.forecasts import Flight, Forecaster, what_is_wrong

KEY = ["carrier", "flight", "origin"]  # what tells the flights of a day apart
TIMETABLE = [*KEY, "dest", "departure", "tailnum"]


@dataclass(frozen=True)
class Record:
    """Where the forecasts of a day come from.

    Attributes
    ----------
    release : str
        The release that made them.
    known_by : str
        The moment, in UTC, after which no weather was used.
    timetable_sha256 : str
        SHA-256 of the timetable that was read.
    forecasts, warnings : int
        How many there are.
    refused : dict of str to str
        The flights that could not be forecast, and why.
    output_sha256 : str
        SHA-256 of the file of forecasts.
    """

    release: str
    known_by: str
    timetable_sha256: str
    forecasts: int
    warnings: int
    refused: dict[str, str]
    output_sha256: str


def timetable(day: date) -> pd.DataFrame:
    """Return what was scheduled on a day of 2013: a stand-in for the file that airlines send.

    Returns
    -------
    DataFrame of shape (n_flights, 6)
        The columns ``TIMETABLE``; ``departure`` is text, with its offset from UTC.
    """
    flights = data.load_flights([day.month])
    flights = flights[flights["day"] == day.day]
    local = departure(flights).dt.tz_convert(data.NEW_YORK)
    table = flights.assign(departure=[moment.isoformat() for moment in local])
    return table.sort_values(["time_hour", "minute", *KEY])[TIMETABLE].reset_index(drop=True)


def forecast(
    table: pd.DataFrame, forecaster: Forecaster, known_by: pd.Timestamp | None = None
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Forecast the flights of a timetable.

    Parameters
    ----------
    table : DataFrame
        The columns ``TIMETABLE``. If it lists a flight twice, the last row counts.
    forecaster : Forecaster
        Who forecasts; the same object that answers single requests.
    known_by : Timestamp, optional
        When the batch runs: see :meth:`Forecaster.forecast`.

    Returns
    -------
    forecasts : DataFrame
        One row a flight: ``KEY``, ``dest``, ``departure``, ``probability``, ``warn``, ``release``.
    refused : dict of str to str
        Flights that cannot be forecast, and why. One bad row does not stop the others.
    """
    table = table.drop_duplicates(KEY, keep="last")
    fields = list(Flight.model_fields)
    rows, flights, refused = [], [], {}
    for row in table.to_dict("records"):
        try:
            known = {name: row[name] for name in fields if not pd.isna(row[name])}
            flights.append(Flight(**known))
            rows.append({name: row[name] for name in [*KEY, "dest", "departure"]})
        except ValidationError as error:
            wrong = what_is_wrong(error.errors()[0])
            name = " ".join(str(row[part]) for part in KEY)
            refused[name] = f"{wrong['where']}: {wrong['what']}"
    found = [one.model_dump() for one in forecaster.forecast(flights, known_by)]
    columns = [*KEY, "dest", "departure", "probability", "warn", "release"]
    merged = [row | one for row, one in zip(rows, found, strict=True)]
    return pd.DataFrame(merged, columns=columns), refused


def run(source: Path, output: Path, forecaster: Forecaster, known_by: pd.Timestamp) -> Record:
    """Forecast the flights of a timetable, unless that was done; either way, return the record.

    Parameters
    ----------
    source : Path
        The timetable, a CSV file with the columns ``TIMETABLE``.
    output : Path
        The CSV file of forecasts; the record lies beside it, with the suffix ``.json``.
    forecaster, known_by
        As for :func:`forecast`.

    Raises
    ------
    CourseError
        If the timetable cannot be read, or a file cannot be written.
    """
    record_file = output.with_suffix(".json")
    made_from = {
        "release": forecaster.package.version,
        "known_by": known_by.tz_convert("UTC").isoformat(),
        "timetable_sha256": sha256(source),
    }
    done = _read_record(record_file)
    if done and made_from.items() <= asdict(done).items() and _is(output, done.output_sha256):
        return done
    forecasts, refused = forecast(_read(source), forecaster, known_by)
    with replacing(output) as part:  # never half of the new one, and until then the old one
        forecasts.to_csv(part, index=False, encoding="utf-8", lineterminator="\n")
    record = Record(
        **made_from,
        forecasts=len(forecasts),
        warnings=int(forecasts["warn"].sum()),
        refused=refused,
        output_sha256=sha256(output),
    )
    # The record comes last: killed before it, the next run does not find it, and does all again.
    with replacing(record_file) as part:
        part.write_text(json.dumps(asdict(record), indent=2) + "\n", encoding="utf-8")
    return record


def replay(flights: pd.DataFrame, hours: int, model: Pipeline) -> np.ndarray:
    """Return what a batch that runs every so many hours would have said of each flight.

    The last run before a warning is due makes the forecast, with the weather known at that run.

    Parameters
    ----------
    flights : DataFrame
        As :func:`data.load_flights` returns them.
    hours : int
        From one run to the next, beginning at midnight in New York.
    model : Pipeline
        It gives the probabilities.

    Returns
    -------
    ndarray of shape (n_flights,)
        The probability of each.
    """
    weather, planes = data.load_weather(), data.load_planes()
    known = weather["time_hour"] + OBSERVATION_DELAY
    runs = warning_due(flights).dt.tz_convert(data.NEW_YORK).dt.floor(f"{hours}h")
    tables = []
    for run_at, group in flights.groupby(runs):
        # What is older than this is too old for any flight of the run: the fewer rows, the faster.
        usable = known.between(run_at - OBSERVATION_LIFETIME, run_at)
        tables.append(make_features(group, weather[usable], planes))
    return model.predict_proba(pd.concat(tables).loc[flights.index])[:, 1]


def _read(source: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(source, encoding="utf-8", dtype=dict.fromkeys(TIMETABLE, data.TEXT))
    except ValueError as error:  # no CSV, or no UTF-8
        raise CourseError(f"{source.name} cannot be read as CSV: {error}.") from None
    if missing := [name for name in TIMETABLE if name not in table]:
        raise CourseError(f"{source.name} has no column {', '.join(missing)}.")
    return table


def _read_record(path: Path) -> Record | None:
    try:
        facts: Mapping = json.loads(path.read_text(encoding="utf-8"))
        return Record(**facts)
    except (OSError, ValueError, TypeError):
        return None


def _is(path: Path, digest: str) -> bool:
    return path.exists() and sha256(path) == digest
