"""What the lab on TFDV and TFMA gives to the tools, and makes of what they find."""

import math

import numpy as np
import pandas as pd
import pytest

from mlops_school import backtest, data, inferred_schema, replay
from mlops_school.damages import DAMAGES

RESULT = {
    "2013-05": {"anomalies": [{"column": "dest", "what": "Unexpected string values"}], "drift": []},
    "dropped": {
        "anomalies": [
            {"column": "dest", "what": "Unexpected string values"},
            {"column": "dest", "what": "Column dropped"},
            {"column": "carrier", "what": "Unexpected string values"},
        ],
        "drift": [
            {"column": "origin", "measure": "L_INFTY", "value": 0.5},
            {"column": "carrier", "measure": "L_INFTY", "value": 0.25},
        ],
    },
    "fine": {"anomalies": [{"column": "dest", "what": "Unexpected string values"}], "drift": []},
}


def test_what_a_real_month_has_too_does_not_count_as_found():
    found = inferred_schema.columns_found(RESULT, ["dropped", "fine"], usual="2013-05")
    assert found == {"dropped": "carrier, dest", "fine": ""}


def test_drift_is_that_of_the_column():
    assert inferred_schema.drift_of(RESULT, "dropped", "carrier") == 0.25
    assert math.isnan(inferred_schema.drift_of(RESULT, "fine", "carrier"))


def test_the_tables_are_the_good_months_the_later_ones_and_the_damaged(tmp_path, monkeypatch):
    load = data.load_flights
    monkeypatch.setattr(data, "load_flights", lambda months: load(months).head(300))
    before, real, damaged = inferred_schema.write_tables(tmp_path / "new", months=[5, 6])
    assert set(before["month"]) == {1}  # its first 300 rows
    assert list(real) == ["2013-05", "2013-06"]
    assert list(damaged) == [damage.__name__ for damage in DAMAGES] + ["carriers_swapped"]
    files = {path.stem: len(pd.read_parquet(path)) for path in (tmp_path / "new").iterdir()}
    sizes = {"before": before} | real | damaged
    assert files == {name: len(table) for name, table in sizes.items()}


def test_june_has_the_airline_of_each_flight(monkeypatch):
    said = pd.DataFrame({"dest": ["BOS", "MIA", "BOS"], "probability": [0.1, 0.2, 0.3]})
    known = said.assign(origin=["JFK", "LGA", "JFK"], carrier=["B6", "AA", "DL"])
    monkeypatch.setattr(replay, "outcomes", lambda month, built: said)
    monkeypatch.setattr(backtest, "load_month", lambda month: known)
    june = inferred_schema.june_from("JFK")
    assert june.to_dict("list") == {
        "dest": ["BOS", "BOS"],
        "probability": [0.1, 0.3],
        "carrier": ["B6", "DL"],
    }


@pytest.fixture(scope="module")
def spans():
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "carrier": np.repeat(["AA", "UA"], 300),
            "date": np.tile(np.arange(30), 20),
            "probability": random.random(600),
        }
    )
    chance = random.random(600)
    table["late"] = np.where(table["carrier"] == "AA", table["probability"], 0.5) > chance
    table["warned"] = table["probability"] > 0.5
    return inferred_schema.spans_by(table, "carrier")


def test_each_slice_has_its_interval(spans):
    assert spans["flights"].to_dict() == {"AA": 300, "UA": 300}
    assert (spans["low"] < spans["roc_auc"]).all() and (spans["roc_auc"] < spans["high"]).all()
    assert spans.loc["AA", "low"] > 0.6
    assert spans.loc["UA", "low"] < 0.5 < spans.loc["UA", "high"]


def test_the_pictures_say_in_words_what_they_show(spans):
    _, words = inferred_schema.draw_spans(spans, 0.7)
    assert words.startswith("Limit 0.7. AA: 0.")
    assert f"UA: {spans.loc['UA', 'low']:.2f} to {spans.loc['UA', 'high']:.2f}" in words
    _, words = inferred_schema.draw_bins(pd.Series([0, 1, 2, 100, np.nan]))
    assert words == (
        "Percent of the flights in each bin of 10 minutes: "
        "75.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 25.0"
    )
