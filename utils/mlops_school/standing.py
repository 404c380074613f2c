"""How far a learner has come in each lesson."""

from dataclasses import dataclass
from functools import cache

import yaml

from mlops_school import progress
from mlops_school.errors import CourseError
from mlops_school.manifest import Lesson, load_manifest
from mlops_school.solutions import read_solutions


@dataclass(frozen=True)
class Standing:
    """A lesson, and how many of its exercises and questions are solved.

    Attributes
    ----------
    lesson : Lesson
        Which one.
    exercises, questions : int
        How many there are.
    exercises_solved, questions_solved : int
        How many of them are solved.
    """

    lesson: Lesson
    exercises: int
    questions: int
    exercises_solved: int
    questions_solved: int

    @property
    def tasks(self) -> int:
        """Exercises and questions together."""
        return self.exercises + self.questions

    @property
    def solved(self) -> int:
        """How many of both are solved."""
        return self.exercises_solved + self.questions_solved

    @property
    def is_complete(self) -> bool:
        """Whether nothing is open."""
        return self.solved == self.tasks


def standings() -> list[Standing]:
    """Return what progress knows of each lesson, in the order of the course.

    Raises
    ------
    CourseError
        If the workspace or a quiz cannot be read.
    """
    known = progress.load()
    found = []
    for lesson in load_manifest():
        solved = {task for task, entry in known.get(lesson.id, {}).items() if entry["solved"]}
        exercises, questions = _tasks(lesson.id)
        found.append(
            Standing(
                lesson=lesson,
                exercises=len(exercises),
                questions=len(questions),
                exercises_solved=len(exercises & solved),
                questions_solved=len(questions & solved),
            )
        )
    return found


@cache
def _tasks(id_: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names of a lesson's exercises and of its questions, as progress has them."""
    lesson = next(lesson for lesson in load_manifest() if lesson.id == id_)
    try:
        questions = yaml.safe_load(lesson.quiz.read_text(encoding="utf-8")) or []
    except (OSError, ValueError, yaml.YAMLError):
        raise CourseError(
            f"The quiz {lesson.quiz} cannot be read: this copy is incomplete."
        ) from None
    return (
        frozenset(read_solutions(lesson.source)),
        frozenset(f"quiz{number}" for number, _ in enumerate(questions, 1)),
    )
