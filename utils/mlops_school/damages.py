"""Ways in which a month of flights comes damaged: named, and the same each time."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from mlops_school.data import KM_PER_MILE, NEW_YORK, clock_minutes, load_flights

Damage = Callable[[pd.DataFrame], pd.DataFrame]


def column_missing(month: pd.DataFrame) -> pd.DataFrame:
    return month.drop(columns="dest")


def column_renamed(month: pd.DataFrame) -> pd.DataFrame:
    return month.rename(columns={"arr_delay": "arrival_delay"})


def distance_as_text(month: pd.DataFrame) -> pd.DataFrame:
    return month.assign(distance=month["distance"].map("{:,} mi".format).astype("string[pyarrow]"))


def another_month(month: pd.DataFrame) -> pd.DataFrame:
    return load_flights([month["month"].iloc[0] % 12 + 1])


def another_year(month: pd.DataFrame) -> pd.DataFrame:
    return month.assign(year=month["year"] - 1)


def second_half_missing(month: pd.DataFrame) -> pd.DataFrame:
    return month[month["day"] <= 15].reset_index(drop=True)


def every_other_row(month: pd.DataFrame) -> pd.DataFrame:
    return month.iloc[::2].reset_index(drop=True)


def rows_repeated(month: pd.DataFrame) -> pd.DataFrame:
    """Repeat one flight in a hundred, as a transfer does that was broken off and resumed."""
    return pd.concat([month, month[_some(month, 0.01)]], ignore_index=True)


def origins_blank(month: pd.DataFrame) -> pd.DataFrame:
    return month.assign(origin=month["origin"].mask(_some(month, 0.01)))


def arrivals_blank(month: pd.DataFrame) -> pd.DataFrame:
    """Lose what is known of the arrival of three flights in ten."""
    return month.assign(arr_delay=month["arr_delay"].mask(_some(month, 0.30)))


def new_carrier(month: pd.DataFrame) -> pd.DataFrame:
    return month.assign(carrier=month["carrier"].mask(_some(month, 0.01), "ZZ"))


def garbage_in_tail_numbers(month: pd.DataFrame) -> pd.DataFrame:
    """Write what a spreadsheet shows for an error in place of one tail number in a hundred."""
    return month.assign(tailnum=month["tailnum"].mask(_some(month, 0.01), "#REF!"))


def distance_negative(month: pd.DataFrame) -> pd.DataFrame:
    sign = np.where(_some(month, 0.01), -1, 1)
    return month.assign(distance=month["distance"] * sign)


def distance_in_km(month: pd.DataFrame) -> pd.DataFrame:
    return month.assign(distance=(month["distance"] * KM_PER_MILE).round().astype("int64"))


def delays_in_hours(month: pd.DataFrame) -> pd.DataFrame:
    return month.assign(dep_delay=month["dep_delay"] / 60, arr_delay=month["arr_delay"] / 60)


def local_time_as_utc(month: pd.DataFrame) -> pd.DataFrame:
    local = month["time_hour"].dt.tz_convert(NEW_YORK).dt.tz_localize(None)
    return month.assign(time_hour=local.dt.tz_localize("UTC"))


def clocks_fast(month: pd.DataFrame, minutes: int = 30) -> pd.DataFrame:
    """Let the clocks of all destinations be fast: the time of arrival and the delay agree."""
    clock = clock_minutes(month["arr_time"]) + minutes
    clock = (clock - 1) % 1440 + 1  # midnight is 2400
    return month.assign(
        arr_time=clock // 60 * 100 + clock % 60, arr_delay=month["arr_delay"] + minutes
    )


def carriers_swapped(month: pd.DataFrame) -> pd.DataFrame:
    """Exchange the codes of United and Delta."""
    swap = {"UA": "DL", "DL": "UA"}
    return month.assign(
        carrier=month["carrier"]
        .map(lambda code: swap.get(code, code))
        .astype(month["carrier"].dtype)
    )


# The rule that is there to catch it.
DAMAGES: dict[Damage, str] = {
    column_missing: "columns",
    column_renamed: "columns",
    distance_as_text: "types",
    another_month: "right_month",
    another_year: "right_month",
    second_half_missing: "all_days",
    every_other_row: "row_count",
    rows_repeated: "unique_flights",
    origins_blank: "never_missing",
    arrivals_blank: "arrivals_known",
    new_carrier: "known_codes",
    garbage_in_tail_numbers: "tail_numbers",
    distance_negative: "distance_range",
    distance_in_km: "distance_mean",
    delays_in_hours: "arrival_fits_clock",
    local_time_as_utc: "time_hour_fits_clock",
    clocks_fast: "delay_median",
}


def _some(month: pd.DataFrame, share: float) -> np.ndarray:
    """Return True for this share of the rows, drawn at random, but the same ones each time."""
    chosen = np.zeros(len(month), dtype=bool)
    chosen[: round(share * len(month))] = True
    return np.random.default_rng(0).permutation(chosen)
