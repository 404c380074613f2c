"""What the course lets nbgrader do, and how it is set up: all of it stands here.

It runs in the classroom's environment only, which alone has nbgrader.
"""

import json
import logging
import warnings
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps import NbGrader, NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearOutput,
    ComputeChecksums,
    LockCells,
    NbGraderPreprocessor,
    OverwriteCells,
    SaveAutoGrades,
    SaveCells,
)
from traitlets import Unicode
from traitlets.config import Config

from mlops_school.errors import CourseError
from mlops_school.grading.classroom import Classroom
from mlops_school.manifest import Lesson

COURSE_ID = "mlops-school"
CONFIGURATION = '''"""How nbgrader works in this folder; `school grade` writes this file.

With it, nbgrader's own commands and its formgrader work here, too.
"""

from pathlib import Path

from mlops_school.grading.nbgrader_tools import configuration

get_config().merge(configuration(Path(__file__).parent))  # noqa: F821
'''


class _OfGraded(NbGraderPreprocessor):
    """Has what `school grade autograde` found out about a submission."""

    folder = Unicode(help="The classroom's folder.").tag(config=True)

    def graded(self, resources: dict[str, Any]) -> NotebookNode:
        """Return the notebook as it was executed and judged."""
        about = resources["nbgrader"]
        path = Classroom(Path(self.folder)).graded_file(about["assignment"], about["student"])
        try:
            notebook = json.loads(path.read_text(encoding="utf-8"))["notebook"]
        except FileNotFoundError:
            raise CourseError(
                f"{about['student']} is not graded yet. Run `school grade autograde "
                f"{about['assignment']}`: it executes submissions apart from everything."
            ) from None
        return nbformat.from_dict(notebook)


class Restore(_OfGraded):
    """Takes the lesson's notebook with the learner's answers instead of what was handed in."""

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Return that notebook."""
        return self.graded(resources), resources


class ShowVerdicts(_OfGraded):
    """Stands where nbgrader would execute the notebook: it has been executed, and was judged."""

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Return the notebook with the outputs of its cells, those that are graded among them."""
        outputs = {cell.id: cell for cell in self.graded(resources).cells}
        for cell in nb.cells:
            if cell.cell_type == "code" and cell.id in outputs:
                cell.outputs = outputs[cell.id].outputs
                cell.execution_count = outputs[cell.id].execution_count
        return nb, resources


def configuration(folder: Path) -> Config:
    """Return how nbgrader works in a classroom's folder."""
    config = Config()
    config.CourseDirectory.root = str(folder.absolute())
    config.CourseDirectory.course_id = COURSE_ID
    # The answers are blank already, so nothing has to be taken out of the notebook.
    config.GenerateAssignment.preprocessors = [
        LockCells,
        ClearOutput,
        CheckCellMetadata,
        ComputeChecksums,
        SaveCells,
        CheckCellMetadata,
    ]
    config.Autograde.sanitize_preprocessors = [
        Restore,
        ClearOutput,
        OverwriteCells,
        CheckCellMetadata,
    ]
    config.Autograde.autograde_preprocessors = [
        ShowVerdicts,
        SaveAutoGrades,
        AssignLatePenalties,
        CheckCellMetadata,
    ]
    for stage in ("Restore", "ShowVerdicts"):
        config[stage].folder = str(folder.absolute())
    # What learners wrote is shown in a browser.
    config.HTMLExporter.sanitize_html = True
    return config


class Tools:
    """nbgrader in a classroom's folder.

    Parameters
    ----------
    classroom : Classroom
        Which one. The folder gets a file for nbgrader's own commands.
    """

    def __init__(self, classroom: Classroom) -> None:
        self._classroom = classroom
        (classroom.folder / "nbgrader_config.py").write_text(CONFIGURATION, encoding="utf-8")
        # With the settings of this machine, which say where its exchange is.
        app = NbGrader(log_level=logging.ERROR)
        app.load_config_file()
        config = app.config
        config.merge(configuration(classroom.folder))
        course = CourseDirectory(config=config)
        # What nbgrader reports is kept, and shown if it fails.
        warnings.filterwarnings("ignore", module=r"nbgrader\.")
        self._api = NbGraderAPI(coursedir=course, config=config)
        self._api.log.handlers = [logging.NullHandler()]
        self._api.log.propagate = False

    def release(self, lesson: Lesson, due: datetime | None) -> None:
        """Make the learners' version of an assignment, and enter it into the gradebook."""
        self._done(self._api.generate_assignment(lesson.id), f"{lesson.id} was not released")
        if due:
            with self._gradebook() as gradebook:
                moment = due.replace(tzinfo=None)  # nbgrader keeps UTC without saying so
                gradebook.update_or_create_assignment(lesson.id, duedate=moment)

    def publish(self, lesson: Lesson) -> None:
        """Put the learners' version into the exchange of this machine."""
        self._need_exchange()
        self._done(self._api.release_assignment(lesson.id), f"{lesson.id} was not released")

    def fetch_submissions(self, lesson: Lesson) -> None:
        """Take what learners have submitted from the exchange of this machine."""
        self._need_exchange()
        self._done(self._api.collect(lesson.id), f"{lesson.id} was not collected")

    def is_released(self, lesson: Lesson) -> bool:
        """Tell whether the gradebook has the assignment."""
        with self._gradebook() as gradebook:
            try:
                return bool(gradebook.find_assignment(lesson.id).notebooks)
            except MissingEntry:
                return False

    def enter(self, lesson: Lesson, learner: str) -> None:
        """Enter the verdicts on a submission into the gradebook."""
        result = self._api.autograde(lesson.id, learner, force=True)
        self._done(result, f"nbgrader did not take the points of {learner}")

    def give_feedback(self, lesson: Lesson, learner: str) -> None:
        """Write the page for a learner."""
        result = self._api.generate_feedback(lesson.id, learner, force=True)
        self._done(result, f"there is no feedback for {learner}")

    def points(self, lesson: Lesson, learner: str) -> tuple[dict[str, float], bool] | None:
        """Return the points of each graded cell, and whether it came late; None if it has none."""
        with self._gradebook() as gradebook:
            try:
                submission = gradebook.find_submission(lesson.id, learner)
            except MissingEntry:
                return None
            grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
            late = submission.total_seconds_late > 0
            return {grade.name: grade.score for grade in grades}, late

    def _gradebook(self) -> Gradebook:
        return Gradebook(self._api.coursedir.db_url, COURSE_ID)

    def _need_exchange(self) -> None:
        if not self._api.exchange_is_functional:
            raise CourseError(
                "This machine has no nbgrader exchange: a folder that all learners of a hub share, "
                "which its `nbgrader_config.py` names. Collect from a folder instead."
            )

    def _done(self, result: dict[str, Any], failed: str) -> None:
        """Raise what nbgrader reported, unless it was done."""
        if result["success"]:
            return
        error = result.get("error", "")
        if "KeyboardInterrupt" in error:
            raise KeyboardInterrupt
        log = self._classroom.folder / "nbgrader.log"
        with log.open("a", encoding="utf-8") as stream:
            stream.write(f"{failed}\n{result.get('log', '')}\n{error}\n")
        reason = " ".join(error.strip().splitlines()[-1:])
        raise CourseError(f"{failed}: {reason} (all of it is in {log}).")
