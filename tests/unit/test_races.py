"""A race of models, and the picture of a training."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss

from mlops_school import race
from mlops_school.evaluation import MISSED, NEEDLESS
from mlops_school.features import FEATURES, load_examples
from mlops_school.learning_views import draw_losses
from mlops_school.training import make_boosting


@pytest.fixture
def months():
    random = np.random.default_rng(0)
    late = random.random(400) < 0.3
    dates = pd.date_range("2013-06-01", periods=20).repeat(20)
    return late, pd.DataFrame({"date": dates, "late": late})


def test_who_knows_everything_costs_nothing_and_who_knows_nothing_costs_a_rule(months):
    late, later = months
    said = {"knows": late.astype(float), "guesses": np.full(len(late), 0.5)}
    table = race.run(late, later, said, said)
    assert table.loc["knows", ["roc_auc", "dollars"]].tolist() == [1, 0]
    rule = min(MISSED * late.mean(), NEEDLESS * (1 - late.mean()))
    assert table.loc["guesses", ["roc_auc", "dollars"]].tolist() == pytest.approx([0.5, rule])
    assert table.loc["knows", ["low", "high"]].tolist() == [0, 0]
    assert 0 < table.loc["guesses", "low"] < rule < table.loc["guesses", "high"]


def test_the_threshold_is_chosen_before_the_month_that_judges(months):
    late, later = months
    truth = late.astype(float)
    # In the month that chooses it had everything the wrong way round.
    table = race.run(late, later, {"one": 1 - truth / 2}, {"one": truth})
    assert table.loc["one", "roc_auc"] == 1
    assert table.loc["one", "dollars"] > 0


def test_the_words_say_what_the_picture_shows():
    _, words = draw_losses([0.6, 0.5, 0.4], [0.55, 0.45, 0.5], 1, "May")
    for part in ("0.60 to 0.40", "3 epochs", "May is smallest in epoch 1, with 0.45", "0.50"):
        assert part in words


def test_as_many_trees_are_kept_as_fit_best_on_other_flights():
    january = load_examples([1])
    learn, later = january.iloc[::10], january.iloc[5::10]

    def fit(count):
        settings = {"max_iter": count, "early_stopping": False, "learning_rate": 0.5}
        return make_boosting(**settings).fit(learn[FEATURES], learn["late"])

    losses = [log_loss(later["late"], fit(n).predict_proba(later[FEATURES])) for n in range(1, 9)]
    assert race.best_count(fit(8), later) == 1 + np.argmin(losses)
    assert 1 < 1 + np.argmin(losses) < 8  # or it could be the first or the last by accident


def test_the_stopped_trees_are_so_many():
    january = load_examples([1])
    learn, later = january.iloc[::20], january.iloc[5::20]
    full = make_boosting(early_stopping=False).fit(learn[FEATURES], learn["late"])
    stopped = race.stopped_trees(learn, later)
    assert stopped[-1].n_iter_ == race.best_count(full, later) < 100
