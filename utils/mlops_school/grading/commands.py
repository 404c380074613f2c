"""What a teacher does with a lesson: release, collect, autograde, report."""

import csv
import os
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_school.errors import CourseError
from mlops_school.grading import ENVIRONMENT
from mlops_school.grading.assignment import POINTS, tasks
from mlops_school.grading.classroom import Classroom
from mlops_school.grading.collecting import collect as collect_from
from mlops_school.grading.grader import Grader
from mlops_school.grading.handed_in import read
from mlops_school.grading.sandbox import Limits, protection
from mlops_school.manifest import Lesson
from mlops_school.paths import workspace

if TYPE_CHECKING:
    from mlops_school.grading.nbgrader_tools import Tools

AT_A_TIME = 24  # submissions; what is done of them is kept if the next ones are interrupted
MEANS_FORMULA = ("=", "+", "-", "@", "\t")  # to a spreadsheet, at the beginning of a cell


def run_in_environment(words: list[str]) -> int | None:
    """Run this command again in the classroom's environment, which is made if need be.

    Returns
    -------
    int or None
        Its exit status; None if this is the classroom's environment.
    """
    if ENVIRONMENT.is_active():
        os.environ.update(ENVIRONMENT.activation())  # nbgrader calls alembic by its name
        return None
    ENVIRONMENT.install()
    school = shutil.which("school", path=str(ENVIRONMENT.programs))
    return subprocess.call([school, "grade", *words], env=os.environ | ENVIRONMENT.activation())


def classroom_in(folder: Path | None) -> Classroom:
    """Return the classroom in a folder; by default in the workspace."""
    return Classroom(folder or workspace() / "classroom")


def release(
    classroom: Classroom, lesson: Lesson, to: Path | None, due: datetime | None, publish: bool
) -> None:
    """Make the version of a lesson that learners get, and enter it into the gradebook."""
    with classroom.used():
        tools = _release(classroom, lesson, due)
        path = classroom.released_file(lesson)
        if to:
            to.mkdir(parents=True, exist_ok=True)
            path = Path(shutil.copy(path, to))
        print(f"{lesson.id}: {len(tasks(lesson))} exercises, {POINTS} point each, in {path}")
        if publish:
            tools.publish(lesson)
            print("Learners of this hub can fetch it now.")


def collect(classroom: Classroom, lesson: Lesson, source: Path | None) -> None:
    """Take what learners have handed in from a folder or zip file, or else from the exchange."""
    with classroom.used():
        if source is None:
            _tools(classroom).fetch_submissions(lesson)
            for learner in classroom.submissions(lesson):
                print(f"{learner}: collected")
            _tell_problems(classroom, lesson)
            return
        count = 0
        for one in collect_from(source, lesson):
            done = classroom.keep(lesson, one)
            count += not one.problem
            notes = [*([one.problem] if one.problem else []), *one.notes]
            print(f"{one.learner}: {'. '.join([done, *notes])}")
        print(f"{count} submissions of {lesson.id}. Grade them: school grade autograde {lesson.id}")


def autograde(
    classroom: Classroom,
    lesson: Lesson,
    learners: list[str],
    limits: Limits,
    again: bool,
) -> None:
    """Execute and judge what was handed in, and enter it into the gradebook.

    What was graded before and has not changed since is left as it is.
    """
    with classroom.used():
        tools = _release(classroom, lesson, None)
        submissions = classroom.submissions(lesson)
        if unknown := sorted(set(learners) - submissions.keys()):
            raise CourseError(f"There is no submission of {', '.join(unknown)} to grade.")
        keys = {name: classroom.key(lesson, content) for name, content in submissions.items()}
        todo = []
        for name in learners or submissions:
            graded = classroom.graded(lesson, name)
            if again or not graded or graded["key"] != keys[name]:
                todo.append(name)
            elif not graded["entered"]:  # it was interrupted between the two
                _enter(classroom, tools, lesson, name)
        if todo:
            backup = classroom.back_up(lesson)
            print(f"The gradebook and the submissions as they are now: {backup}")
            confined = _tell_protection(classroom)
            cache = ENVIRONMENT.folder / "grading" / lesson.id
            cache.parent.mkdir(parents=True, exist_ok=True)
            hidden = [classroom.folder, backup.parent]
            grader = Grader(lesson, limits, confined=confined, hidden=hidden, cache=cache)
            grader.prepare()
            for start in range(0, len(todo), AT_A_TIME):
                names = todo[start : start + AT_A_TIME]
                graded = grader.grade({name: read(submissions[name]) for name in names})
                for name, one in graded.items():
                    classroom.keep_graded(lesson, name, keys[name], one)
                    _enter(classroom, tools, lesson, name)
        print(f"{len(todo)} graded, {len(submissions) - len(todo)} were graded before.")
        _tell_problems(classroom, lesson)
        print(f"The table and the feedback: school grade report {lesson.id}")


def report(classroom: Classroom, lesson: Lesson) -> Path:
    """Write the table of points, and a page of feedback for each learner; return the table."""
    with classroom.used():
        tools = _tools(classroom)
        header = ["learner", *tasks(lesson), "points", "of", "submitted", "remarks"]
        rows = []
        for record in classroom.records(lesson):
            graded = classroom.graded(lesson, record.learner)
            entered = tools.points(lesson, record.learner) if graded else None
            remarks = [*([record.problem] if record.problem else []), *record.notes]
            points: list[float | str] = ["" for _ in tasks(lesson)]
            if entered:
                scores, late = entered
                points = [scores[task.check_id] for task in tasks(lesson).values()]
                remarks = ["late"] * late + graded["flags"] + remarks
                tools.give_feedback(lesson, record.learner)
            elif not record.problem:
                remarks.insert(0, "not graded yet")
            total = sum(points) if entered else ""
            of = POINTS * len(tasks(lesson))
            rows.append([record.learner, *points, total, of, record.time, "; ".join(remarks)])
        if not rows:
            raise CourseError(f"Nothing was handed in of {lesson.id} yet.")
        path = classroom.folder / "reports" / f"{lesson.id}.csv"
        _write_table(path, [header, *rows])
        print(f"{len(rows)} learners: {path}")
        print(f"Feedback for each of them: {classroom.folder / 'feedback'}")
        return path


def _release(classroom: Classroom, lesson: Lesson, due: datetime | None) -> "Tools":
    tools = _tools(classroom)
    classroom.write_source(lesson)
    tools.release(lesson, due)
    return tools


def _tools(classroom: Classroom) -> "Tools":
    # Only the classroom's environment has nbgrader.
    from mlops_school.grading.nbgrader_tools import Tools

    return Tools(classroom)


def _enter(classroom: Classroom, tools: "Tools", lesson: Lesson, learner: str) -> None:
    tools.enter(lesson, learner)
    classroom.mark_entered(lesson, learner)
    graded = classroom.graded(lesson, learner)
    points = f"{sum(graded['points'].values())} of {POINTS * len(graded['points'])} points"
    print("; ".join([f"{learner}: {points}", *graded["flags"]]), flush=True)


def _tell_protection(classroom: Classroom) -> bool:
    """Say whether submissions can do harm here, and return whether they are shut in."""
    hole = protection(classroom.folder)
    if hole:
        print(
            f"Submissions are NOT shut in: {hole}. Their code can do whatever you can do on this "
            "machine. It runs in a folder of its own and within limits, which helps against "
            "accidents, not against intent. Grade on Linux, or read what you do not trust first."
        )
    else:
        print("Submissions are shut in: no network, and no file to write to but their own.")
    return not hole


def _tell_problems(classroom: Classroom, lesson: Lesson) -> None:
    for record in classroom.records(lesson):
        if record.problem:
            print(f"{record.learner}: not graded. {record.problem}")


def _write_table(path: Path, rows: list[list[object]]) -> None:
    """Write a table that Excel reads as it is: with a mark that it is UTF-8, without formulas."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream).writerows([[_harmless(value) for value in row] for row in rows])


def _harmless(value: object) -> object:
    """Return a value that no spreadsheet takes for a formula: learners choose names, and more."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and value.startswith(MEANS_FORMULA):
        return f"'{value}"
    return value


def parse_due(text: str) -> datetime:
    """Return a moment such as ``2026-12-01 18:00``, in this machine's time zone, in UTC.

    Raises
    ------
    CourseError
        If it is none.
    """
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        raise CourseError(f"{text} is no date and time; write it as 2026-12-01T18:00.") from None


def limits_of(cell_seconds: float | None, seconds: float | None) -> Limits:
    """Return the limits of a submission, with those that a teacher sets."""
    chosen = {"cell_seconds": cell_seconds, "seconds": seconds}
    return replace(Limits(), **{name: value for name, value in chosen.items() if value})
