"""How much a service can bear: the load to expect, and the load at which it gives in."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mlops_school import data, load
from mlops_school.forecasts import as_requests
from mlops_school.process import load_requirements

_R5 = load_requirements()["R5"].limits
RESERVE = 3  # so many times the expected load must be borne
STEPS = np.array([0.3, 0.7, 1.3, 1.8])  # of what a service can answer


def requests_of(month: int, count: int) -> list[dict[str, Any]]:
    """Return requests for flights of a month, spread evenly over it, as JSON."""
    flights = data.load_flights([month])
    rows = flights.iloc[:: len(flights) // count].head(count)
    return as_requests(rows)


def busiest_hour() -> tuple[int, float]:
    """Return how many flights leave in the busiest hour of the year, and the seats of a flight.

    Returns
    -------
    flights : int
        Scheduled departures of all three airports.
    seats : float
        Of the aircraft that are known, the mean.
    """
    flights = data.load_flights(columns=["time_hour", "tailnum"])
    seats = flights["tailnum"].map(data.load_planes().set_index("tailnum")["seats"])
    return int(flights.groupby("time_hour").size().max()), float(seats.mean())


def in_time(answers: pd.DataFrame) -> float:
    """Return which share of the answers R5 finds to be in time.

    Parameters
    ----------
    answers : DataFrame
        Of :func:`mlops_school.load.at_rate`. Without an answer counts as late.
    """
    quick = 1000 * answers["seconds"] <= _R5["within_milliseconds"]
    return float((quick & ~load.failed(answers)).mean())


def is_met(answers: pd.DataFrame) -> bool:
    """Tell whether requirement R5 is met."""
    return 100 * in_time(answers) >= _R5["minimum_percent"]


def staircase(
    address: str,
    bodies: Sequence[Mapping[str, Any]],
    rates: Sequence[float],
    seconds: float,
) -> pd.DataFrame:
    """Send requests at one rate after the other, and return what came of each.

    Returns
    -------
    DataFrame
        A row a rate: what :func:`mlops_school.load.summarise` says; the ``mean`` time to the
        answer, in milliseconds; and whether ``R5`` is met.
    """
    rows = {}
    for rate in rates:
        answers = load.at_rate(address, bodies, rate, seconds)
        mean = 1000 * answers["seconds"].mean()
        rows[rate] = {**load.summarise(answers), "mean": mean, "R5": is_met(answers)}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("rate")


def compare(
    expected: float, usual: pd.DataFrame, patient: pd.DataFrame, steps: pd.DataFrame
) -> None:
    """Print what R5 says at the expected load, and who finds out that it is broken beyond.

    Parameters
    ----------
    expected : float
        Requests a second.
    usual, patient : DataFrame
        Answers at ``RESERVE`` times that rate, and those that patient clients got.
    steps : DataFrame
        Of :func:`staircase`.
    """
    said = {True: "met", False: "BROKEN"}
    most = load.summarise(patient)["per_second"]
    print(f"expected: {expected:.1f} requests a second; {RESERVE} times that: ", end="")
    print(f"{in_time(usual):.0%} of {len(usual)} in time, R5 {said[is_met(usual)]}")
    beyond = steps.index[steps.index > most]
    p95 = 1000 * patient["seconds"].quantile(0.95)
    print(f"clients that wait, {most:.0f} a second: 95 percent within {p95:.0f} milliseconds")
    for rate in beyond:
        row = steps.loc[rate]
        print(
            f"due at {rate:.0f} a second: 95 percent within {row['p95']:.0f}, R5 {said[row['R5']]}"
        )


def compare_doors(runs: Mapping[str, pd.DataFrame]) -> None:
    """Print how many were answered, and whether in time, by name of the run."""
    for name, answers in runs.items():
        let_in = answers[answers["status"] == 200]
        said = "met" if len(let_in) and is_met(let_in) else "BROKEN"
        print(f"{name}: {len(let_in)} of {len(answers)} answered, R5 for these {said}")
