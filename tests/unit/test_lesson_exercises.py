"""The exercises of the lessons and labs: what each promises is tried on each of them.

The rules are functions, and at the end of this file they are tried on exercises that break them.
"""

import ast
import functools
import importlib
import pkgutil
import types

import pytest

from mlops_school import exercises
from mlops_school.authoring.source import read_cells
from mlops_school.exercises import Exercise, NotYet, Outcome, ____, exercise, labs
from mlops_school.manifest import load_labs, load_manifest

MODULES = [
    importlib.import_module(module.name)
    for package in (exercises, labs)
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
    if not module.ispkg
]
SOURCES = {unit.id: unit.source for unit in (*load_manifest(), *load_labs())}


@functools.lru_cache(1)  # all exercises of a lesson come one after the other
def cells_of(source):
    return read_cells(source)


def slug(module):
    return module.__name__.rpartition(".")[2]


def exercises_of(module):
    return [value for value in vars(module).values() if isinstance(value, Exercise)]


ALL = [
    pytest.param(one, id=f"{slug(module)}-{one.name}")
    for module in MODULES
    for one in exercises_of(module)
]
ALL_WRONG = [
    pytest.param(one, code, id=f"{slug(module)}-{one.name}-wrong{number}")
    for module in MODULES
    for one in exercises_of(module)
    for number, code in enumerate(one.wrong, 1)
]


@pytest.fixture(autouse=True)
def nowhere_else(tmp_path, monkeypatch):
    """Let answers write where it does not matter."""
    monkeypatch.setenv("SCHOOL_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.chdir(tmp_path)


# ---- the rules


def run(one: Exercise, code: str) -> Outcome:
    """Judge the answers that `code` gives, where it finds what the exercise gives."""
    names = {"____": ____, one.name: one} | one.given()
    exec(code, names)
    return one.outcome(*(names[answer] for answer in one.answers))


def belongs_to_a_lesson(module, lessons):
    (lesson,) = (lesson for lesson in lessons if lesson.exercises == module.__name__)
    assert exercises_of(module)
    assert {one.lesson for one in exercises_of(module)} == {lesson.id}
    assert all(getattr(module, one.name) is one for one in exercises_of(module))


def is_not_attempted_before_a_learner_begins(one):
    assert one.outcome(*(____ for _ in one.answers)).status == "not attempted"
    (cell,) = (cell for cell in cells_of(SOURCES[one.lesson]) if cell.id == one.name)
    assert run(one, cell.unsolved()).status == "not attempted"


def accepts_the_reference_solution(one):
    outcome = run(one, one.reference())
    assert outcome.status == "correct", outcome.message
    assert isinstance(outcome.message, str)


def explains_the_wrong_answer(one, code):
    outcome = run(one, code)
    assert outcome.status == "not yet"
    assert one.wrong[code].strip()
    assert one.wrong[code] in outcome.message
    assert not outcome.message.startswith(crash_message())


def crash_message() -> str:
    """Return how every message begins that tells of a crash only."""

    @exercise("", hints=(), wrong={})
    def probe(answer):
        raise RuntimeError

    return probe.outcome(1).message.partition("`")[0]


def helps_without_giving_it_all_away(one):
    assert len(one.hints) >= 2
    assert len(one.wrong) >= 2
    solution = squeeze(ast.unparse(ast.parse(one.reference())))
    assert not [hint for hint in one.hints if solution in squeeze(hint)]


def squeeze(code: str) -> str:
    """Return `code` so that layout and the kind of quotes make no difference."""
    return "".join(code.split()).replace('"', "'")


# ---- tried on the exercises of the lessons


@pytest.mark.parametrize("module", MODULES, ids=slug)
def test_it_belongs_to_a_lesson(module):
    belongs_to_a_lesson(module, [*load_manifest(), *load_labs()])


@pytest.mark.parametrize("one", ALL)
def test_it_is_not_attempted_before_a_learner_begins(one):
    is_not_attempted_before_a_learner_begins(one)


@pytest.mark.parametrize("one", ALL)
def test_it_accepts_the_reference_solution(one):
    accepts_the_reference_solution(one)


@pytest.mark.parametrize(("one", "code"), ALL_WRONG)
def test_it_explains_the_wrong_answer(one, code):
    explains_the_wrong_answer(one, code)


@pytest.mark.parametrize("one", ALL)
def test_it_helps_without_giving_it_all_away(one):
    helps_without_giving_it_all_away(one)


# ---- tried on a good exercise, and on ones that break a rule

LESSON = """\
# %% id="q1"
def late(minutes):
    ### BEGIN SOLUTION
    return minutes >= limit
    ### END SOLUTION
q1.check(late, limit)
"""

HINTS = ("Compare `minutes` with `limit`.", "`>=` holds for the limit itself too.")
WRONG = {
    "late = lambda minutes: minutes > limit": "itself",
    "def late(minutes):\n    return minutes < limit": "early",
}


@pytest.fixture
def lesson(tmp_path, monkeypatch):
    """Write the lesson of the exercises below, and return its path."""
    path = tmp_path / "lessons" / "98_fake.py"
    path.parent.mkdir()
    path.write_text(LESSON, encoding="utf-8")
    cells_of.cache_clear()
    monkeypatch.setattr(exercises, "COURSE", tmp_path)
    monkeypatch.setitem(SOURCES, "98_fake", path)
    return path


def make(hints=HINTS, wrong=WRONG, lesson="98_fake"):
    """Return a good exercise, or one that has a fault."""

    @exercise(lesson, hints=hints, wrong=wrong, given=lambda: {"limit": 15})
    def q1(late, limit):
        if not late(limit + 1):
            raise NotYet("that finds the early ones.")
        if not late(limit):
            raise NotYet("the limit itself is late.")

    return q1


def make_module(name, *members):
    module = types.ModuleType(f"{exercises.__name__}.{name}")
    vars(module).update({one.name: one for one in members})
    return module


def test_a_good_exercise_keeps_the_rules(lesson):
    one = make()
    is_not_attempted_before_a_learner_begins(one)
    accepts_the_reference_solution(one)
    for code in one.wrong:
        explains_the_wrong_answer(one, code)
    helps_without_giving_it_all_away(one)


def test_a_module_is_named_after_its_lesson():
    fake = types.SimpleNamespace(id="98_fake", exercises=f"{exercises.__name__}.fake")
    other = types.SimpleNamespace(id="97_other", exercises=f"{exercises.__name__}.other")
    belongs_to_a_lesson(make_module("fake", make()), [other, fake])
    for module in (
        make_module("other", make()),
        make_module("stranger", make()),
        make_module("fake"),
        make_module("fake", make(lesson="99_nowhere")),
    ):
        with pytest.raises((AssertionError, ValueError)):
            belongs_to_a_lesson(module, [other, fake])


def test_a_cell_that_is_answered_already_breaks_a_rule(lesson):
    given_away = LESSON.replace("    ###", "    return True\n    ###", 1)
    lesson.write_text(given_away, encoding="utf-8")
    cells_of.cache_clear()
    with pytest.raises(AssertionError):
        is_not_attempted_before_a_learner_begins(make())


@pytest.mark.parametrize("solution", ["minutes > limit", "minutes >= len", "____"])
def test_a_reference_that_is_not_correct_breaks_a_rule(solution, lesson):
    lesson.write_text(LESSON.replace("minutes >= limit", solution), encoding="utf-8")
    with pytest.raises(AssertionError):
        accepts_the_reference_solution(make())


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("late = lambda minutes: minutes > limit", "early"),
        ("late = lambda minutes: minutes > limit", ""),
        ("late = lambda minutes: minutes >= limit", "well done"),
        ("late = None", "NoneType"),
        ("from mlops_school.exercises import ____ as late", "replace"),
    ],
    ids=["other words", "no words", "right", "a crash", "blank"],
)
def test_a_wrong_answer_without_its_message_breaks_a_rule(code, words):
    with pytest.raises(AssertionError):
        explains_the_wrong_answer(make(wrong={code: words}), code)


@pytest.mark.parametrize(
    "fault",
    [
        {"hints": HINTS[:1]},
        {"wrong": dict([*WRONG.items()][:1])},
        {"hints": (*HINTS, "Write `def late(minutes): return  minutes>=limit`.")},
    ],
    ids=["one hint", "one wrong answer", "all given away"],
)
def test_help_that_is_too_little_or_too_much_breaks_a_rule(fault, lesson):
    with pytest.raises(AssertionError):
        helps_without_giving_it_all_away(make(**fault))
