"""The course at a glance: what there is, and how far a learner has come."""

import pandas as pd

from mlops_school import progress, quiz
from mlops_school.manifest import load_manifest
from mlops_school.solutions import read_solutions


def summary() -> pd.DataFrame:
    """Return one row for each lesson: its minutes, and the exercises and questions solved."""
    known = progress.load()
    rows = []
    for lesson in load_manifest():
        solved = {task for task, entry in known.get(lesson.id, {}).items() if entry["solved"]}
        exercises = set(read_solutions(lesson.source))
        questions = {f"quiz{number}" for number, _ in enumerate(quiz.load(lesson.id), 1)}
        rows.append(
            {
                "lesson": f"{lesson.number} {lesson.title}",
                "minutes": lesson.minutes,
                "exercises": f"{len(solved & exercises)} of {len(exercises)}",
                "quiz": f"{len(solved & questions)} of {len(questions)}",
            }
        )
    return pd.DataFrame(rows).set_index("lesson")
