"""Exercises of the lab on S3 and SageMaker."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from mlops_school.exercises import NotYet, exercise

LAB = "aws"
PREFIX, DAYS = "models/", 90
KNOWN = {  # the entries of a lifecycle rule in S3's interface
    "ID",
    "Status",
    "Filter",
    "Prefix",
    "Expiration",
    "Transitions",
    "NoncurrentVersionExpiration",
    "NoncurrentVersionTransitions",
    "AbortIncompleteMultipartUpload",
}


@exercise(
    LAB,
    hints=(
        "Copy the colleague's rule, and replace the entry that is about current versions.",
        'An entry is a dictionary itself, such as `"Expiration": {"Days": 90}`. '
        "Its name and the name within are both in the text above.",
        "Four entries: `ID`, `Status`, `Filter`, and the one about versions that are not current.",
    ),
    wrong={
        'rule = {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": "models/"}, '
        '"Expiration": {"Days": 90}}': "in use, too",
        'rule = {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": "models/"}, '
        '"Expiration": {"Days": 90}, "NoncurrentVersionExpiration": {"NoncurrentDays": 90}}': (
            "in use, too"
        ),
        'rule = {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": "models/"}, '
        '"NoncurrentVersionExpiration": {"Days": 90}}': "`NoncurrentDays`",
        'rule = {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": "models/"}, '
        '"NonCurrentVersionExpiration": {"NoncurrentDays": 90}}': "does not know",
        'rule = {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": ""}, '
        '"NoncurrentVersionExpiration": {"NoncurrentDays": 90}}': "whole bucket",
        'rule = {"ID": "a", "Status": "Enabled", '
        '"NoncurrentVersionExpiration": {"NoncurrentDays": 90}}': "whole bucket",
        'rule = {"ID": "a", "Filter": {"Prefix": "models/"}, '
        '"NoncurrentVersionExpiration": {"NoncurrentDays": 90}}': "switched on",
        'rule = {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": "models/"}, '
        '"NoncurrentVersionExpiration": {"NoncurrentDays": 30}}': "90 days",
        'rule = {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": "models/"}, '
        '"NoncurrentVersionExpiration": {"NoncurrentDays": 90, "NewerNoncurrentVersions": 2}}': (
            "stay for ever"
        ),
        'rule = {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": "models/"}}': (
            "nothing is cleared"
        ),
        "rule = 90": "a dictionary",
    },
)
def q1(rule: Mapping[str, Any]) -> str:
    """A lifecycle rule that clears up, but not what is in use."""
    if not isinstance(rule, Mapping):
        raise NotYet("write the rule as a dictionary, such as the colleague's.")
    if unknown := sorted(set(rule) - KNOWN):
        raise NotYet(f"S3 does not know an entry `{unknown[0]}`. Mind capital letters, too.")
    if rule.get("Status") != "Enabled":
        raise NotYet('the rule is not switched on: its `Status` must be `"Enabled"`.')
    if rule.get("Filter") != {"Prefix": PREFIX}:
        raise NotYet(
            "say by `Filter` that the rule is about keys that begin with `models/`. Without it, "
            "the whole bucket is meant, also what MLflow keeps there."
        )
    if {"Days", "Date"} & set(rule.get("Expiration", {})):
        raise NotYet(
            "`Expiration` is about current versions. So after 90 days, the release is deleted that "
            "is in use, too."
        )
    if "NoncurrentVersionExpiration" not in rule:
        raise NotYet("with this rule, nothing is cleared: an entry for old versions is missing.")
    clearing = rule["NoncurrentVersionExpiration"]
    if "NoncurrentDays" not in clearing:
        raise NotYet("its days are called `NoncurrentDays`, as they count from another moment.")
    if clearing["NoncurrentDays"] != DAYS:
        raise NotYet("old versions are to go after 90 days: that is how far you may go back.")
    if "NewerNoncurrentVersions" in clearing:
        raise NotYet("so many old versions of each object would stay for ever. That was not asked.")
    return "what is in use stays, however old, and what was deleted can be had back for 90 days."


def _policy(**changes: Any) -> dict[str, Any]:
    """Return a policy with one statement: everybody may read, but for these changes."""
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::delay-models/*",
    }
    return {"Version": "2012-10-17", "Statement": [statement | changes]}


def _several() -> dict[str, Any]:
    """Return a policy whose second statement is open to everybody, and only that one."""
    partner = _policy(Principal={"AWS": "arn:aws:iam::111122223333:root"})
    return partner | {"Statement": partner["Statement"] + _policy()["Statement"]}


@exercise(
    LAB,
    hints=(
        "Look at each statement alone: three things must hold for it at once. "
        "One such statement is enough.",
        '`"Condition" in statement` tells whether it has a condition.',
        '`any(... for statement in policy["Statement"])`, and join the three with `and`.',
    ),
    wrong={
        "def is_public(policy):\n    return '\"*\"' in json.dumps(policy)": "forbids",
        "def is_public(policy):\n"
        '    return any(s["Principal"] == "*" for s in policy["Statement"])': "forbids",
        "def is_public(policy):\n"
        '    return any(s["Principal"] == "*" and s["Effect"] == "Allow"'
        ' for s in policy["Statement"])': '{"AWS": "*"}',
        "def is_public(policy):\n"
        '    return any(s["Principal"] in ("*", {"AWS": "*"}) and s["Effect"] == "Allow"'
        ' for s in policy["Statement"])': "`Condition`",
        "def is_public(policy):\n"
        '    s = policy["Statement"][0]\n'
        '    return s["Principal"] in ("*", {"AWS": "*"}) and s["Effect"] == "Allow"'
        ' and "Condition" not in s': "the second one",
        "def is_public(policy):\n"
        '    return all(s["Principal"] in ("*", {"AWS": "*"}) and s["Effect"] == "Allow"'
        ' and "Condition" not in s for s in policy["Statement"])': "the second one",
        "def is_public(policy):\n"
        '    return "*" in str(policy["Statement"]) and "Deny" not in str(policy)'
        ' and "Condition" not in str(policy)': "partner",
        "is_public = lambda policy: False": "of the colleague",
        "is_public = True": "a function",
    },
    given=lambda: {"json": json},
)
def q2(is_public: Callable[[Mapping[str, Any]], bool]) -> str:
    """Does a policy allow something to everybody?"""
    if not callable(is_public):
        raise NotYet("`is_public` must be a function of `policy`.")
    if not is_public(_policy()):
        raise NotYet("your function does not find the policy of the colleague.")
    if is_public(_policy(Effect="Deny")):
        raise NotYet("you call a policy public that forbids something to everybody (`Deny`).")
    if is_public(_policy(Principal={"AWS": "arn:aws:iam::111122223333:root"})):
        raise NotYet(
            "you call a policy public that allows something to one partner. Its `*` is in "
            "`Resource`: all objects, but not all people."
        )
    if not is_public(_policy(Principal={"AWS": "*"})):
        raise NotYet('`{"AWS": "*"}` is everybody, too, and your function does not find it.')
    if is_public(_policy(Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}})):
        raise NotYet("you call a policy public that has a `Condition`: only one office, here.")
    if not is_public(_several()):
        raise NotYet(
            "of two statements, the second one is open to everybody, and your function does not "
            "find it. One open statement is enough."
        )
    return "run over all buckets each night, it finds such a policy before a stranger does."
