import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlops_school import damages, monitoring
from mlops_school.data import load_flights
from mlops_school.errors import CourseError
from mlops_school.quarantine import Gate


@pytest.fixture(scope="module")
def months():
    return {f"2013-{month:02d}": load_flights([month]) for month in (5, 6, 7, 8)}


@pytest.fixture
def gate(tmp_path):
    return Gate(tmp_path / "a place with spaces")


def files(gate):
    """Return the bytes of every month, wherever it is."""
    places = (gate.inbox, gate.accepted, gate.quarantine)
    return [
        path.read_bytes()
        for place in places
        for path in sorted(place.rglob("*"))
        if path.is_file() and not path.name.startswith("report.")
    ]


def test_R8_good_months_go_on_and_bad_ones_are_set_aside(gate, months):
    gate.hand_in(months["2013-05"], "2013-05")
    gate.hand_in(damages.delays_in_hours(months["2013-06"]), "2013-06")
    gate.hand_in(months["2013-07"], "2013-07")
    before = sorted(files(gate))
    receipts = gate.receive()
    assert [receipt.accepted for receipt in receipts] == [True, False, True]
    assert sorted(files(gate)) == before
    assert not [*gate.inbox.iterdir()]
    pd.testing.assert_frame_equal(load_flights([5, 7], folder=gate.accepted), load_flights([5, 7]))
    assert [bool(receipt.alert) for receipt in receipts] == [False, True, False]
    alert = receipts[1].alert
    assert alert.startswith("ALERT R8: 2013-06 is in quarantine. departure_fits_clock (and 2 more)")
    assert "\n" not in alert

    case = receipts[1].place.parent
    assert sorted(path.name for path in case.iterdir()) == [
        "2013-06.parquet",
        "report.html",
        "report.json",
    ]
    assert json.loads((case / "report.json").read_text(encoding="utf-8"))["month"] == "2013-06"
    assert "arrival_fits_clock" in (case / "report.html").read_text(encoding="utf-8")
    assert monitoring.set_aside(gate.quarantine) == 1  # for the alert of R8, in lesson 14


def test_a_second_run_changes_nothing(gate, months):
    gate.hand_in(damages.column_missing(months["2013-05"]), "2013-05")
    gate.receive()
    before = files(gate)
    assert gate.receive() == []
    gate.hand_in(damages.column_missing(months["2013-05"]), "2013-05")
    gate.receive()
    assert files(gate) == before


def test_a_repaired_month_goes_on_and_the_bad_one_stays_as_evidence(gate, months):
    gate.hand_in(damages.column_missing(months["2013-05"]), "2013-05")
    (bad,) = gate.receive()
    gate.hand_in(months["2013-05"], "2013-05")
    (good,) = gate.receive()
    assert good.accepted
    assert good.place.exists()
    assert bad.place.exists()


def test_another_version_of_an_accepted_month_is_set_aside(gate, months):
    gate.hand_in(months["2013-05"], "2013-05")
    (accepted,) = gate.receive()
    content = accepted.place.read_bytes()
    gate.hand_in(months["2013-05"].sort_values("flight"), "2013-05")
    (other,) = gate.receive()
    assert other.report.broken == ["not_yet_accepted"]
    assert accepted.place.read_bytes() == content


def test_two_bad_versions_are_both_kept(gate, months):
    for damage in (damages.column_missing, damages.column_renamed):
        gate.hand_in(damage(months["2013-05"]), "2013-05")
        gate.receive()
    assert len([*gate.quarantine.glob("*/2013-05.parquet")]) == 2


def test_files_that_are_no_month_are_set_aside(gate):
    names = ["2013-05.parquet", "flights 2013.csv", "x" * 150 + ".parquet", "Fl\u00fcge.parquet"]
    for number, name in enumerate(names):
        (gate.inbox / name).write_bytes(b"a,b\n" * number)
    receipts = gate.receive()
    assert [receipt.report.broken for receipt in receipts] == [["readable"]] * len(names)
    assert sorted(receipt.place.name for receipt in receipts) == sorted(names)


def test_what_is_still_being_written_is_left_alone(gate):
    for name in ("2013-05.parquet.part", ".2013-05.parquet"):
        (gate.inbox / name).write_bytes(b"PAR1")
    (gate.inbox / "folder").mkdir()
    assert gate.receive() == []
    assert len([*gate.inbox.iterdir()]) == 3


def test_if_it_is_stopped_in_the_middle_the_next_run_does_the_rest(gate, months, monkeypatch):
    gate.hand_in(damages.column_missing(months["2013-05"]), "2013-05")
    gate.hand_in(months["2013-06"], "2013-06")
    before = sorted(files(gate))
    replace = Path.replace

    def stopped(path, place):
        if path.name == "2013-05.parquet":
            raise KeyboardInterrupt
        return replace(path, place)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", stopped)
        with pytest.raises(KeyboardInterrupt):
            gate.receive()
    assert sorted(files(gate)) == before
    assert [receipt.accepted for receipt in gate.receive()] == [False, True]
    assert sorted(files(gate)) == before


@pytest.mark.parametrize("method", ["replace", "read_bytes", "mkdir", "write_text"])
def test_a_folder_that_may_not_be_changed_gives_a_sentence(method, gate, months, monkeypatch):
    gate.hand_in(damages.column_missing(months["2013-05"]), "2013-05")
    before = files(gate)

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, method, refuse)
        with pytest.raises(CourseError, match="Permission denied.*Nothing is lost.*run this cell"):
            gate.receive()
    assert files(gate) == before
    assert not gate.receive()[0].accepted


def test_an_inbox_that_may_not_be_written_to_gives_a_sentence(gate, months):
    gate.inbox.rmdir()
    with pytest.raises(CourseError, match=r"2013-05.parquet cannot be written"):
        gate.hand_in(months["2013-05"], "2013-05")


@settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    batch=st.dictionaries(
        st.sampled_from(["2013-05", "2013-06", "2013-07", "2013-08"]),
        st.sampled_from([None, "torn", *damages.DAMAGES]),
        min_size=1,
    )
)
def test_R8_whatever_arrives_every_row_is_somewhere(batch, months, tmp_path_factory):
    gate = Gate(tmp_path_factory.mktemp("gate"))
    for name, damage in batch.items():
        whole = damage in (None, "torn")
        path = gate.hand_in(months[name] if whole else damage(months[name]), name)
        if damage == "torn":
            path.write_bytes(path.read_bytes()[:1000])
    before = sorted(files(gate))
    receipts = gate.receive()
    assert {r.report.month for r in receipts if r.accepted} == {
        name for name, damage in batch.items() if damage is None
    }
    assert sorted(files(gate)) == before
