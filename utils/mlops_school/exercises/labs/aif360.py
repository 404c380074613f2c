"""Exercises of the lab on AI Fairness 360."""

from collections.abc import Callable
from typing import Any

import numpy as np

from mlops_school.exercises import NotYet, exercise

LAB = "aif360"
# Of 4 young people 1 is good, of 6 older ones 5 are; 1 and 4 of them are granted a credit.
YOUNG = np.array([True] * 4 + [False] * 6)
GOOD = np.array([True, False, False, False, True, True, True, True, True, False])
GRANTED = np.array([True, False, False, False, True, True, True, True, False, False])


def _decisions() -> dict[str, Any]:
    return {"np": np, "granted": GRANTED, "young": YOUNG, "good": GOOD}


@exercise(
    LAB,
    hints=(
        "`granted[young]` are the decisions about the young; their mean is a share.",
        "A ratio: the share of the young who are granted, divided by that of the older (`~young`).",
    ),
    wrong={
        "impact = granted[young].mean() - granted[~young].mean()": "difference",
        "impact = granted[~young].mean() / granted[young].mean()": "upside down",
        "impact = granted[young].sum() / granted[~young].sum()": "numbers of people",
        "impact = (~granted[young]).mean() / (~granted[~young]).mean()": "refused",
        "impact = granted[young].mean() / granted.mean()": "all",
        "impact = 'unfair'": "one number",
    },
    given=_decisions,
)
def q1(impact: float, granted: np.ndarray, young: np.ndarray) -> str:
    """Compute the disparate impact."""
    try:
        found = float(impact)
    except (TypeError, ValueError):
        raise NotYet("give one number: a ratio of two shares.") from None
    one, other = granted[young].mean(), granted[~young].mean()
    for wrong, message in {
        one - other: "that is the difference; disparate impact is a ratio.",
        other / one: "it is upside down: the young stand above, the older below.",
        granted[young].sum() / granted[~young].sum(): (
            "you divide numbers of people. There are fewer young ones, so take shares."
        ),
        (1 - one) / (1 - other): "you compare who is refused; it asks who is granted.",
        one / granted.mean(): "you compare with all applicants; compare with the older ones.",
    }.items():
        if np.isclose(found, wrong):
            raise NotYet(message)
    if not np.isclose(found, one / other):
        raise NotYet("divide the share of the young who are granted by that of the older.")
    return "the same number as AIF360's, and you know what it means. It does not ask who is good."


@exercise(
    LAB,
    hints=(
        "There are four kinds of applicants: good or bad, young or older. Go through them.",
        "For one kind: `both = (good == label) & (young == group)`; its share is `both.mean()`.",
        "The weight is what the share *would* be, a product of two shares, divided by what it is.",
    ),
    wrong={
        "weights = lambda good, young: np.ones(len(good))": "as before",
        "def weights(good, young):\n"
        "    found = np.empty(len(good))\n"
        "    for a in (True, False):\n"
        "        for b in (True, False):\n"
        "            both = (good == a) & (young == b)\n"
        "            found[both] = both.mean() / ((good == a).mean() * (young == b).mean())\n"
        "    return found": "upside down",
        "weights = lambda good, young: np.where(young, 1 / young.mean(), 1 / (~young).mean())": (
            "good and bad alike"
        ),
        "def weights(good, young):\n"
        "    found = np.empty(len(good))\n"
        "    for a in (True, False):\n"
        "        for b in (True, False):\n"
        "            both = (good == a) & (young == b)\n"
        "            found[both] = 1 / both.mean()\n"
        "    return found": "equally much",
        "weights = lambda good, young: 1.2": "each applicant",
        "weights = 1": "a function",
    },
    given=_decisions,
)
def q2(weights: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> str:
    """Compute the weights that make group and label independent."""
    if not callable(weights):
        raise NotYet("`weights` must be a function of `good` and `young`.")
    answer = weights(GOOD.copy(), YOUNG.copy())
    if isinstance(answer, (int, float)) or len(answer) != len(GOOD):
        raise NotYet("return an array with one weight for each applicant.")
    found = np.asarray(answer, dtype=float)
    expected, shares = np.empty(len(GOOD)), np.empty(len(GOOD))
    for label in (GOOD, ~GOOD):
        for group in (YOUNG, ~YOUNG):
            both = label & group
            shares[both] = both.mean()
            expected[both] = label.mean() * group.mean() / both.mean()
    if np.allclose(found, 1):
        raise NotYet("with equal weights all stays as before.")
    if np.allclose(found, 1 / expected):
        raise NotYet("it is upside down: who is rarer than expected must count more, not less.")
    if np.allclose(found, 1 / shares):
        raise NotYet(
            "now all four kinds count equally much, and half of all applicants are bad. Only the "
            "tie between age and label is to go, not the share of the good."
        )
    if all(np.ptp(found[group]) == 0 for group in (YOUNG, ~YOUNG)):
        raise NotYet(
            "within a group you weigh good and bad alike, so their shares stay as they are."
        )
    if not np.allclose(found, expected):
        raise NotYet("share of the label × share of the group / share of both together.")
    return "the young who are good count more, the young who are bad count less: AIF360's weights."
