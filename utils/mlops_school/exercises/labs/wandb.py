"""Exercises of the lab on Weights & Biases."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from mlops_school.exercises import NotYet, exercise

LAB = "wandb"
FALLING = [{"trees": 10, "may_loss": 0.5}, {"trees": 20, "may_loss": 0.4}]
RISING = [{"trees": 10, "may_loss": 0.6}, {"trees": 20, "may_loss": 0.4}]
RISING += [{"trees": 30, "may_loss": 0.5}]
MIXED = [{"note": 0.1}, *RISING, {"seconds": 0.01}]
CONFIG = {"months": [4], "seed": 0, "data": "/home/ada/flights", "token": "x", "passwd": "y"}
ALLOWED = ("months", "seed", "learning_rate")


@exercise(
    LAB,
    hints=(
        'First keep only the rows that have it: `"may_loss" in row`.',
        'Then `min` with a key: `key=lambda row: row["may_loss"]`.',
    ),
    wrong={
        "best = lambda rows: rows[-1]": "the last",
        "best = lambda rows: min(rows, key=lambda row: row['may_loss'])": "does not have it",
        "best = lambda rows: min(rows, key=lambda row: row.get('may_loss', 0))": "never measured",
        "best = lambda rows: min(row['may_loss'] for row in rows if 'may_loss' in row)": "the row",
        "best = lambda rows: max((row for row in rows if 'may_loss' in row), "
        "key=lambda row: row['may_loss'])": "largest",
        "best = 3": "a function",
    },
)
def q1(best: Callable[[Sequence[Mapping[str, Any]]], Mapping[str, Any]]) -> str:
    """Find the row with the smallest loss."""
    if not callable(best):
        raise NotYet("`best` must be a function of `rows`.")
    found = best([dict(row) for row in RISING])
    if found == 0.4:
        raise NotYet("that is the loss. Return the row, so that one sees how many trees it had.")
    if found == RISING[-1] and best([dict(row) for row in FALLING]) == FALLING[-1]:
        raise NotYet("you return the last row, whether it was good or not.")
    if found == RISING[0]:
        raise NotYet("that is the row with the largest loss.")
    if found != RISING[1]:
        raise NotYet(f"for {RISING}, {RISING[1]} is expected.")
    try:
        found = best([dict(row) for row in MIXED])
    except KeyError:
        raise NotYet("it stops at a row that does not have it. Leave such rows out.") from None
    if found != RISING[1]:
        raise NotYet("you return a row where the loss was never measured.")
    return "the best row, with its number of trees; a summary of the last value would hide it."


@exercise(
    LAB,
    hints=(
        "Go through `config.items()`, and keep an entry if its name is in `allowed`.",
        "A dict comprehension makes a new dict: `{name: value for ... if ...}`.",
    ),
    wrong={
        "def may_leave(config, allowed):\n"
        "    return {n: v for n, v in config.items() if n not in ('token', 'password')}": "passwd",
        "def may_leave(config, allowed):\n"
        "    return {n: v for n, v in config.items() if n not in allowed}": "way round",
        "def may_leave(config, allowed):\n"
        "    for name in list(config):\n"
        "        if name not in allowed:\n"
        "            del config[name]\n"
        "    return config": "still needs",
        "may_leave = lambda config, allowed: [name for name in config if name in allowed]": "dict",
        "may_leave = lambda config, allowed: {name: config[name] for name in allowed}": "not there",
        "may_leave = 3": "a function",
    },
)
def q2(may_leave: Callable[[dict[str, Any], Collection[str]], dict[str, Any]]) -> str:
    """Keep what may leave."""
    if not callable(may_leave):
        raise NotYet("`may_leave` must be a function of `config` and `allowed`.")
    config = dict(CONFIG)
    try:
        left = may_leave(config, ALLOWED)
    except KeyError:
        raise NotYet(
            "it stops if something that may leave is not there. Go through `config`."
        ) from (None)
    bool(left)  # a blank is not attempted
    if config != CONFIG:
        raise NotYet("you have changed `config`; the training still needs what is gone.")
    if not isinstance(left, dict):
        raise NotYet("return a dict, with the values beside the names.")
    if set(left) == set(CONFIG) - set(ALLOWED):
        raise NotYet("it is the wrong way round: what may not leave is sent.")
    if extra := sorted(set(left) - set(ALLOWED)):
        raise NotYet(f"{', '.join(extra)} would leave, and nobody has allowed that.")
    if left != {"months": [4], "seed": 0}:
        raise NotYet("`months` and `seed` are allowed, with their values.")
    return "what nobody has named stays here, whatever it is called next week."
