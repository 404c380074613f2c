"""Quizzes at the end of a lesson, read from YAML and shown as widgets.

Widgets rather than a page of JavaScript: they work with the keyboard and a screen reader, the
answers are not in the notebook, and progress is remembered.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import ipywidgets as widgets
import yaml
from IPython.display import display

from mlops_school import progress, start_page
from mlops_school.errors import CourseError
from mlops_school.exercises import Outcome
from mlops_school.manifest import find_lessons
from mlops_school.markup import to_html


@dataclass(frozen=True)
class Choice:
    """One of the answers that a question offers, and why it is right or wrong."""

    text: str
    right: bool
    why: str


@dataclass(frozen=True)
class Question:
    """A question with two or more answers to choose from, one or more of them right."""

    text: str
    choices: tuple[Choice, ...]

    @property
    def several(self) -> bool:
        """Whether more than one choice is right, so that all of them must be found."""
        return sum(choice.right for choice in self.choices) > 1

    def grade(self, chosen: Sequence[int]) -> Outcome:
        """Judge the choices with these positions."""
        if not chosen:
            return Outcome("not attempted", "choose an answer first.")
        picked = [self.choices[position] for position in chosen]
        for choice in picked:
            if not choice.right:
                return Outcome("not yet", choice.why)
        if len(picked) < sum(choice.right for choice in self.choices):
            return Outcome("not yet", "what you chose is right, and there is more.")
        return Outcome("correct", " ".join(choice.why for choice in picked))


def load(lesson: str) -> list[Question]:
    """Return the questions of a lesson.

    Raises
    ------
    CourseError
        If the quiz is missing, or a question of it is not complete.
    """
    path = find_lessons([lesson])[0].quiz
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
        questions = [_question(entry) for entry in entries or []]
    except FileNotFoundError:
        raise CourseError(f"The quiz {path} is missing: this copy is incomplete.") from None
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise CourseError(f"The quiz {path} is not complete: {error}") from None
    return questions


def show(lesson: str) -> None:
    """Show the quiz of a lesson."""
    questions = enumerate(load(lesson), 1)
    display(widgets.VBox([_widget(lesson, number, mixed(one)) for number, one in questions]))


def _question(entry: dict) -> Question:
    choices = []
    for answer in entry["answers"]:
        if len(answer) != 2 or not ("right" in answer) ^ ("wrong" in answer):
            raise ValueError(f"an answer needs `right` or `wrong`, and `why`: {answer}")
        text = answer.get("right", answer.get("wrong"))
        choices.append(Choice(_text(text), "right" in answer, _text(answer["why"])))
    if len(choices) < 2 or not any(choice.right for choice in choices):
        raise ValueError(f"no right answer among two or more: {entry['question']}")
    return Question(_text(entry["question"]), tuple(choices))


def _text(value: object) -> str:
    """Refuse what is left out, and what YAML would change: it reads `no` as false, 0.10 as 0.1."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"a text is left out, or must stand in quotes: {value}")
    return value


def mixed(question: Question) -> Question:
    """Mix the choices, always in the same way: authors like to put the right one first."""
    order = random.Random(question.text)
    return replace(question, choices=tuple(order.sample(question.choices, len(question.choices))))


def _plain(text: str) -> str:
    """Return `text` without its markup, which the label of a choice cannot show."""
    return text.replace("`", "")


def _widget(lesson: str, number: int, question: Question) -> widgets.Widget:
    """Return a question with its choices, a button, and a place for what was found."""
    wide = widgets.Layout(width="auto")
    hint = " (more than one is right)" if question.several else ""
    title = widgets.HTML(f"<strong>{number}. {to_html(question.text)}</strong>{hint}")
    if question.several:
        boxes = [
            widgets.Checkbox(description=_plain(choice.text), indent=False, layout=wide)
            for choice in question.choices
        ]
        choices = widgets.VBox(boxes)
    else:
        choices = widgets.RadioButtons(
            options=[(_plain(choice.text), i) for i, choice in enumerate(question.choices)],
            value=None,
            layout=wide,
        )
    button = widgets.Button(description="Check")
    button.tooltip = f"Check question {number}"
    result = widgets.HTML()

    def check(_: widgets.Button) -> None:
        if question.several:
            chosen = [i for i, box in enumerate(boxes) if box.value]
        else:
            chosen = [] if choices.value is None else [choices.value]
        outcome = question.grade(chosen)
        result.value = outcome._repr_html_()
        if outcome.status != "not attempted":
            try:
                progress.record(lesson, f"quiz{number}", outcome=outcome.status)
                start_page.refresh()
            except CourseError as error:
                result.value += to_html(f"Your progress was not saved. {error}")

    button.on_click(check)
    return widgets.VBox([title, choices, button, result], layout=widgets.Layout(margin="0 0 1em"))
