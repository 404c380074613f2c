import pytest

from mlops_school.cells import Notebook

CELLS = {"load": "n = 1", "double": "n = 2 * n", "show": "result = n"}


def test_a_notebook_runs_from_top_to_bottom():
    assert Notebook(CELLS).run()["result"] == 2


@pytest.mark.parametrize(
    ("order", "result"),
    [("load double double show", 4), ("load show", 1), ("load double load show", 1)],
)
def test_the_order_of_cells_decides_the_result(order, result):
    assert Notebook(CELLS).run(*order.split())["result"] == result


def test_the_memory_outlives_a_deleted_cell_but_not_the_kernel():
    author = Notebook(CELLS)
    author.run()
    del author.cells["load"]
    assert author.run()["result"] == 4
    with pytest.raises(NameError, match="'n'"):
        Notebook(author.cells).run()
    assert "load" in CELLS


def test_what_ran_before_a_failing_cell_stays():
    notebook = Notebook({"good": "a = 1", "bad": "b = a / 0", "never": "c = 1"})
    with pytest.raises(ZeroDivisionError):
        notebook.run()
    assert notebook.memory["a"] == 1
    assert "c" not in notebook.memory
