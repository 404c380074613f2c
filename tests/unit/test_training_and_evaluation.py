import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_school.evaluation import MISSED, NEEDLESS, cost, cost_curve, measure
from mlops_school.features import FEATURES, load_examples
from mlops_school.process import load_requirements
from mlops_school.training import make_boosting, make_logistic


@pytest.fixture(scope="module")
def examples():
    return load_examples([1]).sample(4000, random_state=0)


@pytest.mark.parametrize("make", [make_boosting, make_logistic])
def test_models_rank_better_than_guessing(make, examples):
    half = len(examples) // 2
    model = make().fit(examples[FEATURES][:half], examples["late"][:half])
    probability = model.predict_proba(examples[FEATURES][half:])[:, 1]
    assert measure(examples["late"][half:], probability, 0.5)["roc_auc"] > 0.6


@pytest.mark.parametrize("make", [make_boosting, make_logistic])
def test_models_take_what_they_have_never_seen(make, examples):
    model = make().fit(examples[FEATURES], examples["late"])
    strange = examples[FEATURES].head(2).assign(carrier="??", dest="XXX", temp=np.nan, seats=np.nan)
    assert np.isfinite(model.predict_proba(strange)).all()


def test_the_seed_decides_the_model(examples):
    def fit(seed):
        # Above 10,000 rows boosting draws flights to know when to stop; here it is asked to.
        model = make_boosting(seed=seed, early_stopping=True, max_iter=20)
        model.fit(examples[FEATURES], examples["late"])
        return model.predict_proba(examples[FEATURES])[:, 1]

    assert np.array_equal(fit(1), fit(1))
    assert not np.array_equal(fit(1), fit(2))


def test_cost_by_hand():
    late = [True, True, False, False, False]
    warned = [True, False, True, True, False]
    assert cost(late, warned) == MISSED + 2 * NEEDLESS
    assert cost(late, late) == 0


def test_costs_are_those_of_the_requirement():
    limits = load_requirements()["R2"].limits
    assert (limits["missed_dollars"], limits["needless_dollars"]) == (MISSED, NEEDLESS)


PROBABILITY = st.floats(0, 1) | st.just(0.3)  # on a threshold, too
FLIGHTS = st.lists(st.tuples(st.booleans(), PROBABILITY), min_size=1, max_size=50)


@given(FLIGHTS)
def test_curve_runs_from_always_to_never(flights):
    late, probability = map(np.array, zip(*flights, strict=True))
    curve = cost_curve(late, probability, thresholds=[0, 0.3, 1.1])
    assert curve[0] == NEEDLESS * (~late).sum()
    assert curve[1.1] == MISSED * late.sum()
    assert curve[0.3] == cost(late, probability >= 0.3)


def test_calibrated_probabilities_are_cheapest_at_the_fair_threshold():
    random = np.random.default_rng(0)
    probability = random.uniform(size=200_000)
    late = random.uniform(size=200_000) < probability
    cheapest = cost_curve(late, probability).idxmin()
    assert cheapest == pytest.approx(NEEDLESS / (NEEDLESS + MISSED), abs=0.02)


def test_measure_by_hand():
    metrics = measure([True, False, True, False], [0.9, 0.8, 0.7, 0.1], threshold=0.75)
    assert metrics == {"roc_auc": 0.75, "cost_per_flight": (MISSED + NEEDLESS) / 4}


def test_requirements_are_numbered_and_say_something():
    requirements = load_requirements()
    assert list(requirements) == [f"R{n}" for n in range(1, len(requirements) + 1)]
    for requirement in requirements.values():
        assert requirement.title and requirement.text
        assert str(requirement).startswith(f"{requirement.id} {requirement.title}: ")
        for value in requirement.limits.values():
            words = requirement.text.lower().replace("two", "2")
            assert f"{value:g}" in words or f"{value:.2f}" in words


def test_requirements_say_of_which_kind_they_are_and_where_each_is_shown_to_be_met():
    for requirement in load_requirements().values():
        assert requirement.kind in ("functional", "non-functional")
        for place in (requirement.test, requirement.alert, requirement.rollback):
            assert re.fullmatch(r"(lesson \d\d)?", place), requirement.id
        assert requirement.test


def test_limits_that_lessons_rely_on_are_numbers():
    limits = {name: requirement.limits for name, requirement in load_requirements().items()}
    assert limits["R3"] == {"minimum_roc_auc": 0.70}
    assert limits["R4"] == {}
    assert limits["R5"] == {"minimum_percent": 95, "within_milliseconds": 200}


def test_curve_is_a_series_of_dollars_by_threshold():
    curve = cost_curve(pd.Series([True, False]), [0.6, 0.4])
    assert curve.name == "dollars" and curve.index.name == "threshold"
    assert curve.index.tolist() == [round(n / 100, 2) for n in range(101)]
