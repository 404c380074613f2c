"""The course at a glance: what there is, and how far a learner has come."""

import pandas as pd

from mlops_school.standing import standings


def summary() -> pd.DataFrame:
    """Return one row for each lesson: its minutes, and the exercises and questions solved."""
    rows = [
        {
            "lesson": f"{one.lesson.number} {one.lesson.title}",
            "minutes": one.lesson.minutes,
            "exercises": f"{one.exercises_solved} of {one.exercises}",
            "quiz": f"{one.questions_solved} of {one.questions}",
        }
        for one in standings()
    ]
    return pd.DataFrame(rows).set_index("lesson")
