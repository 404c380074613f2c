"""Exercises of lesson 09, Building."""

from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from sklearn.pipeline import Pipeline

from mlops_school import evaluation, tracking
from mlops_school.errors import CourseError
from mlops_school.evaluation import MISSED, NEEDLESS, cost_curve, measure
from mlops_school.exercises import NotYet, exercise
from mlops_school.features import FEATURES, TARGET, load_examples
from mlops_school.process import load_requirements
from mlops_school.training import make_boosting

LESSON = "09_building"
EXPERIMENT = "09-building"
MINIMUM_ROC_AUC = load_requirements()["R3"].limits["minimum_roc_auc"]


def _flights() -> dict[str, Any]:
    late = np.array([True, False, False, True, False, False, True, False])
    return {
        "validation": pd.DataFrame({"late": late}),
        "MISSED": MISSED,
        "NEEDLESS": NEEDLESS,
        "np": np,
    }


@exercise(
    LESSON,
    hints=(
        "If you warn of every flight, which of the two kinds of mistake can still happen?",
        "Only punctual flights cost something then: `NEEDLESS` dollars each. "
        "Which share of the flights is that?",
        "`~validation['late']` is True for the punctual ones; its mean is their share.",
    ),
    wrong={
        "always_cost = MISSED * validation['late'].mean()": "cost of warning of no flight",
        "always_cost = NEEDLESS * (~validation['late']).sum()": "per flight",
        "always_cost = NEEDLESS": "needless only when",
        "always_cost = NEEDLESS * validation['late'].mean()": "late flights are the right",
    },
    given=_flights,
)
def q1(always_cost: float, validation: pd.DataFrame) -> str:
    """What does warning of every flight cost, per flight?"""
    late = validation["late"]
    right = NEEDLESS * (~late).mean()
    if np.isclose(always_cost, MISSED * late.mean()):
        raise NotYet("that is the cost of warning of no flight. Here everyone is warned.")
    if np.isclose(always_cost, right * len(late)):
        raise NotYet("that is the cost of the whole month. Give dollars per flight.")
    if np.isclose(always_cost, NEEDLESS):
        raise NotYet("a warning is needless only when the flight is punctual. How many are?")
    if np.isclose(always_cost, NEEDLESS * late.mean()):
        raise NotYet("warnings of late flights are the right ones. Count the others.")
    if not np.isclose(always_cost, right):
        raise NotYet("a needless warning costs `NEEDLESS` dollars; average that over the month.")
    return "a rule without any learning, and it is cheaper than no service. Remember its price."


@exercise(
    LESSON,
    hints=(
        "Take one flight with probability `p`. What do you expect to lose if you warn? If not?",
        "With a warning you lose `NEEDLESS` with probability `1 - p`; "
        "without one, `MISSED` with probability `p`.",
        "The two are equal at the threshold: `NEEDLESS * (1 - p) == MISSED * p`. Solve for `p`.",
    ),
    wrong={
        "fair_threshold = 0.5": "as much as the other",
        "fair_threshold = NEEDLESS / MISSED": "of both costs",
        "fair_threshold = MISSED / (MISSED + NEEDLESS)": "dearer",
    },
    given=_flights,
)
def q2(fair_threshold: float) -> str:
    """From which probability on is a warning worth it?"""
    if np.isclose(fair_threshold, 0.5):
        raise NotYet("that is right if one mistake costs as much as the other. Here it does not.")
    if np.isclose(fair_threshold, NEEDLESS / MISSED):
        raise NotYet("close: the ratio has the sum of both costs below the line.")
    if np.isclose(fair_threshold, MISSED / (MISSED + NEEDLESS)):
        raise NotYet("the other way round: missing a late flight is dearer, so warn earlier.")
    if not np.isclose(fair_threshold, NEEDLESS / (NEEDLESS + MISSED)):
        raise NotYet("at the threshold both choices cost the same on average. Set them equal.")
    return "the costs alone say when a warning pays, whatever model gives the probability."


def _curve() -> dict[str, Any]:
    late = np.array([False, False, False, True, False, True])
    return {"curve": cost_curve(late, [0.1, 0.2, 0.3, 0.35, 0.6, 0.8])}


@exercise(
    LESSON,
    hints=(
        "`curve` is a Series of dollars, indexed by threshold. What does `curve[0.5]` give?",
        "The least that any threshold costs is `curve.min()`. Subtract.",
    ),
    wrong={
        "habit_costs = curve[0.5]": "difference",
        "habit_costs = 0.5 - curve.idxmin()": "thresholds",
        "habit_costs = curve.min() - curve[0.5]": "turn it round",
        "habit_costs = curve.max() - curve.min()": "dearest",
    },
    given=_curve,
)
def q3(habit_costs: float, curve: pd.Series) -> str:
    """How much dearer is the habit of warning from 0.5 on?"""
    right = curve[0.5] - curve.min()
    if np.isclose(habit_costs, curve[0.5]):
        raise NotYet("that is the cost at 0.5. The question is the difference to the best.")
    if np.isclose(habit_costs, 0.5 - curve.idxmin()):
        raise NotYet("that is the distance of two thresholds. Compare the dollars.")
    if np.isclose(habit_costs, -right):
        raise NotYet("the number is right and its sign is not: turn it round.")
    if np.isclose(habit_costs, curve.max() - curve.min()):
        raise NotYet("that compares with the dearest threshold. Compare with 0.5.")
    if not np.isclose(habit_costs, right):
        raise NotYet("subtract the least value of `curve` from its value at 0.5.")
    return "same model, same probabilities: only the habit was expensive."


def _three_trials() -> dict[str, Any]:
    tracking.start(EXPERIMENT)
    for roc_auc, dollars in [(0.68, 5.1), (0.74, 5.2), (0.75, 5.6)]:
        with mlflow.start_run(run_name="trial"):
            mlflow.log_metrics({"roc_auc": roc_auc, "cost_per_flight": dollars})
    return {"by_hour_cost": 5.5}


@exercise(
    LESSON,
    hints=(
        "A metric is written `metrics.` and its name: `metrics.roc_auc >= 0.7`.",
        "Join conditions with the word `and`.",
        "The second condition is `metrics.cost_per_flight < ` and the number that the rule by "
        "hour costs. An f-string puts it there.",
    ),
    wrong={
        "query = 'metrics.roc_auc >= 0.7'": "also cost less",
        "query = f'metrics.cost_per_flight < {by_hour_cost}'": "R3",
        "query = f'metrics.roc_auc >= 0.7 & metrics.cost_per_flight < {by_hour_cost}'": "cannot",
        "query = f'metrics.roc_auc >= 0.7 and metrics.cost_per_flight > {by_hour_cost}'": "dearer",
        "query = ['metrics.roc_auc >= 0.7']": "text",
    },
    given=_three_trials,
)
def q4(query: str, by_hour_cost: float) -> str:
    """Which trials are good enough?"""
    if not isinstance(query, str):
        raise NotYet("the query is a text, in quotes.")
    try:
        found = _trials(query)
    except MlflowException as error:
        raise NotYet(f"MLflow cannot read that query: {error.message.splitlines()[0]}") from None
    ranks, pays = (
        _trials(f"metrics.roc_auc >= {MINIMUM_ROC_AUC}"),
        _trials(f"metrics.cost_per_flight < {by_hour_cost}"),
    )
    if found == ranks & pays and "roc_auc" in query and "cost_per_flight" in query:
        return f"{len(found)} of {len(_trials(''))} trials are good enough."
    if "cost_per_flight" not in query:
        raise NotYet("the trials must also cost less than the rule by hour.")
    if "roc_auc" not in query:
        raise NotYet("the trials must also rank well enough, which is R3.")
    if found <= ranks - pays:
        raise NotYet("these trials are dearer than the rule by hour, not cheaper.")
    raise NotYet("that finds other trials. Compare the two conditions with the task.")


def _trials(query: str) -> set[str]:
    """Return the ids of the trials that fit a query."""
    query = "attributes.run_name = 'trial'" + (f" and {query}" if query else "")
    runs = mlflow.search_runs(
        experiment_names=[EXPERIMENT], filter_string=query, output_format="list"
    )
    return {run.info.run_id for run in runs}


def _month() -> dict[str, Any]:
    tracking.start(EXPERIMENT)
    train, validation = load_examples([1]), load_examples([2])

    def fit_and_predict(model: Pipeline) -> np.ndarray:
        model.fit(train[FEATURES], train[TARGET])
        return model.predict_proba(validation[FEATURES])[:, 1]

    return {
        "training_months": [1],
        "evaluation": evaluation,
        "make_boosting": make_boosting,
        "mlflow": mlflow,
        "tracking": tracking,
        "fit_and_predict": fit_and_predict,
        "validation": validation,
    }


_SCORE = (
    "probability = fit_and_predict(make_boosting(**settings))\n"
    "metrics = evaluation.measure(validation['late'], probability, 0.3)"
)


def _attempt(settings: str, lines: str) -> str:
    """Return the code of an attempt at q5 that records `lines`."""
    body = "".join(f"    {line}\n" for line in lines.splitlines())
    return (
        f"settings = {settings}\n{_SCORE}\n"
        f"with mlflow.start_run() as run:\n{body}my_run_id = run.info.run_id"
    )


_ALL = "mlflow.set_tags(tracking.provenance(training_months))\nmlflow.log_metrics(metrics)\n"


@exercise(
    LESSON,
    hints=(
        "Look at `record` above: which calls of `mlflow` does it make?",
        "The parameters must hold everything that training depends on: the settings, "
        "`seed`, and `months`.",
        "`mlflow.set_tags(tracking.provenance(training_months))` records the data version; "
        "`mlflow.log_metrics(evaluation.measure(...))` what you measured.",
    ),
    wrong={
        _attempt("{'seed': 1}", _ALL + "mlflow.log_params(settings)"): "lacks: months",
        _attempt(
            "{'max_iter': 20}", _ALL + "mlflow.log_params({'months': training_months, **settings})"
        ): "lacks: seed",
        _attempt(
            "{'seed': 1}",
            "mlflow.log_metrics(metrics)\n"
            "mlflow.log_params({'months': training_months, **settings})",
        ): "lacks: data_version",
        _attempt(
            "{'seed': 1}",
            "mlflow.set_tags(tracking.provenance(training_months))\n"
            "mlflow.log_params({'months': training_months, **settings})",
        ): "no metric",
        _attempt(
            "{'seed': 1, 'max_iter': 5}",
            _ALL + "mlflow.log_params({'months': training_months, 'seed': 1})",
        ): "another model",
        "my_run_id = 'my run'": "no run",
    },
    given=_month,
    hands_on=True,
)
def q5(my_run_id: str, validation: pd.DataFrame) -> str:
    """Can your own run be reproduced from its record?"""
    try:
        model = tracking.retrain(my_run_id)
    except CourseError as error:
        raise NotYet(str(error)) from None
    recorded = mlflow.get_run(my_run_id).data.metrics.get("roc_auc")
    if recorded is None:
        raise NotYet("the run has no metric `roc_auc`, so nobody can compare.")
    probability = model.predict_proba(validation[FEATURES])[:, 1]
    again = measure(validation[TARGET], probability, threshold=0.5)["roc_auc"]
    if not np.isclose(again, recorded, atol=1e-9):
        raise NotYet(
            f"training from your record gives another model: ROC AUC {again:.4f}, "
            f"you recorded {recorded:.4f}. Which setting did you use and not record?"
        )
    return "trained again from its record, it is the same model. That is requirement R4."
