"""Exercises of the lab on Vertex AI."""

from collections.abc import Callable, Mapping
from typing import Any

from mlops_school.exercises import NotYet, exercise

LAB = "vertex"
DECLARED = {
    "months": {"parameterType": "NUMBER_INTEGER", "defaultValue": 4},
    "minimum": {"parameterType": "NUMBER_DOUBLE", "defaultValue": 0.7},
    "owner": {"parameterType": "STRING"},
    "notify": {"parameterType": "BOOLEAN"},
}
GOOD = {"months": 4, "minimum": 0.7, "owner": "Ada", "notify": True}

_BY_INSTANCE = """\
def wrong_kinds(values, declared):
    kinds = {{"NUMBER_INTEGER": int, "NUMBER_DOUBLE": {double}, "STRING": str, "BOOLEAN": bool}}
    return {{n for n, v in values.items()
            if not isinstance(v, kinds[declared[n]["parameterType"]])}}
"""


@exercise(
    LAB,
    hints=(
        "A dictionary can say which types of Python go with which kind of the spec.",
        "`declared[name]['parameterType']` is the kind of a parameter, and `type(value)` is the "
        "exact type of a value: for `True` it is `bool`.",
        "Begin with `kinds = {'NUMBER_INTEGER': (int,), 'NUMBER_DOUBLE': (float, int), ...}`, and "
        "keep the names for which `type(value) not in` the right entry.",
    ),
    wrong={
        _BY_INSTANCE.format(double="(int, float)"): "`True`",
        _BY_INSTANCE.format(double="float"): "whole number",
        "def wrong_kinds(values, declared):\n"
        "    return {n for n, v in values.items() "
        "if type(v) != type(declared[n].get('defaultValue'))}": "default",
        "wrong_kinds = lambda values, declared: set()": "`'four'`",
        "wrong_kinds = lambda values, declared: ['months']": "a set",
        "wrong_kinds = {'months'}": "a function",
    },
)
def q1(wrong_kinds: Callable[[Mapping[str, Any], Mapping[str, Any]], set[str]]) -> str:
    """Which values are not of the declared kind?"""
    if not callable(wrong_kinds):
        raise NotYet("`wrong_kinds` must be a function of `values` and `declared`.")
    found = wrong_kinds(GOOD, DECLARED)
    if len(found) and not isinstance(found, set):
        raise NotYet("return a set of names.")
    if found:
        raise NotYet(
            f"you report {sorted(found)}, but all of {GOOD} are right. Mind that not every "
            "parameter has a default value; its kind is in `parameterType`."
        )
    if wrong_kinds(GOOD | {"minimum": 1}, DECLARED):
        raise NotYet("a whole number will do where a `NUMBER_DOUBLE` is asked for.")
    for name, value, why in [
        ("months", "four", "`'four'` is no whole number"),
        ("months", 4.5, "4.5 is no whole number"),
        ("minimum", "high", "`'high'` is no number"),
        ("owner", 7, "7 is no text"),
        ("notify", "yes", "`'yes'` is neither `True` nor `False`"),
        ("notify", 1, "1 is neither `True` nor `False`"),
        ("months", True, "`True` is an `int` for Python, but nobody means it as a number"),
    ]:
        if wrong_kinds(GOOD | {name: value}, DECLARED) != {name}:
            raise NotYet(f"{why}; so exactly `{name}` is to be reported.")
    if wrong_kinds({"months": 4}, DECLARED):
        raise NotYet("what is not given gets its default value: that is no mistake.")
    return "a word in the place of a number now stops here, and not on a rented computer."


@exercise(
    LAB,
    hints=(
        "First find the key whose value is the largest.",
        "`max(split, key=split.get)` is that key.",
        "Make a new dictionary: `split | {...}` is a copy of `split` with other values for some "
        "keys, and with new keys.",
    ),
    wrong={
        "make_room = lambda split, share: split | {'0': share}": "110 percent",
        "def make_room(split, share):\n"
        "    return {k: v * (100 - share) / 100 for k, v in split.items()} | {'0': share}": (
            "whole percents"
        ),
        "def make_room(split, share):\n"
        "    first = next(iter(split))\n"
        "    return split | {first: split[first] - share, '0': share}": "had most",
        "def make_room(split, share):\n"
        "    most = max(split)\n"
        "    return split | {most: split[most] - share, '0': share}": "had most",
        "def make_room(split, share):\n"
        "    most = max(split, key=split.get)\n"
        "    split[most] -= share\n"
        "    split['0'] = share\n"
        "    return split": "go back",
        "def make_room(split, share):\n"
        "    most = max(split, key=split.get)\n"
        "    return split | {most: split[most] - share, 0: share}": 'the text `"0"`',
        "def make_room(split, share):\n    return {'0': share, '2': 100 - share}": "disappeared",
        "make_room = {'2': 90, '0': 10}": "a function",
    },
)
def q2(make_room: Callable[[Mapping[str, int], int], Mapping[str, int]]) -> str:
    """The split in which a canary gets its share from the model that had most."""
    if not callable(make_room):
        raise NotYet("`make_room` must be a function of `split` and `share`.")
    for before, share in [
        ({"2": 100}, 10),
        ({"1": 30, "2": 65, "9": 5}, 20),
        ({"7": 60, "8": 40}, 5),
    ]:
        given = dict(before)
        after = make_room(given, share)
        if bool(after) and not isinstance(after, Mapping):
            raise NotYet("return a dictionary, as `split` is.")
        if given != before:
            raise NotYet("your function changes what it was given: to go back, one needs it.")
        if "0" not in after:
            raise NotYet('the key of the model that is being deployed is the text `"0"`.')
        if missing := sorted(set(before) - set(after)):
            raise NotYet(f"of {before}, {missing} has disappeared. It still serves.")
        if not all(type(percent) is int for percent in after.values()):
            raise NotYet(f"{after} are not whole percents, and no others are taken.")
        if (total := sum(after.values())) != 100:
            raise NotYet(f"{after} adds up to {total} percent.")
        most = max(before, key=before.get)
        if after != before | {most: before[most] - share, "0": share}:
            raise NotYet(
                f"of {before}, model {most} had most, so it gives the {share} percent. You have "
                f"made {dict(after)}."
            )
    return "always 100 percent, and the split of before is kept: to go back is one call."
