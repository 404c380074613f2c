"""That comparing the stored notebooks proves something: they were executed, and all is compared."""

import re
import subprocess
import sys
from collections import Counter
from operator import attrgetter
from pathlib import Path

import nbformat
import pytest

from mlops_school.authoring.check_lesson import IGNORED
from mlops_school.manifest import load_labs, load_manifest
from mlops_school.paths import ROOT
from mlops_school.solutions import read_solutions

# Cells beside the quiz whose output depends on the computer or on chance, and is not compared.
NOT_COMPARED = {
    "00_start_here": ["check", "progress"],
    "01_ml_devops_mlops": ["speed"],
    "04_devops": ["live"],
    "05_data": ["pointer"],
    "10_evaluation": ["stress", "overload", "report"],
    "12_deployment": ["compare"],
    "14_monitoring": ["start", "performance"],
    "spark": ["price"],
    "tensorflow": ["train", "race"],
    "pytorch": ["train", "race"],
    "bentoml": ["serve", "batch"],
    "mlserver": ["serve"],
    "kserve": ["serve"],
}

each_lesson = pytest.mark.parametrize(
    "lesson", [*load_manifest(), *load_labs()], ids=attrgetter("id")
)


def code_cells(path: Path):
    cells = nbformat.read(path, as_version=4).cells
    return [cell for cell in cells if cell.cell_type == "code"]


@each_lesson
def test_every_code_cell_was_executed(lesson):
    counts = [cell.execution_count for cell in code_cells(lesson.notebook)]
    assert counts == list(range(1, len(counts) + 1))


@each_lesson
def test_only_listed_cells_are_not_compared(lesson):
    tags = {cell.id: cell.metadata.get("tags", ()) for cell in code_cells(lesson.notebook)}
    ignored = [id_ for id_ in tags if IGNORED in tags[id_] and "quiz" not in tags[id_]]
    assert ignored == NOT_COMPARED.get(lesson.id, [])


@each_lesson
def test_untouched_exercises_say_that_they_are_not_attempted(lesson):
    exercises = read_solutions(lesson.source)
    assert exercises
    for name in exercises:
        (cell,) = [c for c in code_cells(lesson.notebook) if f"\n{name}.check(" in f"\n{c.source}"]
        shown = [output.data["text/plain"] for output in cell.outputs if "data" in output]
        assert any("Not attempted" in text for text in shown), name


def test_every_code_cell_is_a_test():
    command = [sys.executable, "-m", "pytest", "tests/notebooks", "--collect-only", "-q"]
    listing = subprocess.run(
        command, cwd=ROOT, capture_output=True, check=True, text=True, encoding="utf-8"
    )
    tests = Counter(re.findall(r"^(.+\.ipynb)::Cell \d+$", listing.stdout, flags=re.MULTILINE))
    assert tests == {
        lesson.notebook.relative_to(ROOT).as_posix(): len(code_cells(lesson.notebook))
        for lesson in load_manifest()
    }
