"""Exercises that check themselves.

An exercise is a checking function with hints, and with the wrong answers that learners typically
give. It takes the learner's answers as arguments and raises :class:`NotYet` if they are not right.
Its reference solution is not here: it stands once, in the source of the lesson.
"""

import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

from IPython.display import Markdown, display

from mlops_school import progress, start_page
from mlops_school.errors import CourseError
from mlops_school.markup import to_html
from mlops_school.paths import COURSE
from mlops_school.solutions import read_solutions


class StillBlank(CourseError):
    """Code used an answer that the learner has not given yet."""


class Blank:
    """The value of ``____``, the place where an answer goes.

    It can be assigned and returned, so that an untouched notebook runs; anything that needs its
    value raises :class:`StillBlank`.
    """

    def __repr__(self) -> str:
        return "____"

    def __format__(self, spec: str) -> str:
        return self._refuse() if spec else repr(self)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):  # Python and Jupyter ask whether optional methods are there
            raise AttributeError(name)
        self._refuse()

    def _refuse(self, *args: object, **kwargs: object) -> NoReturn:
        raise StillBlank("an answer is still ____. Put your own there, and run the cell again.")

    __bool__ = __int__ = __float__ = __complex__ = __index__ = __round__ = _refuse
    __len__ = __iter__ = __contains__ = __getitem__ = __setitem__ = __delitem__ = _refuse
    __call__ = __enter__ = __exit__ = _refuse
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __neg__ = __pos__ = __abs__ = __invert__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _refuse
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _refuse
    __divmod__ = __rdivmod__ = __pow__ = __rpow__ = __matmul__ = __rmatmul__ = _refuse
    __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = _refuse
    __lshift__ = __rlshift__ = __rshift__ = __rrshift__ = _refuse
    __hash__ = object.__hash__


____ = Blank()


class NotYet(Exception):
    """The answer is not right yet; the message names the misconception, not the answer."""


class Incorrect(CourseError):
    """Raised in strict mode, where nobody reads the message, unless the answer is correct."""


Status = Literal["not attempted", "not yet", "correct"]

_LOOKS = {  # a symbol and words carry the meaning; the colour (Okabe-Ito) only repeats it
    "not attempted": ("○", "Not attempted", "#999999"),
    "not yet": ("✗", "Not yet", "#D55E00"),
    "correct": ("✓", "Correct", "#009E73"),
}


@dataclass(frozen=True)
class Outcome:
    """What a check found, in a form that a notebook shows."""

    status: Status
    message: str

    def __repr__(self) -> str:
        symbol, words, _ = _LOOKS[self.status]
        return f"{symbol} {words}: {self.message}"

    def _repr_html_(self) -> str:
        symbol, words, colour = _LOOKS[self.status]
        return (
            f'<div role="status" style="border-left: 5px solid {colour}; padding: 0.3em 0.8em">'
            f"{symbol} <strong>{words}:</strong> {to_html(self.message)}</div>"
        )


class Exercise:
    """An exercise of a lesson; made by the decorator :func:`exercise`.

    Attributes
    ----------
    lesson, name : str
        The lesson's or lab's id, and the exercise's own name there, which is also its answer
        cell's id.
    answers : tuple of str
        Names of the variables that the check takes, in order.
    hints : tuple of str
        From a nudge to nearly the answer.
    wrong : dict of str to str
        Code of a typical wrong answer, and words that its message must contain.
    given : callable
        Returns the names that an answer may use, with small values, so that tests can run one.
    hands_on : bool
        Whether the check runs a text as code, or looks at what the answer left in the workspace.
        Where answers are graded, such a one is judged in the learner's own workspace.
    """

    def __init__(
        self,
        check: Callable[..., str | None],
        lesson: str,
        hints: tuple[str, ...],
        wrong: Mapping[str, str],
        given: Callable[[], dict[str, Any]],
        hands_on: bool = False,
    ) -> None:
        self._check = check
        self.lesson = lesson
        self.name = check.__name__
        self.answers = tuple(inspect.signature(check).parameters)
        self.hints = hints
        self.wrong = dict(wrong)
        self.given = given
        self.hands_on = hands_on
        self._hints_shown = 0

    def outcome(self, *answers: object) -> Outcome:
        """Judge the answers, and never raise."""
        if len(answers) != len(self.answers):
            call = f"`{self.name}.check({', '.join(self.answers)})`"
            return Outcome("not yet", f"this check is called as {call}.")
        try:
            if any(isinstance(answer, Blank) for answer in answers):
                raise StillBlank
            praise = self._check(*answers)
        except StillBlank:
            return Outcome(
                "not attempted",
                "put your answer in the place of `____` and run the cell again. "
                f"`{self.name}.hint()` gives a hint.",
            )
        except NotYet as reason:
            return Outcome("not yet", str(reason))
        except Exception as error:  # whatever a learner's answer does, they get a sentence
            return Outcome(
                "not yet",
                f"your answer made the check stop with `{type(error).__name__}: {error}`. "
                "Look at what kind of value the task asks for.",
            )
        return Outcome("correct", praise or "well done.")

    def check(self, *answers: object) -> None:
        """Show whether the answers are right, and remember it.

        Raises
        ------
        Incorrect
            In strict mode (environment variable ``SCHOOL_STRICT``), unless they are correct.
        """
        outcome = self.outcome(*answers)
        display(outcome)
        if outcome.status != "not attempted":
            self._remember(outcome=outcome.status)
        if os.environ.get("SCHOOL_STRICT") and outcome.status != "correct":
            raise Incorrect(f"{self.lesson} {self.name}: {outcome!r}")

    def hint(self) -> None:
        """Show the next hint; after the last one, all over again."""
        number = self._hints_shown % len(self.hints)
        self._hints_shown += 1
        text = f"**Hint {number + 1} of {len(self.hints)}.** {self.hints[number]}"
        if number + 1 == len(self.hints):
            text += f" That was the last hint; `{self.name}.solution()` shows one way."
        display(Markdown(text))
        self._remember(hints=number + 1)

    def solution(self) -> None:
        """Show the reference solution."""
        display(Markdown(f"**One way to do it**\n\n```python\n{self.reference()}\n```"))
        self._remember(solution_seen=True)

    def reference(self) -> str:
        """Return the code of the reference solution, read from the lesson's source.

        Raises
        ------
        CourseError
            If the source has no such answer cell.
        """
        source = COURSE / "lessons" / f"{self.lesson}.py"
        if not source.exists():
            source = COURSE / "labs" / f"{self.lesson}.py"
        try:
            return read_solutions(source)[self.name]
        except KeyError:
            raise CourseError(f"The solution of {self.name} is not in {source}.") from None

    def _remember(self, **facts: object) -> None:
        try:
            progress.record(self.lesson, self.name, **facts)
            start_page.refresh()
        except CourseError as error:
            print(f"Your progress was not saved. {error}")


def exercise(
    lesson: str,
    *,
    hints: tuple[str, ...],
    wrong: Mapping[str, str],
    given: Callable[[], dict[str, Any]] = dict,
    hands_on: bool = False,
) -> Callable[[Callable[..., str | None]], Exercise]:
    """Make an :class:`Exercise` of a checking function.

    The function's name is the exercise's, its parameters are the learner's answers; it raises
    :class:`NotYet` or returns words of praise that say what has been shown.

    Parameters
    ----------
    lesson : str
        The lesson's or lab's id.
    hints, wrong, given, hands_on
        As in :class:`Exercise`.
    """
    return lambda check: Exercise(check, lesson, hints, wrong, given, hands_on)
