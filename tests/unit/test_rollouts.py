"""Replays of canaries and A/B tests say what happened to the flights, and nothing else."""

import numpy as np
import pandas as pd
import pytest

from mlops_school import data, release_views, rollouts
from mlops_school.errors import CourseError
from mlops_school.features import FEATURES, load_examples
from mlops_school.model_package import ModelPackage
from mlops_school.rollouts import Rule
from mlops_school.sequential import confidence_sequence, first_exclusion

NOON = pd.Timestamp("2013-07-01 12:00", tz=data.NEW_YORK)


class Scorer:
    """Stands in for a model: the later a flight leaves, the more probable its delay."""

    def predict_proba(self, features):
        late = features["minute_of_day"].to_numpy() / 1440
        return np.column_stack([1 - late, late])


def package(version, threshold):
    return ModelPackage(version, Scorer(), threshold, (1,), {})


@pytest.fixture(scope="module")
def july():
    releases = [package("1", 0.6), package("2", 0.58), package("3", 1.0)]
    return rollouts.outcomes([7], releases)


def test_a_threshold_in_percent_never_warns(july):
    faulty = rollouts.in_percent(package("1", 0.25), "9")
    assert (faulty.version, faulty.threshold) == ("9", 1)
    assert not july["warned 3"].any()


def test_outcomes_are_those_of_the_flights(july):
    examples = load_examples([7])
    late, warned = examples["late"], examples["minute_of_day"] / 1440 >= 0.6
    assert len(july) == len(examples)
    assert july["dollars 1"].sum() == 40 * (late & ~warned).sum() + 10 * (~late & warned).sum()
    assert july["dollars 3"].sum() == 40 * late.sum()
    assert july["due"].is_monotonic_increasing
    assert (july["known"] - july["due"] > pd.Timedelta(hours=2)).all()
    assert set(FEATURES) & set(july.columns) == set()


def test_a_day_is_compared_in_pairs_or_by_halves(july):
    pairs = rollouts.by_day(july, "3")
    assert len(pairs) == july["date"].nunique()
    day = july[july["date"] == july["date"].iloc[0]]
    assert pairs.iloc[0] == pytest.approx(day["dollars 3"].mean() - day["dollars 1"].mean())
    halves = rollouts.by_day(july, "3", share=0.5)
    mine = day["bucket"] < 0.5
    expected = day.loc[mine, "dollars 3"].mean() - day.loc[~mine, "dollars 1"].mean()
    assert halves.iloc[0] == pytest.approx(expected)
    assert halves.mean() == pytest.approx(pairs.mean(), abs=1)
    assert halves.std() > 0.5 > (rollouts.by_day(july, "1")).std() == 0


def test_a_release_against_itself_differs_by_chance_only(july):
    same = rollouts.same_by_day(july, times=400)
    assert same.shape == (400, july["date"].nunique())
    error = same.std(axis=0) / np.sqrt(len(same))
    assert (np.abs(same.mean(axis=0)) < 5 * error).all()
    assert (rollouts.same_by_day(july, times=3) == rollouts.same_by_day(july, times=3)).all()


def test_decisions_are_those_of_days_and_of_their_threes():
    rng = np.random.default_rng(2)
    sure, slow = rng.normal(-2, 1, 31), np.repeat(rng.normal(0, 1, 10), 3)
    table = rollouts.decisions({"sure": pd.Series(sure), "slow": pd.Series(slow)})
    day = int(first_exclusion(*confidence_sequence(sure)))
    threes = 3 * int(first_exclusion(*confidence_sequence(sure[:30].reshape(10, 3).mean(axis=1))))
    assert 0 < day < threes
    assert table.loc["sure", ["decided", "by threes"]].tolist() == [
        f"on day {day}",
        f"on day {threes}",
    ]
    assert table.loc["slow", "by threes"] == "not yet"
    assert float(table.loc["slow", "like yesterday"]) > 0.4
    assert float(table.loc["sure", "dollars"]) == pytest.approx(sure.mean(), abs=0.005)


def test_a_canary_that_gets_too_few_flights_is_told(july):
    with pytest.raises(CourseError, match="larger share"):
        rollouts.judge(july, "3", "2", Rule(0.01, 2000, 0.25))


def canary_by_hand(table, candidate, start, rule):
    """Return hours, flights hurt and difference of the same canary, flight by flight."""
    due, known = (
        [pd.Timestamp(t, tz="UTC") for t in table[name].tolist()] for name in ("due", "known")
    )
    wait = due if rule.until == "answer" else known
    flights = [n for n in range(len(table)) if due[n] >= start]
    mine = [n for n in flights if table["bucket"].iat[n] < rule.share]
    moment = sorted(wait[n] for n in mine)[rule.needed - 1]
    hurt = sum(
        table[f"dollars {candidate}"].iat[n] > table["dollars 1"].iat[n]
        for n in mine
        if due[n] <= moment
    )
    what = "warned" if rule.until == "answer" else "dollars"
    seen = [n for n in flights if wait[n] <= moment]
    tried = [table[f"{what} {candidate}"].iat[n] for n in seen if n in mine]
    others = [table[f"{what} 1"].iat[n] for n in seen if n not in mine]
    return (moment - start).total_seconds() / 3600, hurt, abs(np.mean(tried) - np.mean(others))


@pytest.mark.parametrize("until", ["answer", "landing"])
def test_a_canary_hurts_what_it_answers_until_the_rule_decides(july, until):
    table = july.head(2500)
    rule = Rule(0.2, 60, 0.25, until)
    went = rollouts.canary(table, "3", NOON, rule)
    hours, hurt, more = canary_by_hand(table, "3", NOON, rule)
    assert went.hours == pytest.approx(hours)
    assert went.hurt == hurt > 0
    for margin, found in ((more - 1e-9, True), (more + 1e-9, False)):
        assert rollouts.canary(table, "3", NOON, Rule(0.2, 60, margin, until)).rolled_back == found


def test_a_rule_by_answers_judges_warnings_and_one_by_landings_dollars(july):
    assert rollouts.canary(july, "3", NOON, Rule(0.2, 60, 0.25)).rolled_back
    assert not rollouts.canary(july, "3", NOON, Rule(0.2, 60, 1.1)).rolled_back
    assert not rollouts.canary(july, "1", NOON, Rule(0.2, 300, 0.25)).rolled_back
    assert rollouts.canary(july, "3", NOON, Rule(0.2, 300, -99, "landing")).rolled_back
    assert not rollouts.canary(july, "3", NOON, Rule(0.2, 300, 99, "landing")).rolled_back


def test_a_rule_is_tried_from_many_noons(july):
    went = rollouts.judge(july, "3", "2", Rule(0.3, 100, 0.25))
    assert went["starts"] == 26
    assert went["found"] == 26
    assert went["false alarm"] < 26
    assert went["hours"] > 0 < went["hurt"]


def test_pictures_say_what_they_show(july, capsys):
    rules = {"answers": Rule(0.1, 50, 0.25), "landings": Rule(0.1, 50, 1, "landing")}
    release_views.show_canaries(july, "3", "2", rules)
    release_views.show_false_alarms(rollouts.same_by_day(july, times=50))
    series = {"sure": np.tile([3.0, 2.0], 20), "none": np.tile([1.0, -1.0], 20)}
    release_views.show_sequences(series)
    release_views.show_probes(["/deep", "/alive"], "/health")
    shown = capsys.readouterr().out
    assert "landings: from" in shown
    assert "percent with the confidence sequence" in shown
    assert "none: never without zero" in shown
    assert "/alive: 1 restarts, 0.0 minutes unanswered" in shown
