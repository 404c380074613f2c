"""Exercises: what a learner sees of a check, a hint and a solution, and what is remembered."""

import copy
import math
import operator

import numpy as np
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import Markdown
from IPython.utils.capture import capture_output
from traitlets.config import Config

from mlops_school import exercises, progress
from mlops_school.errors import CourseError
from mlops_school.exercises import (
    Blank,
    Incorrect,
    NotYet,
    Outcome,
    StillBlank,
    ____,
    exercise,
)
from mlops_school.solutions import read_solutions

LESSON = '''\
# ---
# jupyter: {}
# ---

# %% [markdown] id="intro"
# # Wörter → ✓

# %% id="q1" tags=["answer"]
### BEGIN SOLUTION
threshold = 0.3  # “low”
### END SOLUTION
q1.check(late, threshold)
# q1.hint()

# %% tags=["answer"] id="q2"
# %%time
def late(minutes):
    """Return whether `minutes` is late."""
    ### BEGIN SOLUTION
    return minutes >= 15
    ### END SOLUTION

# %%
print("a cell without an id")

# %% id="not-an-answer"
text = "### BEGIN SOLUTION"
'''


@exercise("00_tiny", hints=("Look at `15`.", "It is <late>.", "Write `>=`."), wrong={})
def q1(late, limit):
    """Check a function and a number."""
    if limit < 0:
        raise NotYet("a limit of `-1` < 0 makes everybody late.")
    if not late(limit):
        raise NotYet("15 minutes late is late.")
    return "you read the definition."


@exercise("00_tiny", hints=("Count.", "Count again."), wrong={})
def q2(number):
    """Check a number, without words of praise."""
    if number != 2:
        raise NotYet("count again.")


@exercise("00_tiny", hints=("Anything.", "Anything at all."), wrong={})
def q3(one, other):
    """Accept any answers, without looking at them."""


def late(minutes):
    return minutes >= 15


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Return a workspace of the test's own."""
    monkeypatch.setenv("SCHOOL_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.delenv("SCHOOL_STRICT", raising=False)
    return tmp_path / "workspace"


@pytest.fixture
def shown(monkeypatch):
    """Collect what is displayed, and let every hint begin at the first."""
    shown = []
    monkeypatch.setattr(exercises, "display", shown.append)
    for one in (q1, q2):
        monkeypatch.setattr(one, "_hints_shown", 0)
    return shown


@pytest.fixture
def lesson(tmp_path, monkeypatch):
    """Write the tiny lesson, and return its path."""
    path = tmp_path / "course" / "lessons" / "00_tiny.py"
    path.parent.mkdir(parents=True)
    path.write_text(LESSON, encoding="utf-8")
    monkeypatch.setattr(exercises, "COURSE", tmp_path / "course")
    return path


# ---- the blank


def test_a_blank_looks_like_its_name():
    assert repr(____) == str(____) == f"{____}" == "____"


def test_a_blank_can_be_assigned_returned_and_kept():
    answer = ____

    def function():
        return ____

    assert function() is answer
    assert {answer: [answer]}[____][0] is ____


BINARY = [
    *(operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne),
    *(operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv),
    *(operator.mod, operator.pow, operator.matmul, divmod),
    *(operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift),
    *(operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ior),
]
UNARY = [
    *(bool, int, float, complex, operator.index, round, abs, math.sqrt, math.floor, math.ceil),
    *(operator.neg, operator.pos, operator.invert, operator.not_),
    *(len, iter, list, sum, reversed, sorted, dict, max),
]


@pytest.mark.parametrize("other", [3, 0.5, "%d", [1], None, ____], ids=repr)
@pytest.mark.parametrize("operation", BINARY, ids=lambda operation: operation.__name__)
def test_a_binary_operator_on_a_blank_says_so(operation, other):
    with pytest.raises(StillBlank):
        operation(____, other)
    with pytest.raises(StillBlank):
        operation(other, ____)


@pytest.mark.parametrize("operation", UNARY, ids=lambda operation: operation.__name__)
def test_an_operation_on_a_blank_says_so(operation):
    with pytest.raises(StillBlank):
        operation(____)


@pytest.mark.parametrize(
    "use",
    [
        lambda: ____(),
        lambda: ____(1, C=2.0),
        lambda: ____[0],
        lambda: ____[1:2],
        lambda: operator.setitem(____, "a", 1),
        lambda: operator.delitem(____, "a"),
        lambda: 1 in ____,
        lambda: ____ in [1, 2],
        lambda: [1, 2][____],
        lambda: range(____),
        lambda: round(____, ndigits=2),
        lambda: f"{____:.3f}",
        lambda: "%.3f" % ____,  # noqa: UP031
        lambda: ____.mean(),
        lambda: hasattr(____, "fit"),
        lambda: ____.__enter__(),
        lambda: [*____],
        lambda: {**____},
        lambda: "yes" if ____ else "no",
    ],
    ids=range(19),
)
def test_any_other_use_of_a_blank_says_so(use):
    with pytest.raises(StillBlank, match="an answer is still ____"):
        use()


def test_with_a_blank_says_so():
    with pytest.raises(StillBlank), ____:
        pass


@pytest.mark.parametrize(
    "use",
    [
        lambda: np.array([1.0, 2.0]) + ____,
        lambda: np.array([1.0, 2.0]) > ____,
        lambda: pd.Series([1, 2]) * ____,
        lambda: pd.Series([1, 2]) >= ____,
        lambda: pd.DataFrame({"a": [1, 2]}).assign(b=____),
    ],
    ids=["array + ____", "array > ____", "series * ____", "series >= ____", "column of ____"],
)
def test_arrays_and_tables_do_not_swallow_a_blank(use):
    with pytest.raises(StillBlank):
        use()


def test_a_blank_says_which_optional_methods_it_does_not_have():
    assert not hasattr(____, "_repr_html_")
    assert repr(copy.deepcopy([____])) == "[____]"


def test_a_blank_can_be_shown_as_the_value_of_a_cell(shell):
    with capture_output() as captured:
        shell.run_cell("from mlops_school.exercises import ____\n____")
    assert captured.stdout.strip().endswith("____")
    assert captured.stderr == ""


# ---- judging


@pytest.mark.parametrize(
    "answers",
    [
        (____, ____),
        (late, ____),
        (____, 15),
        (lambda minutes: ____, 15),
        (lambda minutes: minutes > ____, 15),
        (late, Blank()),
    ],
    ids=["all", "one", "the other", "returned", "used", "another blank"],
)
def test_what_is_still_blank_is_not_attempted(answers):
    outcome = q1.outcome(*answers)
    assert outcome.status == "not attempted"
    assert "`____`" in outcome.message
    assert "`q1.hint()`" in outcome.message


@pytest.mark.parametrize("answers", [(____, 1), (1, ____), (1, Blank())], ids=repr)
def test_a_blank_is_found_even_if_the_check_does_not_look(answers):
    assert q3.outcome(*answers).status == "not attempted"
    assert q3.outcome(1, 1).status == "correct"


def test_a_wrong_answer_gets_the_message_of_its_misconception():
    assert q1.outcome(lambda minutes: minutes > 15, 15) == Outcome(
        "not yet", "15 minutes late is late."
    )


def test_a_right_answer_gets_its_praise():
    assert q1.outcome(late, 15) == Outcome("correct", "you read the definition.")
    assert q2.outcome(2) == Outcome("correct", "well done.")


def crash(minutes):
    raise KeyError("tail`num")


def recurse(minutes):
    return recurse(minutes)


class Hostile:
    """An answer that fails whatever is done to it."""

    def __getattribute__(self, name):
        raise RuntimeError("no")

    def __lt__(self, other):
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ((late, "15"), "TypeError"),
        ((None, 15), "TypeError"),
        ((crash, 15), "KeyError: 'tail"),
        ((recurse, 15), "RecursionError"),
        ((lambda: True, 15), "TypeError"),
        ((late, pd.Series([1, 2])), "ValueError"),
        ((late, Hostile()), "RuntimeError: no"),
    ],
    ids=["string", "None", "KeyError", "recursion", "parameters", "series", "hostile"],
)
def test_an_answer_that_breaks_the_check_gets_a_sentence(answers, error):
    outcome = q1.outcome(*answers)
    assert outcome.status == "not yet"
    assert outcome.message.startswith(f"your answer made the check stop with `{error}")
    assert outcome.message.endswith("Look at what kind of value the task asks for.")


@pytest.mark.parametrize("answers", [(), (late,), (late, 15, 15), (____,)], ids=len)
def test_another_number_of_answers_is_told_how_to_call_the_check(answers):
    assert q1.outcome(*answers) == Outcome(
        "not yet", "this check is called as `q1.check(late, limit)`."
    )


def test_an_interrupt_goes_through():
    def answer(minutes):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        q1.outcome(answer, 15)


def test_the_decorator_reads_name_and_answers_from_the_function():
    assert (q1.lesson, q1.name, q1.answers) == ("00_tiny", "q1", ("late", "limit"))
    assert q1.given() == {}


# ---- showing


@pytest.mark.parametrize(
    ("status", "start"),
    [("not attempted", "○ Not attempted"), ("not yet", "✗ Not yet"), ("correct", "✓ Correct")],
)
def test_an_outcome_shows_a_symbol_and_words(status, start):
    outcome = Outcome(status, "a `b` <i>c</i> & d")
    assert repr(outcome) == f"{start}: a `b` <i>c</i> & d"
    shown = outcome._repr_html_()
    symbol, _, words = start.partition(" ")
    assert f"{symbol} <strong>{words}:</strong>" in shown
    assert "a <code>b</code> &lt;i&gt;c&lt;/i&gt; &amp; d" in shown
    assert 'role="status"' in shown  # a screen reader reads it out


def test_a_check_shows_its_outcome(shown):
    q1.check(late, 15)
    q1.check(late, -1)
    q1.check(____, ____)
    assert [outcome.status for outcome in shown] == ["correct", "not yet", "not attempted"]


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """Start the IPython that a notebook runs."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=config)
    yield shell
    InteractiveShell.clear_instance()


def test_a_notebook_gets_text_and_html(shell):
    with capture_output() as captured:
        q1.check(late, -1)
    (output,) = captured.outputs
    outcome = q1.outcome(late, -1)
    assert output.data == {"text/plain": repr(outcome), "text/html": outcome._repr_html_()}
    assert (captured.stdout, captured.stderr) == ("", "")


# ---- strict mode


@pytest.mark.parametrize("answers", [(____, ____), (late, -1), ()], ids=len)
def test_in_strict_mode_a_check_raises_unless_correct(answers, shown, monkeypatch):
    monkeypatch.setenv("SCHOOL_STRICT", "1")
    with pytest.raises(Incorrect) as caught:
        q1.check(*answers)
    assert str(caught.value) == f"00_tiny q1: {shown[0]!r}"


def test_in_strict_mode_a_correct_answer_passes(shown, monkeypatch):
    monkeypatch.setenv("SCHOOL_STRICT", "1")
    q1.check(late, 15)
    assert shown[0].status == "correct"


# ---- remembering


def test_a_check_is_remembered(shown):
    q1.check(late, -1)
    assert progress.load() == {
        "00_tiny": {"q1": {"solved": False, "attempts": 1, "hints": 0, "solution_seen": False}}
    }
    q1.check(late, 15)
    q2.check(3)
    tasks = progress.load()["00_tiny"]
    assert (tasks["q1"]["solved"], tasks["q1"]["attempts"]) == (True, 2)
    assert (tasks["q2"]["solved"], tasks["q2"]["attempts"]) == (False, 1)


def test_what_is_not_attempted_is_not_remembered(shown):
    q1.check(____, ____)
    assert progress.load() == {}


def test_a_workspace_that_cannot_be_written_to_costs_one_sentence(shown, lesson, folder, capsys):
    folder.write_text("a file in its place", encoding="utf-8")
    for use in (lambda: q1.check(late, 15), q1.hint, q1.solution):
        use()
        (line,) = capsys.readouterr().out.splitlines()
        assert line.startswith(f"Your progress was not saved. The folder {folder} cannot be")
    outcome, hint, solution = shown
    assert outcome == Outcome("correct", "you read the definition.")
    assert hint.data.startswith("**Hint 1 of 3.**")
    assert "threshold = 0.3" in solution.data


# ---- hints


def test_hints_come_in_stages_and_then_all_over_again(shown):
    for _ in range(4):
        q1.hint()
    assert all(isinstance(hint, Markdown) for hint in shown)
    assert [hint.data for hint in shown] == [
        "**Hint 1 of 3.** Look at `15`.",
        "**Hint 2 of 3.** It is <late>.",
        "**Hint 3 of 3.** Write `>=`. That was the last hint; `q1.solution()` shows one way.",
        "**Hint 1 of 3.** Look at `15`.",
    ]


def test_exercises_count_their_hints_apart(shown):
    q1.hint()
    q2.hint()
    assert shown[1].data == "**Hint 1 of 2.** Count."


def test_the_furthest_hint_is_remembered_and_is_no_attempt(shown):
    for stage in (1, 2, 3, 3, 3):
        q1.hint()
        entry = progress.load()["00_tiny"]["q1"]
        assert (entry["hints"], entry["attempts"]) == (stage, 0)


# ---- solutions


def test_the_solution_comes_from_the_lesson(shown, lesson):
    q1.solution()
    assert isinstance(shown[0], Markdown)
    assert shown[0].data == ("**One way to do it**\n\n```python\nthreshold = 0.3  # “low”\n```")


def test_a_solution_that_was_seen_is_remembered(shown, lesson):
    q1.solution()
    assert progress.load()["00_tiny"]["q1"] == {
        "solved": False,
        "attempts": 0,
        "hints": 0,
        "solution_seen": True,
    }


def test_a_solution_that_is_not_there_is_reported(shown, lesson):
    lesson.write_text(LESSON.replace('id="q1"', 'id="q9"'), encoding="utf-8")
    with pytest.raises(CourseError, match=r"The solution of q1 is not in .*00_tiny\.py"):
        q1.solution()
    lesson.unlink()
    with pytest.raises(CourseError, match=r"The solution of q1 is not in .*00_tiny\.py"):
        q1.reference()
    assert progress.load() == {}


def test_solutions_are_read_by_cell_without_their_markers(lesson):
    assert read_solutions(lesson) == {
        "q1": "threshold = 0.3  # “low”",
        "q2": "# %%time\ndef late(minutes):\n"
        '    """Return whether `minutes` is late."""\n    return minutes >= 15',
    }


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.partition('\n\n# %%\nprint("a cell')[0],
    ],
    ids=["line ends of Windows", "no line end after the last marker"],
)
def test_solutions_do_not_depend_on_line_ends(change, lesson):
    expected = read_solutions(lesson)
    lesson.write_bytes(change(LESSON).encode())
    assert read_solutions(lesson) == expected


def test_a_lesson_that_is_not_there_has_no_solutions(tmp_path):
    assert read_solutions(tmp_path / "00_nowhere.py") == {}
