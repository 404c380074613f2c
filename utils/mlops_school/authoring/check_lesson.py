"""Rules for the text of one lesson or tool lab, its exercises and its quiz."""

import ast
import importlib
import re
from collections.abc import Iterator, Mapping, Sequence

from mlops_school import quiz
from mlops_school.authoring.build import NOT_STORED
from mlops_school.authoring.source import Cell, read_cells
from mlops_school.errors import CourseError
from mlops_school.exercises import Exercise
from mlops_school.manifest import Lesson, Unit

CELLS = range(25, 46)  # beside those that the build makes
LAB_CELLS = range(15, 26)
EXERCISES = range(3, 6)
LAB_EXERCISES = range(2, 3)
QUESTIONS = range(4, 7)
CODE_LINES = 12  # blank ones not counted; what is longer belongs into the package, with tests
HINTS = 2
WRONG_ANSWERS = 2
IGNORED_CELLS = 4  # beside the quiz, whose output nobody compares
IGNORED_SHARE = 0.2  # of the code cells

IGNORED = "nbval-ignore-output"
_QUIZ_CALL = re.compile(r"\bquiz\.show\((?:\s*[\"']([^\"']*)[\"'])?")


def problems(unit: Unit) -> Iterator[str]:
    """Yield what must be put right in a lesson or lab, a sentence each."""
    is_lesson = isinstance(unit, Lesson)
    declared: dict[str, Exercise] = {}
    try:
        declared = _declared(unit)
        yield from _exercise_problems(unit, declared)
        if is_lesson and (count := len(quiz.load(unit.id))) not in QUESTIONS:
            yield f"its quiz has {count} questions, not {_span(QUESTIONS)}."
    except CourseError as error:
        yield str(error)
    try:
        cells = read_cells(unit.source)
    except CourseError as error:
        yield from str(error).splitlines()
        return
    allowed = CELLS if is_lesson else LAB_CELLS
    if (count := len(cells)) not in allowed:
        yield f"it has {count} cells, not {_span(allowed)}."
    yield from _answer_problems(cells, declared)
    yield from _quiz_cell_problems(cells, [unit.id] if is_lesson else [])
    yield from _parameter_problems(cells, unit)
    yield from _comparison_problems(cells)
    yield from _heading_problems(cells)
    for cell in _code(cells):
        if (count := sum(bool(line.strip()) for line in cell.given)) > CODE_LINES:
            yield f"cell {cell.id!r} has {count} lines of code; at most {CODE_LINES} are read."


def _declared(unit: Unit) -> dict[str, Exercise]:
    """Return the exercises that the unit's module declares, by the name they have there."""
    try:
        module = importlib.import_module(unit.exercises)
    except Exception as error:  # whatever the module does, it is a line of the report
        reason = f"{type(error).__name__}: {error}"
        raise CourseError(f"its exercises cannot be imported ({reason}).") from None
    return {name: value for name, value in vars(module).items() if isinstance(value, Exercise)}


def _exercise_problems(unit: Unit, declared: Mapping[str, Exercise]) -> Iterator[str]:
    allowed = EXERCISES if isinstance(unit, Lesson) else LAB_EXERCISES
    if len(declared) not in allowed:
        yield f"it has {len(declared)} exercises, not {_span(allowed)}."
    for name, exercise in declared.items():
        if (exercise.lesson, exercise.name) != (unit.id, name):
            yield f"exercise {name} calls itself {exercise.name} of {exercise.lesson}."
        if len(exercise.hints) < HINTS:
            yield f"exercise {name} has fewer than {HINTS} hints."
        if len(exercise.wrong) < WRONG_ANSWERS:
            yield f"exercise {name} has fewer than {WRONG_ANSWERS} typical wrong answers."


def _answer_problems(cells: Sequence[Cell], declared: Mapping[str, Exercise]) -> Iterator[str]:
    """Yield where cells and declared exercises do not match."""
    with_solution = [cell.id for cell in _code(cells) if cell.has_solution]
    for name in declared:
        if name not in with_solution:
            yield f"exercise {name} has no answer cell {name!r} with a solution between markers."
        call = re.compile(rf"^{re.escape(name)}\.check\(", flags=re.MULTILINE)
        if not any(call.search(cell.source) for cell in _code(cells)):
            yield f"exercise {name} has no cell that calls {name}.check."
    for cell in cells:
        if cell.id in with_solution and cell.id not in declared:
            yield f"cell {cell.id!r} has a solution, but no exercise of that name is declared."
        if cell.has_solution and cell.kind != "code":
            yield f"cell {cell.id!r} has a solution, but is no code."


def _quiz_cell_problems(cells: Sequence[Cell], quizzes: list[str]) -> Iterator[str]:
    shown = {cell.id: _QUIZ_CALL.search(cell.source) for cell in _code(cells)}
    if [call[1] for call in shown.values() if call] != quizzes:
        if quizzes:
            yield f'it must show its quiz once, by quiz.show("{quizzes[0]}").'
        else:
            yield "a lab has no quiz."
    for cell in cells:
        if bool(shown.get(cell.id)) != (NOT_STORED in cell.tags):
            yield f"cell {cell.id!r}: the tag {NOT_STORED!r} is for the cell that shows the quiz."
        if NOT_STORED in cell.tags and IGNORED not in cell.tags:
            yield f"cell {cell.id!r} has no stored output to compare; tag it {IGNORED!r}, too."


def _parameter_problems(cells: Sequence[Cell], unit: Unit) -> Iterator[str]:
    tagged = [cell for cell in cells if "parameters" in cell.tags]
    if len(tagged) > 1:
        yield f"{len(tagged)} cells have the tag 'parameters'; papermill takes the first."
    try:
        body = ast.parse(tagged[0].source).body if tagged else []
    except SyntaxError as error:
        yield f"cell {tagged[0].id!r} is not valid Python ({error.msg})."
        return
    defined = {
        target.id
        for node in body
        for target in getattr(node, "targets", [getattr(node, "target", None)])
        if isinstance(target, ast.Name)
    }
    for name in sorted(set(unit.fast) - defined):
        yield f"its fast parameter {name!r} is not defined in a cell with the tag 'parameters'."


def _comparison_problems(cells: Sequence[Cell]) -> Iterator[str]:
    """Yield where more outputs than need be would escape comparison."""
    ignored = sum(IGNORED in cell.tags and NOT_STORED not in cell.tags for cell in cells)
    code = len(_code(cells))
    if ignored > IGNORED_CELLS or ignored > IGNORED_SHARE * code:
        yield (
            f"{ignored} of its {code} code cells have the tag {IGNORED!r}; at most "
            f"{IGNORED_CELLS}, and {IGNORED_SHARE:.0%}, may."
        )
    for cell in _code(cells):
        if "NBVAL_" in cell.source or "nbval-skip" in cell.tags:
            yield f"cell {cell.id!r} must leave nbval's other marks alone."


def _heading_problems(cells: Sequence[Cell]) -> Iterator[str]:
    """Yield the headings that skip a level, or compete with the title: it alone has level 1."""
    before = 1
    for cell in cells:
        for hashes, words in _headings(cell) if cell.kind == "markdown" else ():
            level = len(hashes)
            if level == 1:
                yield f"cell {cell.id!r}: `{words}` has level 1, as only the title has."
            elif level > before + 1:
                yield f"cell {cell.id!r}: `{words}` has level {level} after level {before}."
            before = level


def _headings(cell: Cell) -> list[tuple[str, str]]:
    """Return the headings of a markdown cell, each as its hashes and its words."""
    text = re.sub(r"^(```|~~~).*?^\1", "", cell.source, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^ {0,3}(#{1,6}) +(.+)$", text, flags=re.MULTILINE)


def _code(cells: Sequence[Cell]) -> list[Cell]:
    return [cell for cell in cells if cell.kind == "code"]


def _span(allowed: range) -> str:
    return f"{allowed[0]} to {allowed[-1]}" if len(allowed) > 1 else str(allowed[0])
