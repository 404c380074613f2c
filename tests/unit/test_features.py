import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_school import data
from mlops_school.features import (
    CATEGORICAL,
    FEATURES,
    NUMERIC,
    WEATHER,
    load_examples,
    make_features,
    observations,
    warning_due,
)


@pytest.fixture(scope="module")
def february():
    return data.load_flights([2]).sample(300, random_state=0)


@pytest.fixture(scope="module")
def weather():
    return data.load_weather()


@pytest.fixture(scope="module")
def planes():
    return data.load_planes()


def test_examples_are_the_flights_that_arrived():
    flights = data.load_flights([2])
    examples = load_examples([2])
    arrived = flights["arr_delay"].dropna()
    assert list(examples.columns) == [*FEATURES, "late"]
    assert len(examples) == len(arrived)
    assert examples["late"].sum() == (arrived >= 15).sum()
    assert set(FEATURES) == set(CATEGORICAL) | set(NUMERIC)


def test_late_begins_at_exactly_fifteen_minutes(monkeypatch, february):
    three = february.head(3).assign(arr_delay=[14.0, 15.0, 16.0])
    monkeypatch.setattr(data, "load_flights", lambda months: three)
    assert load_examples([2])["late"].tolist() == [False, True, True]


def test_a_warning_is_due_two_hours_before_departure():
    hour = pd.to_datetime(["2013-07-01 05:00", "2013-07-01 00:00"], utc=True)
    flights = pd.DataFrame({"time_hour": hour, "minute": [15, 59]})
    expected = pd.to_datetime(["2013-07-01 03:15", "2013-06-30 22:59"], utc=True)
    assert warning_due(flights).tolist() == expected.tolist()


def test_weather_is_known_when_its_hour_is_over(weather):
    observed = observations(weather)
    assert list(observed.columns) == ["origin", "known", *WEATHER]
    assert (observed["known"] - weather["time_hour"]).unique().tolist() == [pd.Timedelta(hours=1)]
    assert weather["wind_speed"].max() > 1000  # which nobody would believe
    assert observed["wind_speed"].max() < 200
    assert observed["wind_speed"].isna().sum() == weather["wind_speed"].isna().sum() + 1


def test_nothing_that_happens_after_the_warning_is_used(february, weather, planes):
    later = ["dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"]
    blinded = february.drop(columns=later)
    pd.testing.assert_frame_equal(
        make_features(blinded, weather, planes), make_features(february, weather, planes)
    )


def test_weather_is_the_newest_that_was_known_two_hours_before(february, weather, planes):
    table = make_features(february, weather, planes)
    for index, flight in february.iterrows():
        due = flight["time_hour"] + pd.Timedelta(minutes=flight["minute"]) - pd.Timedelta(hours=2)
        known = weather[
            (weather["origin"] == flight["origin"])
            & (weather["time_hour"] + pd.Timedelta(hours=1) <= due)
            & (weather["time_hour"] + pd.Timedelta(hours=1) >= due - pd.Timedelta(hours=6))
        ]
        newest = known.loc[known["time_hour"].idxmax()] if len(known) else None
        for column in WEATHER:
            expected = np.nan if newest is None else newest[column]
            if column == "wind_speed" and expected > 200:
                expected = np.nan
            np.testing.assert_equal(table.loc[index, column], expected)


def test_tomorrows_weather_changes_nothing(february, weather, planes):
    flights = february[february["day"] <= 10]
    cut = pd.Timestamp("2013-02-12", tz="UTC")
    storm = weather.assign(temp=weather["temp"].where(weather["time_hour"] < cut, -99.0))
    pd.testing.assert_frame_equal(
        make_features(flights, storm, planes), make_features(flights, weather, planes)
    )


def test_order_and_index_are_those_of_the_flights(february, weather, planes):
    table = make_features(february, weather, planes)
    shuffled = february.sample(frac=1, random_state=1)
    assert table.index.equals(february.index)
    pd.testing.assert_frame_equal(make_features(shuffled, weather, planes).loc[table.index], table)


def test_old_weather_and_unknown_planes_are_missing(february, weather, planes):
    table = make_features(february, weather[weather["time_hour"].dt.month == 1], planes.head(0))
    assert table.loc[february["day"] > 2, WEATHER].isna().all(axis=None)
    assert table[["seats", "plane_year"]].isna().all(axis=None)


def test_the_impossible_wind_is_not_believed(weather, planes):
    storm = weather.loc[weather["wind_speed"].idxmax()]
    flight = pd.DataFrame(
        {
            "year": 2013, "month": 2, "day": 12, "hour": 7, "minute": 0,
            "time_hour": [storm["time_hour"] + pd.Timedelta(hours=3)],
            "carrier": "UA", "origin": storm["origin"], "dest": "IAH", "distance": 1400,
            "tailnum": "N14228",
        }
    )  # fmt: skip
    assert storm["wind_speed"] > 1000
    row = make_features(flight, weather, planes).iloc[0]
    assert np.isnan(row["wind_speed"])
    assert row["temp"] == storm["temp"]


def test_weekday_and_minute_are_local(february, weather, planes):
    table = make_features(february, weather, planes)
    local = february["time_hour"].dt.tz_convert("America/New_York")
    assert table["weekday"].tolist() == local.dt.strftime("%a").tolist()
    minutes = local.dt.hour * 60 + february["minute"]
    assert table["minute_of_day"].tolist() == minutes.tolist()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 299), st.integers(0, 30_000), st.sampled_from(WEATHER))
def test_no_weather_row_that_comes_later_changes_a_feature(
    february, weather, planes, number, later, column
):
    flight = february.iloc[[number]]
    (due,) = warning_due(flight)
    future = weather.index[weather["time_hour"] + pd.Timedelta(hours=1) > due]
    changed = weather.copy()
    changed.loc[future[later % len(future)], column] = 123.0
    pd.testing.assert_frame_equal(
        make_features(flight, changed, planes), make_features(flight, weather, planes)
    )


def test_all_weather_that_comes_later_changes_no_feature(february, weather, planes):
    for _, flight in february.head(25).iterrows():
        flight = flight.to_frame().T.astype(february.dtypes)
        (due,) = warning_due(flight)
        known = weather[weather["time_hour"] + pd.Timedelta(hours=1) <= due]
        pd.testing.assert_frame_equal(
            make_features(flight, known, planes), make_features(flight, weather, planes)
        )


@pytest.mark.parametrize("column", ["dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"])
@pytest.mark.parametrize("value", [np.nan, 9999.0])
def test_no_outcome_changes_a_feature(column, value, february, weather, planes):
    pd.testing.assert_frame_equal(
        make_features(february.assign(**{column: value}), weather, planes),
        make_features(february, weather, planes),
    )


def test_features_of_one_flight_are_those_of_the_batch(february, weather, planes):
    table = make_features(february, weather, planes)
    alone = [make_features(february.iloc[[number]], weather, planes) for number in range(80)]
    pd.testing.assert_frame_equal(pd.concat(alone), table.head(80))


def test_an_index_with_duplicates_loses_and_adds_no_flight(february, weather, planes):
    table = make_features(february, weather, planes)
    same = make_features(february.set_axis([0] * len(february)), weather, planes)
    pd.testing.assert_frame_equal(same.set_axis(february.index), table)


@pytest.mark.parametrize(("month", "day", "offset"), [(3, 10, 4), (11, 3, 5)])
def test_on_the_days_when_clocks_change_time_passes_as_always(month, day, offset, weather, planes):
    flights = data.load_flights([month])
    first = flights[flights["day"] == day].sort_values("sched_dep_time").head(60)
    due = warning_due(first)
    midnight = pd.Timestamp(2013, month, day, tz="UTC")
    minutes = first["hour"] * 60 + first["minute"] + (offset - 2) * 60
    assert (due == midnight + pd.to_timedelta(minutes, unit="min")).all()
    table = make_features(first, weather, planes)
    assert (table["weekday"] == "Sun").all()
    assert (table["minute_of_day"] == first["hour"] * 60 + first["minute"]).all()
    for index, flight in first.iterrows():  # the hour that is complete when the warning is due
        newest = due[index].floor("h") - pd.Timedelta(hours=1)
        rows = weather[(weather["origin"] == flight["origin"]) & (weather["time_hour"] == newest)]
        assert table.loc[index, "temp"] == rows["temp"].item()


@pytest.mark.parametrize(("minute", "usable"), [(0, True), (1, False)])
def test_weather_known_for_more_than_six_hours_is_not_used(minute, usable, weather, planes):
    flight = data.load_flights([2]).head(1).assign(minute=minute)
    known = flight["time_hour"].item() - pd.Timedelta(hours=2 + 6)
    old = weather.head(1).assign(
        origin=flight["origin"].item(), time_hour=known - pd.Timedelta(hours=1), temp=50.0
    )
    assert make_features(flight, old, planes)["temp"].notna().item() == usable
