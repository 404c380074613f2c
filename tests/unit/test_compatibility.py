"""Releases and services that do not fit are told apart before they meet."""

from itertools import permutations

import pytest

from mlops_school import compatibility
from mlops_school.compatibility import DELIVERED, STEPS, Column
from mlops_school.errors import CourseError
from mlops_school.features import FEATURES


def test_the_service_delivers_every_feature_and_nothing_is_wrong():
    assert set(DELIVERED) == set(FEATURES)
    assert compatibility.problems(DELIVERED, DELIVERED) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"temp_c": Column("number", "°C")}, "temp_c (number in °C) is needed, and not delivered."),
        ({"temp": Column("number", "°C")}, "temp is needed as number in °C, and delivered as"),
        ({"seats": Column("text")}, "seats is needed as text, and delivered as number."),
    ],
    ids=["missing", "unit", "kind"],
)
def test_what_does_not_fit_is_named(change, words):
    (problem,) = compatibility.problems({**DELIVERED, **change}, DELIVERED)
    assert problem.startswith(words)


def test_what_is_delivered_and_not_needed_does_no_harm():
    assert compatibility.problems({"temp": DELIVERED["temp"]}, DELIVERED) == []


def test_a_package_says_what_it_needs(tmp_path):
    needed = {"temp_c": Column("number", "°C")}
    compatibility.write(tmp_path, needed)
    assert compatibility.read(tmp_path) == needed
    with pytest.raises(CourseError, match="does not fit the service.\ntemp_c"):
        compatibility.require(tmp_path)
    compatibility.require(tmp_path, needed)


@pytest.mark.parametrize("text", [None, "{", "[1]", '{"temp": 3}', '{"temp": {"size": 1}}'])
def test_a_package_that_says_nothing_is_refused(tmp_path, text):
    if text is not None:
        (tmp_path / compatibility.NEEDS).write_text(text, encoding="utf-8")
    with pytest.raises(CourseError, match="Pack the model again"):
        compatibility.read(tmp_path)


def test_one_order_only_is_without_a_gap():
    good = []
    for steps in permutations(STEPS):
        went = compatibility.rehearse(steps)
        if went["works"].all() and went["way back"].all() and went["serves"].iloc[-1] == 3:
            good.append(list(steps))
    assert good == [["expand", "release 2", "release 3", "contract"]]


def test_a_step_that_is_not_there_is_refused():
    with pytest.raises(CourseError, match="no step 'migrate'. The steps are expand"):
        compatibility.rehearse(["migrate"])
