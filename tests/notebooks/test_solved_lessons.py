"""Each solved lesson, executed by papermill with fast parameters; every exercise must pass."""

from operator import attrgetter
from pathlib import Path

import pytest

from mlops_school import progress
from mlops_school.authoring.execute import execute_solved
from mlops_school.manifest import load_manifest
from mlops_school.solutions import read_solutions
from mlops_school.tracking import count_runs

pytestmark = pytest.mark.notebooks


@pytest.mark.parametrize("lesson", load_manifest(), ids=attrgetter("id"))
def test_solved_lesson_runs_again_from_anywhere_and_leaves_no_duplicates(
    lesson, lesson_workspace, tmp_path
):
    def run():
        execute_solved(lesson, tmp_path, fast=True, cwd=tmp_path / "elsewhere")

    if not lesson_workspace.exists():  # its stored notebook was not executed before
        run()
    before = recorded_runs(lesson_workspace)
    run()
    after = recorded_runs(lesson_workspace)
    assert after.keys() == before.keys()
    assert all(after[name] <= before[name] for name in after)  # fast parameters may want fewer
    assert set(read_solutions(lesson.source)) <= solved()[lesson.id]


def recorded_runs(workspace: Path) -> dict[str, int]:
    """Return how many runs MLflow has of each experiment."""
    return count_runs() if (workspace / "mlflow").exists() else {}


def solved() -> dict[str, set[str]]:
    """Return the names of the exercises that progress knows to be solved, by lesson."""
    return {
        lesson: {task for task, entry in tasks.items() if entry["solved"]}
        for lesson, tasks in progress.load().items()
    }
