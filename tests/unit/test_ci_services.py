"""The pipeline files of four services: valid, and the same stages in the same order."""

import re

import pytest

from mlops_school import ci_services, pipeline
from mlops_school.ci_services import SERVICES, mistakes, read, stages
from mlops_school.errors import CourseError
from mlops_school.model_pipeline import STAGES

COMMANDS = [f"python -m mlops_school.model_pipeline {stage}" for stage in STAGES]
WITH_SCHEMA = [name for name, service in SERVICES.items() if service.schema]


@pytest.mark.parametrize("name", SERVICES)
def test_all_run_the_same_stages_in_the_same_order(name):
    assert stages(name, read(name)) == COMMANDS


@pytest.mark.parametrize("name", SERVICES)
def test_a_file_says_where_it_belongs(name):
    service = SERVICES[name]
    assert service.place in read(name).splitlines()[0]
    assert service.place.endswith(service.file.name)


@pytest.mark.parametrize("name", WITH_SCHEMA)
def test_files_are_valid(name):
    assert mistakes(name, read(name)) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("GitHub Actions", "needs: test", "need: test", "jobs.train: .*'need' was unexpected"),
        ("GitHub Actions", "on: push", "on: pusch", "on: "),
        ("GitLab CI", "  script:", "  scripts:", "test: .*'scripts' was unexpected"),
        ("CircleCI", "version: 2.1", "version: two", "version: "),
    ],
)
def test_a_schema_names_the_mistake(name, old, new, words):
    text = read(name)
    assert old in text
    found = mistakes(name, text.replace(old, new, 1))
    assert len(found) == 1
    assert re.match(words, found[0])


def test_text_that_is_no_yaml_is_a_mistake():
    assert mistakes("GitLab CI", "stages: [") == ["The file is not valid YAML."]


def test_jenkins_has_no_schema():
    with pytest.raises(CourseError, match="no schema"):
        mistakes("Jenkins", read("Jenkins"))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("GitHub Actions", "    needs: train\n", ""),
        ("CircleCI", "requires: [train]", "requires: [test]"),
        ("GitLab CI", "  - validate\n", ""),
        ("CircleCI", "requires:", "need:"),  # its schema does not notice
    ],
)
def test_an_order_that_is_not_one_after_the_other_is_refused(name, old, new):
    text = read(name)
    assert old in text
    with pytest.raises(CourseError, match="order of the stages"):
        stages(name, text.replace(old, new))


def test_a_stage_that_moves_is_noticed_in_each_language():
    swapped = {
        "GitHub Actions": [("needs: test", "needs: x"), ("needs: train", "needs: y")],
        "GitLab CI": [("  - test\n  - train\n", "  - train\n  - test\n")],
        "Jenkins": [("model_pipeline test", "x"), ("model_pipeline train", "model_pipeline test")],
        "CircleCI": [("requires: [register]", "requires: [promote]")],
    }
    for name, edits in swapped.items():
        text = read(name)
        for old, new in edits:
            assert old in text
            text = text.replace(old, new)
        try:
            assert stages(name, text) != COMMANDS
        except CourseError:
            continue


def test_the_runner_of_lesson_04_reads_the_github_file():
    workflow = pipeline.read(read("GitHub Actions"))
    assert [job.id for job in workflow.jobs] == list(STAGES)
    assert [job.steps[-1].run for job in workflow.jobs] == COMMANDS


def test_all_files_are_listed():
    folders = {path for path in ci_services._FOLDER.iterdir() if path.is_dir()}
    services = folders - {ci_services._FOLDER / "airflow"}  # which starts pipelines, and is no CI
    files = {path for folder in services for path in folder.rglob("*") if path.is_file()}
    assert files == {service.file for service in SERVICES.values()}
