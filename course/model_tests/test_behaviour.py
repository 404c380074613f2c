"""How a model must behave, whatever its metrics: the kinds of tests of Ribeiro and others (2020).

They ask about made-up flights, so none of them needs to know what became of a flight.
"""

import numpy as np
import pytest

from mlops_school import data
from mlops_school.features import make_features

# ---- minimum functionality: what everybody would know

CALM = {"visib": 10.0, "precip": 0.0, "wind_gust": np.nan, "wind_speed": 5.0, "humid": 50.0}
STORM = {"visib": 1.0, "precip": 0.3, "wind_gust": 40.0, "wind_speed": 25.0, "humid": 95.0}


def test_hardly_any_calm_morning_gets_a_warning(package, predict, flights):
    calm = flights.assign(**CALM, temp=60.0, dewp=40.0, pressure=1020.0, minute_of_day=6.0 * 60)
    assert (predict(calm) >= package.threshold).mean() < 0.20


def test_nearly_every_stormy_evening_gets_one(package, predict, flights):
    storm = flights.assign(**STORM, minute_of_day=20.0 * 60)
    assert (predict(storm) >= package.threshold).mean() > 0.90


# ---- invariance: what must not matter


def test_another_aircraft_of_the_same_kind_changes_nothing(predict):
    planes = data.load_planes().dropna(subset=["year"])
    twins = planes.groupby(["seats", "year"])["tailnum"].agg(["first", "last"])
    other = twins.set_index("first")["last"]
    other = other[other.index != other]
    rows = data.load_flights([5])
    rows = rows[rows["tailnum"].isin(other.index)].head(200)
    weather = data.load_weather()
    before = predict(make_features(rows, weather, planes))
    after = predict(make_features(rows.assign(tailnum=rows["tailnum"].map(other)), weather, planes))
    assert len(rows) == 200 and np.array_equal(before, after)


def test_it_does_not_matter_which_flights_are_asked_about_together(predict, flights):
    alone = np.concatenate([predict(flights.iloc[[row]]) for row in range(5)])
    assert np.array_equal(alone, predict(flights)[:5])


# ---- direction: what may not make a delay less probable, on average


@pytest.mark.parametrize(
    ("feature", "values"),
    [
        ("minute_of_day", [6 * 60, 12 * 60, 19 * 60]),
        ("visib", [10, 3, 1]),
        ("wind_gust", [20, 30, 45]),
        ("precip", [0, 0.1, 0.3]),
    ],
    ids=["later", "less visibility", "stronger gusts", "heavier rain"],
)
def test_worse_is_not_safer(predict, flights, feature, values):
    means = [predict(flights.assign(**{feature: float(value)})).mean() for value in values]
    assert means == sorted(means), dict(zip(values, np.round(means, 3).tolist(), strict=True))
