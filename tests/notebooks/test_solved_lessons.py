"""Each solved lesson, executed by papermill with fast parameters; every exercise must pass."""

from operator import attrgetter

import pytest

from mlops_school.authoring.execute import execute_solved
from mlops_school.manifest import load_manifest

pytestmark = pytest.mark.notebooks


@pytest.mark.parametrize("lesson", load_manifest(), ids=attrgetter("id"))
def test_solved_lesson_runs_twice_from_anywhere(lesson, workspace, tmp_path):
    for folder in (tmp_path / "first", tmp_path / "second"):
        execute_solved(lesson, folder, fast=True, cwd=folder / "elsewhere")
