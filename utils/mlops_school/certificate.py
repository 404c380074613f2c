"""What was completed, as far as progress knows, on a page to print."""

from datetime import date
from pathlib import Path

from mlops_school import svg
from mlops_school.errors import CourseError
from mlops_school.paths import workspace
from mlops_school.standing import Standing, standings

FILE = "certificate.svg"
_NAMED = 4  # of the lessons that are missing, in a message


def issue(name: str, on: date | None = None) -> Path:
    """Write the certificate of one who has solved everything, and return its file.

    Parameters
    ----------
    name : str
        Who is to stand on it.
    on : date, optional
        By default today.

    Raises
    ------
    CourseError
        If something is missing, with the list of it; or if it cannot be written.
    """
    name = svg.clean_name(name)
    lessons = standings()
    if missing := [one.lesson.name for one in lessons if not one.is_complete]:
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        raise CourseError(
            f"Exercises or questions are still open in {', '.join(missing[:_NAMED])}{more}. "
            "`school progress` counts them. For a page of what you have completed so far, run "
            "`certificate.statement(name)` here, or `school certificate NAME --statement` in a "
            "terminal."
        )
    return _write(name, "has completed", lessons, on)


def statement(name: str, on: date | None = None) -> Path:
    """Write what was completed so far, and return the file; parameters as of :func:`issue`.

    Raises
    ------
    CourseError
        If no lesson is completed, or it cannot be written.
    """
    name = svg.clean_name(name)
    lessons = [one for one in standings() if one.is_complete]
    if not lessons:
        raise CourseError(
            "No lesson is completed yet: solve all exercises and questions of one first."
        )
    return _write(name, "has completed these lessons of", lessons, on)


def _write(name: str, words: str, lessons: list[Standing], on: date | None) -> Path:
    on = on or date.today()
    rows = -(-len(lessons) // 2)
    body = [
        svg.text(400, 90, name, 34, "bold"),
        svg.text(400, 130, words, 18),
        svg.text(400, 170, "NS AI School: MLOps", 26, "bold"),
        *(
            svg.text(215 + 370 * (place // rows), 225 + 28 * (place % rows), one.lesson.name, 14)
            for place, one in enumerate(lessons)
        ),
        svg.text(400, 260 + 28 * rows, f"{on:%d %B %Y}", 16),
        svg.text(
            400,
            290 + 28 * rows,
            "Made from the progress file on the learner's own computer. It proves no identity.",
            12,
        ),
    ]
    title = f"{name} {words} NS AI School: MLOps"
    listed = ", ".join(one.lesson.name for one in lessons)
    page = svg.page(800, 320 + 28 * rows, title, f"{title}: {listed}. {on:%d %B %Y}.", body)
    return svg.write(workspace() / FILE, page)
