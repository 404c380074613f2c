"""Exercises of lesson 15, Maintenance."""

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from mlops_school import backtest, compatibility, data, faults, replay, retraining
from mlops_school.errors import CourseError
from mlops_school.exercises import Blank, NotYet, StillBlank, exercise
from mlops_school.retraining import Known

LESSON = "15_maintenance"


def _asked(function: Callable[..., object], *arguments: object) -> object:
    """Return what a learner's function says, if it was written."""
    if not callable(function):
        raise NotYet("give a function: begin with `def`, and `return` what it decides.")
    said = function(*arguments)
    if isinstance(said, Blank):
        raise StillBlank
    return said


def _month(month: int, auc: float, flights: int = 400) -> pd.DataFrame:
    """Return forecasts of a month in which the area under the ROC curve is `auc`.

    That share of the late flights ranks above all punctual ones, and the others rank below.
    """
    late = np.arange(flights) % 4 == 0
    probability = np.linspace(0.1, 0.6, flights)
    probability[late] = np.where(np.arange(late.sum()) < auc * late.sum(), 0.9, 0.05)
    table = {"month": month, "late": late, "probability": probability, "warned": False}
    return pd.DataFrame(table).assign(date=pd.Timestamp(2013, month, 1), dollars=40 * late)


def _known(*areas: float) -> Known:
    """Return what is known when the release in service has had these areas, month by month."""
    first = 3
    months = [_month(first + number, auc) for number, auc in enumerate(areas)]
    return Known(first + len(areas), first, pd.concat(months, ignore_index=True))


@contextmanager
def _future_is_closed() -> Any:
    """Refuse to look flights up: on the day of the decision, there is no such table."""

    def refuse(*arguments: Any, **options: Any) -> None:
        raise NotYet(
            "your trigger looks flights up by itself. On the first day of the month nobody knows "
            "its flights: use `known` only."
        )

    names = [(replay, "outcomes"), (replay, "said_by"), (retraining, "said")]
    names += [(backtest, "load_month"), (backtest, "load_trial"), (data, "load_flights")]
    kept = [getattr(module, name) for module, name in names]
    try:
        for module, name in names:
            setattr(module, name, refuse)
        yield
    finally:
        for (module, name), function in zip(names, kept, strict=True):
            setattr(module, name, function)


_AREA = 'roc_auc_score({0}["late"], {0}["probability"])'


def _trigger(*lines: str) -> str:
    return "def twice_weak(known):\n" + "".join(f"    {line}\n" for line in lines)


@exercise(
    LESSON,
    hints=(
        "`known.served` holds all months in which this release has served, and a column `month`.",
        '`for month, flights in known.served.groupby("month"):` goes through them in order. '
        "Collect the area of each in a list.",
        "The last two of a list are `areas[-2:]`. With fewer than two, the answer is False.",
    ),
    wrong={
        _trigger(f"return bool({_AREA.format('known.last')} < 0.70)"): "only the last month",
        _trigger(f"return bool({_AREA.format('known.served')} < 0.70)"): "all months together",
        _trigger(
            "areas = [",
            f"    {_AREA.format('flights')}",
            '    for _, flights in known.served.groupby("month")',
            "]",
            "return len(areas) >= 2 and all(area < 0.70 for area in areas)",
        ): "before that",
        _trigger(
            "areas = [",
            f"    {_AREA.format('flights')}",
            '    for _, flights in known.served.groupby("month")',
            "]",
            "return all(area < 0.70 for area in areas[-2:])",
        ): "one month only",
        _trigger(
            "areas = [",
            f"    {_AREA.format('flights')}",
            '    for _, flights in known.served.groupby("month")',
            "]",
            "return any(max(areas[i : i + 2]) < 0.70 for i in range(len(areas) - 1))",
        ): "that is over",
        _trigger(
            "flights = retraining.said(known.month, known.built)",
            f"return bool({_AREA.format('flights')} < 0.70)",
        ): "nobody knows its flights",
        _trigger("return 1"): "True or False",
        "twice_weak = True": "a function",
    },
    given=lambda: {"roc_auc_score": roc_auc_score, "retraining": retraining},
)
def q1(twice_weak: Callable[[Known], bool]) -> str:
    """When were two months in a row too weak?"""
    strong, weak = 0.80, 0.62
    cases = [
        ((weak, weak), True, "both months of the release were below 0.70."),
        ((strong, strong), False, "both months of the release were above 0.70."),
        ((strong, weak), False, "only the last month was below 0.70."),
        ((0.75, 0.60, 0.60), True, "the last two months were weak; what was before that is over."),
        ((0.98, 0.69, 0.55), True, "look at each month, not at all months together."),
        ((weak,), False, "the release has served in one month only."),
        ((weak, strong), False, "the last month was above 0.70."),
        ((weak, weak, strong), False, "the last month was above 0.70, so that is over."),
    ]
    for areas, right, why in cases:
        with _future_is_closed():
            said = _asked(twice_weak, _known(*areas))
        if not pd.api.types.is_bool(said):
            raise NotYet(f"a trigger returns True or False, not {said!r}.")
        if bool(said) != right:
            raise NotYet(f"it says {bool(said)}, but {why}")
    return "it decides on the first day of a month, and uses nothing of what comes after."


def _decide(*lines: str) -> str:
    return "def decide(low, high, flights, price):\n" + "".join(f"    {line}\n" for line in lines)


@exercise(
    LESSON,
    hints=(
        "Negative numbers are savings. The *least* that the challenger may save, per flight, is "
        "`-high`; the *most* is `-low`.",
        "Multiply by `flights` to compare with `price`. If even the least pays, promote. If not "
        "even the most pays, stop.",
    ),
    wrong={
        _decide(
            "saves = -(low + high) / 2 * flights",
            "return 'promote' if saves >= price else 'stop'",
        ): "the middle",
        _decide(
            "if high < 0:",
            "    return 'promote'",
            "return 'wait' if low < 0 else 'stop'",
        ): "pays for",
        _decide(
            "if low * flights >= price:",
            "    return 'promote'",
            "return 'wait' if high * flights >= price else 'stop'",
        ): "even the least",
        _decide(
            "if -high * flights >= price:", "    return 'promote'", "return 'stop'"
        ): "may still",
        _decide("return high < 0"): "one of the words",
    },
)
def q2(decide: Callable[[float, float, int, float], str]) -> str:
    """Promote, wait or stop?"""
    words = ("promote", "wait", "stop")
    cases = [
        ((-0.40, -0.20, 30_000, 1000), "promote", "even the least saving, 6,000 dollars, pays."),
        ((-0.90, +0.20, 30_000, 1000), "wait", "the middle pays, and it may also be a loss: what "
         "the challenger saves may still turn out either way."),
        ((+0.50, +2.00, 30_000, 1000), "stop", "it is dearer for certain."),
        ((-0.03, -0.01, 30_000, 1000), "stop", "it is cheaper for certain, but not even the most "
         "that it can save, 900 dollars, pays for the release."),
        ((-0.20, -0.01, 30_000, 1000), "wait", "the least saving, 300 dollars, does not pay, and "
         "the most pays: it may still be worth it."),
        ((-0.05, +0.30, 1_000, 1000), "stop", "with 1,000 flights a month, 50 dollars at most are "
         "saved."),
    ]  # fmt: skip
    for arguments, right, why in cases:
        said = _asked(decide, *arguments)
        if not isinstance(said, str) or said not in words:
            raise NotYet(f"return one of the words {', '.join(words)}, not {said!r}.")
        if said != right:
            low, high, flights, price = arguments
            raise NotYet(
                f"from {low:+.2f} to {high:+.2f} dollars, {flights:,} flights and {price:,} "
                f"dollars: you {said}. But {why}"
            )
    return "the whole interval decides, and the price of a release is a part of the question."


def _rule(*lines: str) -> str:
    return "def go_back(warned, warned_before, flights):\n" + "".join(
        f"    {line}\n" for line in lines
    )


@exercise(
    LESSON,
    hints=(
        "The three parts: enough flights; more than twice as many; less than half as many.",
        "A division fails when the release before has warned of nobody. "
        "`warned > 2 * warned_before` says the same without one.",
    ),
    wrong={
        _rule("return flights >= 50 and warned < warned_before / 2"): "twice",
        _rule("return flights >= 50 and warned > 2 * warned_before"): "half",
        _rule("return warned > 2 * warned_before or warned < warned_before / 2"): "chance",
        _rule("ratio = warned / warned_before", "return flights >= 50 and not 0.5 <= ratio <= 2"): (
            "nobody"
        ),
        _rule("return flights >= 50 and abs(warned - warned_before) > 25"): "far from twice",
        _rule("return flights >= 50 and abs(warned - warned_before) / flights > 0.25"): "seldom",
        _rule(
            "return flights > 50 and (warned > 2 * warned_before or 2 * warned < warned_before)"
        ): ("50 flights are enough"),
        _rule("return 'go back'"): "True or False",
        "go_back = 'school rollback'": "a function",
    },
)
def q3(go_back: Callable[[int, int, int], bool]) -> str:
    """When is a release undone without asking anybody?"""
    cases = [
        ((100, 400, 900), True, "it warns of less than half as many"),
        ((500, 200, 900), True, "it warns of more than twice as many"),
        ((390, 400, 900), False, "both warn about equally often"),
        ((330, 300, 900), False, "30 more of 300 is far from twice"),
        ((200, 400, 900), False, "exactly half is not yet less than half"),
        ((0, 3, 12), False, "12 flights say little: it may be chance"),
        ((12, 30, 60), True, "with small numbers, too, less than half is less than half"),
        ((10, 30, 900), True, "it warns of less than half as many, though both warn seldom"),
        ((5, 20, 50), True, "it warns of less than half as many, and 50 flights are enough"),
        ((60, 0, 200), True, "the release before has warned of nobody, and this one of 60"),
        ((0, 0, 200), False, "neither warns of anybody"),
    ]
    for arguments, right, why in cases:
        try:
            said = _asked(go_back, *arguments)
        except ZeroDivisionError:
            raise NotYet(
                "it divides by zero when the release before has warned of nobody. A rule that "
                "crashes brings nothing back."
            ) from None
        if not pd.api.types.is_bool(said):
            raise NotYet(f"the rule returns True or False, not {said!r}.")
        if bool(said) != right:
            warned, before, flights = arguments
            raise NotYet(
                f"{warned} warnings, {before} by the release before, {flights} flights: your rule "
                f"{'goes back' if said else 'stays'}, but {why}."
            )
    return "it rings on the second day of July, without a single label."


def _july() -> dict[str, Any]:
    """Return two small tables of the same flights, for tests."""
    random, n = np.random.default_rng(15), 900
    late = random.random(n) < 0.3
    table = pd.DataFrame({"date": pd.Timestamp("2013-07-01"), "late": late})
    table["date"] += pd.to_timedelta(np.arange(n) // 30, unit="D")
    tables = {}
    for name, share in {"faulty": 0.1, "before": 0.6}.items():
        warned = random.random(n) < share
        dollars = 40 * (late & ~warned) + 10 * (~late & warned)
        tables[name] = table.assign(warned=warned, dollars=dollars)
    return tables


@exercise(
    LESSON,
    hints=(
        '`faulty["date"].dt.day <= 13` is True for the flights of the first 13 days. It holds for '
        "both tables, since their rows are the same flights.",
        'A late flight without a warning: `faulty["late"] & ~faulty["warned"]`. Count those of '
        "both releases, within these days.",
        'The loss is the sum of the differences of the column `"dollars"`, faulty less before.',
    ),
    wrong={
        'missed = (faulty["late"] & ~faulty["warned"]).sum() '
        '- (before["late"] & ~before["warned"]).sum()\n'
        'dollars = (faulty["dollars"] - before["dollars"]).sum()': "the whole month",
        'served = faulty["date"].dt.day <= 13\n'
        'missed = (served & faulty["late"] & ~faulty["warned"]).sum()\n'
        'dollars = faulty["dollars"][served].sum()': "would have missed",
        'served = faulty["date"].dt.day <= 13\n'
        'missed = (served & faulty["late"] & ~faulty["warned"]).sum() '
        '- (served & before["late"] & ~before["warned"]).sum()\n'
        "dollars = 40 * missed": "needless warnings",
        'served = faulty["date"].dt.day < 13\n'
        'missed = (served & faulty["late"] & ~faulty["warned"]).sum() '
        '- (served & before["late"] & ~before["warned"]).sum()\n'
        'dollars = (faulty["dollars"] - before["dollars"])[served].sum()': "13 July",
        'served = faulty["date"].dt.day <= 13\n'
        'missed = (served & before["late"] & ~before["warned"]).sum() '
        '- (served & faulty["late"] & ~faulty["warned"]).sum()\n'
        'dollars = (before["dollars"] - faulty["dollars"])[served].sum()': "other way round",
        'missed, dollars = "many", 0': "one number",
        'missed = faulty["late"] & ~faulty["warned"]\ndollars = 0': "Sum up",
    },
    given=_july,
)
def q4(missed: int, dollars: int, faulty: pd.DataFrame, before: pd.DataFrame) -> str:
    """What did the incident cost?"""
    for name, value in {"missed": missed, "dollars": dollars}.items():
        if not pd.api.types.is_number(value):
            what = value if isinstance(value, str) else f"a {type(value).__name__}"
            raise NotYet(f"`{name}` is one number, not {what}. Sum up with `.sum()`.")
    right, shorter, month = (faults.impact(faulty, before, days) for days in (13, 12, 31))
    more = {key: one["missed"] - one["missed_before"] for key, one in
            {"right": right, "shorter": shorter, "month": month}.items()}  # fmt: skip
    if missed == right["missed"] != more["right"]:
        raise NotYet(
            "`missed` counts late flights that the release before would have missed as well. "
            "The incident is to blame only for the difference."
        )
    if (missed, dollars) == (more["month"], month["dollars"]):
        raise NotYet("that is the whole month. The faulty release was sent away on 13 July.")
    if (missed, dollars) == (more["shorter"], shorter["dollars"]):
        raise NotYet("13 July itself is missing: the release served until its evening.")
    if missed == -more["right"] or dollars == -right["dollars"] != 0:
        raise NotYet("that is the other way round: take faulty less before, so that more is more.")
    if missed != more["right"]:
        raise NotYet(f"`missed` is {missed:,}. Count within the first 13 days, and both releases.")
    if dollars == 40 * missed:
        raise NotYet(
            "that is what the late flights cost. The faulty release also gave fewer needless "
            "warnings, and that must be taken off: use the column `dollars`."
        )
    if dollars != right["dollars"]:
        raise NotYet(f"`dollars` is {dollars:,}. Take the difference of both, and sum it up.")
    return "an impact in flights and dollars, against what would have happened otherwise."


@exercise(
    LESSON,
    hints=(
        "Ask at each step: can the release that *serves* work with what is delivered? And the one "
        "before it, in case we must go back?",
        "As long as one of the two needs the old feature, the old feature must be delivered.",
        "Release 1 is the release before until release 3 serves.",
    ),
    wrong={
        'steps = ["release 2", "expand", "release 3", "contract"]': "cannot forecast",
        'steps = ["contract", "release 2", "release 3", "expand"]': "cannot forecast",
        'steps = ["expand", "release 2", "contract", "release 3"]': "way back",
        'steps = ["expand", "release 2", "release 3"]': "for ever",
        'steps = ["expand", "release 2", "contract"]': "way back",
        'steps = ["expand", "migrate", "contract"]': "no step 'migrate'",
        'steps = ["expand", "release 2", "release 3", "contract", "contract"]': "twice",
        'steps = "expand"': "a list",
    },
)
def q5(steps: Sequence[str]) -> str:
    """In which order does a feature change its unit?"""
    if isinstance(steps, str) or not isinstance(steps, Sequence):
        raise NotYet("give the steps as a list of words.")
    if any(isinstance(step, Blank) for step in steps):
        raise StillBlank
    try:
        went = compatibility.rehearse(steps)
    except CourseError as error:
        raise NotYet(f"there is {str(error).removeprefix('There is ')}") from None
    for row in went.to_dict("records"):
        if not row["works"]:
            raise NotYet(
                f"after `{row['step']}`, release {row['serves']} serves, and {row['delivered']} is "
                "delivered: it cannot forecast."
            )
        if not row["way back"]:
            raise NotYet(
                f"after `{row['step']}`, only {row['delivered']} is delivered, and release "
                f"{row['before']} needs something else: there is no way back (R10)."
            )
    if went.empty or went["delivered"].iloc[-1] != "temp_c":
        raise NotYet("nothing fails, but the old feature is delivered for ever. Who contracts?")
    if went["serves"].iloc[-1] != 3:
        raise NotYet("release 3 has not come into service. Take all four steps.")
    if len(steps) > len(compatibility.STEPS):
        raise NotYet("nothing fails, but a step is taken twice. Four steps are enough.")
    return "at no moment did a release lack a feature, and there was always a way back."
