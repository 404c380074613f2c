"""From a request to a forecast: what every way of serving the model shares."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Annotated

import pandas as pd
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from mlops_school import data
from mlops_school.features import make_features
from mlops_school.model_package import ModelPackage

_YEAR = 2013  # whose weather the service replays


def _known_carrier(code: str) -> str:
    if code not in _carriers():
        raise ValueError(f"no carrier {code!r} flies from New York")
    return code


class Flight(BaseModel):
    """A flight to forecast: what its timetable says.

    Attributes
    ----------
    carrier : str
        Two characters, such as ``UA``.
    origin, dest : str
        Airports, three letters each, such as ``EWR`` and ``ORD``.
    departure : datetime
        When it is scheduled to leave, with its offset from UTC.
    tailnum : str, optional
        The registration of the aircraft, if it is known already.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    carrier: Annotated[str, AfterValidator(_known_carrier)] = Field(examples=["UA"])
    origin: str = Field(examples=["EWR"])
    dest: str = Field(examples=["ORD"])
    departure: AwareDatetime = Field(examples=["2013-07-01T17:30:00-04:00"])
    tailnum: str | None = Field(None, max_length=6, examples=["N14228"])

    @model_validator(mode="after")
    def _on_a_known_route(self) -> "Flight":
        if (self.origin, self.dest) not in _distances():
            raise ValueError(f"no flights from {self.origin!r} to {self.dest!r} are known")
        return self

    @model_validator(mode="after")
    def _in_the_year(self) -> "Flight":
        if pd.Timestamp(self.departure).tz_convert(data.NEW_YORK).year != _YEAR:
            raise ValueError(f"departure must be in {_YEAR}, whose weather this service replays")
        return self


class Forecast(BaseModel):
    """What the service says of a flight.

    Attributes
    ----------
    probability : float
        How probable it is that the flight arrives 15 or more minutes late.
    warn : bool
        Whether that is enough for a warning.
    release : str
        The release of the model that says so.
    """

    probability: float = Field(ge=0, le=1)
    warn: bool
    release: str


class Forecaster:
    """Forecasts flights with a delivered model and the weather that was known in time.

    Parameters
    ----------
    package : ModelPackage
        The model. It can be replaced while others forecast: each answer is of one release.
    """

    def __init__(self, package: ModelPackage) -> None:
        self.package = package
        self._weather = data.load_weather()
        self._planes = data.load_planes()
        _carriers(), _distances()  # now, so that the first request need not wait for them

    def forecast(self, flights: Sequence[Flight]) -> list[Forecast]:
        """Return the forecast of each flight."""
        if not flights:
            return []
        package = self.package
        probability = package.model.predict_proba(self.features(flights))[:, 1]
        return [
            Forecast(probability=p, warn=p >= package.threshold, release=package.version)
            for p in probability
        ]

    def features(self, flights: Sequence[Flight]) -> pd.DataFrame:
        """Return the features of each flight, made by the function that training uses.

        Returns
        -------
        DataFrame of shape (n_flights, n_features)
            The columns ``features.FEATURES``.
        """
        return make_features(as_table(flights), self._weather, self._planes)


def as_table(flights: Sequence[Flight]) -> pd.DataFrame:
    """Return flights in the columns of ``data.load_flights`` that are known in advance."""
    departure = pd.Series(pd.to_datetime([flight.departure for flight in flights], utc=True))
    local = departure.dt.tz_convert(data.NEW_YORK)
    return pd.DataFrame(
        {
            "carrier": _text(flight.carrier for flight in flights),
            "origin": _text(flight.origin for flight in flights),
            "dest": _text(flight.dest for flight in flights),
            "tailnum": _text(flight.tailnum for flight in flights),
            "distance": [_distances()[flight.origin, flight.dest] for flight in flights],
            "year": local.dt.year,
            "month": local.dt.month,
            "day": local.dt.day,
            "hour": local.dt.hour,
            "minute": local.dt.minute,
            "time_hour": departure.dt.floor("h"),
        }
    )


def as_flights(table: pd.DataFrame) -> list[Flight]:
    """Return rows of ``data.load_flights`` as the requests that a client would send."""
    departure = table["time_hour"] + pd.to_timedelta(table["minute"], unit="min")
    rows = table.assign(departure=departure.dt.tz_convert(data.NEW_YORK))
    rows["tailnum"] = rows["tailnum"].astype(object).where(rows["tailnum"].notna(), None)
    columns = list(Flight.model_fields)
    return [Flight(**row) for row in rows[columns].to_dict("records")]


def _text(values: Iterable[str | None]) -> pd.Series:
    return pd.Series(list(values), dtype=data.TEXT)


@cache
def _carriers() -> frozenset[str]:
    return frozenset(data.load_airlines()["carrier"])


@cache
def _distances() -> dict[tuple[str, str], int]:
    """Return the distance of each route, in miles, as the timetable gave it first."""
    columns = ["origin", "dest", "distance"]
    months = (data.load_flights([month])[columns].drop_duplicates() for month in data.MONTHS)
    routes = pd.concat(months).drop_duplicates(["origin", "dest"])  # one month at a time in memory
    return routes.set_index(["origin", "dest"])["distance"].to_dict()
