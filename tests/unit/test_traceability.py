import pandas as pd
import pytest

from mlops_school.errors import CourseError
from mlops_school.process import Requirement
from mlops_school.repository import Repository
from mlops_school.traceability import GAP, UNRELEASED, requirement_of, test_functions, trace

REQUIREMENTS = {
    "R1": Requirement("R1", "One", "", alert="lesson 14"),
    "R2": Requirement("R2", "Two", ""),
    "R12": Requirement("R12", "Twelve", ""),
}


def functions(*names):
    return "\n".join(f"def {name}():\n    pass\n" for name in names)


def report(**outcomes):
    rows = {"outcome": list(outcomes.values())}
    return pd.DataFrame(rows, index=pd.Index(outcomes, name="test"))


@pytest.fixture
def repository(tmp_path):
    repository = Repository.create(tmp_path / "repository")
    repository.write("tests/test_a.py", functions("test_R1_day", "test_helper"))
    repository.commit("first")
    repository.tag("v1")
    repository.write("tests/test_b.py", functions("test_R1_night"))
    repository.commit("between, never released")
    repository.write("other.txt", "")
    repository.commit("second")
    repository.tag("v2")
    repository.write("tests/test_c.py", functions("test_R12_health"))
    return repository


def rows(table):
    return list(
        table[["requirement", "test", "result", "since"]].itertuples(index=False, name=None)
    )


def test_each_requirement_leads_to_its_tests_and_their_release(repository):
    table = trace(REQUIREMENTS, repository, report(test_R1_day="passed", test_R1_night="failed"))
    assert rows(table) == [
        ("R1", "test_R1_day", "passed", "v1"),
        ("R1", "test_R1_night", "failed", "v2"),
        ("R2", "", GAP, ""),
        ("R12", "test_R12_health", "not run", UNRELEASED),
    ]
    assert list(table["alert"]) == ["lesson 14", "lesson 14", "", ""]


@pytest.mark.parametrize(
    ("first", "second", "result"),
    [
        ("passed", "passed", "passed"),
        ("passed", "failed", "failed"),
        ("skipped", "passed", "skipped"),
    ],
)
def test_of_several_cases_the_worst_counts(repository, first, second, result):
    outcomes = {"test_R1_day[06:00]": first, "test_R1_day[07:00]": second, "test_R1_days": "failed"}
    assert rows(trace(REQUIREMENTS, repository, report(**outcomes)))[0][2] == result


def test_a_test_of_a_requirement_that_there_is_not(repository):
    repository.write("tests/test_d.py", functions("test_R3_typo"))
    with pytest.raises(CourseError, match="named after R3, which is no requirement"):
        trace(REQUIREMENTS, repository, report())


@pytest.mark.parametrize(
    ("test", "id_"),
    [
        ("test_R1_day", "R1"),
        ("test_R12_health[a]", "R12"),
        ("test_R1", None),
        ("test_hour", None),
        ("check_R1_day", None),
    ],
)
def test_the_id_is_in_the_name(test, id_):
    assert requirement_of(test) == id_


def test_functions_are_found_in_classes_too_and_helpers_are_not():
    text = "def helper(): pass\nclass TestIt:\n    def test_in(self): pass\ndef test_out(): pass\n"
    assert sorted(test_functions(text)) == ["test_in", "test_out"]
