"""Quizzes: reading, grading, and the widgets that learners answer with."""

import json
import os
import subprocess
import sys

import ipywidgets as widgets
import pytest

from mlops_school import manifest, progress, quiz
from mlops_school.errors import CourseError
from mlops_school.exercises import Outcome
from mlops_school.manifest import load_manifest
from mlops_school.quiz import Choice, Question

LESSON = "00_tiny"

COURSE = f"""
[[lesson]]
id = "{LESSON}"
title = "Tiny"
phase = "Orientation"
minutes = 5
goals = []
"""

QUIZ = """\
- question: Which `threshold` is “low” → x < 1?
  answers:
    - right: "0.3"
      why: It is < 1.
    - wrong: "3"
      why: It is `3` > 1.
- question: Which of these are late?
  answers:
    - right: 15 minutes
      why: Fifteen is late.
    - wrong: 14 minutes
      why: Fourteen is not late.
    - right: 16 minutes
      why: Sixteen is late.
    - wrong: 0 minutes
      why: Zero is on time.
"""

SINGLE = Question("Which?", (Choice("a", False, "Not a."), Choice("b", True, "Indeed b.")))
SEVERAL = Question(
    "Which are?",
    (
        Choice("a", True, "Indeed a."),
        Choice("b", False, "Not b."),
        Choice("c", True, "Indeed c."),
        Choice("d", False, "Not d."),
    ),
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Return a workspace of the test's own."""
    monkeypatch.setenv("SCHOOL_WORKSPACE", str(tmp_path / "workspace"))
    return tmp_path / "workspace"


@pytest.fixture
def path(tmp_path, monkeypatch):
    """Make a course of one lesson, and return the path of its quiz."""
    (tmp_path / "quizzes").mkdir()
    (tmp_path / "course.toml").write_text(COURSE, encoding="utf-8")
    lessons = load_manifest(tmp_path / "course.toml")
    monkeypatch.setattr(manifest, "load_manifest", lambda: lessons)
    monkeypatch.setattr(manifest, "COURSE", tmp_path)
    path = tmp_path / "quizzes" / f"{LESSON}.yml"
    path.write_text(QUIZ, encoding="utf-8")
    return path


# ---- grading


@pytest.mark.parametrize(
    ("question", "chosen", "outcome"),
    [
        (SINGLE, [], Outcome("not attempted", "choose an answer first.")),
        (SINGLE, [0], Outcome("not yet", "Not a.")),
        (SINGLE, [1], Outcome("correct", "Indeed b.")),
        (SEVERAL, [], Outcome("not attempted", "choose an answer first.")),
        (SEVERAL, [0], Outcome("not yet", "what you chose is right, and there is more.")),
        (SEVERAL, [2], Outcome("not yet", "what you chose is right, and there is more.")),
        (SEVERAL, [0, 2], Outcome("correct", "Indeed a. Indeed c.")),
        (SEVERAL, [1], Outcome("not yet", "Not b.")),
        (SEVERAL, [0, 1, 2], Outcome("not yet", "Not b.")),
        (SEVERAL, [0, 2, 3], Outcome("not yet", "Not d.")),
        (SEVERAL, [0, 1, 2, 3], Outcome("not yet", "Not b.")),
    ],
)
def test_grading(question, chosen, outcome):
    assert question.grade(chosen) == outcome


def test_a_question_knows_whether_several_choices_are_right():
    assert not SINGLE.several
    assert SEVERAL.several


# ---- reading


def test_questions_are_read_as_they_are_written(path):
    assert quiz.load(LESSON) == [
        Question(
            "Which `threshold` is “low” → x < 1?",
            (Choice("0.3", True, "It is < 1."), Choice("3", False, "It is `3` > 1.")),
        ),
        Question(
            "Which of these are late?",
            (
                Choice("15 minutes", True, "Fifteen is late."),
                Choice("14 minutes", False, "Fourteen is not late."),
                Choice("16 minutes", True, "Sixteen is late."),
                Choice("0 minutes", False, "Zero is on time."),
            ),
        ),
    ]


def test_a_quiz_may_be_empty(path):
    path.write_text("# nothing yet\n", encoding="utf-8")
    assert quiz.load(LESSON) == []


def answers(*lines):
    return "- question: Which?\n  answers:\n" + "".join(f"    - {line}\n" for line in lines)


RIGHT = "{right: a, why: b}"
WRONG = "{wrong: a, why: b}"


@pytest.mark.parametrize(
    "text",
    [
        "- question: 'Which?",
        "just a sentence",
        "5",
        "question: Which?",
        "- Which?",
        "- answers: [{right: a, why: b}, {wrong: a, why: b}]",
        "- question: Which?",
        "- question:\n  answers: [{right: a, why: b}, {wrong: a, why: b}]",
        "- question: Which?\n  answers:",
        "- question: Which?\n  answers: yes",
        answers(RIGHT),
        answers(WRONG, WRONG),
        answers(RIGHT, "{wrong: a}"),
        answers(RIGHT, "{why: a}"),
        answers(RIGHT, "{right: a, wrong: b}"),
        answers(RIGHT, "{right: a, wrong: b, why: c}"),
        answers(RIGHT, "{wrong: a, because: b}"),
        answers(RIGHT, "{wrong: a, why: b, more: c}"),
        answers(RIGHT, "{wrong: a, why: }"),
        answers(RIGHT, "{wrong: , why: b}"),
        answers(RIGHT, "{wrong: no, why: b}"),
        answers(RIGHT, "{wrong: 0.10, why: b}"),
        answers(RIGHT, "{wrong: a, why: '  '}"),
        answers(RIGHT, "wrong"),
        answers(RIGHT, "[wrong, why]"),
        answers(RIGHT, "7"),
        answers(RIGHT, WRONG).replace("Which?", "!!python/object/apply:os.getcwd []"),
    ],
    ids=[
        "not YAML",
        "sentence",
        "number",
        "one question, not a list",
        "strings",
        "no question",
        "no answers",
        "question empty",
        "answers empty",
        "answers are no list",
        "one answer",
        "no right answer",
        "no reason",
        "neither right nor wrong",
        "right and wrong, no reason",
        "right and wrong",
        "reason under another name",
        "key unknown",
        "reason empty",
        "text empty",
        "text that YAML takes for false",
        "text that YAML takes for 0.1",
        "reason blank",
        "answer is a string",
        "answer is a list",
        "answer is a number",
        "a Python object",
    ],
)
def test_a_quiz_that_is_not_complete_is_reported_by_name(text, path):
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CourseError, match=r"is not complete: .") as caught:
        quiz.load(LESSON)
    assert str(path) in str(caught.value)


def test_a_text_that_yaml_takes_for_something_else_is_told_how_to_be_written(path):
    path.write_text(answers(RIGHT, "{wrong: no, why: b}"), encoding="utf-8")
    with pytest.raises(CourseError, match="quotes"):
        quiz.load(LESSON)


def test_a_quiz_that_is_not_text_is_reported_by_name(path):
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CourseError, match="is not complete") as caught:
        quiz.load(LESSON)
    assert str(path) in str(caught.value)


def test_a_missing_quiz_is_reported_by_name(path):
    path.unlink()
    with pytest.raises(CourseError, match="is missing: this copy is incomplete") as caught:
        quiz.load(LESSON)
    assert str(path) in str(caught.value)


def test_a_folder_in_the_place_of_a_quiz_is_reported_by_name(path):
    path.unlink()
    path.mkdir()
    with pytest.raises(CourseError) as caught:
        quiz.load(LESSON)
    assert str(path) in str(caught.value)


def test_the_quiz_of_an_unknown_lesson_is_reported(path):
    with pytest.raises(CourseError, match="There is no lesson 99_nowhere"):
        quiz.load("99_nowhere")


def test_reading_does_not_depend_on_the_locale(path, tmp_path):
    code = (
        "import json, locale, sys; from pathlib import Path\n"
        "from mlops_school import manifest, quiz\n"
        "course = Path(sys.argv[1])\n"
        "lessons = manifest.load_manifest(course / 'course.toml')\n"
        "manifest.load_manifest, manifest.COURSE = lambda: lessons, course\n"
        "text = quiz.load(lessons[0].id)[0].text\n"
        "print(json.dumps([locale.getpreferredencoding(False), text]))"
    )
    plain = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    answer = subprocess.check_output(
        [sys.executable, "-c", code, tmp_path], env=os.environ | plain, text=True
    )
    encoding, text = json.loads(answer)
    assert "utf" not in encoding.lower()  # or this would prove nothing
    assert text == "Which `threshold` is “low” → x < 1?"


# ---- widgets


@pytest.fixture
def questions(path, monkeypatch):
    """Show the quiz, and return the parts of its two questions: title, choices, button, result."""
    shown = []
    monkeypatch.setattr(quiz, "display", shown.append)
    monkeypatch.setattr(quiz, "mixed", lambda question: question)  # as written
    quiz.show(LESSON)
    (box,) = shown
    return [question.children for question in box.children]


def test_a_question_shows_its_text_and_its_choices(questions):
    title, choices, button, result = questions[0]
    assert title.value == ("<strong>1. Which <code>threshold</code> is “low” → x &lt; 1?</strong>")
    assert isinstance(choices, widgets.RadioButtons)
    assert [label for label, _ in choices.options] == ["0.3", "3"]
    assert choices.value is None  # nothing is chosen for the learner
    assert (button.description, button.tooltip) == ("Check", "Check question 1")
    assert result.value == ""


def test_a_question_with_several_right_choices_says_so(questions):
    title, choices, button, _ = questions[1]
    assert title.value == ("<strong>2. Which of these are late?</strong> (more than one is right)")
    assert all(isinstance(box, widgets.Checkbox) for box in choices.children)
    assert [(box.description, box.value) for box in choices.children] == [
        ("15 minutes", False),
        ("14 minutes", False),
        ("16 minutes", False),
        ("0 minutes", False),
    ]
    assert button.tooltip == "Check question 2"


def test_the_choices_are_mixed_and_always_in_the_same_way(path, monkeypatch):
    choices = "\n".join(f'    - wrong: "{n}"\n      why: "No."' for n in range(1, 9))
    text = f'- question: "How many?"\n  answers:\n    - right: "0"\n      why: "Yes."\n{choices}\n'
    path.write_text(text, encoding="utf-8")
    shown = []
    monkeypatch.setattr(quiz, "display", shown.append)
    quiz.show(LESSON)
    quiz.show(LESSON)
    labels, again = ([label for label, _ in box.children[0].children[1].options] for box in shown)
    assert labels == again
    assert labels != sorted(labels)
    assert sorted(labels) == [str(n) for n in range(9)]


def test_a_label_shows_no_markup(path, monkeypatch):
    text = '- question: "What?"\n  answers:\n    - {right: "`a`", why: "Yes."}\n'
    path.write_text(text + '    - {wrong: "`b`", why: "No."}\n', encoding="utf-8")
    shown = []
    monkeypatch.setattr(quiz, "display", shown.append)
    quiz.show(LESSON)
    options = shown[0].children[0].children[1].options
    assert sorted(label for label, _ in options) == ["a", "b"]


def test_before_a_choice_nothing_is_judged_nor_remembered(questions):
    for _, _, button, result in questions:
        button.click()
        assert "Not attempted:</strong> choose an answer first." in result.value
    assert progress.load() == {}


def test_a_single_choice_is_judged_and_remembered(questions):
    _, choices, button, result = questions[0]
    choices.value = 1
    assert result.value == ""  # not before the learner asks
    button.click()
    assert "Not yet:</strong> It is <code>3</code> &gt; 1." in result.value
    choices.value = 0
    button.click()
    assert "Correct:</strong> It is &lt; 1." in result.value
    assert "Not yet" not in result.value
    assert progress.load() == {
        LESSON: {"quiz1": {"solved": True, "attempts": 2, "hints": 0, "solution_seen": False}}
    }


def test_several_choices_are_judged_together(questions):
    _, choices, button, result = questions[1]
    late, early, later, _ = choices.children
    for box, words in [
        (late, "what you chose is right, and there is more."),
        (early, "Fourteen is not late."),
        (later, "Fourteen is not late."),
    ]:
        box.value = True
        button.click()
        assert f"Not yet:</strong> {words}" in result.value
    early.value = False
    button.click()
    assert "Correct:</strong> Fifteen is late. Sixteen is late." in result.value
    assert progress.load() == {
        LESSON: {"quiz2": {"solved": True, "attempts": 4, "hints": 0, "solution_seen": False}}
    }


def test_progress_that_cannot_be_saved_leaves_the_judgement(questions, folder):
    folder.write_text("a file in its place", encoding="utf-8")
    _, choices, button, result = questions[0]
    choices.value = 0
    button.click()
    assert "Correct:</strong> It is &lt; 1." in result.value
    assert result.value.count("Your progress was not saved. The folder ") == 1


def test_a_quiz_that_is_not_complete_shows_nothing(path, monkeypatch):
    path.write_text("- question: Which?", encoding="utf-8")
    shown = []
    monkeypatch.setattr(quiz, "display", shown.append)
    with pytest.raises(CourseError):
        quiz.show(LESSON)
    assert shown == []
