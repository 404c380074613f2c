"""The card of a model: what it is for, how good it is, for whom, and where it must not be used.

The sections are those that M. Mitchell et al. propose (Model Cards for Model Reporting, 2019).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from mlops_school import backtest, gates
from mlops_school.evaluation import MISSED, NEEDLESS, measure, without_model
from mlops_school.features import TARGET
from mlops_school.model_package import ModelPackage
from mlops_school.process import load_requirements

_R3 = load_requirements()["R3"].limits["minimum_roc_auc"]


def measure_months(
    trial: pd.DataFrame, answers: pd.DataFrame, champion: pd.DataFrame, threshold: float
) -> list[dict[str, Any]]:
    """Return how good a model was in each month of a trial, and whether it met R2 and R3.

    Parameters
    ----------
    trial : DataFrame
        From :func:`gates.load_trial`.
    answers, champion : DataFrame
        From :func:`backtest.answer`: of the model, and of the champion before it.
    threshold : float
        The model warns from this probability on.
    """
    rows = []
    for month, flights in trial.groupby("month"):
        late = flights[TARGET]
        found = measure(late, answers.loc[flights.index, "probability"], threshold)
        none = min(without_model(late).values())
        rows.append(
            {
                "month": int(month),
                "flights": f"{len(flights):,}",
                "dollars per flight": f"{found['cost_per_flight']:.2f}",
                "champion": f"{champion.loc[flights.index, 'dollars'].mean():.2f}",
                "without a model": f"{none:.2f}",
                "ROC AUC": f"{found['roc_auc']:.3f}",
                "R2": "met" if found["cost_per_flight"] < none else "BROKEN",
                "R3": "met" if found["roc_auc"] >= _R3 else "BROKEN",
            }
        )
    return rows


def measure_slices(trial: pd.DataFrame, answers: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the share of late flights that was warned of, to small and to other destinations."""
    late = trial[TARGET]
    rows = []
    for name, part in (("small destinations", trial["small"]), ("other", ~trial["small"])):
        share = answers.loc[late & part, "warned"].mean()
        count = int((late & part).sum())
        rows.append({"slice": name, "late flights": f"{count:,}", "warned of": f"{share:.0%}"})
    return rows


def write(package: ModelPackage, report: Mapping[str, Any]) -> str:
    """Return the card of a model as Markdown.

    Parameters
    ----------
    package : ModelPackage
        The model.
    report : dict
        ``verdicts``, ``months`` and ``slices``: what the stage ``validate`` has found.
    """
    names = ("R1", "R2", "R3", "R5", "R7")
    requirements = load_requirements()
    record = "\n".join(f"- {name}: `{value}`" for name, value in package.record.items())
    months = ", ".join(map(str, package.months))
    return f"""# Model card: delay forecast, release {package.version}

## Model details

Gradient-boosted trees of scikit-learn. Warn from a probability of {package.threshold:.2f} on.

{record}

## Intended use

Two hours before departure, say how probable it is that a scheduled domestic flight from New York
arrives 15 or more minutes late. It serves these requirements:

{"".join(f"- {name} {requirements[name].title}" + chr(10) for name in names)}
Not for deciding about people, for other airports, or for years whose timetable differs.

## Training data

Flights from New York in 2013, months {months}; the threshold was chosen on month
{max(package.months) + 1}. Cancelled and diverted flights have no label and are left out.

## Evaluation data and metrics

Months that the model has not learned from. Dollars: {MISSED} for a late flight without a warning,
{NEEDLESS} for a needless warning (R2). Beside them, what the champion before cost on the same
flights, and the cheaper of never and always warning.

{_markdown(report["months"])}

## Slices

Small destinations have fewer than 100 flights in a month (R7).

{_markdown(report["slices"])}

## Gates

{"".join(f"- {' '.join(verdict.split())}" + chr(10) for verdict in report["verdicts"])}
## Limits

- One year of one city. It says nothing of a flight of today.
- Carriers and airports that training has not seen count as unknown.
- A month marked BROKEN stays broken: a gate compares with the champion, and lets a better model
  pass even if it is not good enough.
- An airline or airport that is often late in the data need not be the cause.
"""


def report(trial: pd.DataFrame, candidate: ModelPackage, champion: ModelPackage) -> dict[str, Any]:
    """Return all that the stage ``validate`` finds out about a candidate, ready for JSON."""
    mine, theirs = backtest.answer(trial, candidate), backtest.answer(trial, champion)
    ratio = gates.slowdown(trial, candidate.model, champion.model)
    verdicts = gates.judge_answers(trial, mine, theirs, ratio)
    return {
        "passed": all(verdict.passed for verdict in verdicts),
        "verdicts": [str(verdict) for verdict in verdicts],
        "months": measure_months(trial, mine, theirs, candidate.threshold),
        "slices": measure_slices(trial, mine),
    }


def _markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as a table in Markdown."""
    head = list(rows[0])
    lines = [head, ["---"] * len(head), *([str(row[name]) for name in head] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
