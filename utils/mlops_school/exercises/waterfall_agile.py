"""Exercises of lesson 03, Waterfall and Agile."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from mlops_school.exercises import NotYet, exercise
from mlops_school.simulation import WAYS, Conditions, Run, agile, repeat

LESSON = "03_waterfall_agile"
SEEDS = range(10)

PROJECTS = {
    "displays": Conditions(
        change_rate=0.1, misunderstood=0, sprint_overhead=20, handover=10, deadline=13
    ),
    "delay service": Conditions(change_rate=2.5, misunderstood=0.2, sprint_overhead=3),
    "report": Conditions(change_rate=0, misunderstood=0, sprint_overhead=1, handover=15),
}


@exercise(
    LESSON,
    hints=(
        "Both do the same work at the same speed. What do they spend beside it, and how often?",
        "For the second question: when does each of them give users anything at all?",
        "Compare the number of hand-overs with the number of sprints that the work fills.",
    ),
    wrong={
        "all_first, half_first = 'Agile', 'Agile'": "overhead",
        "all_first, half_first = 'Waterfall', 'Waterfall'": "first release",
        "all_first, half_first = 'Agile', 'Waterfall'": "overhead",
        "all_first, half_first = 11, 12": "name",
    },
)
def q1(all_first: str, half_first: str) -> str:
    """Who delivers first when nothing changes?"""
    if {all_first, half_first} - set(WAYS):
        raise NotYet("answer both with a name, `'Waterfall'` or `'Agile'`.")
    if all_first == "Agile":
        raise NotYet(
            "for `all_first`, count the overhead of each. If nobody changes anything, and "
            "everybody understood everything, which of the two gets nothing in return for it?"
        )
    if half_first == "Waterfall":
        raise NotYet(
            "for `half_first`, ask in which week users get anything. How much is in the first "
            "release of each?"
        )
    return "to have everything first and to have something first are two different races."


def _demonstration() -> dict[str, Any]:
    sprints = agile(Conditions(), seed=21)
    weeks = np.linspace(0, sprints.passage["released"].max(), 2001)
    return {
        "np": np,
        "pd": pd,
        "sprints": sprints,
        "flow": sprints.flow_at(weeks),
        "diary": pd.DataFrame(sprints.comebacks),
    }


@exercise(
    LESSON,
    hints=(
        "L is the mean of `flow['begun'] - flow['released']` over all rows.",
        "λ is the number of stories divided by the weeks that it took to release them all; "
        "`flow.index[-1]` is the last week.",
        "L = λ W, so W is L divided by λ.",
    ),
    wrong={
        "lead_time = (flow['begun'] - flow['released']).mean()": "stories",
        "lead_time = (flow['begun'] - flow['released']).mean() * 60 / flow.index[-1]": "multipl",
        "lead_time = flow.index[-1] / 60": "between two",
        "lead_time = (flow['begun'] - flow['released']).max() / (60 / flow.index[-1])": "largest",
        "lead_time = flow['begun'] - flow['released']": "one number",
    },
    given=_demonstration,
)
def q2(lead_time: float, sprints: Run) -> str:
    """How long is a story on its way?"""
    if not isinstance(lead_time, Real):
        raise NotYet("the answer is one number, in weeks. Take a mean.")
    passage = sprints.passage
    right = (passage["released"] - passage["begun"]).mean()
    weeks = passage["released"].max()
    rate = len(passage) / weeks
    on_the_way = right * rate
    flow = sprints.flow_at(np.linspace(0, weeks, 2001))
    most = (flow["begun"] - flow["released"]).max()
    if np.isclose(lead_time, on_the_way, rtol=0.02):
        raise NotYet("that is L, the stories on their way. It is in stories, not in weeks.")
    if np.isclose(lead_time, on_the_way * rate, rtol=0.02):
        raise NotYet("you multiplied L by λ. Solve L = λ W for W.")
    if np.isclose(lead_time, 1 / rate, rtol=0.02):
        raise NotYet("that is the time between two stories, 1 / λ. Several are on their way.")
    if np.isclose(lead_time, most / rate, rtol=0.02):
        raise NotYet("L is the mean over the weeks, not the largest number of stories.")
    if not np.isclose(lead_time, right, rtol=0.02):
        raise NotYet("divide the mean number of stories on their way by the stories per week.")
    return f"measured story by story, the mean is {right:.2f} weeks: the law needs the curves only."


@exercise(
    LESSON,
    hints=(
        "The team hears of requests at the planning. Which column says when?",
        "`diary[diary['heard'].round(1) == 6]` has the rows of that planning.",
        "Group those rows by `'cause'`, and sum up `'rework'`.",
    ),
    wrong={
        "rows = diary[diary['heard'].round(1) == 6].groupby('cause').size()\n"
        "by_change, by_misunderstanding = rows['change'], rows['misunderstanding']": "count",
        "rows = diary[diary['heard'] < 6.1].groupby('cause')['rework'].sum()\n"
        "by_change, by_misunderstanding = rows['change'], rows['misunderstanding']": "before",
        "rows = diary[diary['heard'].round(1) == 6].groupby('cause')['rework'].sum()\n"
        "by_change, by_misunderstanding = rows['misunderstanding'], rows['change']": "swapped",
        "rows = diary[diary['asked'].round() == 6].groupby('cause')['rework'].sum()\n"
        "by_change, by_misunderstanding = rows.get('change', 0), rows.get('misunderstanding', 0)": (
            "heard"
        ),
        "rows = diary[diary['heard'].round(1) == 6]\n"
        "by_change = by_misunderstanding = rows['rework']": "number",
    },
    given=_demonstration,
)
def q3(by_change: float, by_misunderstanding: float, sprints: Run) -> str:
    """What made the burndown jump in week 6?"""
    answer = (by_change, by_misunderstanding)
    if not all(isinstance(part, Real) for part in answer):
        raise NotYet("give two numbers, each a sum of person-days.")
    diary = pd.DataFrame(sprints.comebacks)
    heard = diary[diary["heard"].round(1) == 6].groupby("cause")["rework"]
    before = diary[diary["heard"] < 6.1].groupby("cause")["rework"]
    if _same(answer, heard.size()):
        raise NotYet("that is the count of requests. The burndown is in person-days.")
    if _same(answer, before.sum()):
        raise NotYet("that includes what was heard before. Take the planning in week 6 alone.")
    if _same(answer[::-1], heard.sum()):
        raise NotYet("the numbers are right, and swapped.")
    if not _same(answer, heard.sum()):
        raise NotYet("choose the rows that the team has heard of in week 6, and sum up `rework`.")
    return "a burndown that jumps is no failure of the team: it has learned what is still to do."


def _same(answer: tuple[float, float], by_cause: "pd.Series[float]") -> bool:
    return np.allclose(answer, by_cause[["change", "misunderstanding"]], atol=0.06)


def _efforts() -> dict[str, Any]:
    met = Conditions(change_rate=2, feedback_delay=3)

    def mean_effort(length: float) -> float:
        runs = repeat("Agile", replace(met, sprint_length=length), SEEDS)
        return float(np.mean([run.effort() for run in runs]))

    return {
        "lengths": [1, 1.5, 2, 3, 4, 6],
        "mean_effort": mean_effort,
        "np": np,
        "Conditions": Conditions,
        "repeat": repeat,
        "replace": replace,
        "seeds": SEEDS,
    }


@exercise(
    LESSON,
    hints=(
        "Call `mean_effort` with each of the lengths, and look.",
        "`min` takes a `key`: a function by which it compares.",
        "The key is `mean_effort` itself, without brackets.",
    ),
    wrong={
        "best_length = min(lengths)": "overhead",
        "best_length = max(lengths)": "late",
        "best_length = min(mean_effort(length) for length in lengths)": "not the length",
        "best_length = 2": "cheaper",
        "best_length = 2.5": "one of",
    },
    given=_efforts,
)
def q4(best_length: float, mean_effort: Callable[[float], float], lengths: Sequence[float]) -> str:
    """Which sprint length costs least?"""
    efforts = {length: mean_effort(length) for length in lengths}
    best = min(efforts, key=efforts.get)
    if any(np.isclose(best_length, effort) for effort in efforts.values()):
        raise NotYet("that is an effort, not the length of the sprint that has it.")
    if best_length not in efforts:
        raise NotYet("choose one of the lengths in `lengths`.")
    if best_length == best:
        return (
            f"{efforts[best]:.0f} person-days, against {efforts[lengths[0]]:.0f} with the shortest "
            f"and {efforts[lengths[-1]]:.0f} with the longest sprint."
        )
    if best_length == min(lengths):
        raise NotYet("so many sprints: each has its overhead. Compare with longer ones.")
    if best_length == max(lengths):
        raise NotYet(
            "so few sprints: the team hears of everything late. Compare with shorter ones."
        )
    raise NotYet("another length is cheaper. Compare all of them.")


@exercise(
    LESSON,
    hints=(
        "For each project ask two things: what is there to learn from users on the way, and what "
        "does it cost to ask them?",
        "Few changes do not decide alone. Compare the price of a release with that of a hand-over.",
        "Try it: `repeat('Agile', PROJECTS['report'], range(10))` gives ten runs; `.effort()` and "
        "`.value_at(13)` tell how one went.",
    ),
    wrong={
        "choice = dict.fromkeys(PROJECTS, 'Waterfall')": "delay service",
        "choice = dict.fromkeys(PROJECTS, 'Agile')": "displays",
        "choice = dict.fromkeys(PROJECTS, 'Waterfall') | {'delay service': 'Agile'}": "report",
        "choice = dict.fromkeys(PROJECTS, 'agile')": "names",
        "choice = 'Agile'": "dict",
    },
    given=lambda: {"PROJECTS": PROJECTS},
)
def q5(choice: Mapping[str, str]) -> str:
    """Which way of working fits which project?"""
    if not isinstance(choice, Mapping) or set(choice) != set(PROJECTS):
        raise NotYet("`choice` is a dict with an entry for each of the three projects.")
    if set(choice.values()) - set(WAYS):
        raise NotYet("write the names `'Waterfall'` and `'Agile'` as they stand here.")
    reasons = {
        "delay service": "many changes come, and one story in five is misunderstood. When would "
        "Waterfall's users find out?",
        "displays": "look at what each release costs, and at how much there is to learn from it.",
        "report": "nothing changes, true. But compare the price of four hand-overs with that of "
        "the sprints.",
    }
    for project, reason in reasons.items():
        if choice[project] != better(PROJECTS[project]):
            raise NotYet(f"think again about the {project}: {reason}")
    return "in all three it is the same question: what does feedback cost, and what is it worth?"


def better(conditions: Conditions) -> str:
    """Return the way that has more value at the deadline; if both have the same, less effort."""
    runs = {way: repeat(way, conditions, SEEDS) for way in WAYS}
    value = {
        way: np.mean([run.value_at(conditions.deadline) for run in runs[way]]).round()
        for way in WAYS
    }
    effort = {way: np.mean([run.effort() for run in runs[way]]) for way in WAYS}
    return max(WAYS, key=lambda way: (value[way], -effort[way]))
