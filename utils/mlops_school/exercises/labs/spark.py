"""Exercises of the lab on Spark."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlops_school.exercises import NotYet, exercise

LAB = "spark"


def _rows(airports: str, late: str) -> pd.DataFrame:
    return pd.DataFrame({"origin": list(airports), "late": [letter == "1" for letter in late]})


# Parts of unlike size; the last has one airport only, as a machine may happen to get.
_PARTS = [_rows("AAAABB", "111101"), _rows("AB", "00"), _rows("BBB", "100")]

_COUNT = (
    "def partial(rows):\n"
    "    return rows.groupby('origin')['late'].agg(['sum', 'count'])\n"
    "def final(parts):\n"
)
_MEAN = "def partial(rows):\n    return rows.groupby('origin')['late'].mean()\n"


@exercise(
    LAB,
    hints=(
        "What must `final` know of each part, beside a share, to give a large part more weight?",
        "Let `partial` return two numbers for each airport: "
        "`rows.groupby('origin')['late'].agg(['sum', 'count'])`.",
        "In `final`, put the parts one below the other with `pd.concat(parts)`, add up by airport "
        "(`.groupby('origin').sum()`), and divide only then.",
    ),
    wrong={
        _MEAN + "def final(parts):\n    return pd.concat(parts).groupby('origin').mean()": (
            "average of averages"
        ),
        "def partial(rows):\n    return rows\n"
        "def final(parts):\n    return pd.concat(parts).groupby('origin')['late'].mean()": (
            "over the network"
        ),
        _COUNT + "    total = pd.concat(parts)\n    return total['sum'] / total['count']": (
            "one value for each airport"
        ),
        _COUNT + "    total = sum(parts)\n    return total['sum'] / total['count']": "no row for B",
        _COUNT + "    total = pd.concat(parts).groupby('origin').sum()\n"
        "    return total['sum'] / total['count'].sum()": "share of A",
        _COUNT + "    return pd.concat(parts).groupby('origin').sum()": "one number",
        "partial, final = 1, 2": "functions",
    },
    given=lambda: {"pd": pd},
)
def q1(partial: Callable[[pd.DataFrame], Any], final: Callable[[list[Any]], pd.Series]) -> str:
    """How do parts that do not see each other compute a share together?"""
    if not callable(partial) or not callable(final):
        raise NotYet("`partial` and `final` are functions.")
    parts = [partial(part) for part in _PARTS]
    for rows, part in zip(_PARTS, parts, strict=True):
        if len(part) > rows["origin"].nunique():
            raise NotYet(
                "your `partial` returns more rows than there are airports. All of that would go "
                "over the network; let it return one row for each airport."
            )
    answer = final(parts)
    if not isinstance(answer, pd.Series):
        raise NotYet("`final` returns one number for each airport: a column, with the shares.")
    if answer.index.duplicated().any() or len(answer) != 2:
        raise NotYet(
            f"`final` must give one value for each airport, A and B; it gives {len(answer)}."
        )
    if answer.isna().any():
        raise NotYet(
            "one part has no row for B, or another none for A, and a sum with a missing value is "
            "missing. Put the parts below each other, and add up by airport."
        )
    right = pd.concat(_PARTS).groupby("origin")["late"].mean()
    averages = pd.concat([part.groupby("origin")["late"].mean() for part in _PARTS])
    if np.allclose(answer.sort_index(), averages.groupby("origin").mean()):
        raise NotYet(
            "that is the average of averages. Of A, one part has four flights and another one, and "
            "both have the same weight."
        )
    if not np.allclose(answer.sort_index(), right):
        raise NotYet(
            f"the share of A is {right['A']:.2f}, four of five flights; you give {answer['A']:.2f}."
        )
    return "sums and counts can be added up in any order, on any machine; shares cannot."


_DEF = "def save(rows, batch, folder):\n"


@exercise(
    LAB,
    hints=(
        "The batch that comes again has the same number and the same rows. What else do you need?",
        "Let the number decide where the rows go, so that the second time takes the place of the "
        "first.",
        "A file for each batch: `folder / f'{batch}.json'`.",
    ),
    wrong={
        _DEF + "    with (folder / 'all.json').open('a', encoding='utf-8') as stream:\n"
        "        stream.write(rows.to_json(orient='records', lines=True))": "twice",
        _DEF + "    rows.to_json(folder / 'all.json', orient='records', lines=True)": "is lost",
        _DEF + "    number = len(list(folder.iterdir()))\n"
        "    rows.to_json(folder / f'{number}.json', orient='records', lines=True)": "twice",
        _DEF + "    path = folder / f'{batch}.json'\n"
        "    if not path.exists() and batch != 1:\n"
        "        rows.to_json(path, orient='records', lines=True)": "is lost",
        _DEF + "    rows.to_json(f'{batch}.json', orient='records', lines=True)": "`folder`",
        _DEF + "    rows.to_csv(folder / f'{batch}.csv')": "JSON",
        "save = 'folder'": "function",
    },
    given=lambda: {"pd": pd},
)
def q2(save: Callable[[pd.DataFrame, int, Path], None]) -> str:
    """Can a batch come twice without harm?"""
    if not callable(save):
        raise NotYet("`save` must be a function of `rows`, `batch` and `folder`.")
    batches = {0: [1, 2], 1: [3, 4, 5], 2: [6]}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for number in [0, 1, 1, 2]:  # a kill after the effect of batch 1
            save(pd.DataFrame({"flight": batches[number]}), number, folder)
        files = sorted(path for path in folder.iterdir() if path.is_file())
        if not files:
            raise NotYet("nothing has been written into `folder`: begin the path with it.")
        try:
            found = [
                flight
                for path in files
                for flight in pd.read_json(path, orient="records", lines=True)["flight"]
            ]
        except (ValueError, KeyError):
            raise NotYet(
                "the files are read as lines of JSON, so write them so: "
                "`rows.to_json(path, orient='records', lines=True)`."
            ) from None
    flights = [flight for batch in batches.values() for flight in batch]
    if lost := sorted(set(flights) - set(found)):
        raise NotYet(f"flight {lost[0]} is lost: another batch has taken its place.")
    if len(found) > len(flights):
        raise NotYet("batch 1 came again after a kill, and its flights are there twice.")
    return "batch 1 came twice, and its flights are there once."
