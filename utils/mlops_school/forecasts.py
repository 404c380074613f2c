"""From a request to a forecast: what every way of serving the model shares."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import pandas as pd
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from mlops_school import data
from mlops_school.features import (
    HORIZON,
    OBSERVATION_DELAY,
    OBSERVATION_LIFETIME,
    departure,
    make_features,
)
from mlops_school.model_package import ModelPackage

_YEAR = 2013  # whose weather the service replays


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

    carrier: str = Field(
        examples=["UA"], json_schema_extra=lambda schema: schema.update(enum=sorted(_carriers()))
    )
    origin: str = Field(
        examples=["EWR"], json_schema_extra=lambda schema: schema.update(enum=_places(0))
    )
    dest: str = Field(
        examples=["ORD"], json_schema_extra=lambda schema: schema.update(enum=_places(1))
    )
    departure: AwareDatetime = Field(examples=["2013-07-01T17:30:00-04:00"])
    tailnum: str | None = Field(None, max_length=6, examples=["N14228"])

    @field_validator("carrier")
    @classmethod
    def _is_known(cls, code: str) -> str:
        if code not in _carriers():
            raise ValueError(f"no carrier {code!r} flies from New York")
        return code

    @field_validator("origin")
    @classmethod
    def _is_in_new_york(cls, code: str) -> str:
        if code not in _places(0):
            raise ValueError(f"{code!r} is none of New York's airports {', '.join(_places(0))}")
        return code

    @field_validator("dest")
    @classmethod
    def _is_on_a_known_route(cls, code: str, info: ValidationInfo) -> str:
        origin = info.data.get("origin")  # is missing if it was refused
        if origin and (origin, code) not in _distances():
            raise ValueError(f"no flights from {origin!r} to {code!r} are known")
        return code

    @field_validator("departure", mode="before")
    @classmethod
    def _is_no_number(cls, departure: Any) -> Any:
        # Also as text, a number does not say what it counts: seconds or milliseconds, since when?
        count = isinstance(departure, str) and re.fullmatch(r"\s*[+-]?[\d.]+\s*", departure)
        if count or isinstance(departure, int | float):
            raise ValueError("give date, time and offset from UTC as text")
        return departure

    @field_validator("departure")
    @classmethod
    def _is_in_the_year(cls, departure: AwareDatetime) -> AwareDatetime:
        if pd.Timestamp(departure).tz_convert(data.NEW_YORK).year != _YEAR:
            raise ValueError(f"departure must be in {_YEAR}, whose weather this service replays")
        return departure


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
        self._weather = data.load_weather().sort_values("time_hour", kind="stable")
        self._planes = data.load_planes()
        _carriers(), _distances()  # now, so that the first request need not wait for them

    def forecast(
        self, flights: Sequence[Flight], known_by: pd.Timestamp | None = None
    ) -> list[Forecast]:
        """Return the forecast of each flight.

        Parameters
        ----------
        flights : sequence of Flight
            From no flight on.
        known_by : Timestamp, optional
            The moment at which the forecasts are made, if that is earlier than two hours before
            departure: only weather that was known then is used.
        """
        if not flights:
            return []
        package = self.package
        probability = package.model.predict_proba(self.features(flights, known_by))[:, 1]
        return [
            Forecast(probability=p, warn=p >= package.threshold, release=package.version)
            for p in probability
        ]

    def features(
        self, flights: Sequence[Flight], known_by: pd.Timestamp | None = None
    ) -> pd.DataFrame:
        """Return the features of each flight, made by the function that training uses.

        Parameters
        ----------
        flights, known_by
            As for :meth:`forecast`.

        Returns
        -------
        DataFrame of shape (n_flights, n_features)
            The columns ``features.FEATURES``.
        """
        table = as_table(flights)
        # The rows that can matter, and no others: that takes a fifth off the time for one flight.
        due = table["time_hour"] - HORIZON - OBSERVATION_DELAY
        first, last = due.min() - OBSERVATION_LIFETIME, due.max() + pd.Timedelta(hours=1)
        if known_by is not None:
            last = min(last, known_by.tz_convert("UTC") - OBSERVATION_DELAY + pd.Timedelta("1ns"))
        start, stop = self._weather["time_hour"].searchsorted([first, last])
        planes = self._planes[self._planes["tailnum"].isin(table["tailnum"])]
        return make_features(table, self._weather.iloc[start:stop], planes)


def what_is_wrong(error: Mapping[str, Any]) -> dict[str, str]:
    """Return ``where`` a request for a forecast is wrong, a field or its body, and ``what`` is.

    Parameters
    ----------
    error : mapping
        One of the ``errors()`` of pydantic, or of FastAPI.
    """
    path = [str(part) for part in error["loc"] if part != "body"]
    if error["type"] == "json_invalid":
        return {"where": "body", "what": f"is no JSON: {error['ctx']['error']}"}
    what = error["msg"].removeprefix("Value error, ")
    return {"where": ".".join(path) or "body", "what": what}


def as_table(flights: Sequence[Flight]) -> pd.DataFrame:
    """Return flights in the columns of ``data.load_flights`` that are known in advance."""
    instant = pd.Series(pd.to_datetime([flight.departure for flight in flights], utc=True))
    local = instant.dt.tz_convert(data.NEW_YORK)
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
            "time_hour": instant.dt.floor("h"),
        }
    )


def as_flights(table: pd.DataFrame) -> list[Flight]:
    """Return rows of ``data.load_flights`` as the requests that a client would send."""
    rows = table.assign(departure=departure(table).dt.tz_convert(data.NEW_YORK))
    rows["tailnum"] = rows["tailnum"].astype(object).where(rows["tailnum"].notna(), None)
    columns = list(Flight.model_fields)
    return [Flight(**row) for row in rows[columns].to_dict("records")]


def as_requests(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the same as the bodies that go over the wire: ready for JSON."""
    return [flight.model_dump(mode="json") for flight in as_flights(table)]


def _text(values: Iterable[str | None]) -> pd.Series:
    return pd.Series(list(values), dtype=data.TEXT)


@cache
def _carriers() -> frozenset[str]:
    return frozenset(data.load_airlines()["carrier"])


@cache
def _places(end: int) -> list[str]:
    """Return the airports at one end of the known routes: 0, where they begin, or 1."""
    return sorted({route[end] for route in _distances()})


@cache
def _distances() -> dict[tuple[str, str], int]:
    """Return the distance of each route, in miles, as the timetable gave it first."""
    columns = ["origin", "dest", "distance"]
    months = (data.load_flights([month], columns).drop_duplicates() for month in data.MONTHS)
    routes = pd.concat(months).drop_duplicates(["origin", "dest"])  # one month at a time in memory
    return routes.set_index(["origin", "dest"])["distance"].to_dict()
