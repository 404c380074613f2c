import pytest

from mlops_school.errors import CourseError
from mlops_school.testing import run_tests

TESTS = """
import os
import pytest

def test_good():
    pass

def test_word():
    assert os.environ["WORD"] == "hello"

@pytest.mark.parametrize("number", [1, 2])
def test_number(number):
    assert number == 1

@pytest.fixture
def broken():
    raise OSError("no disk")

def test_fixture(broken):
    pass

def test_later():
    pytest.skip("not today")
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_one.py").write_text(TESTS, encoding="utf-8")
    return tmp_path


def test_every_outcome(project):
    report = run_tests(project, WORD="hello")
    assert report["outcome"].to_dict() == {
        "test_good": "passed",
        "test_word": "passed",
        "test_number[1]": "passed",
        "test_number[2]": "failed",
        "test_fixture": "failed",
        "test_later": "skipped",
    }
    assert report.loc["test_number[2]", "message"] == "assert 2 == 1"
    assert "no disk" in report.loc["test_fixture", "message"]
    assert report.loc["test_later", "message"] == "not today"
    assert report.loc["test_good", "message"] == ""
    assert set(report["file"]) == {"tests/test_one.py"}


def test_one_file_of_several(project):
    (project / "tests" / "test_two.py").write_text("def test_two(): pass\n", encoding="utf-8")
    assert list(run_tests(project, "tests/test_two.py").index) == ["test_two"]


def test_a_change_counts_at_once(project, monkeypatch):
    """Even one that leaves time and size of the file as they were."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    module = project / "tests" / "test_one.py"
    for number in (1, 2):
        module.write_text(f"def test_it():\n    assert {number} == 2\n", encoding="utf-8")
        outcome = run_tests(project)["outcome"].item()
    assert outcome == "passed"
    assert not list(project.rglob("*.pyc"))


def test_options_set_elsewhere_do_not_matter(project, monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", "--collect-only")
    assert len(run_tests(project, WORD="hello")) == 6


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "no tests ran"), ("def check(): pass", "no tests ran")],
    ids=["empty", "no test"],
)
def test_no_test_is_a_sentence(project, text, words):
    (project / "tests" / "test_one.py").write_text(text, encoding="utf-8")
    with pytest.raises(CourseError, match=f"(?s)pytest ran no test.*{words}"):
        run_tests(project)


def test_a_file_that_is_no_python_fails(project):
    (project / "tests" / "test_one.py").write_text("def test_(:\n", encoding="utf-8")
    report = run_tests(project)
    assert list(report["outcome"]) == ["failed"]
