"""Go or no-go: evidence for each requirement, and a rule that was written before it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from mlops_school import files, stress
from mlops_school.process import Requirement, load_requirements

Verdict = Literal["met", "broken", "not yet known"]
MET, BROKEN, UNKNOWN = "met", "broken", "not yet known"

RULE = """\
GO                  every requirement is met.
GO WITH CONDITIONS  some are broken or not yet known, but each of these has an alert and a rollback:
                    the release may run on trial, and nobody relies on it until they are met.
NO-GO               one is broken or not yet known that has no alert or no rollback."""


@dataclass(frozen=True)
class Evidence:
    """What was found about one requirement.

    Attributes
    ----------
    requirement : str
        Its id.
    verdict : str
        ``met``, ``broken`` or ``not yet known``.
    found : str
        The numbers, in words.
    source : str
        How they were found, so that others can find them again.
    """

    requirement: str
    verdict: Verdict
    found: str
    source: str


def judge(low: float, high: float, limit: float) -> Verdict:
    """Return what an interval says about a limit that holds to both sides of zero.

    Parameters
    ----------
    low, high : float
        Ends of the interval.
    limit : float
        The largest distance from zero that is allowed.
    """
    if -limit <= low and high <= limit:
        return MET
    if low > limit or high < -limit:
        return BROKEN
    return UNKNOWN


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict on all spans together: one broken span breaks the requirement."""
    return next((one for one in (BROKEN, UNKNOWN) if one in verdicts), MET)


def collect(
    months: pd.DataFrame,
    spans: pd.DataFrame,
    tests: pd.DataFrame,
    answers: pd.DataFrame,
    expected: float,
) -> list[Evidence]:
    """Return the evidence of an examination.

    Parameters
    ----------
    months : DataFrame
        Of :func:`mlops_school.backtest.by_month`.
    spans : DataFrame
        Of :func:`mlops_school.backtest.small_gaps`.
    tests : DataFrame
        Of :func:`mlops_school.testing.run_tests`; those of a requirement begin with its id.
    answers : DataFrame
        Of a load test at ``stress.RESERVE`` times the load that is expected.
    expected : float
        That load, in requests a second.
    """
    limits = {name: one.limits for name, one in load_requirements().items()}
    r3, r7 = limits["R3"]["minimum_roc_auc"], limits["R7"]["maximum_gap"]
    pays = months["dollars"] < months[["never", "always"]].min(axis=1)
    ranks = months["roc_auc"] >= r3
    gaps = [judge(span.low, span.high, r7) for span in spans.itertuples()]
    low, high = spans["low"].min(), spans["high"].max()
    exam = f"exam, months {months.index[0]} to {months.index[-1]}"
    in_time = round(stress.in_time(answers) * len(answers))
    facts = [_from_tests("R1", tests)]
    facts += [
        Evidence("R2", _all(pays), f"cheaper in {pays.sum()} of {len(pays)} months", exam),
        Evidence(
            "R3",
            _all(ranks),
            f"{ranks.sum()} of {len(ranks)} months; {months['roc_auc'].min():.2f} to "
            f"{months['roc_auc'].max():.2f}",
            exam,
        ),
        Evidence(
            "R5",
            MET if stress.is_met(answers) else BROKEN,
            f"{in_time} of {len(answers)} at {stress.RESERVE} × {expected:.1f} a second",
            "load test over HTTP",
        ),
        _from_tests("R6", tests),
        Evidence(
            "R7", worst(gaps), f"{len(gaps)} spans, intervals from {low:.2f} to {high:.2f}", exam
        ),
        _from_tests("R12", tests),
    ]
    return facts


def _all(holds: pd.Series) -> Verdict:
    return MET if holds.all() else BROKEN


def _from_tests(requirement: str, tests: pd.DataFrame) -> Evidence:
    mine = tests[tests.index.str.startswith(f"test_{requirement}_")]
    passed = (mine["outcome"] == "passed").sum()
    verdict = UNKNOWN if mine.empty else MET if passed == len(mine) else BROKEN
    return Evidence(
        requirement, verdict, f"{passed} of {len(mine)} tests pass", "course/model_tests"
    )


def decide(
    evidence: Sequence[Evidence], requirements: Mapping[str, Requirement]
) -> tuple[str, list[str]]:
    """Return what the rule says, and the ids of the requirements that are not met.

    Parameters
    ----------
    evidence : sequence of Evidence
        One or more for each requirement that was looked at.
    requirements : mapping of str to Requirement
        By id.
    """
    open_ = [one.requirement for one in evidence if one.verdict != MET]
    open_ = list(dict.fromkeys(open_))
    if not open_:
        return "GO", []
    guarded = all(requirements[name].alert and requirements[name].rollback for name in open_)
    return "GO WITH CONDITIONS" if guarded else "NO-GO", open_


def table(evidence: Sequence[Evidence], requirements: Mapping[str, Requirement]) -> pd.DataFrame:
    """Return the evidence as a table, by requirement."""
    rows = [
        {
            "requirement": one.requirement,
            "title": requirements[one.requirement].title,
            "verdict": one.verdict,
            "found": one.found,
            "from": one.source,
        }
        for one in evidence
    ]
    return pd.DataFrame(rows).set_index("requirement")


def write_report(
    path: Path,
    release: str,
    evidence: Sequence[Evidence],
    requirements: Mapping[str, Requirement],
    others: Sequence[str] = (),
) -> str:
    """Write the report as Markdown over an older one, and return its text.

    Requirements without evidence are named, so that nobody takes silence for consent; and so is
    what was found of which no requirement speaks: `others`.
    """
    decision, open_ = decide(evidence, requirements)
    seen = {one.requirement for one in evidence}
    lines = [f"# Release {release}: {decision}", "", "The rule, written before the evidence:", ""]
    lines += [f"    {line}" for line in RULE.splitlines()]
    lines += ["", "| requirement | verdict | found | from |", "| --- | --- | --- | --- |"]
    for one in evidence:
        name = f"{one.requirement} {requirements[one.requirement].title}"
        lines.append(f"| {name} | {one.verdict} | {one.found} | {one.source} |")
    if open_:
        lines += ["", "Conditions:", ""]
    for name in open_:
        what = requirements[name]
        lines.append(
            f"- {name} {what.title}: alert in {what.alert or 'NO PLACE'}, "
            f"rollback in {what.rollback or 'NO PLACE'}."
        )
    unseen = [f"{name} ({what.test})" for name, what in requirements.items() if name not in seen]
    lines += ["", f"Not looked at here, but elsewhere: {', '.join(unseen)}.", ""]
    if others:
        lines += ["Found, though no requirement speaks of it:", ""]
        lines += [*(f"- {what}" for what in others), ""]
    text = "\n".join(lines)
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.replacing(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    return text
