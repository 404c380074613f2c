"""Exercises of lesson 06, Validation."""

from collections.abc import Callable
from functools import cache
from numbers import Real
from typing import Any

import great_expectations.expectations as gxe
import numpy as np
import pandas as pd

from mlops_school import damages, expectations
from mlops_school.data import MONTHS, load_flights
from mlops_school.exercises import NotYet, exercise
from mlops_school.expectations import batch_of, with_differences
from mlops_school.validation import validate

LESSON = "06_validation"
BAD_MONTH = "2013-08"
KNOWN_LATER = ["dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"]


def _clock() -> dict[str, Any]:
    return {"minutes": lambda clock: clock // 100 * 60 + clock % 100, "pd": pd, "np": np}


def _flight(due: int, came: float, late: float) -> pd.DataFrame:
    """Return one flight that was due, came, and was so late."""
    flight = load_flights([6]).head(1)
    return flight.assign(sched_arr_time=due, arr_time=float(came), arr_delay=float(late))


def _counting(*lines: str) -> str:
    """Return the code of a function for q1, with these lines."""
    return "def count_off_the_clock(month):\n" + "".join(f"    {line}\n" for line in lines)


_PASSED = "passed = minutes(month['arr_time']) - minutes(month['sched_arr_time'])"


@exercise(
    LESSON,
    hints=(
        "How many minutes passed between the two clock times? `minutes(...)` turns each of them "
        "into minutes since midnight.",
        "Subtract `arr_delay` from that. The rest must be 0, or a whole day: "
        "`% 1440` makes a whole day 0, too.",
        "What is missing is not equal to 0, so it would be counted: "
        "ask for `.notna()` as well, join the two with `&`, and count with `.sum()`.",
    ),
    wrong={
        _counting(
            "off = (month['arr_time'] - month['sched_arr_time'] - month['arr_delay']) % 1440",
            "return (off.notna() & (off != 0)).sum()",
        ): "1305 - 1255",
        _counting(
            _PASSED,
            "off = passed - month['arr_delay']",
            "return (off.notna() & (off != 0)).sum()",
        ): "midnight",
        _counting(
            _PASSED,
            "off = passed % 1440 - month['arr_delay']",
            "return (off.notna() & (off != 0)).sum()",
        ): "early",
        _counting(
            _PASSED, "return ((passed - month['arr_delay']) % 1440 != 0).sum()"
        ): "never arrived",
        _counting(
            _PASSED,
            "off = (passed - month['arr_delay']) % 1440",
            "return off.notna() & (off != 0)",
        ): "one number",
        _counting(_PASSED, "return ((passed - month['arr_delay']) % 1440 == 0).sum()"): "disagree",
        "count_off_the_clock = 0": "function",
    },
    given=_clock,
)
def q1(count_off_the_clock: Callable[[pd.DataFrame], int]) -> str:
    """How many flights have a delay that does not fit the clock?"""
    if not callable(count_off_the_clock):
        raise NotYet("`count_off_the_clock` is a function; leave its first line as it is.")

    def count(month: pd.DataFrame) -> int:
        counted = count_off_the_clock(month)
        if counted is None or isinstance(counted, str) or np.ndim(counted) > 0:
            raise NotYet("return one number: how many flights disagree.")
        return int(counted)

    if count(_flight(1230, 1240, 10)) and not count(_flight(1230, 1240, 0.17)):
        raise NotYet("that counts flights that agree. Count the ones that disagree.")
    if count(_flight(1255, 1305, 10)):
        raise NotYet("1305 - 1255 is 50, and ten minutes have passed. Use `minutes` on both.")
    if count(_flight(2350, 10, 20)):
        raise NotYet("a flight that arrives after midnight is counted. Take whole days away.")
    if count(_flight(5, 2355, -10)):
        raise NotYet(
            "a flight that is early, before midnight, is counted. Take whole days away last, when "
            "the delay has been subtracted."
        )
    if count(_flight(1230, np.nan, np.nan)):
        raise NotYet("a flight that never arrived is counted. It has nothing to disagree with.")
    june = load_flights([6])
    if count(june):
        raise NotYet("that finds disagreement in the good June, where there is none.")
    if not (found := count(damages.delays_in_hours(june))):
        raise NotYet("that finds nothing in a month whose delays are in hours.")
    return f"0 in the good June, {found:,} when its delays are in hours, and no threshold at all."


def _gx() -> dict[str, Any]:
    return {"gxe": gxe, "expectations": expectations, "pd": pd}


def _accepts(rule: gxe.Expectation, month: pd.DataFrame) -> bool:
    result = batch_of(month).validate(rule)
    if result.exception_info and not result.result:
        raise NotYet(
            "Great Expectations cannot check that. Is everything spelt right, and each column as "
            "in the data?"
        )
    return bool(result.success)


@exercise(
    LESSON,
    hints=(
        "The flight number alone comes every day, and two airlines may use the same one.",
        "Which airline, which number, from which airport, and when: four columns are enough.",
        "Take the scheduled time, which never changes, such as `time_hour`. Leave out what is "
        "only known later, such as `arr_delay`.",
    ),
    wrong={
        "unique_rule = gxe.ExpectColumnValuesToBeUnique(column='flight')": "together",
        "unique_rule = gxe.ExpectCompoundColumnsToBeUnique(column_list=['flight', 'time_hour'])": (
            "good month"
        ),
        "unique_rule = gxe.ExpectCompoundColumnsToBeUnique(column_list=['carrier', 'flight'])": (
            "good month"
        ),
        "unique_rule = gxe.ExpectCompoundColumnsToBeUnique(\n"
        "    column_list=['carrier', 'flight', 'origin', 'time_hour', 'arr_delay'])": "correction",
        "unique_rule = gxe.ExpectCompoundColumnsToBeUnique(\n"
        "    column_list=['carrier', 'flight', 'day', 'dep_time'])": "correction",
        "unique_rule = gxe.ExpectCompoundColumnsToBeUnique(column_list=['carrier', 'fligth'])": (
            "spelt"
        ),
        "unique_rule = ['carrier', 'flight', 'origin', 'time_hour']": "expectation",
    },
    given=_gx,
)
def q2(unique_rule: gxe.ExpectCompoundColumnsToBeUnique) -> str:
    """Which columns together name a flight?"""
    if not isinstance(unique_rule, gxe.Expectation):
        raise NotYet("`unique_rule` is an expectation: it begins with `gxe.Expect`.")
    if not isinstance(unique_rule, gxe.ExpectCompoundColumnsToBeUnique):
        raise NotYet("no single column is unique. Say which ones are so *together*.")
    first = load_flights([6])
    if not _accepts(unique_rule, first):
        raise NotYet("that refuses the good month: its flights differ in more than these columns.")
    repeated = damages.rows_repeated(first)
    if _accepts(unique_rule, repeated):
        raise NotYet("that accepts a month in which flights are repeated.")
    copies = repeated.index >= len(first)
    corrected = repeated.assign(
        **{column: repeated[column].fillna(0) + copies for column in KNOWN_LATER}
    )
    if _accepts(unique_rule, corrected):
        raise NotYet(
            "a flight with a correction of its times gets past as a second flight. Leave out what "
            "is known only later."
        )
    return "airline, number, airport and time name a flight, whatever happens to it afterwards."


@cache
def _tails(month: int) -> pd.DataFrame:
    return load_flights([month], columns=["tailnum"])


@exercise(
    LESSON,
    hints=(
        "Which share of the rows from January to June were offenders? And which share would the "
        "damage have?",
        "`mostly` has to lie between them: low enough for about 2 rows in 1,000, "
        "high enough for 10.",
        "Take the kind of expectation, the column and the regex of `strict`, and add `mostly`.",
    ),
    wrong={
        "tail_rule = gxe.ExpectColumnValuesToMatchRegex(\n"
        "    column='tailnum', regex=expectations.REGISTRATION)": "still refuses",
        "tail_rule = gxe.ExpectColumnValuesToMatchRegex(\n"
        "    column='tailnum', regex=expectations.REGISTRATION, mostly=0.999)": "still refuses",
        "tail_rule = gxe.ExpectColumnValuesToMatchRegex(\n"
        "    column='tailnum', regex=expectations.REGISTRATION, mostly=0.9)": "too much",
        "tail_rule = gxe.ExpectColumnValuesToMatchRegex(column='tailnum', regex='.')": "too much",
        "tail_rule = gxe.ExpectColumnValuesToNotBeNull(column='tailnum', mostly=0.9)": "regex",
        "tail_rule = gxe.ExpectColumnValuesToMatchRegex(\n"
        "    column='origin', regex=expectations.REGISTRATION, mostly=0.995)": "not in origin",
        "tail_rule = 0.995": "expectation",
    },
    given=_gx,
)
def q3(tail_rule: gxe.ExpectColumnValuesToMatchRegex) -> str:
    """Which rule for tail numbers gives no false alarm, and still catches garbage?"""
    if not isinstance(tail_rule, gxe.Expectation):
        raise NotYet("`tail_rule` is an expectation, with `mostly` as one of its settings.")
    if not isinstance(tail_rule, gxe.ExpectColumnValuesToMatchRegex):
        raise NotYet("that is another kind of rule. Keep the one that compares with a regex.")
    if tail_rule.column != "tailnum":
        raise NotYet(f"the tail numbers are in the column tailnum, not in {tail_rule.column}.")
    refused = [month for month in MONTHS if not _accepts(tail_rule, _tails(month))]
    if refused:
        raise NotYet(
            f"the rule still refuses {len(refused)} good months. Forgive as many rows as good "
            "months have had."
        )
    damaged = (damages.garbage_in_tail_numbers(_tails(month)) for month in (5, 7, 12))
    if any(_accepts(tail_rule, month) for month in damaged):
        raise NotYet("that forgives too much: a month with 1 % garbage comes in.")
    return "no false alarm in twelve months, and 1 % of garbage is caught."


def _august() -> dict[str, Any]:
    return {"bad_august": damages.local_time_as_utc(load_flights([8])), "pd": pd}


@exercise(
    LESSON,
    hints=(
        "The report names the rule `time_hour_fits_clock`, and says by how many hours, and in "
        "which direction, `time_hour` is off.",
        "It is off by -4 hours: too early. `pd.Timedelta(hours=...)` can be added to a column "
        "of times.",
        "`bad_august.assign(time_hour=...)` returns a copy in which only this column differs.",
    ),
    wrong={
        "repaired = bad_august": "-4 hours",
        "repaired = bad_august.assign(\n"
        "    time_hour=bad_august['time_hour'] - pd.Timedelta(hours=4))": "-8 hours",
        "repaired = bad_august.assign(\n"
        "    time_hour=bad_august['time_hour'] + pd.Timedelta(hours=5))": "1 hours",
        "repaired = bad_august.assign(\n"
        "    time_hour=bad_august['time_hour'].dt.tz_convert('America/New_York'))": "same moments",
        "repaired = bad_august.assign(\n    time_hour="
        "bad_august['time_hour'].dt.tz_localize(None).dt.tz_localize('America/New_York'))": (
            "another zone"
        ),
        "repaired = bad_august.assign(hour=bad_august['hour'] - 4)": "hour was right",
        "repaired = bad_august.dropna()": "rows",
        "repaired = bad_august.drop(columns='time_hour')": "columns",
    },
    given=_august,
)
def q4(repaired: pd.DataFrame, bad_august: pd.DataFrame) -> str:
    """Can you repair a month from its report?"""
    if not isinstance(repaired, pd.DataFrame):
        raise NotYet("`repaired` is a month: a frame like `bad_august`.")
    if list(repaired) != list(bad_august):
        raise NotYet("the month has other columns now. Repair one, and keep them all.")
    if len(repaired) != len(bad_august):
        raise NotYet(f"the month has {len(repaired):,} rows now, not {len(bad_august):,}.")
    for column in repaired.columns.drop("time_hour"):
        now, before = (month[column].reset_index(drop=True) for month in (repaired, bad_august))
        if not now.equals(before):
            raise NotYet(
                f"the column {column} was right, and has changed: in its values, or in their order."
            )
    moments = repaired["time_hour"]
    if not isinstance(moments.dtype, pd.DatetimeTZDtype):
        raise NotYet("`time_hour` no longer says its time zone; it has to be in UTC.")
    if str(moments.dt.tz) != "UTC" and (moments == bad_august["time_hour"]).all():
        raise NotYet("these are the same moments, only shown in another zone. They are wrong.")
    if moments.isna().any():
        raise NotYet("`time_hour` has gaps now, and had none.")
    off = with_differences(repaired)["time_hour_off"]
    if (off != 0).any():
        raise NotYet(f"`time_hour` is now off by {off[off != 0].iloc[0]:.0f} hours.")
    if str(moments.dt.tz) != "UTC":
        raise NotYet("the moments are right now, and shown in another zone. `time_hour` is in UTC.")
    if broken := validate(repaired, BAD_MONTH).broken:
        raise NotYet(f"the month still breaks {', '.join(broken)}.")
    return "every rule is kept, and only the damaged column has changed."


def _rows() -> dict[str, Any]:
    names = ["2013-07", "2013-09", "2013-12", BAD_MONTH]
    year = {
        name: pd.DataFrame({"arr_delay": [np.nan] * gaps + [0.0] * 90})
        for name, gaps in zip(names, (5, 2, 10, 3), strict=True)
    }
    return {
        "year": year,
        "bad_august": year[BAD_MONTH],
        "handed_in": pd.Series({name: len(month) for name, month in year.items()}),
        "kept": pd.Series({name: len(month.dropna()) for name, month in year.items()}),
        "pd": pd,
    }


@exercise(
    LESSON,
    hints=(
        "What is `handed_in - kept`? Which of its four numbers count?",
        "`.drop('2013-08')` leaves out the month that should not have come in at all; "
        "`.sum()` adds up the others.",
    ),
    wrong={
        "lost_rows = (handed_in - kept).sum()": "August",
        "lost_rows = handed_in - kept": "one number",
        "lost_rows = (kept - handed_in).drop('2013-08').sum()": "turn it round",
        "lost_rows = '2,811'": "one number",
        "lost_rows = 0": "R8 asks for",
        "lost_rows = (1 - kept / handed_in).drop('2013-08').mean()": "share",
    },
    given=_rows,
)
def q5(lost_rows: int, handed_in: pd.Series, kept: pd.Series) -> str:
    """How many rows of good months does it cost to drop rows in silence?"""
    if not isinstance(lost_rows, Real):
        raise NotYet("give one number: the rows of the three good months together.")
    lost = handed_in - kept
    right = int(lost.drop(BAD_MONTH).sum())
    if lost_rows == int(lost.sum()):
        raise NotYet("that counts August, too. It is bad; R8 wants the whole of it set aside.")
    if lost_rows == -right:
        raise NotYet("the number is right and its sign is not: turn it round.")
    if lost_rows == 0:
        raise NotYet("that is what R8 asks for. How many are really gone?")
    if 0 < lost_rows < 1:
        raise NotYet("that is a share. Count rows.")
    if lost_rows != right:
        raise NotYet("subtract `kept` from `handed_in`, and add up the good months.")
    return f"{right:,} rows of good months gone, where R8 allows none."
