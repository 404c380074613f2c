"""The year of data on its way through lessons 05 to 08, in one process."""

import shutil
from pathlib import Path

import pandas as pd

from mlops_school import bureau, data, etl, exploration
from mlops_school.features import make_features
from mlops_school.quarantine import Gate


def flow(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Take all months from the bureau's CSV files to features.

    Parameters
    ----------
    folder : Path
        Receives the raw files, what the pipeline makes of them, and what the gate accepts.

    Returns
    -------
    rates : DataFrame
        The share of late flights by the hour, over the months that were accepted.
    table : DataFrame of shape (n_flights, n_features)
        ``features.FEATURES`` of every flight of those months.
    """
    for month in data.MONTHS:
        bureau.deliver(month, folder / "raw")
    etl.run(folder / "raw", folder / "flights")

    gate = Gate(folder / "gate")
    for path in sorted((folder / "flights").glob("*.parquet")):
        shutil.copy(path, gate.inbox)
    gate.receive()

    accepted = {path.stem for path in (gate.accepted / "flights").iterdir()}
    months = [month for month in data.MONTHS if f"2013-{month:02d}" in accepted]
    flights = data.load_flights(months, folder=gate.accepted)
    late, date = exploration.label(flights), pd.to_datetime(flights[["year", "month", "day"]])
    rates = exploration.rate_by(flights.assign(late=late, date=date), "hour")
    return rates, make_features(flights, data.load_weather(), data.load_planes())
