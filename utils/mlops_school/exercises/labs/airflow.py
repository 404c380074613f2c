"""Exercises of the lab on Airflow."""

import string
import tempfile
from pathlib import Path

from mlops_school.exercises import NotYet, exercise

LAB = "airflow"

RULE = "none_failed_min_one_success"
_WHY_NOT = {
    "all_success": "that is the default, which has skipped the report: one never succeeds.",
    "all_failed": "then the report only comes if everything has failed.",
    "all_done": "a task that failed is done, too, so the report would go out for a failed month.",
    "all_skipped": "then the report only comes if nothing was done.",
    "one_success": "it starts as soon as one has succeeded, and does not wait for the other one.",
    "one_failed": "then the report only comes if something has failed.",
    "one_done": "it starts as soon as one has ended, in whatever way, and does not wait.",
    "none_failed": "nearly: if both are skipped, none has failed, and the report comes although "
    "nothing was done.",
    "none_skipped": "one of the two is always skipped, so the report never comes.",
    "always": "it does not wait for anything, and comes even if everything has failed.",
}


@exercise(
    LAB,
    hints=(
        "Think of four mornings: one succeeded and one skipped; one failed; both skipped; "
        "one succeeded and the other still running. On the first one only, the report goes out.",
        "You want two things at once: *none* has failed, and at the *minimum one* has succeeded.",
    ),
    wrong={
        "rule = 'all_done'": "for a failed month",
        "rule = 'one_success'": "does not wait",
        "rule = 'none_failed'": "both are skipped",
        "rule = 'always'": "does not wait for anything",
        "rule = 'all_success'": "the default",
        "rule = 'none_failed_or_skipped'": "no rule of Airflow 3",
        "rule = None": "name of a rule",
    },
)
def q1(rule: str) -> str:
    """Which trigger rule does a task need after a gate?"""
    if not isinstance(rule, str):
        raise NotYet("give the name of a rule as text, such as 'all_done'.")
    if rule == RULE:
        return "it waits for both, lets the skipped one pass, and stays away if one has failed."
    if rule not in _WHY_NOT:
        raise NotYet(f"{rule!r} is no rule of Airflow 3. Take one of the list.")
    raise NotYet(_WHY_NOT[rule])


@exercise(
    LAB,
    hints=(
        "Mode 'a' appends, 'w' replaces what the file held, 'x' refuses if there is a file.",
        "If a month replaces its file, what else may stand in that file?",
        "Give each month a file of its own, with `{month}` in the name.",
    ),
    wrong={
        'file, mode = "ledger.csv", "a"': "stands in the ledger 2 times",
        'file, mode = "ledger.csv", "w"': "month 7 has disappeared",
        'file, mode = "late-{month}.csv", "a"': "stands in the ledger 2 times",
        'file, mode = "late-{month}.csv", "x"': "second try cannot write",
        'file, mode = "late-{run}.csv", "w"': "only `{month}`",
        'file, mode = "late-{month}.csv", "r"': "cannot write",
        'file, mode = "../late-{month}.csv", "w"': "without a folder",
        'file, mode = 8, "w"': "two texts",
    },
)
def q2(file: str, mode: str) -> str:
    """Where, and how, does a task write so that it can be repeated?"""
    if not isinstance(file, str) or not isinstance(mode, str):
        raise NotYet("give two texts: the name of a file, and a mode such as 'a'.")
    names = {name for _, name, _, _ in string.Formatter().parse(file) if name is not None}
    if names - {"month"}:
        raise NotYet("only `{month}` is filled in.")
    if not file or Path(file).name != file:
        raise NotYet("give the name of a file without a folder.")
    months = [(7, "0.322"), (8, "0.240"), (8, "0.246")]  # the last one with mended data
    with tempfile.TemporaryDirectory() as folder:
        for month, late in months:
            try:
                place = Path(folder) / file.format(month=month)
                with place.open(mode, encoding="utf-8") as ledger:
                    ledger.write(f"{month},{late}\n")
            except (OSError, ValueError):
                which = "a second try" if month == 8 else "the task"
                raise NotYet(f"in the mode {mode!r}, {which} cannot write.") from None
        lines = [line for path in Path(folder).iterdir() for line in path.read_text().split()]
    found = dict.fromkeys((7, 8), 0)
    for line in lines:
        found[int(line.partition(",")[0])] += 1
    for month, times in found.items():
        if times == 0:
            raise NotYet(f"month {month} has disappeared: a later month has replaced it.")
        if times > 1:
            raise NotYet(
                f"month {month}, which was tried again, stands in the ledger {times} times."
            )
    if sorted(lines) != ["7,0.322", "8,0.246"]:
        raise NotYet("the first number of month 8 has stayed, not the mended one.")
    return "each month owns a file, and replaces nothing but that."
