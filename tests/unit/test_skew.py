"""The skew test finds each skew that is caused, and none where there is none."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_school import data
from mlops_school.errors import CourseError
from mlops_school.features import FEATURES, WEATHER, make_features
from mlops_school.skew import make_requests, report, share_differing


@pytest.fixture(scope="module")
def flights():
    return data.load_flights([5]).sample(400, random_state=0)


@pytest.fixture(scope="module")
def features(flights):
    return make_features(flights, data.load_weather(), data.load_planes())


def utc_weekday(flights, features):
    return flights["time_hour"].dt.day_name().str[:3]


SKEWS = {
    "temp": lambda flights, features: (features["temp"] - 32) / 1.8,
    "weekday": utc_weekday,
    "seats": lambda flights, features: features["seats"].fillna(0),
    "minute_of_day": lambda flights, features: flights["sched_dep_time"] / 100 * 60,
    "carrier": lambda flights, features: features["carrier"].str.lower(),
    "distance": lambda flights, features: features["distance"].astype(str),  # a text
    "wind_gust": lambda flights, features: features["wind_gust"].shift(1),
    "dest": lambda flights, features: features["dest"].astype("category").cat.codes,
}


@pytest.mark.parametrize("name", SKEWS)
def test_it_finds_the_feature_that_differs(name, flights, features):
    skewed = features.assign(**{name: SKEWS[name](flights, features)})
    shares = share_differing(features, skewed)
    assert shares[shares > 0].index.tolist() == [name]
    # Counted once more, value by value.
    pairs = zip(features[name], skewed[name], strict=True)
    differ = [not (a == b or (pd.isna(a) and pd.isna(b))) for a, b in pairs]
    assert shares[name] == np.mean(differ)


def test_it_finds_none_where_there_is_none(features):
    same = features.astype({"carrier": object, "origin": "category"})[reversed(FEATURES)]
    shares = share_differing(features, same)
    assert shares.index.tolist() == FEATURES
    assert (shares == 0).all()


def test_the_largest_share_comes_first(features):
    skewed = features.assign(temp=features["temp"] + 1)
    skewed.iloc[:100, FEATURES.index("humid")] = -1
    shares = share_differing(features, skewed)
    assert shares.head(2).index.tolist() == ["temp", "humid"]
    assert shares["humid"] == 0.25


numbers = st.lists(st.one_of(st.just(np.nan), st.floats(-1e6, 1e6)), min_size=1, max_size=20)


@given(numbers, st.data())
def test_any_single_change_is_counted(values, draw):
    table = pd.DataFrame({"x": np.array(values, dtype=float)})
    row = draw.draw(st.integers(0, len(values) - 1))
    changed = table.copy()
    changed.loc[row, "x"] = 0.0 if np.isnan(values[row]) else values[row] + 1
    assert share_differing(table, table.copy())["x"] == 0
    assert share_differing(table, changed)["x"] == 1 / len(values)
    assert share_differing(changed, table)["x"] == 1 / len(values)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
@pytest.mark.parametrize("type_", [object, "string", "category"])
def test_a_missing_text_agrees_with_a_missing_text_only(missing, type_):
    one = pd.DataFrame({"x": pd.Series(["a", missing, missing, "b"], dtype=type_)})
    other = pd.DataFrame({"x": pd.Series(["a", "c", np.nan, None], dtype=object)})
    assert share_differing(one, other)["x"] == 0.5
    assert share_differing(other, one)["x"] == 0.5


def test_rounding_in_the_last_digits_is_no_skew():
    one, other = pd.DataFrame({"x": [0.1 + 0.2]}), pd.DataFrame({"x": [0.3]})
    assert share_differing(one, other)["x"] == 0
    assert share_differing(one, other + 1e-5)["x"] == 1


def test_other_flights_or_features_are_refused(features):
    with pytest.raises(CourseError, match="400 from training and 399 from serving"):
        share_differing(features, features.iloc[1:])
    with pytest.raises(CourseError, match="same flights"):
        share_differing(features, features.iloc[::-1])
    with pytest.raises(CourseError, match="at least one"):
        share_differing(features.head(0), features.head(0))
    with pytest.raises(CourseError, match="Only one of the two paths computes seats"):
        share_differing(features, features.drop(columns="seats"))


def test_the_report_says_what_each_skew_does():
    training = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "y": ["a"] * 4, "z": [0.0] * 4})
    serving = pd.DataFrame({"z": [1.0] * 4, "x": [1.0, 3.0, 3.0, 1.0], "y": ["a"] * 4})
    late = pd.Series([False, False, True, True])
    found = report(training, serving, lambda table: (table["x"] >= 3).to_numpy(), late)
    assert found.index.tolist() == ["none", "z", "x", "all"]
    assert found["rows differ"].tolist() == [0, 1, 0.5, 1]
    assert found["answers change"].tolist() == [0, 0, 0.5, 0.5]
    assert found["dollars per flight"].tolist() == [0, 0, 12.5, 12.5]  # 10 needless, 40 missed


def test_in_the_report_a_row_counts_once_however_many_of_its_features_differ():
    training = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "y": ["a"] * 4})
    serving = pd.DataFrame({"x": [9.0, 9.0, 3.0, 4.0], "y": ["b", "a", "b", "a"]})
    found = report(training, serving, lambda table: table["x"] > 5, pd.Series([False] * 4))
    assert found["rows differ"].tolist() == [0, 0.5, 0.5, 0.75]


def test_the_report_of_no_skew_has_nothing_between_none_and_all(features):
    late = pd.Series(False, index=features.index)
    found = report(features, features, lambda table: table["temp"] > 60, late)
    assert found.index.tolist() == ["none", "all"]
    assert (found["answers change"] == 0).all()


def test_requests_are_what_json_can_hold(flights, features):
    requests = make_requests(flights, features)
    assert json.loads(json.dumps(requests, allow_nan=False)) == requests
    assert len(requests) == len(flights)
    assert not {"dep_delay", "dep_time", "arr_time", "arr_delay", "air_time"} & set(requests[0])
    number = int(np.flatnonzero(features["temp"].notna())[0])
    fahrenheit = requests[number]["weather"]["temp"] * 1.8 + 32
    assert fahrenheit == pytest.approx(features["temp"].iloc[number], abs=0.1)
    assert requests[number]["weather"].keys() == set(WEATHER)


def test_features_of_a_request_alone_are_those_of_the_batch(flights, features):
    weather, planes = data.load_weather(), data.load_planes()
    rows = []
    for request in make_requests(flights.head(60), features.head(60)):
        flight = pd.DataFrame([request])
        flight["time_hour"] = pd.to_datetime(flight["time_hour"])
        rows.append(make_features(flight, weather, planes))
    batch = features.head(60)
    assert (share_differing(batch, pd.concat(rows).set_axis(batch.index)) == 0).all()
