"""The service of lesson 02, step by step: what its tests say of it."""

import pytest

from mlops_school.data import load_flights
from mlops_school.delay_service import STEPS, count_flights, deploy, files_of, verify
from mlops_school.errors import CourseError
from mlops_school.process import load_requirements
from mlops_school.repository import Repository
from mlops_school.testing import run_tests
from mlops_school.traceability import requirement_of


@pytest.fixture
def repository(tmp_path):
    repository = Repository.create(tmp_path / "repository")
    repository.write("model.json", count_flights([1]).to_json())
    return repository


def take(repository, *steps):
    for step in steps:
        for name, text in files_of(step).items():
            repository.write(name, text)


def failures(report):
    return sorted(report.index[report["outcome"] == "failed"])


def test_the_draft_does_not_meet_one_requirement(repository):
    take(repository, "draft", "test")
    report = verify(repository.folder)
    assert failures(report) == ["test_R6_refuses_what_is_no_time"]
    assert report.loc["test_R6_refuses_what_is_no_time", "message"].startswith("assert 500 == 422")


def test_the_bug_is_reproduced_and_nothing_else(repository):
    take(repository, "draft", "test", "repair", "reproduce")
    names = {name.partition("[")[0] for name in failures(verify(repository.folder))}
    assert names == {"test_R1_answers_for_an_hour_without_flights"}


def test_the_last_step_passes_all_tests_as_a_release(repository, tmp_path):
    take(repository, *STEPS)
    repository.commit("all")
    repository.tag("v1.1")
    with deploy(repository, "v1.1", tmp_path / "releases") as service:
        release = tmp_path / "releases" / "v1.1"
        report = run_tests(release, SERVICE_ADDRESS=service.address, RELEASE="v1.1")
        assert failures(report) == []
        wrong = run_tests(release, SERVICE_ADDRESS=service.address, RELEASE="v1.0")
        assert failures(wrong) == ["test_R12_says_which_release_it_is"]


def test_without_its_model_it_does_not_start_and_says_so(tmp_path):
    repository = Repository(tmp_path)
    take(repository, "draft", "test")
    with pytest.raises(CourseError, match=r"model\.json"):
        verify(tmp_path)


def test_the_bug_is_in_the_data():
    """No flight of the model's months leaves at the hour of the report, and one of July does."""
    assert 1 not in count_flights([1, 2, 3, 4]).index
    assert list(load_flights([7]).query("hour < 5")["sched_dep_time"]) == [106]


def test_flights_are_counted_by_hour():
    model = count_flights([1])
    flights = load_flights([1]).query("hour == 17 and arr_delay == arr_delay")
    assert model.loc[17, "flights"] == len(flights)
    assert model.loc[17, "late"] == (flights["arr_delay"] >= 15).sum()


def test_acceptance_tests_are_named_after_requirements():
    text = (
        files_of("test")["tests/test_acceptance.py"] + files_of("reproduce")["tests/test_night.py"]
    )
    names = [line[4:].partition("(")[0] for line in text.splitlines() if line[:4] == "def "]
    assert names
    assert {requirement_of(name) for name in names} <= set(load_requirements())
