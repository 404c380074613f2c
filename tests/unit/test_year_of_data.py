"""All of 2013 goes through lessons 05 to 08, and no flight is lost on the way."""

import pandas as pd

from mlops_school import bureau, data
from mlops_school.authoring import year
from mlops_school.features import make_features


def test_every_flight_of_the_year_arrives(tmp_path):
    rates, table = year.flow(tmp_path)
    flights = data.load_flights()
    assert rates["n"].sum() == flights["arr_delay"].notna().sum()
    assert rates["missing"].sum() == flights["arr_delay"].isna().sum()
    pd.testing.assert_frame_equal(
        table, make_features(flights, data.load_weather(), data.load_planes())
    )


def test_a_bad_month_stops_at_the_gate_and_no_other(tmp_path, monkeypatch):
    def in_kilometres_in_march(month, raw):
        return deliver(month, raw, in_kilometres=month == 3)

    deliver = bureau.deliver
    monkeypatch.setattr(bureau, "deliver", in_kilometres_in_march)
    monkeypatch.setattr(data, "MONTHS", (2, 3, 4))
    rates, table = year.flow(tmp_path)
    assert len(table) == rates[["n", "missing"]].sum().sum() == len(data.load_flights([2, 4]))
    (report,) = (tmp_path / "gate" / "quarantine").glob("2013-03-*/report.json")
    assert "distance" in report.read_text(encoding="utf-8")
