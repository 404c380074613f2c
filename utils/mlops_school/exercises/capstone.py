"""Exercises of lesson 16, Capstone: a year in production."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from mlops_school import audit
from mlops_school import production_year as year
from mlops_school.errors import CourseError
from mlops_school.exercises import Blank, NotYet, StillBlank, exercise
from mlops_school.policies import REFERENCES, Policy
from mlops_school.production_year import Year

LESSON = "16_capstone"
SEED = 12  # of the year in which policies are judged; the lesson says the same

_GUARDS = ("data_gate", "model_gate", "canary_share", "alert_days")
_NOT_THIS = {
    ("28 June", "data_gate"): "the data were good: the service was not there.",
    ("28 June", "model_gate"): "no release was new on that day: the service stopped.",
    ("28 June", "canary_share"): "no release was new on that day: the service stopped.",
    ("1 July", "model_gate"): (
        "for the release of 1 July, this gate looks at June: by labels in hours, nobody was late, "
        "and who never warns looks perfect."
    ),
    ("1 July", "canary_share"): (
        "a canary would stop the release of 1 July, after some flights were hurt. Which guard "
        "stands earlier on its way, so that it is never trained?"
    ),
    ("1 July", "alert_days"): (
        "whoever is on call would see nothing unusual on 1 July: by its own measure, the release "
        "does what it did in June. And what is it that should never have been trained on?"
    ),
    ("1 September", "data_gate"): (
        "with good data, the release of 1 September would still have its threshold in percent."
    ),
    ("1 September", "model_gate"): (
        "a gate looks at the release as it was trained. The threshold of 1 September was spoilt "
        "later, on its way into service."
    ),
    ("1 September", "alert_days"): (
        "an alert would end what began on 1 September, after all passengers had been without "
        "warnings for days. Who meets the release before they do?"
    ),
}
_RIGHT = {"28 June": "alert_days", "1 July": "data_gate", "1 September": "canary_share"}


def _named(june: str, july: str, september: str) -> str:
    return f"guards = {dict(zip(_RIGHT, (june, july, september), strict=True))}"


@exercise(
    LESSON,
    hints=(
        "For each of the three, ask at which moment it went wrong: in the data, on the way into "
        "service, or in the middle of a quiet day.",
        "Data are refused by `data_gate`. What is spoilt after training is met by a few flights "
        "first, if there is a canary. What stops suddenly needs somebody who is called.",
    ),
    wrong={
        _named("alert_days", "model_gate", "canary_share"): ("looks perfect"),
        _named("alert_days", "data_gate", "model_gate"): ("as it was trained"),
        _named("canary_share", "data_gate", "data_gate"): ("no release was new"),
        _named("alert_days", "canary_share", "alert_days"): ("never trained"),
        _named("alert", "data_gate", "canary_share"): ("no guard"),
        'guards = {"28 June": "alert_days"}': "three days",
    },
)
def q1(guards: Mapping[str, str]) -> str:
    """Which guard would have been the first to stop each incident?"""
    if not isinstance(guards, Mapping):
        raise NotYet("give a dictionary: a day, and the name of a guard.")
    if any(isinstance(guard, Blank) for guard in guards.values()):
        raise StillBlank
    if set(guards) != set(_RIGHT):
        raise NotYet(f"name a guard for the three days {', '.join(_RIGHT)}.")
    for day, guard in guards.items():
        if guard not in _GUARDS:
            raise NotYet(f"{guard!r} is no guard. They are: {', '.join(_GUARDS)}.")
        if guard != _RIGHT[day]:
            raise NotYet(_NOT_THIS[day, guard])
    return "each guard stands at another place: before training, before service, and in it."


_MAXIMUM_HURT, _MAXIMUM_DAYS = 75, 3  # the lesson says the same


def _replay(policy: Policy) -> Year:
    try:
        return year.replay(policy, SEED)
    except CourseError as error:
        raise NotYet(str(error)) from None


@exercise(
    LESSON,
    hints=(
        f"A canary decides when it has {year.NEEDED} answers. On 1 September, a Sunday, 712 "
        "flights arrive; on the day after, 841. How many of them does your share make?",
        "A small share needs more days, a large one hurts more. Try shares from 0.03 to 0.2, and "
        "multiply.",
    ),
    wrong={
        "share, days = 0.02, 2": "decides nothing",
        "share, days = 0.04, 1": "decides nothing",
        "share, days = 0.5, 2": "are answered by the broken release",
        "share, days = 0.1, 7": "at most 3",
        "share, days = None, 2": "without a canary",
        "share, days = 0, 2": "more than no flight",
        "share, days = 10, 2": "less than all",
        "share, days = 0.1, 30": "1 to 14",
    },
)
def q2(share: float, days: int) -> str:
    """Which canary finds the broken release of September, and hurts few?"""
    if share is None:
        raise NotYet("without a canary, the broken release of September goes to everybody.")
    policy = Policy(window=6, canary_share=share, canary_days=days)
    september = next(one for one in _replay(policy).months if one.month == 9)
    if september.incidents:
        counts = year.load_table().flights[9].count[:days].sum()
        raise NotYet(
            f"until the end of day {days}, the canary gets {share * counts:.1f} answers, fewer "
            f"than {year.NEEDED}: it decides nothing, and the broken release goes to everybody."
        )
    (found,) = (event.day for event in september.events if event.what.startswith("canary"))
    hurt = share * year.load_table().flights[9].count[:found].sum()
    if hurt > _MAXIMUM_HURT:
        raise NotYet(
            f"{hurt:.1f} flights are answered by the broken release before it is found, more than "
            f"{_MAXIMUM_HURT}."
        )
    if days > _MAXIMUM_DAYS:
        raise NotYet(
            f"that finds it, but every good release then takes {days} days, too: at most "
            f"{_MAXIMUM_DAYS}."
        )
    return f"found on day {found}, after {hurt:.0f} flights."


_CHEAPER, _INCIDENTS = 15_000, 1  # the lesson says the same


@exercise(
    LESSON,
    hints=(
        'Begin with `Policy("mine")`, which is the policy `monthly`, and change one field at a '
        "time. Look at what happened in each month: which good releases were sent back?",
        "A release that learned from two months is often so unlike the one in service that the "
        "canary takes it for a fault. What would make releases more alike, and better?",
        "Look at `window`. More months to learn from make a release steadier.",
    ),
    wrong={
        'mine = Policy("mine")': "as much as",
        'mine = Policy("mine", window=1)': "15,000",
        'mine = Policy("mine", data_gate=False, canary_share=None, alert_days=None)': "incidents",
        'mine = Policy("mine", canary_share=2)': "less than all",
        'mine = Policy("mine", evidence=0)': "not yet known",
        'mine = "monthly"': "a Policy",
    },
    given=lambda: {"Policy": Policy},
)
def q3(mine: Policy) -> str:
    """Which policy beats the monthly one?"""
    if not isinstance(mine, Policy):
        raise NotYet('give a Policy, such as `Policy("mine", window=3)`.')
    done, monthly = _replay(mine), year.replay(REFERENCES[1], SEED)
    cheaper = monthly.total - done.total
    if done.incidents > _INCIDENTS:
        raise NotYet(f"it has {done.incidents} incidents; at most {_INCIDENTS} is allowed.")
    if cheaper < _CHEAPER:
        costs = "it costs as much as"
        if cheaper:
            costs = (
                f"it is {abs(cheaper):,.0f} dollars {'cheaper' if cheaper > 0 else 'dearer'} than"
            )
        raise NotYet(f"{costs} `monthly`. It must be {_CHEAPER:,} dollars cheaper.")
    return f"{cheaper:,.0f} dollars cheaper than `monthly`, with {done.incidents} incidents."


def _some_policies() -> dict[str, Any]:
    rng = np.random.default_rng(4)
    table = pd.DataFrame(
        rng.integers(10, 90, (9, 2)).astype(float),
        columns=["tuned", "judged"],
        index=[f"policy {number}" for number in range(1, 10)],
    )
    table.loc["policy 3"] = [11.0, 89.0]  # second, and nearly last
    table.loc["policy 5"] = [200.0, 1000.0]  # falls by the most dollars, but not in rank
    table.loc["policy 6"] = [1500.0, 2000.0]  # the dearest, before and after
    table.loc["policy 7"] = [10.0, 20.0]
    return {"table": table}


@exercise(
    LESSON,
    hints=(
        'Rank the policies twice: `table["tuned"].rank()` gives the cheapest the rank 1.',
        "The one whose rank grew most has fallen furthest: subtract one rank from the other, and "
        "`idxmax` gives the name.",
    ),
    wrong={
        'fallen = table["tuned"].idxmin()': "chosen",
        'fallen = table["judged"].idxmax()': "dearest",
        'fallen = (table["judged"] - table["tuned"]).idxmax()': "not dollars",
        'fallen = (table["tuned"].rank() - table["judged"].rank()).idxmax()': "risen",
        'fallen = "somebody"': "no policy",
        'fallen = table.index[table["judged"] == table["judged"].max()]': "no policy",
    },
    given=_some_policies,
)
def q4(fallen: str, table: pd.DataFrame) -> str:
    """Which policy has fallen furthest?"""
    fell = table["judged"].rank() - table["tuned"].rank()
    if not isinstance(fallen, str) or fallen not in table.index:
        raise NotYet("that is no policy of the table. Give its name, as the index has it.")
    if fell[fallen] == fell.max():
        before, after = (int(table[part].rank()[fallen]) for part in ("tuned", "judged"))
        return f"from rank {before} of {len(table)} to rank {after}."
    if fallen == fell.idxmin():
        raise NotYet("this one has risen most. Which one has fallen?")
    if fallen == table["tuned"].idxmin():
        raise NotYet("this is the one that you would have chosen. Did it fall furthest?")
    if fallen == (table["judged"] - table["tuned"]).idxmax():
        raise NotYet("autumn has other months than summer: compare ranks, not dollars.")
    if fallen == table["judged"].idxmax():
        raise NotYet("this is the dearest in autumn. How was it in summer?")
    raise NotYet(f"its rank grew by {fell[fallen]:.0f}; there is one whose rank grew by more.")


def _audit(*rows: tuple[str, str, str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["test", "alert", "rollback"])
    table.insert(0, "title", "")
    table.index = pd.Index([f"R{number}" for number in range(1, len(rows) + 1)], name="requirement")
    return table


_AUDITS = (
    (_audit(("test_R1_a", "Down", "rollback"), ("GAP", "-", "-")), ["R2"]),
    (_audit(("test_R1_a", "GAP", "-"), ("test_R2_b", "-", "GAP"), ("t", "-", "-")), ["R1", "R2"]),
    (_audit(("GAP", "GAP", "GAP"), ("test_R2_GAP", "-", "-")), ["R1"]),
    (_audit(("test_R1_a", "-", "-")), []),
)


def _gaps(line: str) -> str:
    return f"def gaps(table):\n    return {line}\n"


@exercise(
    LESSON,
    hints=(
        f'A cell of the table is a gap if it equals {audit.GAP!r}. `table == "GAP"` says so of '
        "all cells at once.",
        "`.any(axis=1)` says of each row whether it has at least one; with that, pick from "
        "`table.index`.",
    ),
    wrong={
        _gaps('table.index[table["test"] == "GAP"].tolist()'): "alert or a rollback",
        _gaps('table.index[(table == "-").any(axis=1)].tolist()'): "nobody has promised",
        _gaps('table.index[(table == "GAP").all(axis=1)].tolist()'): "at least one",
        _gaps('(table == "GAP").sum().sum()'): "list of ids",
        _gaps('table.columns[(table == "GAP").any()].tolist()'): "ids",
        _gaps('[id_ for id_, row in table.iterrows() if "GAP" in str(row)]'): "whole cell",
        _gaps('[id_ for id_, row in table.iterrows() for cell in row if cell == "GAP"]'): "once",
        "gaps = ['R8']": "no function",
    },
)
def q5(gaps: Callable[[pd.DataFrame], Any]) -> str:
    """Which requirements lack a guard that was promised?"""
    if not callable(gaps):
        raise NotYet("`gaps` is no function: begin with `def gaps(table):`.")
    for number, (table, expected) in enumerate(_AUDITS, 1):
        found = gaps(table.copy())
        if found is None:
            raise NotYet("your function returns nothing. Does it end in `return`?")
        if isinstance(found, Blank):
            raise StillBlank
        if isinstance(found, str) or not hasattr(found, "__iter__"):
            raise NotYet("return a list of ids, such as `['R2', 'R7']`.")
        found = list(found)
        if sorted(map(str, found)) == expected:  # in whatever order
            continue
        shown = f"table {number} has gaps in {expected or 'no row'}, and you found {found}:"
        if not set(map(str, found)) <= set(table.index):
            raise NotYet(f"{shown} return ids of requirements, which are in the index.")
        if extra := [one for one in found if one not in expected]:
            if table.loc[extra[0]].str.contains(audit.GAP).any():
                raise NotYet(f"{shown} a whole cell must be `GAP`, not a part of a name in it.")
            raise NotYet(f"{shown} {extra[0]} has a `-`, where nobody has promised anything.")
        if len(set(found)) < len(found):
            raise NotYet(f"{shown} give each id once.")
        if (table.loc[expected] == audit.GAP).all(axis=1).any() or number == 1:
            raise NotYet(f"{shown} at least one gap in a row is enough.")
        raise NotYet(f"{shown} an alert or a rollback can be missing, too.")
    return "you find every promise that nobody keeps."
