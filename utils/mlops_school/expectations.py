"""The rules for a month of flights, as expectations of Great Expectations."""

import calendar
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd
from great_expectations.core import ExpectationValidationResult
from great_expectations.core.batch_definition import BatchDefinition
from great_expectations.data_context import EphemeralDataContext
from great_expectations.data_context.types.base import ProgressBarsConfig

from mlops_school.data import NEW_YORK, clock_minutes, load_airlines, load_flights

ORIGINS = ["EWR", "JFK", "LGA"]
REGISTRATION = r"^N[1-9][0-9A-Z]{0,4}$"  # of an aircraft in the US
FLIGHT = ["carrier", "flight", "origin", "time_hour"]  # together they name one flight

# The column types of a month, in the order of the columns.
_INTEGER, _FLOAT, _TEXT, _TIME = "int64", "float64", "str", "Timestamp"
SCHEMA = {
    "year": _INTEGER,
    "month": _INTEGER,
    "day": _INTEGER,
    "dep_time": _FLOAT,
    "sched_dep_time": _INTEGER,
    "dep_delay": _FLOAT,
    "arr_time": _FLOAT,
    "sched_arr_time": _INTEGER,
    "arr_delay": _FLOAT,
    "carrier": _TEXT,
    "flight": _INTEGER,
    "tailnum": _TEXT,
    "origin": _TEXT,
    "dest": _TEXT,
    "air_time": _FLOAT,
    "distance": _INTEGER,
    "hour": _INTEGER,
    "minute": _INTEGER,
    "time_hour": _TIME,
}

HISTORY = range(1, 7)  # thresholds come from January to June; July to December put them to the test
SIZE_FACTOR = 1.25  # rows and distance hardly change from month to month; a mile is 1.6 km
SPREAD_FACTOR = 2  # a month may be twice as stormy; an hour is 60 minutes
MARGIN = 8  # minutes beyond history that the median delay may be


@dataclass(frozen=True)
class Limits:
    """The thresholds that come from history, each as the least and the greatest value allowed.

    Attributes
    ----------
    rows : tuple of float
        Flights in a month.
    distance : tuple of float
        Mean of ``distance``, in miles.
    delay_median, delay_spread : tuple of float
        Median and standard deviation of ``arr_delay``, in minutes.
    """

    rows: tuple[float, float]
    distance: tuple[float, float]
    delay_median: tuple[float, float]
    delay_spread: tuple[float, float]


def learn_limits(months: Iterable[pd.DataFrame], margin: float = MARGIN) -> Limits:
    """Return the thresholds that follow from good months.

    Parameters
    ----------
    months : iterable of DataFrame
        Months that are known to be good.
    margin : float
        By how many minutes the median delay may leave the range that it had in them.
    """
    seen = pd.DataFrame(
        {
            "rows": len(month),
            "distance": month["distance"].mean(),
            "median": month["arr_delay"].median(),
            "spread": month["arr_delay"].std(),
        }
        for month in months
    )
    least, most = seen.min().to_dict(), seen.max().to_dict()
    return Limits(
        rows=(least["rows"] / SIZE_FACTOR, most["rows"] * SIZE_FACTOR),
        distance=(least["distance"] / SIZE_FACTOR, most["distance"] * SIZE_FACTOR),
        delay_median=(least["median"] - margin, most["median"] + margin),
        delay_spread=(least["spread"] / SPREAD_FACTOR, most["spread"] * SPREAD_FACTOR),
    )


@cache
def usual_limits() -> Limits:
    """Return the thresholds from January to June."""
    return learn_limits(load_flights([month]) for month in HISTORY)


def stages(year: int, month: int, limits: Limits) -> list[list[gxe.Expectation]]:
    """Return the rules for a month, in the order in which they have to be asked.

    A later stage can be asked only of a month that passed those before: nobody can take the mean of
    a column that is not there. Each expectation has the name of its ``rule`` in its ``meta``, and
    its ``description`` says what is expected.
    """
    columns = _rule(
        "columns",
        "the 19 columns of the data card, in their order",
        gxe.ExpectTableColumnsToMatchOrderedList,
        column_list=list(SCHEMA),
    )
    types = [
        _rule(
            "types",
            f"{column} is of type {type_}",
            gxe.ExpectColumnValuesToBeOfType,
            column=column,
            type_=type_,
        )
        for column, type_ in SCHEMA.items()
    ]
    return [[columns], types, [*_identity(year, month, limits), *_values(), *_together(limits)]]


def _identity(year: int, month: int, limits: Limits) -> list[gxe.Expectation]:
    """Return the rules that say that this is the month, and all of it, and each flight once."""
    days = calendar.monthrange(year, month)[1]
    return [
        _rule(
            "right_month",
            f"year is {year}",
            gxe.ExpectColumnValuesToBeInSet,
            column="year",
            value_set=[year],
        ),
        _rule(
            "right_month",
            f"month is {month}",
            gxe.ExpectColumnValuesToBeInSet,
            column="month",
            value_set=[month],
        ),
        _rule(
            "all_days",
            f"flights on each day from 1 to {days}, and on no other",
            gxe.ExpectColumnDistinctValuesToEqualSet,
            column="day",
            value_set=list(range(1, days + 1)),
        ),
        _rule(
            "row_count",
            f"{_span(limits.rows)} rows",
            gxe.ExpectTableRowCountToBeBetween,
            **_between(int(limits.rows[0]), int(limits.rows[1])),
        ),
        _rule(
            "unique_flights",
            "no two rows agree in " + ", ".join(FLIGHT),
            gxe.ExpectCompoundColumnsToBeUnique,
            column_list=FLIGHT,
        ),
    ]


def _values() -> list[gxe.Expectation]:
    """Return the rules about single values: missing ones, sets and ranges."""
    return [
        *(
            _rule(
                "never_missing",
                f"{column} is never missing",
                gxe.ExpectColumnValuesToNotBeNull,
                column=column,
            )
            for column in ("carrier", "origin", "dest", "time_hour")
        ),
        _rule(
            # February, with its snow, lacks 5.4 percent: the limit is about twice as much.
            "arrivals_known",
            "arr_delay is missing in at most 10 percent of the rows",
            gxe.ExpectColumnValuesToNotBeNull,
            column="arr_delay",
            mostly=0.90,
        ),
        _rule(
            "few_cancelled",
            "dep_time is missing in at most 5 percent of the rows",
            gxe.ExpectColumnValuesToNotBeNull,
            severity="warning",  # a storm does this, too: worth a look, no reason to keep it out
            column="dep_time",
            mostly=0.95,
        ),
        _rule(
            "known_codes",
            "carrier is one of the 16 airlines",
            gxe.ExpectColumnValuesToBeInSet,
            column="carrier",
            value_set=sorted(load_airlines()["carrier"]),
        ),
        _rule(
            "known_codes",
            "origin is " + ", ".join(ORIGINS),
            gxe.ExpectColumnValuesToBeInSet,
            column="origin",
            value_set=ORIGINS,
        ),
        _rule(
            # N0EGMQ is none, and yet it flew, on 1 to 2 flights in 1,000 of January to June.
            "tail_numbers",
            "tailnum is N, 1 to 9 and up to 4 more signs, but for 5 rows in 1,000",
            gxe.ExpectColumnValuesToMatchRegex,
            column="tailnum",
            regex=REGISTRATION,
            mostly=0.995,
        ),
        _rule(
            # Nobody flies further without leaving the country than to Honolulu, 4,983 miles.
            "distance_range",
            "distance is 1 to 5,000 miles",
            gxe.ExpectColumnValuesToBeBetween,
            column="distance",
            **_between(1, 5000),
        ),
    ]


def _together(limits: Limits) -> list[gxe.Expectation]:
    """Return the rules about columns that must agree, and about distributions."""
    return [
        *(
            _rule(
                name,
                f"{delay} is the time between {clock} and sched_{clock}",
                gxe.ExpectColumnValuesToBeBetween,
                column=f"{delay}_off",
                **_between(0, 0),
            )
            for name, delay, clock in (
                ("departure_fits_clock", "dep_delay", "dep_time"),
                ("arrival_fits_clock", "arr_delay", "arr_time"),
            )
        ),
        _rule(
            "time_hour_fits_clock",
            "time_hour is in UTC",
            gxe.ExpectColumnValuesToBeInSet,
            column="time_zone",
            value_set=["UTC"],
        ),
        _rule(
            "time_hour_fits_clock",
            "time_hour, in New York, is 0 hours off year, month, day and hour",
            gxe.ExpectColumnValuesToBeBetween,
            column="time_hour_off",
            **_between(0, 0),
        ),
        _rule(
            "distance_mean",
            f"the mean of distance is {_span(limits.distance)} miles",
            gxe.ExpectColumnMeanToBeBetween,
            column="distance",
            **_between(*limits.distance),
        ),
        _rule(
            "delay_median",
            f"the median of arr_delay is {_span(limits.delay_median)} minutes",
            gxe.ExpectColumnMedianToBeBetween,
            column="arr_delay",
            **_between(*limits.delay_median),
        ),
        _rule(
            "delay_spread",
            f"the standard deviation of arr_delay is {_span(limits.delay_spread)} minutes",
            gxe.ExpectColumnStdevToBeBetween,
            column="arr_delay",
            **_between(*limits.delay_spread),
        ),
    ]


def with_differences(month: pd.DataFrame) -> pd.DataFrame:
    """Add what the rules about agreeing columns look at.

    Parameters
    ----------
    month : DataFrame
        Flights with the right columns and types.

    Returns
    -------
    DataFrame
        The month, and by how much its columns disagree: ``dep_delay_off`` and ``arr_delay_off``
        (minutes, whole days left out, since clocks do not tell them), ``time_hour_off`` (hours),
        and the ``time_zone`` of ``time_hour``.
    """
    local = month["time_hour"].dt.tz_convert(NEW_YORK).dt.tz_localize(None)
    date = pd.to_datetime(month[["year", "month", "day"]], errors="coerce")
    # In seconds, because nanoseconds overflow when a damaged date is centuries off.
    passed = local.astype("datetime64[s]") - date.astype("datetime64[s]")
    return month.assign(
        dep_delay_off=_off_the_clock(month, "dep"),
        arr_delay_off=_off_the_clock(month, "arr"),
        time_hour_off=passed / pd.Timedelta(hours=1) - month["hour"],
        time_zone=str(month["time_hour"].dt.tz),
    )


def _off_the_clock(month: pd.DataFrame, which: str) -> pd.Series:
    real, scheduled = (
        clock_minutes(month[column]) for column in (f"{which}_time", f"sched_{which}_time")
    )
    off = real - scheduled - month[f"{which}_delay"]
    return (off + 720) % 1440 - 720


def ask(
    month: pd.DataFrame, expectations: Sequence[gxe.Expectation]
) -> list[ExpectationValidationResult]:
    """Let Great Expectations check a month, and return the results that are no success, in order.

    Most months are good, and success is quick to find out. Only what fails is asked again for
    numbers and examples.
    """
    batch = batch_of(month)
    found = batch.validate(_suite(expectations), result_format="BOOLEAN_ONLY").results
    failed = {result.expectation_config.description for result in found if not result.success}
    again = [one for one in expectations if one.description in failed]
    return batch.validate(_suite(again), result_format="SUMMARY").results if again else []


def batch_of(month: pd.DataFrame) -> Any:
    """Return a month as Great Expectations wants it: a batch, which validates expectations."""
    return _batches().get_batch(batch_parameters={"dataframe": month})


@cache
def quiet_context() -> EphemeralDataContext:
    """Return where Great Expectations keeps what it knows: in memory, silent, sending nothing."""
    context = gx.get_context(mode="ephemeral")  # one in files fails when a lesson runs again
    context.enable_analytics(False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context


@cache
def _batches() -> BatchDefinition:
    asset = quiet_context().data_sources.add_pandas("arrivals").add_dataframe_asset("flights")
    return asset.add_batch_definition_whole_dataframe("month")


def _suite(expectations: Sequence[gxe.Expectation]) -> gx.ExpectationSuite:
    return gx.ExpectationSuite(name="flights", expectations=list(expectations))


def _rule(name: str, expected: str, kind: type[gxe.Expectation], **settings: Any) -> Any:
    return kind(meta={"rule": name}, description=expected, **settings)


def _between(least: float, most: float) -> dict[str, float]:
    return {"min_value": least, "max_value": most}


def _span(limits: tuple[float, float]) -> str:
    return f"{limits[0]:,.0f} to {limits[1]:,.0f}"
