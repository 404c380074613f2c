"""What the README says is so."""

import re

import pytest

from mlops_school.manifest import load_labs, load_manifest
from mlops_school.paths import ROOT
from mlops_school.standing import standings


def read(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


ONE_LINE = " ".join(read("README.md").split())


def test_the_lessons_are_those_of_the_manifest():
    rows = re.findall(r"^\| \[(.+)\]\((.+ipynb)\) \| (.+) \| (\d+) \|$", read("README.md"), re.M)
    assert rows == [
        (lesson.title, f"notebooks/{lesson.notebook.name}", lesson.phase, str(lesson.minutes))
        for lesson in load_manifest()
    ]


def test_what_is_counted_is_there():
    lessons = standings()
    assert re.findall(
        r"\*\*(\d+) lessons, (\d+) exercises, (\d+) questions, (\d+) tool labs", ONE_LINE
    ) == [
        (
            str(len(lessons)),
            str(sum(one.exercises for one in lessons)),
            str(sum(one.questions for one in lessons)),
            str(len(load_labs())),
        )
    ]
    (hours,) = re.findall(r"they take about (\d+) hours", ONE_LINE)
    assert int(hours) == round(sum(one.lesson.minutes for one in lessons) / 60)


def test_the_badge_is_of_a_workflow_that_runs_the_tests():
    # GitHub takes ../../actions for the page of the repository's workflows.
    named = re.findall(r"\.\./\.\./actions/workflows/([\w.]+)", read("README.md"))
    assert set(named) == {"ci.yml"}
    assert "bootstrap.py test\n" in read(".github/workflows/ci.yml")


def test_every_picture_says_in_words_what_it_shows():
    pictures = re.findall(r"!\[([^]]*)\]", read("README.md"))
    assert len(pictures) >= 5
    assert all(pictures)


def test_links_lead_somewhere():
    targets = re.findall(r"\]\((?!https?://|\.\./\.\./actions/)([^)#]+)", read("README.md"))
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_make_has_every_target_that_is_named(document):
    targets = set(re.findall(r"^(\w+):", read("Makefile"), re.M))
    named = set(re.findall(r"\bmake ([a-z]+)`", read(document)))
    assert named
    assert named <= targets
