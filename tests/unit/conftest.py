"""What several tests share: a small course of its own for the authoring tools, a small month."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlops_school import exercises, manifest, paths
from mlops_school.exercises import labs as lab_exercises
from mlops_school.manifest import Lab, Lesson, Tool

EXERCISE = '''
@exercise("{lesson}", hints=("one", "two"), wrong={{"a = 1": "x", "a = 2": "y"}})
def {name}(a):
    """What is a?"""
'''
QUESTION = """
- question: What is {number}?
  answers:
    - {{right: a number, why: it counts}}
    - {{wrong: a letter, why: it spells}}
"""


@dataclass
class SmallCourse:
    """A course in a folder of its own, in which a test may break what it likes."""

    root: Path
    lessons: list[Lesson] = field(default_factory=list)
    labs: list[Lab] = field(default_factory=list)

    def add(self, id_: str, source: str, **entry: object) -> Lesson:
        """Add a lesson with this source to the manifest."""
        facts = {"title": "Small", "phase": "Trying", "minutes": 5, "goals": ("see it work",)}
        lesson = Lesson(id=id_, **(facts | entry))
        self.lessons.append(lesson)
        write(lesson.source, source)
        return lesson

    def add_whole(self, id_: str) -> Lesson:
        """Add a lesson that breaks no rule, with its exercises and its quiz."""
        lesson = self.add(id_, whole_source(id_))
        code = "from mlops_school.exercises import exercise\n"
        for name in ("q1", "q2", "q3"):
            code += EXERCISE.format(lesson=id_, name=name)
        write(self.exercises(lesson), code)
        write(lesson.quiz, "".join(QUESTION.format(number=number) for number in range(4)))
        return lesson

    def add_whole_lab(self, id_: str) -> Lab:
        """Add a lab that breaks no rule, with its exercises."""
        words = {"title": "Small", "summary": "It works."}
        numbers = dict.fromkeys(("download_mb", "disk_mb", "memory_mb", "seconds", "minutes"), 5)
        lab = Lab(id=id_, goals=("see it work",), tools=(Tool("Small"),), **words, **numbers)
        self.labs.append(lab)
        cells = whole_source(id_).split("\n# %%")
        # Without the third exercise and the quiz.
        kept = [cell for cell in cells if "q3" not in cell and "quiz" not in cell]
        write(lab.source, "\n# %%".join(kept))
        code = "from mlops_school.exercises import exercise\n"
        for name in ("q1", "q2"):
            code += EXERCISE.format(lesson=id_, name=name)
        write(self.root / "exercises" / "labs" / f"{id_}.py", code)
        return lab

    def alter_lab(self, lab: Lab, **entry: object) -> Lab:
        """Change the manifest's entry of a lab."""
        altered = replace(lab, **entry)
        self.labs[self.labs.index(lab)] = altered
        return altered

    def alter(self, lesson: Lesson, **entry: object) -> Lesson:
        """Change the manifest's entry of a lesson."""
        altered = replace(lesson, **entry)
        self.lessons[self.lessons.index(lesson)] = altered
        return altered

    def exercises(self, lesson: Lesson) -> Path:
        """Return the module of a lesson's exercises."""
        return self.root / "exercises" / f"{lesson.slug}.py"


def whole_source(id_: str) -> str:
    """Return the source of a lesson with three exercises, a quiz, and 25 cells."""
    cells = ['# %% [markdown] id="why"\n# ## Why\n']
    cells.append('# %% tags=["parameters"] id="parameters"\nsize = 3\n')
    for name in ("q1", "q2", "q3"):
        cells.append(f'# %% [markdown] id="{name}-task"\n# ### Exercise\n#\n# What is a?\n')
        solution = "### BEGIN SOLUTION\na = 1 + 1\n### END SOLUTION\n"
        cells.append(f'# %% id="{name}"\n{solution}')
        cells.append(f'# %% id="{name}-check"\n{name}.check(a)\n')
    for number in range(13):
        cells.append(f'# %% id="step-{number}"\nprint({number})\n')
    quiz = f'from mlops_school import quiz\n\nquiz.show("{id_}")\n'
    cells.append(f'# %% tags=["quiz", "nbval-ignore-output"] id="quiz"\n{quiz}')
    return "\n".join(cells)


def write(path: Path, text: str) -> None:
    """Write a file, and the folders that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def small_course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallCourse:
    """Return an empty course, which the authoring tools take for the whole."""
    course = SmallCourse(tmp_path)
    monkeypatch.setattr(manifest, "load_manifest", lambda: tuple(course.lessons))
    monkeypatch.setattr(manifest, "load_labs", lambda: tuple(course.labs))
    monkeypatch.setattr(manifest, "COURSE", tmp_path / "course")
    monkeypatch.setattr(manifest, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(paths, "BUILD", tmp_path / "build")
    write(tmp_path / "exercises" / "__init__.py", "")
    monkeypatch.setattr(exercises, "__path__", [str(tmp_path / "exercises")])
    monkeypatch.setattr(lab_exercises, "__path__", [str(tmp_path / "exercises" / "labs")])
    yield course
    for lesson in course.lessons:  # or the next test would get this one's exercises
        sys.modules.pop(f"mlops_school.exercises.{lesson.slug}", None)
        vars(exercises).pop(lesson.slug, None)
    for lab in course.labs:
        sys.modules.pop(lab.exercises, None)
        vars(lab_exercises).pop(lab.id, None)


@pytest.fixture(scope="session")
def month() -> Callable[..., pd.DataFrame]:
    """Return a function that makes forecasts of a small month, with 10 flights on each day."""
    return _month


def _month(number, late=0.3, expected=None, sharp=True, dollars=None):
    """Return forecasts of a small month: 30 days with 10 flights each."""
    days = np.repeat(np.arange(30), 10)
    is_late = np.tile(np.arange(10) < 10 * late, 30)
    spread = np.where(is_late, 0.1, -0.1) * (1 if sharp else -1)
    mean = late if expected is None else expected
    probability = mean + spread - spread.mean()
    warned = probability >= mean
    missed, needless = is_late & ~warned, ~is_late & warned
    return pd.DataFrame(
        {
            "month": number,
            "date": pd.Timestamp(2013, number, 1) + pd.to_timedelta(days, unit="D"),
            "dest": "ORD",
            "late": is_late,
            "probability": probability,
            "warned": warned,
            "dollars": 40 * missed + 10 * needless if dollars is None else dollars,
        }
    )
