"""A notebook in small: cells that share one memory, and can be run in any order."""

from collections.abc import Mapping
from typing import Any


class Notebook:
    """Cells of code, and the memory of the kernel that runs them.

    Attributes
    ----------
    cells : dict of str to str
        The code of each cell, by the cell's name, from top to bottom.
    memory : dict
        What the cells that ran have defined. Deleting a cell leaves its traces here.

    Parameters
    ----------
    cells : mapping of str to str
        The notebook as it is saved; a new one starts with an empty memory.
    """

    def __init__(self, cells: Mapping[str, str]) -> None:
        self.cells = dict(cells)
        self.memory: dict[str, Any] = {}

    def run(self, *names: str) -> dict[str, Any]:
        """Run some cells, in this order, and return the memory; without names, run all.

        Raises
        ------
        Exception
            Whatever a cell raises. What ran before it stays in the memory.
        """
        for name in names or tuple(self.cells):
            exec(self.cells[name], self.memory)
        return self.memory
