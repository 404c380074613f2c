"""What the labs on Spark and Kafka need beside the tools, which are not in this environment."""

import json
from contextlib import closing

import pandas as pd
import pytest

from mlops_school import data, kafka, landings, spark, stream
from mlops_school.features import departure, warning_due

EVENT = {
    **{"carrier": "UA", "flight": 15, "origin": "EWR", "dest": "HNL"},
    **{"departure": "2013-07-01T10:00", "landed": 20.5, "late": True},
}


def test_the_last_known_delay_is_that_of_the_newest_landing_before_the_warning():
    flights = data.load_flights([7]).query("day <= 3 and tailnum == tailnum")
    planes = flights["tailnum"].drop_duplicates()[:20]
    flights = flights[flights["tailnum"].isin(planes)]
    known = landings.last_known_delay(flights)
    moment = departure(flights) + pd.to_timedelta(
        flights["dep_delay"] + flights["air_time"], unit="min"
    )
    for row, due in warning_due(flights).items():
        before = flights[(flights["tailnum"] == flights["tailnum"][row]) & (moment <= due)]
        if before["arr_delay"].notna().any():
            newest = moment[before.index][before["arr_delay"].notna()].idxmax()
            assert known[row] == flights["arr_delay"][newest]
        else:
            assert pd.isna(known[row])
    assert known.notna().any()
    assert known.isna().any()


@pytest.mark.parametrize(
    "value",
    [b"\xff", b"{", b"[]", json.dumps({k: v for k, v in EVENT.items() if k != "late"}).encode()],
)
def test_a_message_that_is_no_landing_cannot_be_read(value):
    with pytest.raises(ValueError):
        kafka.read(value)


class Letters:
    def __init__(self):
        self.sent = []

    def produce(self, topic, value, headers):
        self.sent.append((topic, value, headers))


def test_what_cannot_be_read_is_put_aside_and_the_rest_is_counted_once(tmp_path):
    letters = Letters()
    good = json.dumps(EVENT).encode()
    with closing(stream.connect(tmp_path / "count.db")) as connection:
        for value in [good, b"[]", good]:
            kafka.handle(value, connection, letters, "dead")
        assert stream.counted(connection) == 1
        kafka.count(connection, EVENT, once=False)
        assert stream.counted(connection) == 2
    assert letters.sent == [("dead", b"[]", {"reason": "it is no landing"})]


def test_trouble_that_is_not_the_messages_is_not_put_aside(tmp_path):
    letters = Letters()
    connection = stream.connect(tmp_path / "count.db")
    connection.close()
    with pytest.raises(stream.sqlite3.Error):
        kafka.handle(json.dumps(EVENT).encode(), connection, letters, "dead")
    assert not letters.sent


def test_a_day_arrives_as_one_file(tmp_path):
    number = spark.deliver(2, tmp_path / "incoming")
    (path,) = (tmp_path / "incoming").iterdir()
    rows = pd.read_json(path, lines=True)
    assert path.name == "2013-07-02.json"
    assert len(rows) == number == len(landings.of_day(7, 2))
    assert list(rows) == spark.COLUMNS


def test_a_batch_that_comes_twice_is_kept_once_or_twice(tmp_path):
    for number in [0, 1, 1]:
        spark.both(pd.DataFrame({"flight": [number, 7]}), number, tmp_path)
    appended = pd.read_json(tmp_path / "appended.json", lines=True)
    kept = [pd.read_json(path, lines=True) for path in (tmp_path / "batches").iterdir()]
    assert sorted(appended["flight"]) == [0, 1, 1, 7, 7, 7]
    assert sorted(pd.concat(kept)["flight"]) == [0, 1, 7, 7]
