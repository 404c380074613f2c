"""Each solved lesson, executed by papermill with fast parameters; every exercise must pass."""

from operator import attrgetter

import pytest

from mlops_school import progress
from mlops_school.authoring.execute import execute_solved
from mlops_school.manifest import load_manifest
from mlops_school.solutions import read_solutions
from mlops_school.tracking import count_runs

pytestmark = pytest.mark.notebooks


@pytest.mark.parametrize("lesson", load_manifest(), ids=attrgetter("id"))
def test_solved_lesson_runs_twice_from_anywhere_and_leaves_no_duplicates(
    lesson, workspace, tmp_path
):
    left = []
    for folder in (tmp_path / "first", tmp_path / "second"):
        execute_solved(lesson, folder, fast=True, cwd=folder / "elsewhere")
        left.append((count_runs() if (workspace / "mlflow").exists() else {}, solved()))
    assert left[0] == left[1]
    assert set(read_solutions(lesson.source)) <= left[1][1][lesson.id]


def solved() -> dict[str, set[str]]:
    """Return the names of the exercises that progress knows to be solved, by lesson."""
    return {
        lesson: {task for task, entry in tasks.items() if entry["solved"]}
        for lesson, tasks in progress.load().items()
    }
