"""Exercises of lesson 10, Evaluation and testing."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from mlops_school import fairness
from mlops_school.exercises import NotYet, StillBlank, exercise
from mlops_school.process import load_requirements

LESSON = "10_evaluation"
WITHIN = load_requirements()["R5"].limits["within_milliseconds"]

_DRAWN = "    return pd.concat([day for _, day in june.groupby('date')])"


def _june() -> dict[str, Any]:
    dates = np.repeat(pd.date_range("2013-06-01", periods=30), np.arange(1, 31))
    june = pd.DataFrame({"date": dates, "late": np.arange(len(dates)) % 3 == 0})
    return {"june": june, "np": np, "pd": pd}


@exercise(
    LESSON,
    hints=(
        "`june.groupby('date')` knows which flights belong to which day. Put its groups into a "
        "list, or into a dictionary by date.",
        "`random.choice(dates, 30)` draws 30 of some dates with replacement: one can come twice, "
        "another not at all.",
        "For each drawn date take all its flights, and put the pieces together with `pd.concat`.",
    ),
    wrong={
        "def draw(june, random):\n"
        "    return june.sample(frac=1, replace=True, random_state=random)": "torn apart",
        f"def draw(june, random):\n{_DRAWN}": "every day once",
        "def draw(june, random):\n"
        "    days = [day for _, day in june.groupby('date')]\n"
        "    return pd.concat([days[n] for n in random.permutation(30)])": "every day once",
        "def draw(june, random):\n"
        "    return june[june['date'].isin(random.choice(june['date'].unique(), 30))]": "only once",
        "def draw(june, random):\n"
        "    days = [day for _, day in june.groupby('date')]\n"
        "    return pd.concat([days[n] for n in random.integers(0, 30, 10)])": "as many days",
        "def draw(june, random):\n"
        "    return random.choice(june['date'].unique(), 30)": "the columns of `june`",
        "def draw(june, random):\n"
        "    drawn = random.choice(june['date'], 30)\n"
        "    return pd.concat([june[june['date'] == day] for day in drawn])": "few flights",
        "def draw(june, random):\n"
        "    drawn = np.random.choice(june['date'].unique(), 30)\n"
        "    return pd.concat([june[june['date'] == day] for day in drawn])": "same June twice",
    },
    given=_june,
)
def q1(
    draw: Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame], june: pd.DataFrame
) -> str:
    """Draw days, not flights."""
    sizes = june.groupby("date").size()
    draws = []
    for seed in range(3):
        drawn = _drawn(draw, june, seed)
        times = drawn.groupby("date").size() / sizes.reindex(drawn["date"].unique())
        if not np.allclose(times, times.round()):
            raise NotYet(
                "some days are torn apart: they came with a part of their flights. The flights of "
                "a day must come together or not at all."
            )
        draws.append(times.round().reindex(sizes.index, fill_value=0))
    if all((times == 1).all() for times in draws):
        raise NotYet("that has every day once, each time. Draw with replacement.")
    if all(times.max() == 1 for times in draws):
        raise NotYet("a day that was drawn twice must come twice. Here each comes only once.")
    if any(times.sum() != len(sizes) for times in draws):
        raise NotYet("draw as many days as June has.")
    if all(times.equals(draws[0]) for times in draws):
        raise NotYet("each draw gives the same days. Let `random` choose them.")
    if not _drawn(draw, june, seed=0).equals(_drawn(draw, june, seed=0)):
        raise NotYet("draw with `random`, so that the same seed gives the same June twice.")
    half = june["date"].drop_duplicates()[: len(sizes) // 2]
    uneven = june[~(june["date"].isin(half) & june.duplicated("date"))]  # one flight a day there
    days = pd.concat([_drawn(draw, uneven, seed).drop_duplicates("date") for seed in range(9)])
    if days["date"].isin(half).mean() < 0.3:  # of so many draws, about a half
        raise NotYet("days with few flights hardly come. Give each day the same chance.")
    return "a bad day comes with all its late flights, or not at all, as in real months."


def _drawn(draw: object, june: pd.DataFrame, seed: int) -> pd.DataFrame:
    drawn = _call(draw, june, np.random.default_rng(seed))
    if not isinstance(drawn, pd.DataFrame) or "date" not in drawn:
        raise NotYet("return a table of flights, with the columns of `june`.")
    return drawn.reset_index(drop=True)


def _call(function: object, *arguments: object) -> Any:
    if not callable(function):
        raise NotYet("write a function: the line that begins with `def` stays.")
    found = function(*arguments)
    if type(found).__name__ == "Blank":
        raise StillBlank
    return found


def _verdict(body: str) -> str:
    return f"def judge(low, high, limit):\n    return {body}"


@exercise(
    LESSON,
    hints=(
        "Draw a line with the marks -0.10, 0 and 0.10. Where can an interval lie, as a whole?",
        "Met: it lies between -limit and limit, with both ends. Broken: it lies outside with both "
        "ends, on one side. What is left?",
        "Two conditions and an `else`: `'met' if ... else 'broken' if ... else 'not yet known'`.",
    ),
    wrong={
        _verdict("'met' if high <= limit else 'broken'"): "across the limit",
        _verdict("'met' if abs((low + high) / 2) <= limit else 'broken'"): "across the limit",
        _verdict(
            "'met' if high <= limit else 'broken' if low > limit else 'not yet known'"
        ): "negative",
        _verdict(
            "'broken' if high > limit else 'met' if low >= -limit else 'not yet known'"
        ): "across the limit",
        _verdict(
            "'met' if low <= 0 <= high else 'broken' if low > limit or high < -limit"
            " else 'not yet known'"
        ): "zero",
    },
    given=_june,
)
def q2(judge: Callable[[float, float, float], str]) -> str:
    """Three verdicts from an interval."""
    cases = [
        ((0.08, 0.13, 0.10), "not yet known", "an interval across the limit tells nothing yet"),
        (
            (-0.12, -0.05, 0.10),
            "not yet known",
            "negative gaps count, too: the limit has two sides",
        ),
        ((0.13, 0.18, 0.10), "broken", "the whole interval is beyond the limit"),
        ((-0.18, -0.13, 0.10), "broken", "a negative gap can break the requirement as well"),
        ((0.02, 0.07, 0.10), "met", "it need not hold zero: R7 allows a gap, up to the limit"),
        ((-0.05, 0.05, 0.10), "met", "all of it is inside the limit"),
        ((0.02, 0.07, 0.05), "not yet known", "use the `limit` that you are given"),
    ]
    for case, right, why in cases:
        found = _call(judge, *case)
        if found not in ("met", "broken", "not yet known"):
            raise NotYet("return one of the texts 'met', 'broken' and 'not yet known'.")
        if found != right:
            low, high, limit = case
            raise NotYet(f"{low} to {high} with a limit of {limit} is {right!r}: {why}.")
    return "three verdicts. 'Not yet known' is an answer, and often the honest one."


def _model(slope: float, noise: float = 0.0) -> Callable[[pd.DataFrame], np.ndarray]:
    """Return a made-up model whose probabilities change with rain by `slope`."""

    def predict(table: pd.DataFrame) -> np.ndarray:
        own = np.where(np.arange(len(table)) % 4 == 0, -noise, 0.0)
        return np.clip(0.3 + (slope + own) * table["precip"].to_numpy(float), 0, 1)

    return predict


def _rain() -> dict[str, Any]:
    flights = pd.DataFrame({"precip": np.linspace(0, 0.5, 100), "visib": 10.0})
    return {"flights": flights, "predict": _model(-0.03), "np": np, "pd": pd}


def _test(light: str, heavy: str, never_safer: str) -> str:
    return (
        "def test_rain(predict, flights):\n"
        f"    light = {light}\n    heavy = {heavy}\n    never_safer = {never_safer}\n"
        "    assert never_safer"
    )


_LIGHT, _HEAVY = (f"predict(flights.assign(precip={rain}))" for rain in (0.1, 0.3))


@exercise(
    LESSON,
    hints=(
        "`flights.assign(precip=0.1)` are the same flights, all in light rain.",
        "Predict both, and compare their means: of single flights, one or the other may fall.",
        "'Not safer' allows that the two are equal.",
    ),
    wrong={
        _test(_LIGHT, _HEAVY, "(heavy >= light).all()"): "single flights",
        _test(f"{_LIGHT}.mean()", f"{_HEAVY}.mean()", "heavy > light"): "equal",
        _test(f"{_LIGHT}.mean()", f"{_HEAVY}.mean()", "heavy <= light"): "rises with rain",
        _test(
            "predict(flights[flights['precip'] < 0.1]).mean()",
            "predict(flights[flights['precip'] >= 0.3]).mean()",
            "heavy >= light",
        ): "the same flights",
        _test("predict(flights).mean()", f"{_HEAVY}.mean()", "heavy >= light"): "0.1 inches",
        _test(f"{_LIGHT}.mean()", f"{_HEAVY}.mean()", "abs(heavy - light) < 0.05"): "falls",
    },
    given=_rain,
)
def q3(test_rain: Callable[[Callable, pd.DataFrame], None]) -> str:
    """A test of direction: heavier rain is not safer."""
    mixed = pd.DataFrame({"precip": np.linspace(0, 0.31, 80), "visib": 10.0})
    dry = mixed.assign(precip=np.linspace(0, 0.01, 80))
    trap = pd.DataFrame({"precip": np.repeat([0.0, 0.5], 40), "visib": np.repeat([10.0, 1.0], 40)})

    def visibility(table: pd.DataFrame) -> np.ndarray:
        return 0.8 - 0.05 * table["visib"].to_numpy(float) - 0.2 * table["precip"].to_numpy(float)

    # Where rain up to 0.1 raises, and more rain lowers again, as in release 1.
    def hump(table: pd.DataFrame) -> np.ndarray:
        rain = table["precip"].to_numpy(float)
        return 0.3 + np.minimum(rain, 0.1) - 0.035 * np.maximum(rain - 0.1, 0)

    good = [
        (_model(0.2), mixed, "it fails for a model whose probability rises with rain."),
        (_model(0.0), mixed, "it fails for a model that stays equal. 'Not safer' allows that."),
        (
            _model(0.2, noise=0.3),
            mixed,
            "it fails for a model that is right on average. It is too strict: single flights may "
            "fall.",
        ),
    ]
    bad = [
        (_model(-0.2), mixed, "it passes for a model whose probability falls with rain."),
        (
            visibility,
            trap,
            "it passes for a model to which rain is safer, since other things differ as well. "
            "Compare the same flights in both kinds of rain.",
        ),
        (hump, dry, "it passes for a model to which 0.3 inches are safer than 0.1 inches."),
    ]
    for predict, flights, why in good:
        if not _passes(test_rain, predict, flights):
            raise NotYet(why)
    for predict, flights, why in bad:
        if _passes(test_rain, predict, flights):
            raise NotYet(why)
    return "it lets good models through, and catches those to which heavy rain is safer."


def _passes(test: object, predict: Callable, flights: pd.DataFrame) -> bool:
    try:
        _call(test, predict, flights.copy())
    except AssertionError:
        return False
    return True


def _people() -> dict[str, Any]:
    random = np.random.default_rng(0)
    good, young, granted = (random.random(400) < share for share in (0.7, 0.2, 0.5))
    granted |= good & ~young & (random.random(400) < 0.3)
    return {"good": good, "young": young, "granted": granted, "fairness": fairness}


@exercise(
    LESSON,
    hints=(
        "Who is wronged? A good risk who is refused. So only the good ones count, in both groups.",
        "`~granted[good & young]` are the refusals among the good young ones; its mean is their "
        "share.",
        "The same for `good & ~young`, and subtract that from the first.",
    ),
    wrong={
        "unfair = (~granted)[young].mean() - (~granted)[~young].mean()": "all young",
        "unfair = (~granted)[good & ~young].mean() - (~granted)[good & young].mean()": "round",
        "unfair = (~granted)[good & young].mean()": "less that of the older",
        "unfair = young[good & ~granted].mean() - young[good].mean()": "of the refused",
        "unfair = granted[good & young].mean() - granted[good & ~young].mean()": "refused, not",
        "unfair = good[~granted & young].mean() - good[~granted & ~young].mean()": "of the refused",
    },
    given=_people,
)
def q4(unfair: float, good: np.ndarray, young: np.ndarray, granted: np.ndarray) -> str:
    """By how much are good young applicants refused more often?"""
    if not np.isscalar(unfair) or isinstance(unfair, str):
        raise NotYet("`unfair` is one number: a share less another share.")
    refused = ~granted
    right = refused[good & young].mean() - refused[good & ~young].mean()
    if np.isclose(unfair, right):
        return f"a good risk who is young is refused {100 * right:.0f} points more often."
    if np.isclose(unfair, 100 * right) or np.isclose(unfair, right, rtol=0, atol=0.006):
        raise NotYet("nearly. Leave it as it is: no percent, and not rounded.")
    if np.isclose(unfair, refused[young].mean() - refused[~young].mean()):
        raise NotYet("that counts all young people, also those who would not have paid back.")
    if np.isclose(unfair, refused[good & young].mean()):
        raise NotYet("that is the share among the young. Take it less that of the older ones.")
    of_refused = good[refused & young].mean() - good[refused & ~young].mean()
    if np.isclose(unfair, young[good & refused].mean() - young[good].mean()) or np.isclose(
        unfair, of_refused
    ):
        raise NotYet("that is a share of the refused. Take the good ones, and ask who is refused.")
    selected = granted[good & young].mean() - granted[good & ~young].mean()
    if np.isclose(unfair, selected):
        raise NotYet("turn it round: we ask who is refused, not who is granted; young less older.")
    raise NotYet("two shares, each of the good ones of a group who are refused; young less older.")


@exercise(
    LESSON,
    hints=(
        "If `n` requests are inside, each gets a share of the one processor. How long does the "
        "last of them wait?",
        "Roughly `n * each` milliseconds. That may be at most `WITHIN`.",
        "`//` divides and rounds down. And a service that lets nobody in is no service.",
    ),
    wrong={
        "def fits(each):\n    return WITHIN / each": "whole number",
        "def fits(each):\n    return round(WITHIN / each)": "too many",
        "def fits(each):\n    return 1000 // each": "R5",
        "def fits(each):\n    return WITHIN // each": "nobody",
        "def fits(each):\n    return 10": "slower",
    },
    given=lambda: {"WITHIN": WITHIN, "requirements": load_requirements()},
)
def q5(fits: Callable[[float], int]) -> str:
    """How many requests may be inside at the same time?"""
    for each, right in [(20, 10), (100, 2), (27, 7), (30, 6), (500, 1)]:
        found = _call(fits, each)
        if not isinstance(found, int | float | np.integer):
            raise NotYet("return the limit, a whole number.")
        if isinstance(found, float) and not found.is_integer():
            raise NotYet("the limit is a whole number of requests. Round it down.")
        if found == right:
            continue
        if each == 500 and found < 1:
            raise NotYet("if one answer takes longer than R5 allows, that lets nobody in. Let one.")
        if found == 1000 // each and each != 100:  # where 10 may be a fixed number as well
            raise NotYet("that is what it answers in a second. R5 does not allow a second.")
        if found > right:
            raise NotYet(
                f"at {each} milliseconds each, {found:.0f} inside are too many: the last waits "
                f"{each * found:.0f}. Does your limit fall when the service is slower?"
            )
        raise NotYet(f"at {each} milliseconds each, {right} could be answered in time.")
    return "few inside, each answered in time. Those at the door are told at once."
