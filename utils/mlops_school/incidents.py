"""Finding out what made answers worse: the code, the data or the model."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import pandas as pd

from mlops_school.evaluation import cost
from mlops_school.features import TARGET, load_examples
from mlops_school.mlops_loop import Service, learn, train_service


@dataclass(frozen=True)
class State:
    """What answers depend on.

    Attributes
    ----------
    code : callable
        Prepares a table of flights for the model.
    data : DataFrame
        The flights that are asked about, with their outcomes.
    model : Service
        What answers.
    """

    code: Callable[[pd.DataFrame], pd.DataFrame]
    data: pd.DataFrame
    model: Service

    def cost_per_flight(self) -> float:
        """Return what the mistakes cost, in dollars per flight."""
        warned = self.model.warn(self.code(self.data))
        return cost(self.data[TARGET], warned) / len(self.data)


def swap_one_at_a_time(before: State, after: State) -> pd.Series:
    """Return the cost per flight before, with each part alone swapped for today's, and after."""
    costs = {"nothing (as before)": before.cost_per_flight()}
    for part in fields(State):
        swapped = replace(before, **{part.name: getattr(after, part.name)})
        costs[f"the {part.name}"] = swapped.cost_per_flight()
    costs["all three (today)"] = after.cost_per_flight()
    return pd.Series(costs).rename_axis("swapped")


def make_incidents(service: Service) -> tuple[State, dict[str, State]]:
    """Return how it was before, and three ways in which it became worse.

    In each of them code, data and model are all others than before, as after any busy week.
    """
    may = load_examples([5])
    usual, newer = may[::2], may[1::2]
    retrained = learn(load_examples([1, 2, 3, 4]), seed=1)
    before = State(_prepare, usual, service)
    return before, {
        "A": State(_prepare_tidied, load_examples([12]), retrained),
        "B": State(_prepare_in_celsius, newer, retrained),
        "C": State(_prepare_tidied, newer, train_service([2])),
    }


def _prepare(flights: pd.DataFrame) -> pd.DataFrame:
    return flights.drop(columns=TARGET)


def _prepare_tidied(flights: pd.DataFrame) -> pd.DataFrame:
    return flights[flights.columns.difference([TARGET])]


def _prepare_in_celsius(flights: pd.DataFrame) -> pd.DataFrame:
    """Return flights with a temperature in another unit than the model learned from."""
    return _prepare(flights).assign(temp=(flights["temp"] - 32) / 1.8)
