"""The course as it is stored: whole, and built from its sources."""

from mlops_school.authoring import build, check
from mlops_school.manifest import find_lessons


def test_stored_notebooks_are_what_their_sources_say():
    assert build.drift(find_lessons()) == []


def test_course_has_no_problems():
    assert check.problems() == []
