"""First aid says what to do below an error, and nothing where nothing helps."""

import sys

import pytest
from IPython.core.interactiveshell import InteractiveShell

from mlops_school import first_aid
from mlops_school.authoring.assemble import SETUP_CODE
from mlops_school.manifest import load_labs, load_manifest

LESSON = "00_start_here"
MISTAKE = 'janaury["dep_delay"].mean()'


def error_of(code: str, names: dict | None = None) -> BaseException:
    with pytest.raises(Exception) as caught:
        exec(code, names or {})
    return caught.value


def advise(code: str, known=(), cell_id=None, lesson=LESSON) -> list[str]:
    names = dict.fromkeys(known, 0)
    return list(first_aid.advise(lesson, error_of(code, names), code, set(known), cell_id))


def test_a_name_of_a_cell_that_has_not_run_is_told_with_its_heading():
    (advice,) = advise("minutes_in_a_day = 24 * minutes_in_an_hour\nminutes_in_a_day")
    assert "`minutes_in_an_hour` comes from a cell above" in advice
    assert "*Cells share a memory*" in advice
    assert "Run All Above" in advice


def test_the_answer_of_an_exercise_is_such_a_name_too():
    (advice,) = advise("print(late_share)")
    assert "Exercise 2" in advice


def test_a_name_that_only_a_later_cell_defines_is_not_said_to_be_above():
    assert advise("print(by_hour)", cell_id="first-cell") == [
        "You have changed this cell since you got it, which is welcome. If the error came with "
        'that, this is the original:\n\n```python\nprint("Hello from your own computer!")\n```'
    ]


def test_a_misspelt_name_gets_the_one_that_is_like_it():
    (advice,) = advise("january_flight.shape", known=["january_flights", "arrived"])
    assert advice == "There is no `january_flight`. Did you mean `january_flights`?"


def test_an_error_that_is_meant_to_come_is_left_alone():
    assert advise(MISTAKE, known=["january"]) == []
    assert advise(MISTAKE + " + 1", known=["january"]) != []


def test_a_given_cell_that_was_changed_is_shown_as_it_was():
    (advice,) = advise(
        'arrived = january[january["arr_dely"].notna()]', known=["january"], cell_id="missing"
    )
    assert "You have changed this cell" in advice
    assert 'arrived = january[january["arr_delay"].notna()]' in advice


def test_a_changed_cell_is_found_without_its_id_too():
    code = "from mlops_school import data\n\njanuary = data.load_flights([13])\njanuary.head(3).T"
    error = ValueError("no such month")
    (advice,) = first_aid.advise(LESSON, error, code, set())
    assert "data.load_flights([1])" in advice


def test_nobody_is_shown_the_solution_of_an_exercise():
    code = "flights_per_day = len(january) / 0\nq1.check(flights_per_day, january)"
    advice = list(first_aid.advise(LESSON, ZeroDivisionError(), code, set(), "q1"))
    assert advice == []


def test_a_cell_of_the_learners_own_is_not_compared():
    assert list(first_aid.advise(LESSON, ZeroDivisionError(), "1 / 0", set(), "mine")) == []


def test_a_file_is_told_where_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (advice,) = advise("open('course/course.toml')")
    assert "so write `../course/course.toml`" in advice
    (advice,) = advise("open('flights.csv')")
    assert "is not there" in advice


def test_what_first_aid_knows_nothing_of_is_left_to_python():
    assert advise("1 / 0") == []
    assert advise("raise NameError('without a name')") == []
    assert advise("x", lesson="no-such-lesson") == []


@pytest.mark.parametrize("unit", [*load_manifest(), *load_labs()], ids=lambda unit: unit.id)
def test_every_lesson_and_lab_has_its_code_cells(unit):
    cells = first_aid.read_originals(unit.id)
    assert len(cells) > 5
    assert any(not cell.is_given for cell in cells)
    assert all(cell.heading for cell in cells)


@pytest.fixture
def shell(monkeypatch):
    shell = InteractiveShell()
    monkeypatch.setattr(first_aid, "get_ipython", lambda: shell)
    return shell


def test_in_a_notebook_it_stands_below_the_error_once(shell, monkeypatch):
    shown = []
    monkeypatch.setattr(first_aid, "display", lambda advice: shown.append(advice.data))
    for _ in range(2):  # a cell may be run again
        first_aid.begin(LESSON)
    use = "minutes_in_a_day = 24 * minutes_in_an_hour\nminutes_in_a_day"
    shell.run_cell(use)
    assert len(shown) == 1
    assert shown[0].startswith("**First aid:** `minutes_in_an_hour` comes from a cell above")
    shell.run_cell("minutes_in_an_hour = 60")
    shell.run_cell(use)
    shell.run_cell("this is no Python")
    assert len(shown) == 1


def test_outside_of_a_notebook_nothing_happens(monkeypatch):
    monkeypatch.setattr(first_aid, "get_ipython", lambda: None)
    first_aid.begin(LESSON)


def test_in_another_kernel_the_first_cell_says_what_to_do(shell, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mlops_school", None)  # Python finds none then
    shell.run_cell(SETUP_CODE.format(name=LESSON))
    said = capsys.readouterr().out
    assert "ModuleNotFoundError" in said
    assert "Menu Kernel, Change Kernel" in said
