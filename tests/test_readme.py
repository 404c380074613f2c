"""What the README says is so."""

import re

import pytest

from mlops_school.manifest import load_manifest
from mlops_school.paths import ROOT


def read(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def test_the_lessons_are_those_of_the_manifest():
    rows = re.findall(r"^\| \[(.+)\]\((.+ipynb)\) \| (.+) \| (\d+) \|$", read("README.md"), re.M)
    assert rows == [
        (lesson.title, f"notebooks/{lesson.notebook.name}", lesson.phase, str(lesson.minutes))
        for lesson in load_manifest()
    ]


def test_links_lead_somewhere():
    targets = re.findall(r"\]\((?!https?://)([^)#]+)", read("README.md"))
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_make_has_every_target_that_is_named(document):
    targets = set(re.findall(r"^(\w+):", read("Makefile"), re.M))
    named = set(re.findall(r"\bmake ([a-z]+)`", read(document)))
    assert named
    assert named <= targets
