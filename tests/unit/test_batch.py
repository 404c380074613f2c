"""The daily batch: one forecast for each flight, whatever happens to it."""

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_school import batch, champion, data
from mlops_school.errors import CourseError
from mlops_school.features import make_features
from mlops_school.forecasts import Flight, Forecaster, as_table

MIDNIGHT = pd.Timestamp("2013-06-13 00:00", tz=data.NEW_YORK)
NOON = MIDNIGHT + pd.Timedelta(hours=12)


@pytest.fixture(scope="module")
def forecaster(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCHOOL_WORKSPACE", str(tmp_path_factory.mktemp("workspace")))
        return Forecaster(champion.train("1", months=(1,)))


@pytest.fixture(scope="module")
def timetable():
    return batch.timetable(date(2013, 6, 13))


@pytest.fixture
def files(timetable, tmp_path):
    source = tmp_path / "timetable.csv"
    timetable.head(40).to_csv(source, index=False)
    return source, tmp_path / "2013-06-13.csv"


def test_the_key_tells_all_flights_of_each_day_apart():
    flights = data.load_flights(columns=["month", "day", *batch.KEY])
    assert not flights.duplicated().any()


def test_the_timetable_of_a_day_is_that_of_the_data(timetable):
    june = data.load_flights([6])
    thirteenth = june[june["day"] == 13]
    assert len(timetable) == len(thirteenth)
    assert list(timetable.columns) == batch.TIMETABLE
    departure = pd.to_datetime(timetable["departure"], utc=True)
    expected = thirteenth["time_hour"] + pd.to_timedelta(thirteenth["minute"], unit="min")
    assert sorted(departure) == sorted(expected)


def test_a_second_run_changes_nothing(files, forecaster):
    source, output = files
    first = batch.run(source, output, forecaster, MIDNIGHT)
    before = output.stat().st_mtime_ns, output.read_bytes()
    assert batch.run(source, output, forecaster, MIDNIGHT) == first
    assert (output.stat().st_mtime_ns, output.read_bytes()) == before
    assert first.forecasts == len(pd.read_csv(output)) == 40


@pytest.mark.parametrize("change", ["timetable", "moment", "release", "output", "record"])
def test_it_runs_again_when_anything_differs(change, files, forecaster, monkeypatch):
    source, output = files
    batch.run(source, output, forecaster, MIDNIGHT)
    before = output.read_bytes()
    moment, runs = MIDNIGHT, []
    forecast = batch.forecast
    monkeypatch.setattr(batch, "forecast", lambda *given: runs.append(1) or forecast(*given))
    if change == "timetable":
        pd.read_csv(source).drop(index=0).to_csv(source, index=False)
    elif change == "moment":
        moment = NOON
    elif change == "release":
        monkeypatch.setattr(forecaster, "package", replace(forecaster.package, version="2"))
    elif change == "output":
        output.write_text("half of a", encoding="utf-8")
    else:
        output.with_suffix(".json").unlink()
    record = batch.run(source, output, forecaster, moment)
    assert runs
    found = pd.read_csv(output)
    assert len(found) == record.forecasts == len(found.drop_duplicates(batch.KEY))
    if change in {"output", "record"}:
        assert output.read_bytes() == before


def test_one_bad_row_is_named_and_stops_no_other(files, forecaster):
    source, output = files
    table = pd.read_csv(source)
    table.loc[3, "dest"] = "XXX"
    table.to_csv(source, index=False)
    record = batch.run(source, output, forecaster, MIDNIGHT)
    assert record.forecasts == 39
    (name,) = record.refused
    assert name == " ".join(str(table.loc[3, part]) for part in batch.KEY)
    assert "dest" in record.refused[name]
    assert json.loads(output.with_suffix(".json").read_text(encoding="utf-8"))["forecasts"] == 39


def test_a_timetable_without_a_flight_gives_no_forecast(files, forecaster):
    source, output = files
    pd.read_csv(source).head(0).to_csv(source, index=False)
    assert batch.run(source, output, forecaster, MIDNIGHT).forecasts == 0


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"carrier,flight\nUA,1\n"])
def test_what_is_no_timetable_is_refused_and_leaves_the_old_forecasts(content, files, forecaster):
    source, output = files
    batch.run(source, output, forecaster, MIDNIGHT)
    before = output.read_bytes()
    source.write_bytes(content)
    with pytest.raises(CourseError, match=r"timetable\.csv"):
        batch.run(source, output, forecaster, MIDNIGHT)
    assert output.read_bytes() == before


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 19), max_size=30), st.integers(0, 3))
def test_each_flight_has_one_forecast_of_its_last_row(timetable, forecaster, rows, moved):
    table = timetable.iloc[rows].reset_index(drop=True)
    later = table.iloc[:moved].assign(departure="2013-06-13T23:00:00-04:00")
    found, refused = batch.forecast(pd.concat([table, later]), forecaster)
    assert not refused
    assert not found.duplicated(batch.KEY).any()
    assert set(map(tuple, found[batch.KEY].to_numpy())) == set(
        map(tuple, table[batch.KEY].to_numpy())
    )
    late = found.merge(later[batch.KEY], on=batch.KEY)
    assert set(late["departure"]) <= {"2013-06-13T23:00:00-04:00"}


def test_a_batch_uses_only_what_was_known_when_it_ran(timetable, forecaster):
    flights = [
        Flight(**{name: row[name] for name in Flight.model_fields if not pd.isna(row[name])})
        for row in timetable.iloc[::40].to_dict("records")
    ]
    at_midnight = forecaster.features(flights, MIDNIGHT)
    weather = data.load_weather()
    known = weather[weather["time_hour"] + pd.Timedelta(hours=1) <= MIDNIGHT]
    expected = make_features(as_table(flights), known, data.load_planes())
    pd.testing.assert_frame_equal(at_midnight, expected)
    assert at_midnight["temp"].isna().any()  # of the evening's flights
    assert at_midnight["temp"].notna().any()


def test_an_hourly_batch_knows_what_a_service_knows(forecaster):
    flights = data.load_flights([11]).query("day == 3").reset_index(drop=True)  # clocks go back
    model = forecaster.package.model
    features = make_features(flights, data.load_weather(), data.load_planes())
    at_once = model.predict_proba(features)[:, 1]
    assert np.array_equal(batch.replay(flights, 1, model), at_once)
    assert not np.array_equal(batch.replay(flights, 24, model), at_once)
